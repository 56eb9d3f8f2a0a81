//! Group commit: many pushes, one transaction, one acknowledgement each.
//!
//! One task a process takes pushes from all sessions. For each batch it locks the clock, so that
//! commits of all processes happen one after the other and feed positions become visible in their
//! order; judges and merges; writes rows as each pushing user; appends changes and documents; and
//! commits. Only then does anybody hear a verdict.
//!
//! **Invariant**: a [`Verdict`] of acceptance is built from positions of a committed transaction.

mod cache;
mod quarantine;
mod question;
mod refusal;
mod settle;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};
use sync_core::document::PenRole;
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard::ParsedChange;
use sync_core::hub::{self, Candidate, CandidateGroup, HubDocument, Merged, Projected, Workspace};
use sync_core::ids::{ChangeHash, FeedPosition, GroupId, RecordId, ReplicaId, UserId};
use sync_core::protocol::{Verdict, VerdictOutcome};
use sync_core::schema::{Kind, Schema, Storage};
use sync_core::time::UnixMs;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::store::documents;
use cache::DocumentCache;
pub use refusal::Rules;

/// Changes after which a batch is closed.
const CHANGES_PER_COMMIT: usize = 2048;
/// How often within a push the feed may have come further.
const RUNS_PER_PUSH: usize = 16;
/// Pushes that may wait, and as many questions; a session waits for room beyond that.
const WAITING_PUSHES: usize = 256;

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

/// What a session hands over.
#[derive(Debug)]
pub struct PushJob {
    /// The authenticated user.
    pub user: UserId,
    /// The device.
    pub replica: ReplicaId,
    /// Whose pen: a device's, or the server's own.
    pub pen: PenRole,
    /// The groups, in order.
    pub groups: Vec<PushedGroup>,
    /// Where the verdicts go.
    pub reply: oneshot::Sender<Result<Vec<Verdict>, Unavailable>>,
}

/// The push was not judged; it may be sent again.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the server could not reach its database")]
pub struct Unavailable;

/// Where sessions hand pushes over.
#[derive(Clone, Debug)]
pub struct Committer {
    jobs: mpsc::Sender<PushJob>,
    questions: mpsc::Sender<PushJob>,
}

impl Committer {
    /// Starts the committing task.
    pub fn start(pool: PgPool, rules: Arc<Rules>) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_PUSHES);
        let (questions, asked) = mpsc::channel(WAITING_PUSHES);
        tokio::spawn(run(pool, rules, waiting, asked));
        Self { jobs, questions }
    }

    /// Hands a push over and waits for its verdicts.
    ///
    /// # Errors
    /// When the database could not be reached.
    pub async fn push(
        &self,
        user: UserId,
        replica: ReplicaId,
        pen: PenRole,
        groups: Vec<PushedGroup>,
    ) -> Result<Vec<Verdict>, Unavailable> {
        let (reply, verdicts) = oneshot::channel();
        let job = PushJob { user, replica, pen, groups, reply };
        self.jobs.send(job).await.map_err(|_| Unavailable)?;
        verdicts.await.map_err(|_| Unavailable)?
    }
}

async fn run(
    pool: PgPool,
    rules: Arc<Rules>,
    mut waiting: mpsc::Receiver<PushJob>,
    mut asked: mpsc::Receiver<PushJob>,
) {
    let mut cache = DocumentCache::default();
    loop {
        let first = tokio::select! {
            biased;
            Some(first) = waiting.recv() => first,
            Some(question) = asked.recv() => {
                question::judge(&pool, &rules, question).await;
                continue;
            }
            else => return,
        };
        let mut jobs = vec![first];
        let mut count = size(&jobs[0]);
        while count < CHANGES_PER_COMMIT {
            let Ok(job) = waiting.try_recv() else { break };
            count += size(&job);
            jobs.push(job);
        }
        let started = std::time::Instant::now();
        match commit(&pool, &rules, &mut cache, &jobs, Ending::Kept).await {
            Ok(verdicts) => {
                tracing::debug!(
                    changes = count,
                    ms = started.elapsed().as_millis() as u64,
                    "committed"
                );
                for (job, verdicts) in jobs.into_iter().zip(verdicts) {
                    let _ = job.reply.send(Ok(verdicts));
                }
            }
            Err(error) => {
                tracing::error!(%error, changes = count, "a batch was rolled back");
                cache.clear();
                retry_singly(&pool, &rules, &mut cache, jobs).await;
            }
        }
        crate::telemetry::database_work("commit", started);
        // Pushes go first, but one question between two batches, so that a busy server answers too.
        if let Ok(question) = asked.try_recv() {
            question::judge(&pool, &rules, question).await;
        }
    }
}

