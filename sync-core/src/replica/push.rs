//! What is pushed: whole groups of the outbox, as many as fit.

use super::device::Replica;
use super::error::ReplicaError;
use super::moments::ReplicaMoment;
use super::state::State;
use super::store::OwnChange;
use crate::limits;
use crate::protocol::{Blob, ClientMessage, Push, PushGroup, PushItem};

impl Replica {
    /// The next push, when something waits and the server has room for it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn poll_push(&mut self) -> Result<Option<Vec<u8>>, ReplicaError> {
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
        let taken = whole_groups(&waiting, most, session.limits.frame_bytes as usize / 2);
        let Some(last) = waiting[..taken].last() else { return Ok(None) };
        let groups = push_groups(&waiting[..taken]);
        let push = session.next_push;
        session.next_push += 1;
        session.sent_to = last.seq;
        session.in_flight.insert(push, taken);
        self.file.tell(ReplicaMoment::Pushing);
        Ok(Some(ClientMessage::Push(Push { push, groups }).to_bytes()))
    }
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

/// How many rows make whole groups within the caps; at least one group, however long.
pub(super) fn whole_groups(waiting: &[OwnChange], most: usize, most_bytes: usize) -> usize {
    let mut taken = 0;
    let mut bytes = 0;
    while taken < waiting.len() {
        let group = waiting[taken].origin.group;
        let length = waiting[taken..].iter().take_while(|row| row.origin.group == group).count();
        let size: usize = waiting[taken..taken + length].iter().map(|r| r.bytes.len() + 80).sum();
        let full = taken + length > most || bytes + size > most_bytes;
        if full && taken > 0 {
            break;
        }
        taken += length;
        bytes += size;
    }
    taken
}
