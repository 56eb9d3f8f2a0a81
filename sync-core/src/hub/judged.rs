//! What a commit came to: what is to be stored, and, once that is durable, the verdicts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::cache::DocumentCache;
use super::fallen::Fallen;
use super::keeping::{RefusedChange, worth_keeping};
use super::known::{Known, KnownChange};
use super::places::Placed;
use super::push::{PushJob, PushedChange};
use super::receipts::ReceiptKeys;
use super::usage::Usage;
use super::workspace::{Effort, Projected, Workspace};
use crate::document;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{ChangeHash, FeedPosition, Receipt, RecordId, ReplicaId, UserId};
use crate::protocol::{Opinion, OpinionOutcome, Verdict, VerdictOutcome};
use crate::schema::Schema;
use crate::time::UnixMs;

/// A batch that is judged, and not yet stored.
#[derive(Debug)]
pub struct Judged<'j> {
    schema: Arc<Schema>,
    jobs: &'j [PushJob],
    now: UnixMs,
    known: HashMap<ChangeHash, KnownChange>,
    receipts: ReceiptKeys,
    used: HashMap<UserId, Usage>,
    workspace: Workspace,
    closed: Vec<(RecordId, String)>,
    placed: Vec<Placed>,
    projected: Vec<(Projected, FeedPosition)>,
    fallen: Vec<Fallen>,
}

/// What is to be stored of a batch, all of it in the transaction in which the batch was judged.
#[derive(Debug)]
pub struct ToStore<'a> {
    /// Accepted changes, in the order of their positions. A writer is whose change is accepted
    /// first: a refused change binds nobody's.
    pub placed: &'a [Placed],
    /// The documents that these made.
    pub documents: Vec<DocumentToStore<'a>>,
    /// Documents to be closed to changes, and why.
    pub closed: &'a [(RecordId, String)],
    /// Refused work to be kept, by push.
    pub refused: Vec<RefusedWork<'a>>,
}

/// A merged document.
#[derive(Clone, Debug)]
pub struct DocumentToStore<'a> {
    /// What it says, and what is odd about it. Its row is written already.
    pub projected: &'a Projected,
    /// Its saved form.
    pub snapshot: &'a [u8],
    /// The position of its last change.
    pub position: FeedPosition,
    /// A receipt for each of its heads, in the order of their hashes.
    pub receipts: Vec<Receipt>,
}

/// Refused changes of one push, to be kept for its author.
#[derive(Debug)]
pub struct RefusedWork<'a> {
    /// Who pushed them.
    pub user: UserId,
    /// From which device.
    pub replica: ReplicaId,
    /// The changes.
    pub changes: Vec<RefusedChange<'a>>,
}

impl ToStore<'_> {
    /// What each author has stored more by what is accepted of this.
    pub fn used(&self) -> BTreeMap<UserId, Usage> {
        let mut used: BTreeMap<UserId, Usage> = BTreeMap::new();
        for one in self.placed {
            let (documents, bytes) = (u64::from(one.begins), one.change.bytes.len() as u64);
            let before = used.entry(one.author).or_default();
            *before = before.and(Usage { documents, bytes });
        }
        used
    }

    /// The position to which the clock moves, if it does.
    pub fn head(&self) -> Option<FeedPosition> {
        self.placed.last().map(|last| last.position)
    }
}

/// Proof that a store has committed, so that what was judged may be said.
#[derive(Debug)]
pub struct Durable(FeedPosition);

impl Durable {
    /// A transaction was committed, durably, in which the clock stood here at the end.
    pub fn committed_at(head: FeedPosition) -> Self {
        Self(head)
    }
}

