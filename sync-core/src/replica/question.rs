//! Would this edit be refused? Asked of the server before the edit is made.
//!
//! A question holds what a push would hold if the edit were made now: everything that waits in the
//! outbox, and then the edit, as changes of a throw-away actor. All of the outbox and not only what
//! shares a record with the edit: policies go by other rows too, such as the account of a contact,
//! and those may wait to be sent.
//!
//! **Invariant**: asking stores nothing.

use super::device::Replica;
use super::edit::commit_group;
use super::effect::{Effect, SessionFault};
use super::env::{Env, draw};
use super::error::ReplicaError;
use super::opinion::Asking;
use super::push::{push_groups, whole_groups};
use super::state::State;
use super::store::OwnChange;
use crate::document::{GroupEdit, Pen, PenRole};
use crate::ids::{Actor, ChangeHash, GroupId, RecordId};
use crate::limits;
use crate::protocol::{Answer, Ask, ClientMessage};

/// A question that was put together and not yet asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The outbox, and the edit last; none when that is more than one push may hold.
    waiting: Option<Vec<OwnChange>>,
    asking: Asking,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Send this frame; [`Effect::Answered`] will have this number.
    Send {
        /// The question's number.
        ask: u64,
        /// The frame.
        frame: Vec<u8>,
    },
    /// It cannot be asked now; the reason, for a person.
    Unknown(String),
}

impl Replica {
    /// Puts the question together whether a group of edits would be refused. Needs no session, and
    /// leaves nothing in the file.
    ///
    /// # Errors
    /// As [`Replica::commit`] of the same edits.
    pub fn question(
        &mut self,
        edits: &[GroupEdit],
        env: &mut dyn Env,
    ) -> Result<Question, ReplicaError> {
        // A writer of its own: what is pushed under the real one later must not have its numbers.
        let now = self.dated(env)?;
        let pen = Pen { actor: Actor(draw(env)), author: self.user(), now, role: PenRole::Device };
        // The edit is really made, in a transaction that is never committed: then it cannot differ
        // from what a commit would write.
        let (made, waiting) = self.file.try_out(|work| {
            let made = commit_group(work, edits, &pen, env)?;
            let waiting = work.stored().outbox_after(i64::MIN, limits::CHANGES_PER_PUSH + 1)?;
            Ok::<_, ReplicaError>((made, waiting))
        })?;
        let asked = made.changes.into_iter().map(|(_, hash)| hash).collect();
        let mut groups: Vec<Vec<(RecordId, ChangeHash)>> = Vec::new();
        let mut last: Option<GroupId> = None;
        for row in &waiting {
            if last != Some(row.origin.group) {
                groups.push(Vec::new());
                last = Some(row.origin.group);
            }
            groups.last_mut().expect("BUG: just pushed").push((row.record, row.hash));
        }
        let fits = waiting.len() <= limits::CHANGES_PER_PUSH;
        Ok(Question { waiting: fits.then_some(waiting), asking: Asking { asked, groups } })
    }

    /// Asks a question in the open session, where there is room for it beside the pushes.
    pub fn ask(&mut self, question: Question) -> Asked {
        let unknown = |why: &str| Asked::Unknown(why.to_owned());
        let State::Open(session) = &mut self.session.state else {
            return unknown("there is no connection to the server");
        };
        if question.asking.asked.is_empty() {
            return unknown("there is nothing to ask: the record says that already");
        }
        let too_much = "too many edits wait on this device to be asked about together; sync first";
        let Some(waiting) = question.waiting else { return unknown(too_much) };
        let most = (session.limits.changes_per_push as usize).min(limits::CHANGES_PER_PUSH);
        let bytes: usize = waiting.iter().map(|row| row.bytes.len()).sum();
        // One group alone may be longer than what a frame should hold.
        let most_bytes = session.limits.frame_bytes as usize / 2;
        if whole_groups(&waiting, most, most_bytes) < waiting.len()
            || bytes > session.limits.inflated_bytes as usize / 2
        {
            return unknown(too_much);
        }
        if session.waiting_for() >= session.limits.push_window as usize {
            return unknown("the server has other edits and questions to answer first; ask again");
        }
        let ask = session.next_ask;
        let groups = push_groups(&waiting);
        let frame = ClientMessage::Ask(Ask { ask, groups }).to_bytes();
        if frame.len() > session.limits.frame_bytes as usize {
            return unknown(too_much);
        }
        session.next_ask += 1;
        session.questions.insert(ask, question.asking);
        Asked::Send { ask, frame }
    }

    /// Stops waiting for an answer, which makes room for another question or push. A server that
    /// knows no questions never answers.
    pub fn forget_question(&mut self, ask: u64) {
        if let State::Open(session) = &mut self.session.state {
            session.questions.remove(&ask);
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Answer) -> Result<Vec<Effect>, SessionFault> {
        let State::Open(session) = &mut self.session.state else {
            return Err(SessionFault::OutOfTurn("answer"));
        };
        // One that nobody waits for any more is nobody's.
        let Some(asking) = session.questions.remove(&answer.ask) else { return Ok(Vec::new()) };
        let would_be = asking.read(&answer);
        Ok(vec![Effect::Answered { ask: answer.ask, would_be }])
    }
}
