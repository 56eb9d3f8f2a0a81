//! Merging groups and writing their rows as the user, until everything stands that may.
//!
//! A whole push is tried at once. The database then names every row that it does not take, so that
//! what is sound goes in with the second statement, however many are refused. Where several groups
//! made one refused row, they are tried again one by one, all such rows side by side.
//!
//! **Invariant**: what the workspace holds of a record afterwards is what its row says.

use std::collections::{HashMap, HashSet};

use sqlx::Connection as _;
use sync_core::document::PenRole;
use sync_core::error::Refusal;
use sync_core::hub::{self, CandidateGroup, Judgement, Merged, Projected};
use sync_core::ids::{RecordId, UserId};
use sync_core::projection::Row;
use uuid::Uuid;

use super::Batch;
use crate::store::{self, Access};

/// A group that was judged, with what it takes to judge it again.
struct Tried {
    group: CandidateGroup,
    judgement: Judgement,
}

/// Why rows were not written, by record.
type Culprits = HashMap<RecordId, Refusal>;

/// What became of an attempt to write.
enum Written {
    /// Every row stands.
    All,
    /// Every row stands but these.
    AllBut(Culprits),
    /// Nothing stands, for the sake of these.
    Nothing(Culprits),
    /// Nothing stands, and the database does not say which row is to blame.
    Unclear(Refusal),
}

