//! One commit: what many sessions pushed, judged and merged together, without I/O.
//!
//! The host asks [`Commit::step`] what is wanted and answers by the method that the step names, all
//! within one transaction of its store:
//!
//! | step | what the host does | answer |
//! |---|---|---|
//! | [`Step::Know`] | looks up changes, writers and documents | [`Commit::known`] |
//! | [`Step::Open`] | reads saved documents | [`Commit::opened`] |
//! | [`Step::Write`] | writes rows as their user, in a savepoint | [`Commit::wrote`] |
//! | [`Step::Store`] | goes on with [`Commit::judged`] | |
//!
//! What is judged is then stored and committed, and only [`Judged::verdicts`] tells what became of
//! each push; a question is taken back, and [`Judged::opinions`] tells what would become of it.
//!
//! **Invariant**: a verdict of acceptance is built from positions of a committed transaction, and
//! nothing of a question stays, since the cache hears of neither before the end.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::admission::{Admission, Admitted};
use super::cache::DocumentCache;
use super::fallen::Fallen;
use super::judged::Judged;
use super::known::{Inquiry, Known};
use super::moments::Moments;
use super::places::{Accepted, place};
use super::push::PushJob;
use super::receipts::Proven;
use super::settle::{Pusher, Settled, Settling, WriteRows, Wrote};
use super::workspace::{CandidateGroup, Standing, Workspace, open};
use crate::ids::{Actor, ChangeHash, FeedPosition, RecordId, UserId};
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
    /// These rows to be written.
    Write(&'a WriteRows),
    /// Everything is judged.
    Store,
}

/// A batch of pushes on its way to being judged.
#[derive(Debug)]
pub struct Commit<'j> {
    schema: Arc<Schema>,
    jobs: &'j [PushJob],
    now: UnixMs,
    moments: Moments,
    at: At,
    known: Known,
    workspace: Workspace,
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
    Opening {
        kinds: HashMap<RecordId, Kind>,
        records: Vec<RecordId>,
    },
    /// At the push that is the last one of `fallen`.
    Judging {
        /// Groups still to be judged, by what they had seen.
        runs: VecDeque<Run>,
        settling: Option<Box<Settling>>,
    },
    Over,
}

impl<'j> Commit<'j> {
    /// Begins to judge pushes, in this order.
    pub fn new(schema: Arc<Schema>, jobs: &'j [PushJob], now: UnixMs, moments: Moments) -> Self {
        Self {
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

    /// What is wanted next; the same until it is answered.
    pub fn step(&self) -> Step<'_> {
        match &self.at {
            At::Knowing(inquiry) => Step::Know(inquiry),
            At::Opening { records, .. } => Step::Open(records),
            At::Judging { settling, .. } => {
                let asked = settling.as_ref().and_then(|settling| settling.asked());
                asked.map_or(Step::Store, Step::Write)
            }
            At::Over => Step::Store,
        }
    }

    /// Answers [`Step::Know`]. Documents that the cache holds as they are stored are not asked for.
    pub fn known(&mut self, mut known: Known, cache: &mut DocumentCache) {
        cache.enter(known.epoch);
        let mut kinds = HashMap::new();
        for head in known.heads.drain(..) {
            let Some(kind) = self.schema.kind(&head.kind) else { continue };
            if head.quarantined.is_some() {
                self.workspace.quarantine(head.record);
            }
            match cache.take(head.record, head.position) {
                Some(document) => self.workspace.insert(head.record, document),
                None => {
                    kinds.insert(head.record, kind.clone());
                }
            }
        }
        self.owners = std::mem::take(&mut known.owners);
        self.known = known;
        let records: Vec<RecordId> = kinds.keys().copied().collect();
        if records.is_empty() {
            self.begin_push();
            self.go_on();
        } else {
            self.at = At::Opening { kinds, records };
        }
    }

    /// Answers [`Step::Open`]. A document that does not open is closed to changes.
    pub fn opened(&mut self, snapshots: Vec<(RecordId, Vec<u8>)>) {
        let At::Opening { kinds, .. } = std::mem::replace(&mut self.at, At::Over) else {
            return;
        };
        for (record, snapshot) in snapshots {
            let Some(kind) = kinds.get(&record) else { continue };
            match open(kind, &snapshot) {
                Ok(document) => self.workspace.insert(record, document),
                Err(error) => {
                    self.closed.push((record, error.to_string()));
                    self.workspace.quarantine(record);
                }
            }
        }
        self.begin_push();
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
        let Self { jobs, known, workspace, closed, accepted, fallen, .. } = self;
        let placed = place(accepted, known.last, &known.receipts);
        Judged::new(jobs, known, workspace, closed, placed, fallen)
    }

    /// Goes on until rows are to be written or every push is judged.
    fn go_on(&mut self) {
        while let At::Judging { runs, settling } = &mut self.at {
            match settling.take() {
                Some(asking) if asking.asked().is_some() => {
                    *settling = Some(asking);
                    return;
                }
                Some(over) => self.take_in(over.into_settled()),
                None => match runs.pop_front() {
                    Some(run) => self.settle(run),
                    None => self.begin_push(),
                },
            }
        }
    }

    /// Begins with the next push, if there is one.
    fn begin_push(&mut self) {
        let Some(job) = self.jobs.get(self.fallen.len()) else {
            self.at = At::Over;
            return;
        };
        self.workspace.note_refused(job.user, job.refused_before.iter().copied());
        let admission = Admission {
            schema: &self.schema,
            known: &self.known.changes,
            merged_before: &self.merged_before,
            owners: &self.owners,
            proven: Proven::of(job, &self.known.receipts),
        };
        let Admitted { groups, refused } = admission.admit(job);
        self.workspace.note_refused(job.user, refused.keys().copied());
        self.fallen.push(Fallen { refused, said: HashMap::new() });
        self.at = At::Judging { runs: by_what_was_seen(groups).into(), settling: None };
    }

    /// Begins to settle groups of the push that was begun last.
    fn settle(&mut self, run: Run) {
        let Run { seen, standing, groups } = run;
        let job = &self.jobs[self.fallen.len() - 1];
        let moments = self.moments.clone();
        let pusher = Pusher { user: job.user, pen: job.pen, now: self.now, moments };
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
