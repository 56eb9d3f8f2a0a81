//! Edits by operators: changes of documents like any other, written by the server's pen as somebody who
//! may make them, and judged by the same commit. What they come to is worked out first, column by column.

use std::collections::HashMap;

use serde_json::{Value as Json, json};
use sqlx::Row as _;
use sqlx::postgres::PgPool;
use sync_core::cell::{Cell, Row};
use sync_core::document::{self, Hydrated, LocalChange, Pen, PenRole, RecordEdit};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard;
use sync_core::hub::{self, HubDocument, PushJob, PushedChange, PushedGroup};
use sync_core::ids::{Actor, ChangeHash, EventId, GroupId, RecordId, ReplicaId, UserId};
use sync_core::projection::project;
use sync_core::protocol::{Opinion, OpinionOutcome, Verdict, VerdictOutcome};
use sync_core::schema::{Kind, RowView};
use uuid::Uuid;

use super::people::entropy;
use super::report::Report;
use crate::clock::now;
use crate::committer::Committer;
use crate::store::documents;

/// Changes handed to the committer at once.
const AT_ONCE: usize = 512;
/// Columns that say who edited last and when: every edit changes them.
const OF_EVERY_EDIT: [&str; 2] = ["updated_at", "updated_by"];

/// Edits of records by one person, worked out and not yet made.
#[derive(Debug)]
pub struct Plan {
    acting: UserId,
    replica: ReplicaId,
    /// The edits.
    pub edits: Vec<Planned>,
}

/// An edit of one record.
#[derive(Debug)]
pub struct Planned {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: &'static str,
    /// What it is called.
    pub title: String,
    /// Every column that changes, but for who edited last and when.
    pub columns: Vec<ColumnChange>,
    /// What it is made together with, as a whole or not at all.
    group: GroupId,
    changes: Vec<PushedChange>,
}

/// What becomes of one column.
#[derive(Clone, PartialEq, Debug)]
pub struct ColumnChange {
    /// Its name.
    pub column: String,
    /// Its cell as it stands.
    pub from: Cell,
    /// Its cell then.
    pub to: Cell,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records changed.
    pub changed: usize,
    /// Why others were not, one reason a record.
    pub refused: Vec<Refusal>,
}

/// What is said of changes, by their names.
type Said = HashMap<ChangeHash, Option<Refusal>>;

