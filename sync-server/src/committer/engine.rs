//! One unit of committing: a transaction in which pushes are judged and stored.

use std::sync::Arc;

use sqlx::postgres::PgPool;
use sqlx::{Connection as _, Executor};
use sync_core::hub::{Commit, DocumentCache, Judged, Moments, PushJob};
use sync_core::protocol::{Opinion, Verdict};

use crate::clock::now;
use crate::store::rules::Rules;
use crate::store::{documents, judging};

/// What it takes to commit.
#[derive(Debug)]
pub(super) struct Engine {
    pool: PgPool,
    rules: Arc<Rules>,
    moments: Moments,
}

impl Engine {
    pub(super) fn new(pool: PgPool, rules: Arc<Rules>, moments: Moments) -> Self {
        Self { pool, rules, moments }
    }

    /// Commits pushes together; returns the verdicts of each.
    pub(super) async fn commit(
        &self,
        cache: &mut DocumentCache,
        jobs: &[PushJob],
    ) -> sqlx::Result<Vec<Vec<Verdict>>> {
        let mut connection = self.pool.acquire().await?;
        let mut tx = connection.begin().await?;
        let judged = judging::judge(&mut tx, &self.rules, self.begin(jobs), cache).await?;
        let to_store = judged.to_store();
        documents::store(&mut tx, &to_store).await?;
        let durable = documents::commit(tx, &to_store).await?;
        count(&judged);
        Ok(judged.verdicts(durable, cache))
    }

    /// Judges a push and takes it back, after everything was checked that a commit would check.
    pub(super) async fn question(&self, job: &PushJob) -> sqlx::Result<Vec<Opinion>> {
        let alone = std::slice::from_ref(job);
        let mut own = DocumentCache::default();
        let mut connection = self.pool.acquire().await?;
        let mut tx = connection.begin().await?;
        let judged = judging::judge(&mut tx, &self.rules, self.begin(alone), &mut own).await?;
        documents::store(&mut tx, &judged.to_store()).await?;
        tx.execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
        tx.rollback().await?;
        Ok(judged.opinions().into_iter().flatten().collect())
    }

    fn begin<'j>(&self, jobs: &'j [PushJob]) -> Box<Commit<'j>> {
        Box::new(Commit::new(self.rules.schema().clone(), jobs, now(), self.moments.clone()))
    }
}

fn count(judged: &Judged<'_>) {
    let counts = judged.counts();
    metrics::counter!("sync_documents_quarantined_total").increment(counts.closed as u64);
    metrics::counter!("sync_changes_accepted_total").increment(counts.accepted as u64);
    metrics::counter!("sync_changes_refused_total").increment(counts.refused as u64);
    for hash in judged.engine_faults() {
        metrics::counter!("sync_engine_faults_total").increment(1);
        tracing::error!(%hash, "a change broke the document engine; a rule of the guard is missing");
    }
    for (record, error) in judged.closed() {
        tracing::error!(%record, %error, "a stored document cannot be opened");
    }
}