/// One push that breaks a batch must not break the others with it.
async fn retry_singly(pool: &PgPool, rules: &Rules, cache: &mut DocumentCache, jobs: Vec<PushJob>) {
    for job in jobs {
        let alone = std::slice::from_ref(&job);
        let outcome = match commit(pool, rules, cache, alone, Ending::Kept).await {
            Ok(mut verdicts) => verdicts.pop().ok_or(Unavailable),
            Err(error) => {
                tracing::error!(%error, user = %job.user, "a push was rolled back");
                cache.clear();
                Err(Unavailable)
            }
        };
        let _ = job.reply.send(outcome);
    }
}

fn size(job: &PushJob) -> usize {
    job.groups.iter().map(|group| group.changes.len()).sum()
}

/// What happens to one batch while its transaction is open.
struct Batch<'a> {
    connection: &'a mut PgConnection,
    rules: &'a Rules,
    workspace: Workspace,
    now: UnixMs,
    /// What the groups that are being settled had seen.
    seen: Option<FeedPosition>,
    refused: HashMap<ChangeHash, Refusal>,
    /// What refused changes did, where that could be read.
    said: HashMap<ChangeHash, serde_json::Value>,
}

/// A merged group with who pushed it.
struct Accepted {
    user: UserId,
    replica: ReplicaId,
    merged: Merged,
}

/// How a batch's transaction ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Committed: these are pushes.
    Kept,
    /// Rolled back: this is a question, and nobody is to find a trace of it.
    TakenBack,
}

async fn commit(
    pool: &PgPool,
    rules: &Rules,
    cache: &mut DocumentCache,
    jobs: &[PushJob],
    ending: Ending,
) -> sqlx::Result<Vec<Vec<Verdict>>> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    let last = documents::lock_clock(&mut tx).await?;
    let hashes: Vec<ChangeHash> = all_changes(jobs).map(|change| change.hash).collect();
    let known = documents::known_changes(&mut tx, &hashes).await?;
    let mut owners = documents::actor_owners(&mut tx, &actors(jobs)).await?;
    let mut workspace = Workspace::default();
    let closed = load(&mut tx, cache, &mut workspace, rules.schema(), jobs).await?;
    let mut batch = Batch {
        connection: &mut tx,
        rules,
        workspace,
        now: now(),
        seen: None,
        refused: HashMap::new(),
        said: HashMap::new(),
    };
    let mut accepted: Vec<Accepted> = Vec::new();
    // What each push was refused is told to nobody else, whatever others push under the same name.
    let mut refusals: Vec<HashMap<ChangeHash, Refusal>> = Vec::with_capacity(jobs.len());
    let mut merged_before: HashMap<ChangeHash, (RecordId, UserId)> = HashMap::new();
    for job in jobs {
        let groups = batch.admit(job, &known, &merged_before, &owners);
        let merged = batch.settle_push(job, groups).await?;
        refusals.push(std::mem::take(&mut batch.refused));
        for change in merged.iter().flat_map(|merged| &merged.changes) {
            merged_before.insert(change.hash, (change.record, job.user));
            owners.insert(change.actor, job.user);
        }
        accepted.extend(merged.into_iter().map(|merged| Accepted {
            user: job.user,
            replica: job.replica,
            merged,
        }));
    }
    let placed = place(accepted, last);
    let Batch { mut workspace, .. } = batch;
    for (hash, refusal) in refusals.iter().flatten() {
        if RefusalCode::parse(&refusal.code) == Some(RefusalCode::EngineFault) {
            tracing::error!(%hash, "a change broke the document engine; a rule of the guard is missing");
        }
    }
    // A writer is whose change was accepted first: a refused change binds nobody's.
    documents::bind_actors(&mut tx, &placed).await?;
    let stored = store_all(&mut tx, &workspace, &placed).await?;
    if let Some(end) = placed.last() {
        documents::advance_clock(&mut tx, end.position).await?;
    }
    match ending {
        Ending::TakenBack => question::take_back(tx).await?,
        Ending::Kept => {
            tx.commit().await?;
            for (record, position, bytes) in stored {
                if let Some(document) = workspace.take(record) {
                    cache.put(record, position, document, bytes);
                }
            }
            metrics::counter!("sync_documents_quarantined_total").increment(closed);
            metrics::counter!("sync_changes_accepted_total").increment(placed.len() as u64);
            metrics::counter!("sync_changes_refused_total")
                .increment(refusals.iter().map(HashMap::len).sum::<usize>() as u64);
        }
    }
    let positions: HashMap<ChangeHash, FeedPosition> =
        placed.iter().map(|p| (p.change.hash, FeedPosition(p.position))).collect();
    Ok(jobs
        .iter()
        .zip(&refusals)
        .map(|(job, refused)| verdicts(job, &known, &positions, refused))
        .collect())
}

