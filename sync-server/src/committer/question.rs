//! Questions: what would become of a push, judged by committing it and taking that back.
//!
//! A question goes the way of a push up to the last moment, so that no rule has a second reading.
//! It has a transaction of its own: beside a push it would be judged by what that may yet not
//! become, and the push by what nobody did.
//!
//! **Invariant**: of a question nothing stays: not in the database, not in the documents that the
//! committer keeps open, not in what is counted of pushes.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use sync_core::error::{Refusal, RefusalCode};
use sync_core::hub::{PushJob, PushedChange};
use sync_core::ids::UserId;
use sync_core::protocol::{Opinion, OpinionOutcome};
use tokio::sync::oneshot;

use super::engine::Engine;
use crate::telemetry;

/// A question with where its answer goes.
#[derive(Debug)]
pub(super) struct Question {
    job: PushJob,
    reply: oneshot::Sender<Vec<Opinion>>,
}

/// The answer when there is none.
pub(super) fn not_judged(job: &PushJob) -> Vec<Opinion> {
    let opinion = |change: &PushedChange| {
        let refusal = Refusal::new(RefusalCode::Internal, "The server could not judge this edit.");
        Opinion { hash: change.hash, would_be: OpinionOutcome::Refused(refusal) }
    };
    job.changes().map(opinion).collect()
}

impl Question {
    /// A question, and where its answer comes.
    pub(super) fn new(job: PushJob) -> (Self, oneshot::Receiver<Vec<Opinion>>) {
        let (reply, opinions) = oneshot::channel();
        (Self { job, reply }, opinions)
    }

    /// Who asked.
    pub(super) fn user(&self) -> UserId {
        self.job.user
    }

    /// Judges the question and answers it, if it can be judged.
    pub(super) async fn judge(self, engine: &Engine) {
        let Self { job, reply } = self;
        if reply.is_closed() {
            // Whoever asked is gone.
            return;
        }
        let started = Instant::now();
        let (user, changes) = (job.user, job.size());
        match AssertUnwindSafe(engine.question(&job)).catch_unwind().await {
            Ok(Ok(opinions)) => {
                let _ = reply.send(opinions.unwrap_or_else(|| not_judged(&job)));
            }
            Ok(Err(error)) => {
                tracing::error!(%error, %user, changes, "a question could not be judged");
            }
            Err(_) => {
                metrics::counter!("sync_engine_faults_total").increment(1);
                tracing::error!(%user, changes, "judging a question panicked");
            }
        }
        telemetry::database_work("question", started);
    }
}
