//! Offering back what a server accepted once and lost, since it was restored from a backup.
//!
//! A device that meets another life of its server gets everything anew. Of each record it compares what
//! the server sends with what was confirmed here; and of one that does not come, nobody knows whether
//! the server lost it or its user may not see it any more. What the server lacks goes into the outbox,
//! under the author that it had and with the receipt that proves it, and is judged like an edit.
//!
//! **Invariant**: what was confirmed here is erased or written over only once the server has it.

use std::collections::HashMap;

use automerge::{Automerge, Change};
use uuid::Uuid;

use super::error::ReplicaError;
use super::store::{From, Lost, Stored, Work};
use crate::document;
use crate::guard;
use crate::ids::{Actor, ChangeHash, GroupId, Receipt, RecordId};
use crate::limits;
use crate::schema::is_step_actor;
use crate::time::UnixMs;

/// Offers back what the server's document lacks of what was confirmed here.
pub(super) fn what_lacks(
    work: &mut Work<'_>,
    record: RecordId,
    snapshot: &[u8],
) -> Result<(), ReplicaError> {
    let theirs = document::load(snapshot, &[])?;
    if let Some(ours) = confirmed(work.stored(), record)? {
        let lost = theirs.get_changes_added(&ours);
        offer(work, record, &ours, lost)?;
    }
    Ok(work.offered(record)?)
}

/// Offers back all that was confirmed here of a record that the server does not show.
pub(super) fn all_of(work: &mut Work<'_>, record: RecordId) -> Result<(), ReplicaError> {
    if let Some(ours) = confirmed(work.stored(), record)? {
        let lost = ours.get_changes(&[]);
        offer(work, record, &ours, lost)?;
        // Until the server says otherwise it begins here. One whose empty form this app does not know
        // stands on what was confirmed.
        if work.stored().kind_of(record)?.is_some() {
            work.drop_confirmed(record)?;
        }
    }
    Ok(work.offered(record)?)
}

/// A document as it was confirmed, if there is one: a damaged one has nothing to be offered.
fn confirmed(stored: Stored<'_>, record: RecordId) -> Result<Option<Automerge>, ReplicaError> {
    let known = stored.document(record)?;
    if known.is_none_or(|row| row.snapshot.is_none() && row.accepted.is_empty()) {
        return Ok(None);
    }
    match stored.confirmed(record) {
        Err(ReplicaError::Document(_)) => Ok(None),
        found => found,
    }
}

/// Puts changes into the outbox, before all that waits there.
fn offer(
    work: &mut Work<'_>,
    record: RecordId,
    ours: &Automerge,
    changes: Vec<Change>,
) -> Result<(), ReplicaError> {
    let Some(row) = work.stored().document(record)? else { return Ok(()) };
    let receipts = receipts(work.stored(), record)?;
    let user = work.owner().user;
    let mut groups = Groups::of(record);
    let lost = changes.into_iter().filter(|change| !change.deps().is_empty()).map(|change| {
        let actor = Actor::from_slice(change.actor_id().to_bytes()).unwrap_or(Actor([0; 16]));
        let author = ours.get_author_for_actor(change.actor_id());
        let own = author.is_some_and(|author| author.as_bytes() == user.as_bytes());
        let hash = change.hash().into();
        Lost {
            hash,
            actor,
            group: groups.next(change.raw_bytes()),
            made_at: UnixMs::from_seconds(change.timestamp()),
            step: is_step_actor(actor),
            receipt: receipts.get(&hash).copied(),
            from: if own { From::OwnAccepted } else { From::OthersAccepted },
            bytes: change.raw_bytes().to_vec(),
        }
    });
    let lost: Vec<Lost> = lost.collect();
    Ok(work.offer_back(record, &row.kind, &lost)?)
}

/// Groups of what is offered of one record: one, unless that is more than a push takes.
struct Groups {
    record: RecordId,
    /// How many groups there were before this one, and what this one has.
    before: u128,
    changes: usize,
    bytes: usize,
    operations: usize,
}

impl Groups {
    fn of(record: RecordId) -> Self {
        Self { record, before: 0, changes: 0, bytes: 0, operations: 0 }
    }

    /// The group of the next change.
    fn next(&mut self, change: &[u8]) -> GroupId {
        let (bytes, operations) = (change.len(), guard::operations(change));
        let full = self.changes == limits::CHANGES_PER_PUSH
            || self.bytes + bytes > limits::FRAME_BYTES / 2
            || self.operations + operations > limits::OPS_PER_GROUP;
        if full && self.changes > 0 {
            *self = Self { before: self.before + 1, ..Self::of(self.record) };
        }
        self.changes += 1;
        self.bytes += bytes;
        self.operations += operations;
        GroupId(Uuid::from_u128(self.record.0.as_u128() ^ self.before))
    }
}

/// The receipts that are here for changes of a record.
fn receipts(
    stored: Stored<'_>,
    record: RecordId,
) -> Result<HashMap<ChangeHash, Receipt>, ReplicaError> {
    let mut receipts: HashMap<_, _> = stored.receipts_beside(record)?.into_iter().collect();
    if let Some(row) = stored.document(record)?
        && let Some(snapshot) = row.snapshot
        && !row.receipts.is_empty()
    {
        let heads = document::heads(&document::load(&snapshot, &[])?);
        if heads.len() == row.receipts.len() {
            receipts.extend(heads.into_iter().zip(row.receipts));
        }
    }
    Ok(receipts)
}