fn all_changes(jobs: &[PushJob]) -> impl Iterator<Item = &PushedChange> {
    jobs.iter().flat_map(|job| &job.groups).flat_map(|group| &group.changes)
}

/// Writers of the pushed changes. One whose author is somebody else is refused for that.
fn actors(jobs: &[PushJob]) -> Vec<sync_core::ids::Actor> {
    let of_job = |job: &PushJob| {
        let user = job.user;
        let parsed = job.groups.iter().flat_map(|group| &group.changes);
        let parsed = parsed.filter_map(|change| change.parsed.as_ref().ok());
        let own = parsed.filter(move |parsed| parsed.author().is_none_or(|author| author == user));
        own.map(ParsedChange::actor).collect::<Vec<_>>()
    };
    jobs.iter().flat_map(of_job).collect()
}

/// Brings the batch's documents into the workspace, from the cache where that is current; returns
/// how many had to be closed to changes.
async fn load(
    tx: &mut PgConnection,
    cache: &mut DocumentCache,
    workspace: &mut Workspace,
    schema: &Schema,
    jobs: &[PushJob],
) -> sqlx::Result<u64> {
    let mut records: Vec<Uuid> = all_changes(jobs).map(|change| change.record.0).collect();
    records.sort_unstable();
    records.dedup();
    let mut missing: HashMap<RecordId, (Kind, i64)> = HashMap::new();
    for head in documents::heads(tx, &records).await? {
        let Some(kind) = schema.kind(&head.kind) else { continue };
        if head.quarantined.is_some() {
            workspace.quarantine(head.record);
        }
        match cache.take(head.record, head.position) {
            Some(document) => workspace.insert(head.record, document),
            None => {
                missing.insert(head.record, (kind.clone(), head.position));
            }
        }
    }
    let ids: Vec<Uuid> = missing.keys().map(|record| record.0).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let mut closed = 0;
    for (record, snapshot) in documents::snapshots(tx, &ids).await? {
        let (kind, _) = &missing[&record];
        match hub::open(kind, &snapshot) {
            Ok(document) => workspace.insert(record, document),
            Err(error) => {
                tracing::error!(%record, %error, "a stored document cannot be opened");
                closed += 1;
                documents::quarantine_document(tx, record, &error.to_string()).await?;
                workspace.quarantine(record);
            }
        }
    }
    Ok(closed)
}

impl Batch<'_> {
    /// Merges what may stand of a push, and keeps what may not for whoever may see it; returns the
    /// groups that stand.
    async fn settle_push(
        &mut self,
        job: &PushJob,
        groups: Vec<CandidateGroup>,
    ) -> sqlx::Result<Vec<Merged>> {
        let mut merged = Vec::new();
        for (seen, groups) in by_what_was_seen(groups) {
            self.seen = seen;
            merged.extend(self.settle(job.user, job.pen, groups).await?);
        }
        let said = std::mem::take(&mut self.said);
        let kept = quarantine::worth_keeping(job, &self.refused, &said);
        documents::keep_refused(self.connection, job.user, job.replica, &kept).await?;
        Ok(merged)
    }

    /// Groups that may be judged: parsed, of a known kind, by the user's own actors, and not stored
    /// already. Everything else gets its refusal here.
    fn admit(
        &mut self,
        job: &PushJob,
        known: &HashMap<ChangeHash, (RecordId, FeedPosition)>,
        merged_before: &HashMap<ChangeHash, (RecordId, UserId)>,
        owners: &HashMap<sync_core::ids::Actor, UserId>,
    ) -> Vec<CandidateGroup> {
        let mut groups = Vec::new();
        let mut met: HashSet<ChangeHash> = HashSet::new();
        for group in &job.groups {
            let mut changes = Vec::new();
            let mut fault: Option<(ChangeHash, Refusal)> = None;
            for change in &group.changes {
                if merged_before.get(&change.hash) == Some(&(change.record, job.user)) {
                    continue;
                }
                match admit_change(change, self.rules.schema(), job.user, known, owners) {
                    Ok(Some(candidate)) if met.insert(change.hash) => changes.push(candidate),
                    Ok(_) => {}
                    Err(refusal) => {
                        fault.get_or_insert((change.hash, refusal));
                    }
                }
            }
            match fault {
                None if changes.is_empty() => {}
                None => {
                    groups.push(CandidateGroup { group: group.group, seen: group.seen, changes })
                }
                Some((culprit, refusal)) => {
                    for change in &group.changes {
                        let reason = if change.hash == culprit {
                            refusal.clone()
                        } else {
                            hub::group_refused(&refusal)
                        };
                        self.refused.insert(change.hash, reason);
                    }
                    self.workspace
                        .note_refused(job.user, group.changes.iter().map(|change| change.hash));
                }
            }
        }
        groups
    }
}

