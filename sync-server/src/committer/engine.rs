//! One unit of committing: a transaction in which pushes are judged and stored.

use std::sync::Arc;

use sqlx::postgres::PgPool;
use sqlx::{Connection as _, Executor};
use sync_core::hub::{Commit, DocumentCache, Judged, Moment, Moments, Purpose, PushJob};
use sync_core::protocol::{Opinion, Verdict};

use crate::clock::now;
use crate::store::patience::within;
use crate::store::rules::Rules;
use crate::store::{Held, Patience, documents, judging};

/// What it takes to commit.
#[derive(Debug)]
pub(super) struct Engine {
    pool: PgPool,
    rules: Arc<Rules>,
    moments: Moments,
    patience: Patience,
}

/// A batch that was committed.
#[derive(Debug)]
pub(super) struct Committed {
    /// The verdicts of each push.
    pub(super) verdicts: Vec<Vec<Verdict>>,
    /// Whether there was anything to store.
    pub(super) stored: bool,
}

impl Engine {
    pub(super) fn new(
        pool: PgPool,
        rules: Arc<Rules>,
        moments: Moments,
        patience: Patience,
    ) -> Self {
        Self { pool, rules, moments, patience }
    }

    /// Commits pushes together; none when they are too much at once. It takes no longer than it may; whether
    /// anything is stored is not known then, and asking again is safe, since a change is stored once.
    pub(super) async fn commit(
        &self,
        cache: &mut DocumentCache,
        jobs: &[PushJob],
    ) -> sqlx::Result<Option<Committed>> {
        within(self.patience.commit(), self.try_commit(cache, jobs)).await
    }

    async fn try_commit(
        &self,
        cache: &mut DocumentCache,
        jobs: &[PushJob],
    ) -> sqlx::Result<Option<Committed>> {
        let mut held = Held::take(&self.pool).await?;
        let mut tx = held.connection().begin().await?;
        let begun = self.begin(jobs, Purpose::Push);
        let Some(judged) = judging::judge(&mut tx, &self.rules, begun, cache).await? else {
            tx.rollback().await?;
            held.give_back();
            return Ok(None);
        };
        let to_store = judged.to_store();
        documents::store(&mut tx, &to_store).await?;
        self.moments.tell(Moment::Storing);
        let durable = documents::commit(tx, &to_store).await?;
        self.moments.tell(Moment::Stored);
        held.give_back();
        count(&judged);
        let stored = !(to_store.placed.is_empty() && to_store.refused.is_empty());
        Ok(Some(Committed { verdicts: judged.verdicts(durable, cache), stored }))
    }

    /// Judges a push and takes it back, after everything was checked that a commit would check. None when
    /// it is too much at once.
    pub(super) async fn question(&self, job: &PushJob) -> sqlx::Result<Option<Vec<Opinion>>> {
        within(self.patience.commit(), self.try_question(job)).await
    }

    async fn try_question(&self, job: &PushJob) -> sqlx::Result<Option<Vec<Opinion>>> {
        let alone = std::slice::from_ref(job);
        let mut own = DocumentCache::default();
        let mut held = Held::take(&self.pool).await?;
        let mut tx = held.connection().begin().await?;
        let begun = self.begin(alone, Purpose::Question);
        let judged = judging::judge(&mut tx, &self.rules, begun, &mut own).await?;
        if let Some(judged) = &judged {
            documents::store(&mut tx, &judged.to_store()).await?;
            tx.execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
        }
        tx.rollback().await?;
        held.give_back();
        Ok(judged.map(|judged| judged.opinions().into_iter().flatten().collect()))
    }

    fn begin<'j>(&self, jobs: &'j [PushJob], purpose: Purpose) -> Box<Commit<'j>> {
        let (schema, moments) = (self.rules.schema().clone(), self.moments.clone());
        Box::new(Commit::new(schema, jobs, purpose, now(), moments))
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
