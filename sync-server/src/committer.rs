//! Group commit: many pushes, one transaction, one acknowledgement each.
//!
//! One task a process, on a thread of its own, takes pushes from all sessions, a user's after one of each
//! other user. For each batch it locks the clock, so that
//! commits of all processes happen one after the other and feed positions become visible in their
//! order; has the hub judge and merge; stores what that comes to; and commits. Only then does anybody
//! hear a verdict.
//!
//! **Invariant**: no push ends the task. One on which judging panics costs the group that did it a
//! refusal, and the others nothing. No commit takes longer than it may: then its connection is cut
//! and its pushes are answered as unavailable.
//!
//! **Invariant**: a push waits for one batch of other users' at most, however many they push, and for one
//! question.

mod engine;
mod intake;
mod pulse;
mod question;
mod turns;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sqlx::postgres::PgPool;
use sync_core::error::Refusal;
use sync_core::hub::{
    Answered, DocumentCache, Ended, Moments, PushJob, PutOff, Trials, Unavailable,
};
use sync_core::protocol::{Opinion, Verdict};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::store::Patience;
use crate::store::patience::out_of_reach;
use crate::store::rules::Rules;
use crate::telemetry;
use engine::{Committed, Engine};
use intake::{Intake, Reply, Waiting, Work};
pub use pulse::CommitterHealth;
use pulse::Pulse;
use question::Question;

/// Changes after which a batch is closed, while commits end in time.
const CHANGES_PER_COMMIT: usize = 2048;
/// Pushes that may wait, and as many questions; a session waits for room beyond that.
const WAITING_PUSHES: usize = 256;

/// Where sessions hand pushes over.
#[derive(Clone, Debug)]
pub struct Committer {
    jobs: mpsc::Sender<(PushJob, Reply)>,
    questions: mpsc::Sender<Question>,
    pulse: Arc<Pulse>,
    /// Cancelled when no batch is to begin any more.
    finishing: CancellationToken,
    task: TaskTracker,
}

impl Committer {
    /// Starts the committing task.
    pub fn start(pool: PgPool, rules: Arc<Rules>, patience: Patience) -> Self {
        Self::start_told(pool, rules, patience, Moments::default())
    }

    /// Starts the committing task; somebody is told of moments within the hub.
    pub fn start_told(
        pool: PgPool,
        rules: Arc<Rules>,
        patience: Patience,
        moments: Moments,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_PUSHES);
        let (questions, asked) = mpsc::channel(WAITING_PUSHES);
        let pulse = Arc::new(Pulse::default());
        let engine = Engine::new(pool, rules, moments, patience);
        let finishing = CancellationToken::new();
        let intake = Intake::new(waiting, asked, finishing.clone());
        let task = TaskTracker::new();
        let (runtime, running, of_task) = (Handle::current(), task.token(), pulse.clone());
        // A thread of its own: judging takes the processor for seconds, and those who come to sign in,
        // ask for the server's health or hold sessions go on meanwhile.
        std::thread::spawn(move || {
            runtime.block_on(supervise(engine, intake, of_task));
            drop(running);
        });
        task.close();
        Self { jobs, questions, pulse, finishing, task }
    }

    /// Hands a push over and waits for its verdicts.
    ///
    /// # Errors
    /// When the database could not be reached, or did not answer in time; then the push may be stored
    /// all the same.
    pub async fn push(&self, job: PushJob) -> Result<Vec<Verdict>, Unavailable> {
        let _waiting = self.pulse.push_waits(job.user);
        let (reply, verdicts) = oneshot::channel();
        self.jobs.send((job, reply)).await.map_err(|_| Unavailable)?;
        verdicts.await.map_err(|_| Unavailable)?
    }

    /// Asks what would become of a push. One that could not be judged is not the session's end: it
    /// is answered with refusals as `internal`, which say nothing of the edit.
    pub async fn ask(&self, job: PushJob) -> Vec<Opinion> {
        let unjudged = question::not_judged(&job);
        let (question, opinions) = Question::new(job);
        if self.questions.send(question).await.is_err() {
            return unjudged;
        }
        opinions.await.unwrap_or(unjudged)
    }

    /// Finishes what is being committed, and ends the task. What waits is not begun: its devices push
    /// it again.
    pub async fn finish(&self) {
        self.finishing.cancel();
        self.task.wait().await;
    }

    /// Whether the committing task lives and moves.
    pub fn health(&self) -> CommitterHealth {
        self.pulse.health()
    }

    /// Pushes that have no answer yet.
    pub fn waiting_pushes(&self) -> usize {
        self.pulse.waiting_pushes()
    }

    /// For how long nothing was judged of a user whose pushes wait; no time at all if none waits.
    pub fn oldest_push(&self) -> Duration {
        self.pulse.oldest_push()
    }
}

/// Keeps the committing task going, whatever happens in it.
async fn supervise(engine: Engine, mut intake: Intake, pulse: Arc<Pulse>) {
    let _ended = pulse.ends_with_this_task();
    while AssertUnwindSafe(run(&engine, &mut intake, &pulse)).catch_unwind().await.is_err() {
        metrics::counter!("sync_committer_panics_total").increment(1);
        tracing::error!("the committer panicked outside of a commit; it goes on");
    }
}