impl Batch<'_> {
    /// Merges groups and writes their rows as the user; returns the groups that stand. What does
    /// not is in `refused`.
    pub(super) async fn settle(
        &mut self,
        user: UserId,
        pen: PenRole,
        groups: Vec<CandidateGroup>,
    ) -> sqlx::Result<Vec<Merged>> {
        let mut kept = Vec::new();
        let mut wave = groups;
        let mut waiting = Vec::new();
        while !wave.is_empty() {
            let mut tried: Vec<Tried> =
                wave.into_iter().map(|group| self.attempt(user, pen, group)).collect();
            loop {
                match self.write(user, &tried).await? {
                    Written::All => break,
                    Written::AllBut(culprits) => {
                        waiting.extend(self.take_back(user, &mut tried, &culprits));
                        break;
                    }
                    Written::Nothing(culprits) => {
                        waiting.extend(self.take_back(user, &mut tried, &culprits));
                    }
                    Written::Unclear(refusal) => {
                        let groups = self.take_all_back(&mut tried);
                        kept.extend(self.halve(user, pen, groups, refusal).await?);
                    }
                }
            }
            for Tried { judgement, .. } in tried {
                match judgement {
                    Judgement::Merged(merged) => kept.push(merged),
                    Judgement::Refused(refusals) => self.refused.extend(refusals),
                }
            }
            (wave, waiting) = next_wave(waiting);
        }
        Ok(kept)
    }

    fn attempt(&mut self, user: UserId, pen: PenRole, group: CandidateGroup) -> Tried {
        let judgement = self.workspace.judge(group.clone(), user, pen, self.now);
        Tried { group, judgement }
    }

    /// Halves groups until each culprit stands alone: for refusals that name no row.
    fn halve<'b>(
        &'b mut self,
        user: UserId,
        pen: PenRole,
        mut groups: Vec<CandidateGroup>,
        refusal: Refusal,
    ) -> std::pin::Pin<Box<dyn Future<Output = sqlx::Result<Vec<Merged>>> + Send + 'b>> {
        Box::pin(async move {
            if let [culprit] = &groups[..] {
                self.refuse(user, culprit, |_| refusal.clone());
                return Ok(Vec::new());
            }
            let second = groups.split_off(groups.len() / 2);
            let mut kept = self.settle(user, pen, groups).await?;
            kept.extend(self.settle(user, pen, second).await?);
            Ok(kept)
        })
    }

    /// Takes back the groups that made refused rows, and what is bound up with these. A group that
    /// stands alone is refused for good; the others are returned, to be tried one by one.
    fn take_back(
        &mut self,
        user: UserId,
        tried: &mut Vec<Tried>,
        culprits: &Culprits,
    ) -> Vec<CandidateGroup> {
        let entangled = entangled(tried, culprits);
        let mut groups_of: HashMap<RecordId, usize> = HashMap::new();
        for record in tried.iter().flat_map(|one| records_of(&one.group)) {
            *groups_of.entry(record).or_default() += 1;
        }
        let (stay, go): (Vec<Tried>, Vec<Tried>) = std::mem::take(tried)
            .into_iter()
            .partition(|one| !records_of(&one.group).any(|record| entangled.contains(&record)));
        *tried = stay;
        let mut go = go;
        self.note_words(&go, &groups_of);
        let groups = self.take_all_back(&mut go);
        let (alone, together): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| records_of(group).all(|record| groups_of[&record] == 1));
        for group in alone {
            let cause = records_of(&group).find_map(|record| culprits.get(&record)).cloned();
            let cause = cause.expect("BUG: a group was taken back for nothing");
            self.refuse(user, &group, |record| {
                culprits.get(&record).cloned().unwrap_or_else(|| hub::group_refused(&cause))
            });
        }
        together
    }

    /// Notes what groups did that stand alone, while their records still say so.
    fn note_words(&mut self, groups: &[Tried], groups_of: &HashMap<RecordId, usize>) {
        for Tried { group, judgement } in groups {
            let Judgement::Merged(merged) = judgement else { continue };
            if records_of(group).any(|record| groups_of[&record] != 1) {
                continue;
            }
            let mut said = self.workspace.said(merged);
            for change in group.changes.iter().rev() {
                if let Some(said) = said.remove(&change.record) {
                    self.said.insert(change.parsed.hash(), said);
                }
            }
        }
    }

    /// Takes groups back in the reverse of their order; returns them in their order.
    fn take_all_back(&mut self, tried: &mut Vec<Tried>) -> Vec<CandidateGroup> {
        let mut groups = Vec::with_capacity(tried.len());
        for Tried { group, judgement } in tried.drain(..).rev() {
            if let Judgement::Merged(merged) = judgement {
                self.workspace.undo(merged);
            }
            groups.push(group);
        }
        groups.reverse();
        groups
    }

    fn refuse(&mut self, user: UserId, group: &CandidateGroup, why: impl Fn(RecordId) -> Refusal) {
        for change in &group.changes {
            let hash = change.parsed.hash();
            self.workspace.note_refused(user, [hash]);
            self.refused.insert(hash, why(change.record));
        }
    }

    /// Writes the rows that groups made, within a savepoint.
    async fn write(&mut self, user: UserId, tried: &[Tried]) -> sqlx::Result<Written> {
        let merged = || {
            tried.iter().filter_map(|one| match &one.judgement {
                Judgement::Merged(merged) => Some(merged),
                Judgement::Refused(_) => None,
            })
        };
        let records: Vec<RecordId> =
            merged().flat_map(|one| one.changes.iter().map(|change| change.record)).collect();
        if records.is_empty() {
            return Ok(Written::All);
        }
        let unsound: Culprits = self.workspace.prove(records.iter().copied()).into_iter().collect();
        if !unsound.is_empty() {
            return Ok(Written::Nothing(unsound));
        }
        let rows = self.workspace.project(records);
        let mut savepoint = self.connection.begin().await?;
        store::become_user(&mut savepoint, user, Access::Write { seen: self.seen }).await?;
        for of_kind in rows.chunk_by(|a, b| a.kind == b.kind) {
            if let Err(error) = upsert(&mut savepoint, of_kind).await {
                // Our own failures end the batch.
                self.rules.refusal(&error).ok_or(error)?;
                savepoint.rollback().await?;
                let began = merged().flat_map(Merged::began).collect();
                return self.write_with_care(user, tried, &rows, &began).await;
            }
        }
        let skipped = store::skipped(&mut savepoint).await?;
        if skipped.is_empty() {
            store::become_server(&mut savepoint).await?;
            savepoint.commit().await?;
            return Ok(Written::All);
        }
        let culprits = skipped.iter().map(|skipped| self.rules.skipped(skipped)).collect();
        conclude(savepoint, tried, culprits).await
    }

    /// Asks the policies about every row before it is written, and leaves out what they refuse. What
    /// others hang from is written first, so that they are asked when it stands.
    async fn write_with_care(
        &mut self,
        user: UserId,
        tried: &[Tried],
        rows: &[Projected],
        began: &HashSet<RecordId>,
    ) -> sqlx::Result<Written> {
        let mut culprits = Culprits::new();
        let mut savepoint = self.connection.begin().await?;
        store::become_user(&mut savepoint, user, Access::Write { seen: self.seen }).await?;
        for of_kind in rows.chunk_by(|a, b| a.kind == b.kind) {
            let kind = &of_kind[0].kind;
            let all: Vec<&Row> = of_kind.iter().map(|one| &one.row).collect();
            let stood: Vec<bool> = of_kind.iter().map(|one| !began.contains(&one.record)).collect();
            let question = self.rules.question(kind);
            let refused = store::rows::ask(&mut savepoint, question, kind, &all, &stood).await?;
            culprits.extend(refused.into_iter().map(|(record, policy): (Uuid, String)| {
                (RecordId(record), self.rules.denied(kind.table, &policy))
            }));
            let left: Vec<Projected> =
                of_kind.iter().filter(|one| !culprits.contains_key(&one.record)).cloned().collect();
            if left.is_empty() {
                continue;
            }
            if let Err(error) = upsert(&mut savepoint, &left).await {
                let refusal = self.rules.refusal(&error).ok_or(error)?;
                savepoint.rollback().await?;
                return Ok(Written::Unclear(refusal));
            }
        }
        let skipped = store::skipped(&mut savepoint).await?;
        culprits.extend(skipped.iter().map(|skipped| self.rules.skipped(skipped)));
        conclude(savepoint, tried, culprits).await
    }
}

