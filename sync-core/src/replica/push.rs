//! What is pushed: whole groups of the outbox, as many as fit.

use super::device::Replica;
use super::error::ReplicaError;
use super::moments::ReplicaMoment;
use super::state::State;
use super::store::OwnChange;
use crate::guard;
use crate::limits;
use crate::protocol::{Blob, ClientMessage, Push, PushGroup, PushItem};

/// A push that is to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// Its number.
    pub push: u64,
    /// Bytes of its changes, before they are packed.
    pub bytes: usize,
    /// Whether there was more than fitted.
    pub rest: Rest,
    /// The frame.
    pub frame: Vec<u8>,
}

/// Whether edits wait behind a push.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// Some do.
    Waits,
    /// None does.
    Nothing,
}

impl Replica {
    /// The next push, when something waits and the server has room for it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn poll_push(&mut self) -> Result<Option<Vec<u8>>, ReplicaError> {
        Ok(self.poll_push_within(usize::MAX)?.map(|pushed| pushed.frame))
    }

    /// The same of at most so many bytes, but of one group at least.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn poll_push_within(&mut self, room: usize) -> Result<Option<Pushed>, ReplicaError> {
        let State::Open(session) = &mut self.session.state else { return Ok(None) };
        if session.waiting_for() >= session.limits.push_window as usize {
            return Ok(None);
        }
        // While it is not known what a restored server lacks: what waits may build on that.
        if self.file.stored().something_may_be_lost()? {
            return Ok(None);
        }
        let most = (session.limits.changes_per_push as usize).min(limits::CHANGES_PER_PUSH);
        // One more than fits, to see whether the last group is whole.
        let waiting = self.file.stored().outbox_after(session.sent_to, most + 1)?;
        let room = room.min(session.limits.frame_bytes as usize / 2);
        let taken = whole_groups(&waiting, most, room);
        let Some(last) = waiting[..taken].last() else { return Ok(None) };
        let groups = push_groups(&waiting[..taken]);
        let bytes = waiting[..taken].iter().map(pushed_bytes).sum();
        let rest = if taken < waiting.len() { Rest::Waits } else { Rest::Nothing };
        let push = session.next_push;
        session.next_push += 1;
        session.sent_to = last.seq;
        session.in_flight.insert(push, taken);
        self.file.tell(ReplicaMoment::Pushing);
        let frame = ClientMessage::Push(Push { push, groups }).to_bytes();
        Ok(Some(Pushed { push, bytes, rest, frame }))
    }

    /// Whether a push has no verdicts yet.
    pub fn is_in_flight(&self, push: u64) -> bool {
        match &self.session.state {
            State::Open(session) => session.in_flight.contains_key(&push),
            State::Offline | State::Greeting { .. } => false,
        }
    }
}

/// What a change takes in a push.
fn pushed_bytes(row: &OwnChange) -> usize {
    row.bytes.len() + 80
}

/// Rows of the outbox as groups of a push.
pub(super) fn push_groups(rows: &[OwnChange]) -> Vec<PushGroup> {
    let mut groups: Vec<PushGroup> = Vec::new();
    for row in rows {
        let item = PushItem {
            record: row.record,
            kind: row.kind.clone(),
            change: Blob(row.bytes.clone()),
            receipt: row.receipt,
        };
        match groups.last_mut() {
            Some(group) if group.group == row.origin.group => group.items.push(item),
            _ => groups.push(PushGroup {
                group: row.origin.group,
                seen: row.origin.seen,
                items: vec![item],
            }),
        }
    }
    groups
}

/// How many rows make whole groups within the caps, that on operations among them; at least one group,
/// however long.
pub(super) fn whole_groups(waiting: &[OwnChange], most: usize, most_bytes: usize) -> usize {
    let mut taken = 0;
    let (mut bytes, mut operations) = (0, 0);
    while taken < waiting.len() {
        let group = waiting[taken].origin.group;
        let length = waiting[taken..].iter().take_while(|row| row.origin.group == group).count();
        let rows = &waiting[taken..taken + length];
        let size: usize = rows.iter().map(pushed_bytes).sum();
        let work: usize = rows.iter().map(|row| guard::operations(&row.bytes)).sum();
        let full = taken + length > most
            || bytes + size > most_bytes
            || operations + work > limits::OPS_PER_PUSH;
        if full && taken > 0 {
            break;
        }
        taken += length;
        bytes += size;
        operations += work;
    }
    taken
}
