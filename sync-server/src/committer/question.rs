//! Questions: what would become of a push, judged by committing it and taking that back.
//!
//! A question goes the way of a push up to the last moment, so that no rule has a second reading.
//! It has a transaction of its own: beside a push it would be judged by what that may yet not
//! become, and the push by what nobody did.
//!
//! **Invariant**: of a question nothing stays: not in the database, not in the documents that the
//! committer keeps open, not in what is counted of pushes.

use sqlx::postgres::PgPool;
use sqlx::{Executor, Postgres, Transaction};
use sync_core::document::PenRole;
use sync_core::error::{Refusal, RefusalCode};
use sync_core::ids::{ReplicaId, UserId};
use sync_core::protocol::{Opinion, OpinionOutcome, Verdict, VerdictOutcome};
use tokio::sync::oneshot;

use super::cache::DocumentCache;
use super::{
    Committer, Ending, PushJob, PushedChange, PushedGroup, Rules, Unavailable, all_changes, commit,
};

impl Committer {
    /// Asks what would become of a push. One that could not be judged is not the session's end: it
    /// is answered with refusals as `internal`, which say nothing of the edit.
    pub async fn ask(
        &self,
        user: UserId,
        replica: ReplicaId,
        groups: Vec<PushedGroup>,
    ) -> Vec<Opinion> {
        let unjudged: Vec<Opinion> =
            groups.iter().flat_map(|group| &group.changes).map(not_judged).collect();
        let (reply, verdicts) = oneshot::channel();
        let job = PushJob { user, replica, pen: PenRole::Device, groups, reply };
        if self.questions.send(job).await.is_err() {
            return unjudged;
        }
        match verdicts.await {
            Ok(Ok(verdicts)) => verdicts.into_iter().map(opinion).collect(),
            Ok(Err(_)) | Err(_) => unjudged,
        }
    }
}

fn not_judged(change: &PushedChange) -> Opinion {
    let refusal = Refusal::new(RefusalCode::Internal, "The server could not judge this edit.");
    Opinion { hash: change.hash, would_be: OpinionOutcome::Refused(refusal) }
}

/// Without the position, which the next push takes.
fn opinion(verdict: Verdict) -> Opinion {
    let would_be = match verdict.outcome {
        VerdictOutcome::Accepted(_) => OpinionOutcome::Accepted,
        VerdictOutcome::Refused(refusal) => OpinionOutcome::Refused(refusal),
    };
    Opinion { hash: verdict.hash, would_be }
}

/// Judges one question and answers it.
pub(super) async fn judge(pool: &PgPool, rules: &Rules, job: PushJob) {
    if job.reply.is_closed() {
        // Whoever asked is gone.
        return;
    }
    let started = std::time::Instant::now();
    let alone = std::slice::from_ref(&job);
    let mut own = DocumentCache::default();
    let outcome = match commit(pool, rules, &mut own, alone, Ending::TakenBack).await {
        Ok(mut verdicts) => verdicts.pop().ok_or(Unavailable),
        Err(error) => {
            let changes = all_changes(alone).count();
            tracing::error!(%error, user = %job.user, changes, "a question could not be judged");
            Err(Unavailable)
        }
    };
    crate::telemetry::database_work("question", started);
    let _ = job.reply.send(outcome);
}

/// Ends a question's transaction without a trace, after everything was checked that a commit would
/// check.
pub(super) async fn take_back(mut tx: Transaction<'_, Postgres>) -> sqlx::Result<()> {
    tx.execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
    tx.rollback().await
}
