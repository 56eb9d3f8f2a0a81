//! The server without its sessions: the store, the committer, and what may go wrong between them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use super::bug::Bug;
use super::fault::{FaultPoint, Killed, Trap};
use super::rules::Rules;
use super::store::{ModelStore, Transaction};
use crate::hub::{
    Answered, Commit, DocumentCache, Durable, Ended, FeedAnswer, FeedRequest, Moments, Purpose,
    PushJob, ToStore, Trials,
};
use crate::ids::{RecordId, UserId};
use crate::protocol::{Opinion, Verdict};
use crate::schema::Schema;
use crate::time::UnixMs;

/// What became of a batch.
pub(super) enum Batch {
    /// Every push has its answer.
    Answered(Vec<Answered>),
    /// The server died.
    Died,
}

/// The server without its sessions.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) schema: Arc<Schema>,
    pub(super) store: ModelStore,
    pub(super) trap: Trap,
    pub(super) bug: Option<Bug>,
    /// After so many more commits, one fails.
    pub(super) failing_commit: Option<u64>,
    /// Commits so far, and how many of them failed.
    pub(super) commits: u64,
    pub(super) failed: u64,
    cache: DocumentCache,
    /// What was said to be committed and is not: a bug made on purpose.
    late: Option<Transaction>,
}

impl Server {
    pub(super) fn new(schema: Arc<Schema>, rules: Rc<dyn Rules>) -> Self {
        Self {
            store: ModelStore::new(schema.clone(), rules),
            schema,
            trap: Trap::default(),
            bug: None,
            failing_commit: None,
            commits: 0,
            failed: 0,
            cache: DocumentCache::default(),
            late: None,
        }
    }

    /// Forgets all that is not in the store.
    pub(super) fn restart(&mut self) {
        self.cache = DocumentCache::default();
        self.late = None;
    }

    /// Commits a batch; when that fails, whatever of it can be.
    pub(super) fn commit_all(&mut self, jobs: Vec<PushJob>, now: UnixMs) -> Batch {
        self.settle_late();
        let mut answers = Vec::new();
        let mut trials = Trials::of(jobs);
        while let Some(jobs) = trials.next() {
            let commit = catch_unwind(AssertUnwindSafe(|| self.commit(jobs, now)));
            let ended = match commit {
                Ok(ended) => ended,
                Err(payload) if payload.is::<Killed>() => return Batch::Died,
                Err(_) => Ended::Panicked,
            };
            if !matches!(ended, Ended::Committed(_)) {
                self.cache.clear();
            }
            answers.extend(trials.ended(ended));
        }
        Batch::Answered(answers)
    }

    fn begin<'j>(&self, jobs: &'j [PushJob], now: UnixMs) -> Box<Commit<'j>> {
        let trap = self.trap.clone();
        let moments = Moments::told_to(move |moment| trap.reach(moment.into()));
        Box::new(Commit::new(self.schema.clone(), jobs, Purpose::Push, now, moments))
    }

    fn commit(&mut self, jobs: &[PushJob], now: UnixMs) -> Ended {
        let commit = self.begin(jobs, now);
        let mut transaction = self.store.begin();
        let Some(judged) = transaction.judge(commit, &mut self.cache) else {
            return Ended::TooMuch;
        };
        let to_store = judged.to_store();
        let omitted = half_of_a_group(&to_store).filter(|_| self.bug == Some(Bug::HalfGroup));
        transaction.store_but(&to_store, omitted);
        self.trap.reach(FaultPoint::ServerBeforeCommit);
        if self.commit_fails() {
            return Ended::RolledBack;
        }
        let head = to_store.head().unwrap_or_default();
        self.commits += 1;
        match self.bug {
            Some(Bug::LostAcknowledgement) if self.commits.is_multiple_of(4) => {}
            Some(Bug::EarlyVerdict) => self.late = Some(transaction),
            _ => self.store.commit(transaction),
        }
        self.trap.reach(FaultPoint::ServerAfterCommit);
        let verdicts: Vec<Vec<Verdict>> =
            judged.verdicts(Durable::committed_at(head), &mut self.cache);
        if self.bug.is_some() {
            // A bug must not be told by the cache that it disagrees with.
            self.cache.clear();
        }
        Ended::Committed(verdicts)
    }

    fn commit_fails(&mut self) -> bool {
        match self.failing_commit {
            Some(left) if left > 1 => {
                self.failing_commit = Some(left - 1);
                false
            }
            Some(_) => {
                self.failing_commit = None;
                self.failed += 1;
                true
            }
            None => false,
        }
    }

    /// Judges a question and takes everything back.
    pub(super) fn question(&self, job: &PushJob, now: UnixMs) -> Vec<Opinion> {
        let alone = std::slice::from_ref(job);
        let commit =
            Commit::new(self.schema.clone(), alone, Purpose::Question, now, Moments::default());
        let mut transaction = self.store.begin();
        let judged = transaction.judge(Box::new(commit), &mut DocumentCache::default());
        let judged = judged.expect("BUG: simulated documents are few and short");
        transaction.store_but(&judged.to_store(), None);
        judged.opinions().into_iter().flatten().collect()
    }

    /// Whether something was said to be committed and is not.
    pub(super) fn is_late(&self) -> bool {
        self.late.is_some()
    }

    /// Commits what was said to be committed long ago.
    pub(super) fn settle_late(&mut self) {
        if let Some(late) = self.late.take() {
            self.store.commit(late);
        }
    }

    /// Answers a feed.
    pub(super) fn answer(&self, user: UserId, request: &FeedRequest) -> FeedAnswer {
        let mut answer = self.store.answer(user, request);
        if let (Some(Bug::SkippedPosition), FeedAnswer::News(news)) = (self.bug, &mut answer) {
            news.changed.retain(|listed| listed.position.0 % 7 != 0);
        }
        answer
    }
}

/// The last record of a group that is of several.
fn half_of_a_group(batch: &ToStore<'_>) -> Option<RecordId> {
    let pairs = batch.placed.iter().zip(batch.placed.iter().skip(1));
    let mut tied = pairs.filter(|(one, next)| {
        one.change.group == next.change.group && one.change.record != next.change.record
    });
    tied.next().map(|(_, next)| next.change.record)
}
