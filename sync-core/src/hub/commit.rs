//! One commit: what many sessions pushed, judged and merged together, without I/O.
//!
//! The host asks [`Commit::step`] what is wanted and answers by the method that the step names, all
//! within one transaction of its store:
//!
//! | step | what the host does | answer |
//! |---|---|---|
//! | [`Step::Know`] | looks up changes, writers and documents | [`Commit::known`] |
//! | [`Step::Open`] | reads saved documents | [`Commit::opened`] |
//! | [`Step::Look`] | looks which records a user sees | [`Commit::looked`] |
//! | [`Step::Write`] | writes rows as their user, in a savepoint | [`Commit::wrote`] |
//! | [`Step::Store`] | goes on with [`Commit::judged`] | |
//! | [`Step::TooMuch`] | gives up, and tries less at once: [`Ended::TooMuch`](super::Ended::TooMuch) | |
//!
//! What is judged is then stored and committed, and only [`Judged::verdicts`] tells what became of
//! each push; a question is taken back, and [`Judged::opinions`] tells what would become of it.
//!
//! **Invariant**: a verdict of acceptance is built from positions of a committed transaction, and
//! nothing of a question stays, since the cache hears of neither before the end.
//!
//! **Invariant**: whoever neither sees a record nor names a change of it is answered as if it did not
//! exist. Only where a push would begin a record whose id is taken, it is refused in the end.
//!
//! **Invariant**: whoever names a change of a record and does not see it learns of it only whether an
//! edit was taken. Their questions are not judged, and every refusal of a push is the same.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::admission::{Admission, Admitted};
use super::cache::DocumentCache;
use super::fallen::Fallen;
use super::judged::Judged;
use super::known::{Inquiry, Known};
use super::moments::Moments;
use super::places::{Accepted, place};
use super::push::{PushJob, PushedChange};
use super::receipts::Proven;
use super::settle::{Purpose, Pusher, Settled, Settling, WriteRows, Wrote};
use super::veil;
use super::workspace::{CandidateGroup, Standing, Workspace, open};
use crate::ids::{Actor, ChangeHash, FeedPosition, RecordId, UserId};
use crate::limits;
use crate::schema::{Kind, Schema};
use crate::time::UnixMs;

/// How often within a push the feed may have come further.
const RUNS_PER_PUSH: usize = 16;

