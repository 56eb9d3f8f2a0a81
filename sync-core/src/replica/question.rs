//! Would this edit be refused? Asked of the server before the edit is made.
//!
//! A question holds what a push would hold if the edit were made now: everything that waits in the
//! outbox, and then the edit, as changes of a writer that nobody hears of again. All of the outbox
//! and not only what shares a record with the edit: policies go by other rows too, such as the
//! account of a contact, and those may wait to be sent.
//!
//! **Invariant**: asking stores nothing. **Invariant**: where the server did not say that every
//! change of the edit would be accepted, the replica does not say so.

use std::collections::{HashMap, HashSet};

use rusqlite::{Transaction, TransactionBehavior};

use super::anew::of_form;
use super::cache::DocumentCache;
use super::edit::{GroupEdit, commit_group};
use super::session::{Effect, SessionFault, State, push_groups, whole_groups};
use super::{Env, Replica, ReplicaError, draw, store};
use crate::document::{Pen, PenRole};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, ChangeHash, GroupId, RecordId};
use crate::limits;
use crate::protocol::{Answer, Ask, ClientMessage, OpinionOutcome};

/// Whether an edit would be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WouldBe {
    /// Made and sent now, it would be accepted. What others do meanwhile may change that.
    Accepted,
    /// It would be refused.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Which edit is at fault.
        culprit: Culprit,
    },
    /// Nobody can say at the moment; the reason, for a person.
    Unknown(String),
}

/// Which edit the server would refuse for its own sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// The one that was asked about.
    Asked,
    /// One that waits to be sent, on which it builds. Once that is put right, ask again.
    Earlier,
}

/// A question that was put together and not yet asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The outbox, and the edit last; none when that is more than one push may hold.
    waiting: Option<Vec<store::ChangeRow>>,
    matter: Matter,
}

/// What the answer to a question is read against.
#[derive(Clone, Debug)]
pub(super) struct Matter {
    /// Changes of the edit.
    asked: Vec<ChangeHash>,
    /// Every group of the question in its order, with its changes and their records; the edit's last.
    groups: Vec<Vec<(RecordId, ChangeHash)>>,
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
        let now = env.now();
        let pen = Pen { actor: Actor(draw(env)), author: self.user, now, role: PenRole::Device };
        // The edit is really made, in a transaction that is never committed: then it cannot differ
        // from what a commit would write. The documents that it opens are not kept for the same
        // reason.
        let tx = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        let file = store::Db::new(&tx, &self.schema);
        let made = commit_group(&file, &mut DocumentCache::new(), edits, &pen, env)?;
        let waiting = store::outbox_after(&file, 0, limits::CHANGES_PER_PUSH + 1)?;
        tx.rollback()?;
        let asked = made.changes.into_iter().map(|(_, hash)| hash).collect();
        let mut groups: Vec<Vec<(RecordId, ChangeHash)>> = Vec::new();
        let mut last: Option<GroupId> = None;
        for row in &waiting {
            if last != Some(row.group) {
                groups.push(Vec::new());
                last = Some(row.group);
            }
            groups.last_mut().expect("BUG: just pushed").push((row.record, row.hash));
        }
        let fits = waiting.len() <= limits::CHANGES_PER_PUSH;
        Ok(Question { waiting: fits.then_some(waiting), matter: Matter { asked, groups } })
    }

    /// Asks a question in the open session, where there is room for it beside the pushes.
    pub fn ask(&mut self, question: Question) -> Asked {
        let unknown = |why: &str| Asked::Unknown(why.to_owned());
        let State::Open(session) = &mut self.session.state else {
            return unknown("there is no connection to the server");
        };
        if question.matter.asked.is_empty() {
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
        session.questions.insert(ask, question.matter);
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
        let Some(matter) = session.questions.remove(&answer.ask) else { return Ok(Vec::new()) };
        let would_be = matter.read(&answer);
        Ok(vec![Effect::Answered { ask: answer.ask, would_be }])
    }
}

/// What a refusal says of the edit that was asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// It is refused for this.
    Real,
    /// It falls with another change.
    Derived,
    /// Nothing: the server failed, or the change's form is at fault, and the edit itself would be
    /// made again.
    Nothing,
}

fn weight(refusal: &Refusal) -> Weight {
    match RefusalCode::parse(&refusal.code) {
        Some(RefusalCode::Internal) => Weight::Nothing,
        Some(code) if of_form(code) => Weight::Nothing,
        Some(RefusalCode::GroupRefused | RefusalCode::DependsOnRefused) => Weight::Derived,
        _ => Weight::Real,
    }
}

impl Matter {
    fn read(&self, answer: &Answer) -> WouldBe {
        let opinions: HashMap<ChangeHash, &OpinionOutcome> =
            answer.opinions.iter().map(|one| (one.hash, &one.would_be)).collect();
        let unjudged = "the server could not judge it";
        let mut refusals: Vec<&Refusal> = Vec::new();
        for hash in &self.asked {
            match opinions.get(hash) {
                Some(OpinionOutcome::Accepted) => {}
                Some(OpinionOutcome::Refused(refusal)) => refusals.push(refusal),
                None => return WouldBe::Unknown(unjudged.to_owned()),
            }
        }
        let Some(first) = refusals.first().copied() else { return WouldBe::Accepted };
        let unknown =
            |refusal: &Refusal| WouldBe::Unknown(format!("{unjudged}: {}", refusal.sentence));
        let of = |wanted| refusals.iter().copied().find(move |one| weight(one) == wanted);
        if let Some(refusal) = of(Weight::Nothing) {
            return unknown(refusal);
        }
        if let Some(refusal) = of(Weight::Real) {
            return WouldBe::Refused { refusal: refusal.clone(), culprit: Culprit::Asked };
        }
        let below = self.below();
        let earlier = |hash| match opinions.get(&hash) {
            Some(OpinionOutcome::Refused(refusal)) => Some(refusal),
            Some(OpinionOutcome::Accepted) | None => None,
        };
        // The oldest is the one for which the others fall.
        let cause =
            below.into_iter().filter_map(earlier).find(|one| weight(one) != Weight::Derived);
        match cause {
            Some(refusal) if weight(refusal) == Weight::Nothing => unknown(refusal),
            Some(refusal) => {
                WouldBe::Refused { refusal: refusal.clone(), culprit: Culprit::Earlier }
            }
            None => WouldBe::Refused { refusal: first.clone(), culprit: Culprit::Asked },
        }
    }

    /// Changes that wait and that the edit builds on, oldest first: those made before it on its
    /// records, the rest of their groups, what these build on, and so on.
    fn below(&self) -> Vec<ChangeHash> {
        let mut records: HashSet<RecordId> = HashSet::new();
        let mut below = Vec::new();
        for group in self.groups.iter().rev() {
            let own = group.iter().any(|(_, hash)| self.asked.contains(hash));
            if own || group.iter().any(|(record, _)| records.contains(record)) {
                records.extend(group.iter().map(|(record, _)| record));
                if !own {
                    below.push(group.iter().map(|(_, hash)| *hash));
                }
            }
        }
        below.into_iter().rev().flatten().collect()
    }
}
