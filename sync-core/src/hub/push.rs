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

    /// Takes its first groups out as a push of their own; whoever judges the rest says in
    /// `refused_before` what of these was refused.
    pub fn cut(&mut self, groups: usize) -> Self {
        let rest = self.groups.split_off(groups.min(self.groups.len()));
        let groups = std::mem::replace(&mut self.groups, rest);
        let Self { user, replica, pen, .. } = *self;
        Self { user, replica, pen, groups, refused_before: self.refused_before.clone() }
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

    /// How many operations its changes have.
    pub fn operations(&self) -> usize {
        let parsed = self.changes().filter_map(|change| change.parsed.as_ref().ok());
        parsed.map(|parsed| guard::operations(parsed.bytes())).sum()
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

/// How many operations pushed groups come to, without those that are refused for having too many.
pub(super) fn operations(groups: &[PushGroup]) -> usize {
    groups.iter().map(of_group).filter(|count| *count <= limits::OPS_PER_GROUP).sum()
}

fn of_group(group: &PushGroup) -> usize {
    group.items.iter().map(|item| guard::operations(&item.change.0)).sum()
}

/// Parses pushed groups: the costly part of judging that needs no lock. A group of too many operations is
/// refused before it is expanded.
pub fn parse(groups: Vec<PushGroup>) -> Vec<PushedGroup> {
    groups.into_iter().map(parse_group).collect()
}

fn parse_group(group: PushGroup) -> PushedGroup {
    let too_many = of_group(&group) > limits::OPS_PER_GROUP;
    let parse_item = |item: PushItem| {
        let parsed =
            if too_many { Err(guard::too_many_together()) } else { guard::parse(&item.change.0) };
        let hash =
            parsed.as_ref().map_or_else(|_| guard::name_of_bytes(&item.change.0), |p| p.hash());
        let (record, kind, receipt) = (item.record, item.kind, item.receipt);
        PushedChange { record, kind, hash, parsed, receipt }
    };
    let PushGroup { group, seen, items } = group;
    PushedGroup { group, seen, changes: items.into_iter().map(parse_item).collect() }
}
