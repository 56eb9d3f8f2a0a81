//! Positions: every accepted change has its place in the one order.

use super::workspace::{Merged, StoredChange};
use crate::ids::{FeedPosition, ReplicaId, UserId};

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
    /// Who pushed it.
    pub author: UserId,
    /// From which device.
    pub replica: ReplicaId,
    /// Its place.
    pub position: FeedPosition,
}

/// Gives every accepted change its place, after the last that was given away.
pub(super) fn place(accepted: Vec<Accepted>, last: FeedPosition) -> Vec<Placed> {
    let mut position = last.0;
    let mut placed = Vec::new();
    for one in accepted {
        for change in one.merged.changes {
            position += 1;
            let (author, replica) = (one.user, one.replica);
            placed.push(Placed { change, author, replica, position: FeedPosition(position) });
        }
    }
    placed
}