/// What a commit wants next.
#[derive(Debug)]
pub enum Step<'a> {
    /// To know what is stored of these.
    Know(&'a Inquiry),
    /// The saved forms of these documents.
    Open(&'a [RecordId]),
    /// Which of these records their user sees, in the tables as they stand.
    Look(&'a Sight),
    /// These rows to be written.
    Write(&'a WriteRows),
    /// Everything is judged.
    Store,
    /// Nothing: all these groups are more than may be judged at once, for their documents or for the work
    /// that judging takes. What was written is to be taken back.
    TooMuch,
}

/// Whether a user sees records, as a reader: whoever may still write to one by grace does not see it.
#[derive(Debug)]
pub struct Sight {
    /// The user.
    pub user: UserId,
    /// The records, by kind.
    pub records: Vec<(Kind, RecordId)>,
}

/// A batch of pushes on its way to being judged.
#[derive(Debug)]
pub struct Commit<'j> {
    schema: Arc<Schema>,
    jobs: &'j [PushJob],
    now: UnixMs,
    moments: Moments,
    purpose: Purpose,
    most_work: u64,
    at: At,
    known: Known,
    /// Kinds of the stored records.
    kinds: HashMap<RecordId, Kind>,
    workspace: Workspace,
    /// Records that are there, though not for the user of the push that is being judged.
    absent: Arc<HashSet<RecordId>>,
    /// Documents whose stored form does not open, and why.
    closed: Vec<(RecordId, String)>,
    /// Changes that earlier pushes of the batch brought.
    merged_before: HashMap<ChangeHash, (RecordId, UserId)>,
    /// Whose the writers are, those of earlier pushes of the batch with them.
    owners: HashMap<Actor, UserId>,
    accepted: Vec<Accepted>,
    /// By push. What each was refused is told to nobody else, whatever others push under the same
    /// name.
    fallen: Vec<Fallen>,
}

/// Where a commit stands.
#[derive(Debug)]
enum At {
    Knowing(Inquiry),
    Opening(Vec<RecordId>),
    /// Before the push that comes after those of `fallen`.
    Looking(Sight),
    /// After the push that is the last one of `fallen`, some of whose refusals would tell of records.
    Veiling(Sight),
    /// At the push that is the last one of `fallen`.
    Judging {
        /// Groups still to be judged, by what they had seen.
        runs: VecDeque<Run>,
        settling: Option<Box<Settling>>,
    },
    Over,
    TooMuch,
}

impl<'j> Commit<'j> {
    /// Begins to judge pushes, in this order.
    pub fn new(
        schema: Arc<Schema>,
        jobs: &'j [PushJob],
        purpose: Purpose,
        now: UnixMs,
        moments: Moments,
    ) -> Self {
        Self {
            purpose,
            most_work: limits::WORK_PER_COMMIT,
            kinds: HashMap::new(),
            absent: Arc::default(),
            schema,
            jobs,
            now,
            moments,
            at: At::Knowing(Inquiry::of(jobs)),
            known: Known::default(),
            workspace: Workspace::default(),
            closed: Vec::new(),
            merged_before: HashMap::new(),
            owners: HashMap::new(),
            accepted: Vec::new(),
            fallen: Vec::with_capacity(jobs.len()),
        }
    }

    /// Gives judging another bound than [`limits::WORK_PER_COMMIT`].
    pub fn bounded(mut self, work: u64) -> Self {
        self.most_work = work;
        self
    }

    /// What is wanted next; the same until it is answered.
    pub fn step(&self) -> Step<'_> {
        match &self.at {
            At::Knowing(inquiry) => Step::Know(inquiry),
            At::Opening(records) => Step::Open(records),
            At::Looking(sight) | At::Veiling(sight) => Step::Look(sight),
            At::Judging { settling, .. } => {
                let asked = settling.as_ref().and_then(|settling| settling.asked());
                asked.map_or(Step::Store, Step::Write)
            }
            At::Over => Step::Store,
            At::TooMuch => Step::TooMuch,
        }
    }

    /// Answers [`Step::Know`]. Documents that the cache holds as they are stored are not asked for.
    pub fn known(&mut self, mut known: Known, cache: &mut DocumentCache) {
        cache.enter(known.epoch);
        let bytes: u64 = known.heads.iter().map(|head| head.bytes).sum();
        let groups: usize = self.jobs.iter().map(|job| job.groups.len()).sum();
        if bytes > limits::DOCUMENT_BYTES_PER_COMMIT && groups > 1 {
            self.at = At::TooMuch;
            return;
        }
        let alone = limits::WORK_PER_GROUP.max(self.most_work);
        self.workspace.bound(if groups > 1 { self.most_work } else { alone });
        let mut unopened = Vec::new();
        for head in known.heads.drain(..) {
            let Some(kind) = self.schema.kind(&head.kind) else { continue };
            self.kinds.insert(head.record, kind.clone());
            if head.quarantined.is_some() {
                self.workspace.quarantine(head.record);
            }
            match cache.take(head.record, head.position) {
                Some(document) => self.workspace.insert(head.record, document),
                None => unopened.push(head.record),
            }
        }
        self.owners = std::mem::take(&mut known.owners);
        self.known = known;
        if unopened.is_empty() {
            self.begin_push();
            self.go_on();
        } else {
            self.at = At::Opening(unopened);
        }
    }

    /// Answers [`Step::Open`]. A document that does not open is closed to changes.
    pub fn opened(&mut self, snapshots: Vec<(RecordId, Vec<u8>)>) {
        if !matches!(self.at, At::Opening(_)) {
            return;
        }
        for (record, snapshot) in snapshots {
            if self.workspace.is_spent() {
                self.at = At::TooMuch;
                return;
            }
            let Some(kind) = self.kinds.get(&record) else { continue };
            match open(kind, &snapshot) {
                Ok(document) => self.workspace.insert_opened(record, document),
                Err(error) => {
                    self.closed.push((record, error.to_string()));
                    self.workspace.quarantine(record);
                }
            }
        }
        self.begin_push();
        self.go_on();
    }

    /// Answers [`Step::Look`] with those that are seen.
    pub fn looked(&mut self, seen: &HashSet<RecordId>) {
        let (sight, judged) = match std::mem::replace(&mut self.at, At::Over) {
            At::Looking(sight) => (sight, false),
            At::Veiling(sight) => (sight, true),
            other => {
                self.at = other;
                return;
            }
        };
        let records = sight.records.into_iter().map(|(_, record)| record);
        let unseen: HashSet<RecordId> = records.filter(|record| !seen.contains(record)).collect();
        if judged {
            let job = &self.jobs[self.fallen.len() - 1];
            if let Some(fallen) = self.fallen.last_mut() {
                veil::veil(job, fallen, &unseen);
            }
            self.begin_push();
        } else if self.asks_of_the_unseen(&unseen) {
            self.decline();
        } else {
            self.workspace.set_aside(unseen.iter().copied());
            self.absent = Arc::new(unseen);
            self.admit();
        }
        self.go_on();
    }

    /// Answers [`Step::Write`].
    pub fn wrote(&mut self, wrote: Wrote) {
        if let At::Judging { settling: Some(settling), .. } = &mut self.at {
            settling.wrote(&mut self.workspace, wrote);
        }
        self.go_on();
    }

    /// Everything as judged, once [`Step::Store`] is reached.
    pub fn judged(self) -> Judged<'j> {
        let Self { schema, jobs, now, known, workspace, closed, accepted, fallen, .. } = self;
        let placed = place(accepted, known.last, &known.receipts);
        Judged::new(schema, (jobs, now), known, workspace, closed, placed, fallen)
    }

    /// Goes on until rows are to be written or every push is judged.
    fn go_on(&mut self) {
        while let At::Judging { runs, settling } = &mut self.at {
            if self.workspace.is_spent() {
                self.at = At::TooMuch;
                return;
            }
            match settling.take() {
                Some(asking) if asking.asked().is_some() => {
                    *settling = Some(asking);
                    return;
                }
                Some(over) => self.take_in(over.into_settled()),
                None => match runs.pop_front() {
                    Some(run) => self.settle(run),
                    None => self.end_push(),
                },
            }
        }
    }

    /// Ends a push whose every group has its verdict, once it is known of what its refusals may tell.
    fn end_push(&mut self) {
        let last = self.fallen.len().checked_sub(1);
        let judged = last.and_then(|last| self.jobs.get(last)).zip(self.fallen.last());
        let Some((job, fallen)) = judged else { return self.begin_push() };
        if self.purpose == Purpose::Question {
            return self.begin_push();
        }
        let mut records = veil::told_of(job, fallen);
        records.retain(|record| self.workspace.holds(*record) && !self.absent.contains(record));
        let records = self.by_kind(records);
        if records.is_empty() {
            return self.begin_push();
        }
        self.at = At::Veiling(Sight { user: job.user, records });
    }

    /// Begins with the next push, if there is one.
    fn begin_push(&mut self) {
        self.workspace.bring_back();
        self.absent = Arc::default();
        let Some(job) = self.jobs.get(self.fallen.len()) else {
            self.at = At::Over;
            return;
        };
        let records = self.proofs(job).into_iter();
        let looked_at = |proven: bool| !proven || self.purpose == Purpose::Question;
        let records = records.filter(|(_, proven)| looked_at(*proven)).map(|(record, _)| record);
        let records = self.by_kind(records);
        if records.is_empty() {
            self.admit();
        } else {
            self.at = At::Looking(Sight { user: job.user, records });
        }
    }

    /// Records of a push that are there, and whether something in the push shows that its user knows
    /// them: of honest work it does, so that nobody else waits for the look. What is stored of the user's
    /// own is none of it.
    fn proofs(&self, job: &PushJob) -> BTreeMap<RecordId, bool> {
        let offered = Proven::of(job, &self.known.receipts);
        let mut proven: BTreeMap<RecordId, bool> = BTreeMap::new();
        for change in job.changes() {
            if let Ok(parsed) = &change.parsed
                && self.workspace.holds(change.record)
            {
                let proven = proven.entry(change.record).or_default();
                *proven = *proven
                    || offered.contains(change)
                    || self.workspace.builds_on(change.record, parsed);
            }
        }
        proven
    }

    /// Whether the next of the jobs is a question about a record that its user had, and does not see.
    /// What came of it would tell how the record is, and leave no trace.
    fn asks_of_the_unseen(&self, unseen: &HashSet<RecordId>) -> bool {
        let Some(job) = self.jobs.get(self.fallen.len()) else { return false };
        if self.purpose == Purpose::Push || unseen.is_empty() {
            return false;
        }
        let proofs = self.proofs(job);
        let news = job.changes().filter(|change| !self.is_stored_of(job, change));
        let mut news = news.map(|change| change.record);
        news.any(|record| unseen.contains(&record) && proofs.get(&record) == Some(&true))
    }

    /// Whether a change is stored, and its author's.
    fn is_stored_of(&self, job: &PushJob, change: &PushedChange) -> bool {
        let known = self.known.changes.get(&change.hash);
        known.is_some_and(|known| known.author == job.user && known.record == change.record)
    }

    /// Leaves a question unanswered as a whole: what of it was judged beside what was not would tell.
    fn decline(&mut self) {
        let job = &self.jobs[self.fallen.len()];
        let news = job.changes().filter(|change| !self.is_stored_of(job, change));
        let refused = news.map(|change| (change.hash, veil::unanswered())).collect();
        self.fallen.push(Fallen { refused, ..Fallen::default() });
        self.begin_push();
    }

    /// Records that are there, with their kinds, in the order of these.
    fn by_kind(&self, records: impl IntoIterator<Item = RecordId>) -> Vec<(Kind, RecordId)> {
        let kind_of = |record: &RecordId| {
            let open = self.workspace.document(*record).map(|document| &document.kind);
            open.or_else(|| self.kinds.get(record)).cloned()
        };
        let mut records: Vec<(Kind, RecordId)> =
            records.into_iter().filter_map(|record| Some((kind_of(&record)?, record))).collect();
        records.sort_by_key(|(kind, record)| (kind.index(), *record));
        records
    }

    /// Looks the next push over and begins to judge what of it may be.
    fn admit(&mut self) {
        let job = &self.jobs[self.fallen.len()];
        self.workspace.note_refused(job.user, job.refused_before.iter().copied());
        let proven = Proven::of(job, &self.known.receipts);
        let admission = Admission {
            schema: &self.schema,
            known: &self.known.changes,
            merged_before: &self.merged_before,
            owners: &self.owners,
            proven: &proven,
            absent: &self.absent,
            used: self.known.used.get(&job.user).copied().unwrap_or_default(),
        };
        let Admitted { groups, refused, used } = admission.admit(job);
        self.known.used.insert(job.user, used);
        self.workspace.note_refused(job.user, refused.keys().copied());
        let at_the_door = refused.keys().copied().collect();
        self.fallen.push(Fallen { refused, at_the_door, proven, ..Fallen::default() });
        self.at = At::Judging { runs: by_what_was_seen(groups).into(), settling: None };
    }

    /// Begins to settle groups of the push that was begun last.
    fn settle(&mut self, run: Run) {
        let Run { seen, standing, groups } = run;
        let job = &self.jobs[self.fallen.len() - 1];
        let pusher = Pusher {
            user: job.user,
            pen: job.pen,
            now: self.now,
            moments: self.moments.clone(),
            absent: self.absent.clone(),
            purpose: self.purpose,
        };
        let mut begun = Settling::new(pusher, (seen, standing), groups);
        begun.advance(&mut self.workspace);
        if let At::Judging { settling, .. } = &mut self.at {
            *settling = Some(Box::new(begun));
        }
    }

    fn take_in(&mut self, settled: Settled) {
        let job = &self.jobs[self.fallen.len() - 1];
        let fallen = self.fallen.last_mut().expect("BUG: a push is judged once it was begun");
        fallen.refused.extend(settled.refused);
        fallen.said.extend(settled.said);
        for merged in settled.kept {
            if merged.changes.iter().any(|change| self.absent.contains(&change.record)) {
                let asked = self.purpose == Purpose::Question;
                assert!(asked, "BUG: a row was written whose id is taken");
                // It stands beside a record that is there, so that not even a
                // store that takes it back again could hold it.
                let hashes = merged.changes.iter().map(|change| change.hash);
                fallen.imagined.extend(hashes);
                continue;
            }
            for change in &merged.changes {
                // A faulty app may push a change in two groups, of which one is refused.
                fallen.refused.remove(&change.hash);
                let author = change.author.unwrap_or(job.user);
                self.merged_before.insert(change.hash, (change.record, author));
                self.owners.insert(change.actor, author);
            }
            self.accepted.push(Accepted { user: job.user, replica: job.replica, merged });
        }
    }
}

/// Groups that are judged together.
#[derive(Debug)]
struct Run {
    seen: Option<FeedPosition>,
    standing: Standing,
    groups: Vec<CandidateGroup>,
}

/// Groups in their order, together with those before them that had seen the same. A device that was
/// offline for days has seen one thing all the while; a push of very many takes its time from
/// everybody, so that beyond a few they count as having seen the most that one of them had.
fn by_what_was_seen(groups: Vec<CandidateGroup>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for group in groups {
        let full = runs.len() >= RUNS_PER_PUSH;
        match runs.last_mut() {
            Some(run) if run.standing == group.standing && (run.seen == group.seen || full) => {
                if run.seen != group.seen {
                    // None claims nothing, and more seen excuses less.
                    run.seen = run.seen.zip(group.seen).map(|(one, other)| one.max(other));
                }
                run.groups.push(group);
            }
            _ => {
                let (seen, standing) = (group.seen, group.standing);
                runs.push(Run { seen, standing, groups: vec![group] });
            }
        }
    }
    runs
}