impl<'j> Judged<'j> {
    pub(super) fn new(
        schema: Arc<Schema>,
        (jobs, now): (&'j [PushJob], UnixMs),
        known: Known,
        workspace: Workspace,
        closed: Vec<(RecordId, String)>,
        placed: Vec<Placed>,
        fallen: Vec<Fallen>,
    ) -> Self {
        let mut last: HashMap<RecordId, FeedPosition> = HashMap::new();
        for change in &placed {
            last.insert(change.change.record, change.position);
        }
        let rows = workspace.project(last.keys().copied()).into_iter();
        let projected = rows.map(|one| {
            let position = last[&one.record];
            (one, position)
        });
        let (projected, receipts, used) = (projected.collect(), known.receipts, known.used);
        let known = known.changes;
        Self {
            schema,
            jobs,
            now,
            known,
            receipts,
            used,
            workspace,
            closed,
            placed,
            projected,
            fallen,
        }
    }

    /// What is to be stored.
    pub fn to_store(&self) -> ToStore<'_> {
        let document = |(projected, position): &'_ (Projected, FeedPosition)| {
            let document = self.workspace.document(projected.record)?;
            let heads = document::heads(&document.doc).into_iter();
            let receipts = heads.map(|head| self.receipts.receipt(projected.record, head));
            Some((document.saved.as_deref()?, *position, receipts.collect()))
        };
        let documents = self.projected.iter().filter_map(|one| {
            let (snapshot, position, receipts) = document(one)?;
            Some(DocumentToStore { projected: &one.0, snapshot, position, receipts })
        });
        let mut rooms: HashMap<UserId, u64> = HashMap::new();
        let refused = self.jobs.iter().zip(&self.fallen).map(|(job, fallen)| {
            let used = self.used.get(&job.user).copied().unwrap_or_default();
            let room = rooms.entry(job.user).or_insert_with(|| used.room());
            let mut changes = worth_keeping(&self.schema, job, self.now, fallen);
            changes.iter_mut().for_each(|change| change.fit_into(room));
            RefusedWork { user: job.user, replica: job.replica, changes }
        });
        ToStore {
            placed: &self.placed,
            documents: documents.collect(),
            closed: &self.closed,
            refused: refused.filter(|work| !work.changes.is_empty()).collect(),
        }
    }

    /// Changes that broke the document engine: a rule of the guard is missing.
    pub fn engine_faults(&self) -> impl Iterator<Item = ChangeHash> {
        let refused = self.fallen.iter().flat_map(|fallen| &fallen.refused);
        let fault = RefusalCode::EngineFault.as_str();
        refused.filter(move |(_, refusal)| refusal.code == fault).map(|(hash, _)| *hash)
    }

    /// What judging took.
    pub fn effort(&self) -> Effort {
        self.workspace.effort()
    }

    /// Documents whose stored form does not open, and why.
    pub fn closed(&self) -> &[(RecordId, String)] {
        &self.closed
    }

    /// How many changes are accepted, how many refused, and how many documents were closed.
    pub fn counts(&self) -> Counts {
        Counts {
            accepted: self.placed.len(),
            refused: self.fallen.iter().map(|fallen| fallen.refused.len()).sum(),
            closed: self.closed.len(),
        }
    }

    /// The verdicts of each push, now that everything is stored. Documents go into the cache.
    pub fn verdicts(mut self, durable: Durable, cache: &mut DocumentCache) -> Vec<Vec<Verdict>> {
        let end = self.placed.last().map_or(durable.0, |last| last.position);
        assert!(end <= durable.0, "BUG: what was judged is not what was committed");
        let verdicts = self.of_each(|change, outcome| {
            let (outcome, receipt) = match outcome {
                Ok(position) => {
                    let receipt = self.receipts.receipt(change.record, change.hash);
                    (VerdictOutcome::Accepted(position), Some(receipt))
                }
                Err(refusal) => (VerdictOutcome::Refused(refusal), None),
            };
            Verdict { hash: change.hash, outcome, receipt }
        });
        for (projected, position) in &self.projected {
            let saved = self.workspace.document(projected.record);
            let bytes = saved.and_then(|document| document.saved.as_ref()).map(Vec::len);
            if let (Some(bytes), Some(document)) = (bytes, self.workspace.take(projected.record)) {
                cache.put(projected.record, *position, document, bytes);
            }
        }
        verdicts
    }

    /// What would become of each push: without positions, which the next one takes.
    pub fn opinions(self) -> Vec<Vec<Opinion>> {
        self.of_each(|change, outcome| {
            let would_be = match outcome {
                Ok(_) => OpinionOutcome::Accepted,
                Err(refusal) => OpinionOutcome::Refused(refusal),
            };
            Opinion { hash: change.hash, would_be }
        })
    }

    fn of_each<T>(
        &self,
        say: impl Fn(&PushedChange, Result<FeedPosition, Refusal>) -> T,
    ) -> Vec<Vec<T>> {
        let placed = self.placed.iter();
        let positions: HashMap<ChangeHash, FeedPosition> =
            placed.map(|one| (one.change.hash, one.position)).collect();
        let of_job = |(job, fallen): (&PushJob, &Fallen)| {
            let of_change = |change: &PushedChange| {
                let known = || self.known.get(&change.hash).map(|one| one.position);
                let accepted = positions.get(&change.hash).copied().or_else(known);
                // Of a question, where it comes to no position.
                let imagined = fallen.imagined.contains(&change.hash);
                let accepted = accepted.or_else(|| imagined.then(FeedPosition::default));
                let outcome = match (fallen.refused.get(&change.hash), accepted) {
                    (Some(refusal), _) => Err(refusal.clone()),
                    (None, Some(position)) => Ok(position),
                    (None, None) => Err(Refusal::new(
                        RefusalCode::Internal,
                        "The server did not judge this change; it will be sent again.",
                    )),
                };
                say(change, outcome)
            };
            job.changes().map(of_change).collect()
        };
        self.jobs.iter().zip(&self.fallen).map(of_job).collect()
    }
}

/// How much became what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Accepted changes.
    pub accepted: usize,
    /// Refused changes.
    pub refused: usize,
    /// Documents that do not open.
    pub closed: usize,
}