fn admit_change(
    change: &PushedChange,
    schema: &Schema,
    user: UserId,
    known: &HashMap<ChangeHash, (RecordId, FeedPosition)>,
    owners: &HashMap<sync_core::ids::Actor, UserId>,
) -> Result<Option<Candidate>, Refusal> {
    let parsed = change.parsed.as_ref().map_err(Clone::clone)?;
    if let Some((record, _)) = known.get(&change.hash) {
        // Told to nobody but its author, so that a guessed name reveals nothing.
        return if *record == change.record && owners.get(&parsed.actor()) == Some(&user) {
            Ok(None)
        } else {
            Err(Refusal::new(RefusalCode::WrongRecord, "This change belongs to another record."))
        };
    }
    let kind =
        schema.kind(&change.kind).filter(|kind| kind.storage == Storage::Document).ok_or_else(
            || Refusal::new(RefusalCode::WrongKind, "The server knows no such kind of record."),
        )?;
    if owners.get(&parsed.actor()).is_some_and(|owner| *owner != user) {
        return Err(Refusal::new(
            RefusalCode::ForeignActor,
            "The change was written under another user's actor; reopen the app and edit again.",
        ));
    }
    Ok(Some(Candidate { record: change.record, kind: kind.clone(), parsed: parsed.clone() }))
}

/// Groups in their order, together with those before them that had seen the same. A device that was
/// offline for days has seen one thing all the while; a push of very many takes its time from
/// everybody, so that beyond a few they count as having seen the most that one of them had.
fn by_what_was_seen(
    groups: Vec<CandidateGroup>,
) -> Vec<(Option<FeedPosition>, Vec<CandidateGroup>)> {
    let mut runs: Vec<(Option<FeedPosition>, Vec<CandidateGroup>)> = Vec::new();
    for group in groups {
        let full = runs.len() == RUNS_PER_PUSH;
        match runs.last_mut() {
            Some((seen, run)) if *seen == group.seen => run.push(group),
            Some((seen, run)) if full => {
                // None claims nothing, and more seen excuses less.
                *seen = seen.zip(group.seen).map(|(one, other)| one.max(other));
                run.push(group);
            }
            _ => runs.push((group.seen, vec![group])),
        }
    }
    runs
}

/// Gives every accepted change its place in the one order.
fn place(accepted: Vec<Accepted>, last: i64) -> Vec<documents::Placed> {
    let mut position = last;
    let mut placed = Vec::new();
    for one in accepted {
        for change in one.merged.changes {
            position += 1;
            let (author, replica) = (one.user, one.replica);
            placed.push(documents::Placed { change, author, replica, position });
        }
    }
    placed
}

/// Appends changes and stores the documents they made; returns record, position and size of each.
async fn store_all(
    tx: &mut PgConnection,
    workspace: &Workspace,
    placed: &[documents::Placed],
) -> sqlx::Result<Vec<(RecordId, i64, usize)>> {
    if placed.is_empty() {
        return Ok(Vec::new());
    }
    let mut last: HashMap<RecordId, i64> = HashMap::new();
    for change in placed {
        last.insert(change.change.record, change.position);
    }
    let projected = workspace.project(last.keys().copied());
    let mut rows = Vec::with_capacity(projected.len());
    let mut stored = Vec::with_capacity(projected.len());
    for one in &projected {
        let Some(HubDocument { saved: Some(snapshot), .. }) = workspace.document(one.record) else {
            continue;
        };
        stored.push((one.record, last[&one.record], snapshot.len()));
        rows.push((one, snapshot.as_slice(), last[&one.record]));
    }
    documents::append_changes(tx, placed).await?;
    documents::put_documents(tx, &rows).await?;
    let odd: Vec<&Projected> = projected.iter().collect();
    documents::put_oddities(tx, &odd).await?;
    Ok(stored)
}

fn verdicts(
    job: &PushJob,
    known: &HashMap<ChangeHash, (RecordId, FeedPosition)>,
    positions: &HashMap<ChangeHash, FeedPosition>,
    refused: &HashMap<ChangeHash, Refusal>,
) -> Vec<Verdict> {
    let judge = |change: &PushedChange| {
        let accepted =
            positions.get(&change.hash).copied().or_else(|| known.get(&change.hash).map(|k| k.1));
        let outcome = match (refused.get(&change.hash), accepted) {
            (Some(refusal), _) => VerdictOutcome::Refused(refusal.clone()),
            (None, Some(position)) => VerdictOutcome::Accepted(position),
            (None, None) => VerdictOutcome::Refused(Refusal::new(
                RefusalCode::Internal,
                "The server did not judge this change; it will be sent again.",
            )),
        };
        Verdict { hash: change.hash, outcome }
    };
    job.groups.iter().flat_map(|group| &group.changes).map(judge).collect()
}

/// The server's clock.
pub fn now() -> UnixMs {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMs(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
}