async fn run(engine: &Engine, intake: &mut Intake, pulse: &Pulse) {
    let mut cache = DocumentCache::default();
    let mut most = Most::default();
    loop {
        pulse.idle();
        if intake.wait().await == Work::Over {
            return;
        }
        pulse.at_work();
        let batch = intake.batch(most.changes, most.pushes);
        if !batch.is_empty() {
            let (changes, pushes) = (batch.iter().map(Waiting::size).sum(), batch.len());
            let came_of = commit_all(engine, &mut cache, pulse, intake, batch).await;
            most.adjust(came_of, changes, pushes);
        }
        // Pushes go first, but one question between two batches, so that a busy server answers too.
        if let Some(question) = intake.question() {
            question.judge(engine).await;
        }
    }
}

/// How much is committed at once. A batch that was too large to end in time, or for the work that judging
/// it takes, is not tried as it was for ever.
#[derive(Debug)]
struct Most {
    changes: usize,
    pushes: usize,
}

impl Default for Most {
    fn default() -> Self {
        Self { changes: CHANGES_PER_COMMIT, pushes: usize::MAX }
    }
}

impl Most {
    fn adjust(&mut self, came_of: CameOf, changes: usize, pushes: usize) {
        match came_of {
            CameOf::Reached => {
                self.changes = (self.changes * 2).min(CHANGES_PER_COMMIT);
                // Slowly, since a batch that is too much is work for nothing.
                self.pushes = self.pushes.saturating_add(1);
            }
            CameOf::OutOfReach => self.changes = (changes.min(self.changes) / 2).max(1),
            CameOf::TooMuch => self.pushes = (pushes / 2).max(1),
        }
    }
}

/// What came of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CameOf {
    /// The database answered.
    Reached,
    /// It did not.
    OutOfReach,
    /// Nothing: judging it was too much work for one commit. It waits again.
    TooMuch,
}

/// Commits a batch; when that fails, whatever of it can be. When the database is out of reach nothing
/// can, and whoever waits hears so at once. What is too much work for one commit waits for its turn
/// again, to be judged in parts: others are judged in between.
async fn commit_all(
    engine: &Engine,
    cache: &mut DocumentCache,
    pulse: &Pulse,
    intake: &mut Intake,
    mut batch: Vec<Waiting>,
) -> CameOf {
    let jobs = batch.iter_mut().map(Waiting::part).collect();
    let mut batch: Vec<Option<Waiting>> = batch.into_iter().map(Some).collect();
    let mut trials = Trials::of(jobs);
    let mut came_of = CameOf::Reached;
    while let Some(jobs) = trials.next() {
        pulse.at_work();
        let started = Instant::now();
        let changes: usize = jobs.iter().map(PushJob::size).sum();
        let ended = match AssertUnwindSafe(engine.commit(cache, jobs)).catch_unwind().await {
            Ok(Ok(None)) => Ended::TooMuch,
            Ok(Ok(Some(Committed { verdicts, stored }))) => {
                let ms = started.elapsed().as_millis() as u64;
                tracing::debug!(changes, ms, "committed");
                if stored {
                    pulse.stored();
                }
                Ended::Committed(verdicts)
            }
            Ok(Err(error)) => {
                let pushes = jobs.len();
                tracing::error!(%error, pushes, changes, "a batch was rolled back");
                cache.clear();
                let refused = unstorable(&error);
                if refused.is_none() {
                    pulse.rolled_back();
                }
                if out_of_reach(&error) {
                    metrics::counter!("sync_commits_out_of_reach_total").increment(1);
                    for waiting in batch.iter_mut().filter_map(Option::take) {
                        waiting.judged(Err(Unavailable));
                    }
                    return CameOf::OutOfReach;
                }
                refused.map_or(Ended::RolledBack, Ended::Unstorable)
            }
            Err(_) => {
                // Where it was and why stands in the line of the panic itself.
                tracing::debug!(pushes = jobs.len(), changes, "judging a batch panicked");
                cache.clear();
                Ended::Panicked
            }
        };
        telemetry::database_work("commit", started);
        let groups: usize = jobs.iter().map(|job| job.groups.len()).sum();
        if matches!(ended, Ended::TooMuch) && groups > 1 {
            came_of = CameOf::TooMuch;
            let parts = if jobs.len() == 1 { 2 } else { 1 };
            // The first of a user goes back last, before all else of theirs.
            for PutOff { index, job, verdicts } in trials.put_off().into_iter().rev() {
                if let Some(mut waiting) = batch.get_mut(index).and_then(Option::take) {
                    pulse.served(job.user);
                    waiting.put_off(job, verdicts, parts);
                    intake.rejoin(waiting);
                }
            }
            continue;
        }
        for Answered { index, verdicts, faults } in trials.ended(ended) {
            for hash in faults {
                metrics::counter!("sync_engine_faults_total").increment(1);
                tracing::error!(%hash, "judging a change panicked; it was refused");
            }
            let waiting = batch.get_mut(index).and_then(Option::take);
            if let Some(rest) = waiting.and_then(|waiting| waiting.judged(verdicts)) {
                pulse.served(rest.user());
                intake.rejoin(rest);
            }
        }
    }
    came_of
}

/// The refusal for whoever pushed what a table does not take, if that is why a batch was rolled back.
fn unstorable(error: &sqlx::Error) -> Option<Refusal> {
    let refusal = Rules::unstorable(error)?;
    metrics::counter!("sync_commits_without_room_total").increment(1);
    tracing::error!("a table does not take what a change came to; a rule of the guard is missing");
    Some(refusal)
}
