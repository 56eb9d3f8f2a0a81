//! What a store is asked before a batch is judged, and what it answers.

use std::collections::HashMap;

use super::push::PushJob;
use super::receipts::ReceiptKeys;
use super::usage::Usage;
use crate::guard::ParsedChange;
use crate::ids::{Actor, ChangeHash, FeedPosition, RecordId, ServerEpoch, UserId};

/// What must be known of a batch before it is judged.
#[derive(Debug, Default)]
pub struct Inquiry {
    /// Changes: which of them are stored?
    pub changes: Vec<ChangeHash>,
    /// Writers: whose are they?
    pub actors: Vec<Actor>,
    /// Records: which documents are stored? Each once.
    pub records: Vec<RecordId>,
    /// Those who push: what have they stored so far? Each once.
    pub users: Vec<UserId>,
}

impl Inquiry {
    /// What must be known of some pushes.
    pub(super) fn of(jobs: &[PushJob]) -> Self {
        let all = || jobs.iter().flat_map(PushJob::changes);
        let mut records: Vec<RecordId> = all().map(|change| change.record).collect();
        records.sort_unstable();
        records.dedup();
        let mut users: Vec<UserId> = jobs.iter().map(|job| job.user).collect();
        users.sort_unstable();
        users.dedup();
        let changes = all().map(|change| change.hash).collect();
        Self { changes, actors: actors(jobs), records, users }
    }
}

/// Writers of the pushed changes. One whose author is somebody else is refused for that.
fn actors(jobs: &[PushJob]) -> Vec<Actor> {
    let of_job = |job: &PushJob| {
        let user = job.user;
        let parsed = job.changes().filter_map(|change| change.parsed.as_ref().ok());
        let own = parsed.filter(move |parsed| parsed.author().is_none_or(|author| author == user));
        own.map(ParsedChange::actor).collect::<Vec<_>>()
    };
    jobs.iter().flat_map(of_job).collect()
}

/// What the store knows of a batch.
#[derive(Debug, Default)]
pub struct Known {
    /// The last position that was given away. The store sees to it that nobody gives away another
    /// one before this batch has ended.
    pub last: FeedPosition,
    /// The store's present life: what was read in another one says nothing of it.
    pub epoch: Option<ServerEpoch>,
    /// Under which receipts are written, and were.
    pub receipts: ReceiptKeys,
    /// Those of the changes that are stored.
    pub changes: HashMap<ChangeHash, KnownChange>,
    /// Whose each writer is, of those that are bound.
    pub owners: HashMap<Actor, UserId>,
    /// Documents of the records, as far as there are any.
    pub heads: Vec<DocumentHead>,
    /// What those who push have stored so far.
    pub used: HashMap<UserId, Usage>,
}

/// A stored change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownChange {
    /// For which record.
    pub record: RecordId,
    /// Where.
    pub position: FeedPosition,
    /// Who pushed it.
    pub author: UserId,
}

/// A stored document's head.
#[derive(Clone, Debug)]
pub struct DocumentHead {
    /// The record.
    pub record: RecordId,
    /// Its kind's name.
    pub kind: String,
    /// Position of its last change.
    pub position: FeedPosition,
    /// How long its saved form is, in bytes.
    pub bytes: u64,
    /// Why it is closed to changes, if it is.
    pub quarantined: Option<String>,
}