/// Works out an edit of each of these records. The wish is asked with the record's document and row;
/// a record of which nothing is wished is left out.
///
/// # Errors
/// When the database cannot be reached, a document cannot be opened, or an edit cannot be made.
pub async fn plan(
    pool: &PgPool,
    acting: Uuid,
    kind: &Kind,
    records: &[RecordId],
    mut wish: impl FnMut(RecordId, &RowView<'_>) -> Option<RecordEdit>,
) -> anyhow::Result<Plan> {
    let pen =
        Pen { actor: Actor(entropy()), author: UserId(acting), now: now(), role: PenRole::Server };
    let replica = ReplicaId::mint(pen.now, entropy());
    let mut edits = Vec::new();
    for part in records.chunks(AT_ONCE) {
        let mut connection = pool.acquire().await?;
        let snapshots = documents::snapshots(&mut connection, part).await?;
        drop(connection);
        let mut snapshots: HashMap<RecordId, Vec<u8>> = snapshots.into_iter().collect();
        for record in part {
            let Some(snapshot) = snapshots.remove(record) else { continue };
            let mut open = hub::open(kind, &snapshot)?;
            let before = document::hydrate(&open.doc, kind);
            let row = row_of(*record, &open, &before);
            let view = RowView::new(kind.columns(), &row);
            let Some(edit) = wish(*record, &view) else { continue };
            let steps = document::prepare(&mut open.doc, kind, *record, &edit)?;
            let mut mint = || EventId::mint(pen.now, entropy());
            let made = document::edit(&mut open.doc, &before, &edit, &pen, &mut mint)?;
            let Some(change) = made else { continue };
            let then = row_of(*record, &open, &document::hydrate(&open.doc, kind));
            let title = kind.title.and_then(|column| view.text(column)).unwrap_or_default();
            edits.push(Planned {
                record: *record,
                kind: kind.name,
                title: title.to_owned(),
                columns: changed_columns(kind, &row, &then),
                group: GroupId::mint(pen.now, entropy()),
                changes: pushed(*record, kind.name, steps.into_iter().chain([change])),
            });
        }
    }
    Ok(Plan { acting: UserId(acting), replica, edits })
}

fn row_of(record: RecordId, open: &HubDocument, hydrated: &Hydrated) -> Row {
    project(record, hydrated, open.stamp)
}

fn changed_columns(kind: &Kind, before: &Row, after: &Row) -> Vec<ColumnChange> {
    let cells = kind.columns().iter().zip(before.iter().zip(after));
    let changed = cells.filter(|(column, (from, to))| {
        from != to && !OF_EVERY_EDIT.contains(&column.name.as_ref())
    });
    changed
        .map(|(column, (from, to))| ColumnChange {
            column: column.name.to_string(),
            from: from.clone(),
            to: to.clone(),
        })
        .collect()
}

fn pushed(
    record: RecordId,
    kind: &str,
    changes: impl Iterator<Item = LocalChange>,
) -> Vec<PushedChange> {
    let pushed = |change: LocalChange| PushedChange {
        record,
        kind: kind.to_owned(),
        hash: change.hash,
        parsed: guard::parse(&change.bytes),
        receipt: None,
    };
    changes.map(pushed).collect()
}

impl Planned {
    /// Why it is refused, where it is. What another of its group is refused for explains more than that
    /// one was.
    fn refusal(&self, said: &Said) -> Option<Refusal> {
        let own = self.changes.iter().filter_map(|change| said.get(&change.hash)?.clone());
        let of_group = RefusalCode::GroupRefused.as_str();
        own.max_by_key(|refusal| refusal.code != of_group)
    }
}

impl Plan {
    /// Leaves out the edits that change no column.
    pub fn only_changes(mut self) -> Self {
        self.edits.retain(|edit| !edit.columns.is_empty());
        self
    }

    /// A plan without an edit.
    pub fn of_nothing(acting: Uuid) -> Self {
        let replica = ReplicaId::mint(now(), entropy());
        Self { acting: UserId(acting), replica, edits: Vec::new() }
    }

    /// Adds the edits of another plan of the same person.
    pub fn and(mut self, other: Self) -> Self {
        self.edits.extend(other.edits);
        self
    }

    /// Says which edits are made together. Those of one group stand side by side afterwards.
    pub fn grouped(mut self, group: impl Fn(&Planned) -> GroupId) -> Self {
        for edit in &mut self.edits {
            edit.group = group(edit);
        }
        self.edits.sort_by_key(|edit| edit.group);
        self
    }

    fn groups(&self) -> impl Iterator<Item = PushedGroup> + '_ {
        self.edits.chunk_by(|one, next| one.group == next.group).map(|edits| PushedGroup {
            group: edits[0].group,
            seen: None,
            changes: edits.iter().flat_map(|edit| edit.changes.clone()).collect(),
        })
    }

    fn jobs(&self) -> Vec<PushJob> {
        let mut jobs: Vec<(usize, Vec<PushedGroup>)> = Vec::new();
        for group in self.groups() {
            let changes = group.changes.len();
            match jobs.last_mut() {
                Some((count, groups)) if *count + changes <= AT_ONCE => {
                    *count += changes;
                    groups.push(group);
                }
                _ => jobs.push((changes, vec![group])),
            }
        }
        let job = |(_, groups)| {
            let mut job = PushJob::of_device(self.acting, self.replica, groups);
            job.pen = PenRole::Server;
            job
        };
        jobs.into_iter().map(job).collect()
    }

    /// Makes the edits, through the same commit as every edit.
    ///
    /// # Errors
    /// When the database cannot be reached; some of them may be made then.
    pub async fn carry_out(&self, committer: &Committer) -> anyhow::Result<Outcome> {
        let mut said = Said::new();
        for job in self.jobs() {
            said.extend(committer.push(job).await?.into_iter().map(
                |Verdict { hash, outcome, .. }| match outcome {
                    VerdictOutcome::Accepted(_) => (hash, None),
                    VerdictOutcome::Refused(refusal) => (hash, Some(refusal)),
                },
            ));
        }
        let refused: Vec<Refusal> =
            self.edits.iter().filter_map(|edit| edit.refusal(&said)).collect();
        Ok(Outcome { changed: self.edits.len() - refused.len(), refused })
    }

    /// What the rules would say of each edit, in its order: why, where it would be refused.
    pub async fn would_be(&self, committer: &Committer) -> Vec<Option<Refusal>> {
        let mut said = Said::new();
        for job in self.jobs() {
            let opinions = committer.ask(job).await.into_iter();
            said.extend(opinions.map(|Opinion { hash, would_be }| match would_be {
                OpinionOutcome::Accepted => (hash, None),
                OpinionOutcome::Refused(refusal) => (hash, Some(refusal)),
            }));
        }
        self.edits.iter().map(|edit| edit.refusal(&said)).collect()
    }

    /// The plan for a person to read before it is carried out: a line for each column of each record,
    /// people, territories and accounts by their names.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn preview(&self, owner: &PgPool, committer: &Committer) -> anyhow::Result<Report> {
        let names = self.names(owner).await?;
        let mut rows = Vec::new();
        for (edit, refused) in self.edits.iter().zip(self.would_be(committer).await) {
            for change in &edit.columns {
                rows.push(vec![
                    json!(edit.record.to_string()),
                    json!(edit.title),
                    json!(change.column),
                    named(&change.from, &names),
                    named(&change.to, &names),
                    json!(refused.as_ref().map(ToString::to_string)),
                ]);
            }
        }
        Ok(Report::new(&["record", "name", "column", "from", "to", "would be refused"], rows))
    }

    /// What the ids in the plan are called.
    async fn names(&self, owner: &PgPool) -> anyhow::Result<HashMap<String, String>> {
        let cells = self.edits.iter().flat_map(|edit| &edit.columns);
        let ids: Vec<Uuid> = cells
            .flat_map(|change| [&change.from, &change.to])
            .filter_map(|cell| match cell {
                Cell::Text(text) => text.parse().ok(),
                _ => None,
            })
            .collect();
        let found = sqlx::query(
            "SELECT id::text, email FROM public.users WHERE id = ANY($1)
             UNION ALL SELECT id::text, name FROM public.territories WHERE id = ANY($1)
             UNION ALL SELECT id::text, name FROM public.organizations WHERE id = ANY($1) AND name IS NOT NULL",
        )
        .bind(ids)
        .fetch_all(owner)
        .await?;
        let name = |row: &sqlx::postgres::PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        Ok(found.iter().map(name).collect::<sqlx::Result<_>>()?)
    }
}

fn named(cell: &Cell, names: &HashMap<String, String>) -> Json {
    match cell {
        Cell::Text(id) if names.contains_key(id) => json!(format!("{} ({id})", names[id])),
        cell => serde_json::to_value(cell).unwrap_or_default(),
    }
}