/// Keeps what was written beside refused rows, unless these groups wrote other rows as well.
async fn conclude(
    mut savepoint: sqlx::Transaction<'_, sqlx::Postgres>,
    tried: &[Tried],
    culprits: Culprits,
) -> sqlx::Result<Written> {
    if entangled(tried, &culprits).len() > culprits.len() {
        savepoint.rollback().await?;
        return Ok(Written::Nothing(culprits));
    }
    store::become_server(&mut savepoint).await?;
    savepoint.commit().await?;
    Ok(Written::AllBut(culprits))
}

async fn upsert(connection: &mut sqlx::PgConnection, rows: &[Projected]) -> sqlx::Result<()> {
    let cells: Vec<&Row> = rows.iter().map(|one| &one.row).collect();
    store::rows::upsert(connection, &rows[0].kind, &cells).await
}

fn records_of(group: &CandidateGroup) -> impl Iterator<Item = RecordId> {
    group.changes.iter().map(|change| change.record)
}

/// Records of the culprits, and those that some chain of groups ties to one.
fn entangled(tried: &[Tried], culprits: &Culprits) -> HashSet<RecordId> {
    let mut all: HashSet<RecordId> = culprits.keys().copied().collect();
    loop {
        let before = all.len();
        for Tried { group, .. } in tried.iter().filter(|one| one.group.changes.len() > 1) {
            if records_of(group).any(|record| all.contains(&record)) {
                all.extend(records_of(group));
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

/// The first groups of every record, each record once, and the groups after them.
fn next_wave(groups: Vec<CandidateGroup>) -> (Vec<CandidateGroup>, Vec<CandidateGroup>) {
    let mut taken: HashSet<RecordId> = HashSet::new();
    groups.into_iter().partition(|group| {
        let first = !records_of(group).any(|record| taken.contains(&record));
        taken.extend(records_of(group));
        first
    })
}
