//! Pushed work on its way to be judged.

use crate::document::PenRole;
use crate::error::Refusal;
use crate::guard::{self, ParsedChange};
use crate::ids::{ChangeHash, FeedPosition, GroupId, Receipt, RecordId, ReplicaId, UserId};
use crate::limits;
use crate::protocol::{PushGroup, PushItem, inflated_length};

/// A pushed change, parsed or refused before it came here.
#[derive(Clone, Debug)]
pub struct PushedChange {
    /// The record it is for.
    pub record: RecordId,
    /// The kind it is for.
    pub kind: String,
    /// Its name, or the SHA-256 of bytes that are no change.
    pub hash: ChangeHash,
    /// The change.
    pub parsed: Result<ParsedChange, Refusal>,
    /// The receipt that came with it.
    pub receipt: Option<Receipt>,
}

/// A pushed group.
#[derive(Clone, Debug)]
pub struct PushedGroup {
    /// Its name.
    pub group: GroupId,
    /// How far the replica's feed had come when it was made, if the replica says so.
    pub seen: Option<FeedPosition>,
    /// Its changes.
    pub changes: Vec<PushedChange>,
}

impl PushedGroup {
    /// Whether it is said that a server accepted it once.
    pub fn is_offered(&self) -> bool {
        self.changes.iter().any(|change| change.receipt.is_some())
    }
}

/// What one session pushed at once, or asked about at once.
#[derive(Clone, Debug)]
pub struct PushJob {
    /// The authenticated user.
    pub user: UserId,
    /// The device.
    pub replica: ReplicaId,
    /// Whose pen: a device's, or the server's own.
    pub pen: PenRole,
    /// The groups, in order.
    pub groups: Vec<PushedGroup>,
    /// Changes of the same push that were refused in a commit before, so that what builds on them is
    /// refused with the right reason.
    pub refused_before: Vec<ChangeHash>,
}

impl PushJob {
    /// The work of a device.
    pub fn of_device(user: UserId, replica: ReplicaId, groups: Vec<PushedGroup>) -> Self {
        Self { user, replica, pen: PenRole::Device, groups, refused_before: Vec::new() }
    }

    /// Its changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = &PushedChange> {
        self.groups.iter().flat_map(|group| &group.changes)
    }

    /// How many bytes its changes have.
    pub fn bytes(&self) -> usize {
        let parsed = self.changes().filter_map(|change| change.parsed.as_ref().ok());
        parsed.map(|parsed| parsed.bytes().len()).sum()
    }

    /// How many changes it has.
    pub fn size(&self) -> usize {
        self.groups.iter().map(|group| group.changes.len()).sum()
    }
}

/// How much room a frame takes while what it carries waits to be judged: what it inflates to, and more
/// where that may be many short changes. Of one that is damaged nothing, since it will not wait.
pub fn room_for(frame: &[u8]) -> usize {
    let inflated = inflated_length(frame).unwrap_or_default();
    inflated + (limits::WAITING_EXPANSION - 1) * inflated.min(limits::SHORT_PUSH_BYTES)
}

/// Parses pushed groups: the costly part of judging that needs no lock.
pub fn parse(groups: Vec<PushGroup>) -> Vec<PushedGroup> {
    let parse_item = |item: PushItem| {
        let parsed = guard::parse(&item.change.0);
        let hash =
            parsed.as_ref().map_or_else(|_| guard::name_of_bytes(&item.change.0), |p| p.hash());
        let (record, kind, receipt) = (item.record, item.kind, item.receipt);
        PushedChange { record, kind, hash, parsed, receipt }
    };
    groups
        .into_iter()
        .map(|group| PushedGroup {
            group: group.group,
            seen: group.seen,
            changes: group.items.into_iter().map(parse_item).collect(),
        })
        .collect()
}
