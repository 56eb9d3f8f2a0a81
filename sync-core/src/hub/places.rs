//! Positions: every accepted change has its place in the one order.

use std::collections::HashSet;

use super::receipts::ReceiptKeys;
use super::workspace::{Merged, StoredChange};
use crate::ids::{FeedPosition, Receipt, RecordId, ReplicaId, UserId};

/// A merged group with who pushed it.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) user: UserId,
    pub(super) replica: ReplicaId,
    pub(super) merged: Merged,
}

/// An accepted change with its place in the order.
#[derive(Debug)]
pub struct Placed {
    /// The change.
    pub change: StoredChange,
    /// Who wrote it: whoever pushed it, but for what was offered back.
    pub author: UserId,
    /// From which device.
    pub replica: ReplicaId,
    /// Its place.
    pub position: FeedPosition,
    /// The proof that it was accepted.
    pub receipt: Receipt,
    /// Whether its record begins with it.
    pub begins: bool,
}

/// Gives every accepted change its place, after the last that was given away.
pub(super) fn place(
    accepted: Vec<Accepted>,
    last: FeedPosition,
    receipts: &ReceiptKeys,
) -> Vec<Placed> {
    let mut position = last.0;
    let mut placed = Vec::new();
    for one in accepted {
        let mut began: HashSet<RecordId> = one.merged.began.iter().copied().collect();
        for change in one.merged.changes {
            position += 1;
            let (author, replica) = (change.author.unwrap_or(one.user), one.replica);
            let receipt = receipts.receipt(change.record, change.hash);
            let begins = began.remove(&change.record);
            let position = FeedPosition(position);
            placed.push(Placed { change, author, replica, position, receipt, begins });
        }
    }
    placed
}
