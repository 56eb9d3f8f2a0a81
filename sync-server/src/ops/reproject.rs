//! The projection oracle: tables = fold of documents = fold of changes.

use std::collections::HashMap;

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Executor as _, Row as _};
use sync_core::cell::Row;
use sync_core::document;
use sync_core::hub::{self, HubDocument};
use sync_core::ids::RecordId;
use sync_core::projection::Stamp;
use sync_core::schema::{Kind, Schema};
use uuid::Uuid;

use crate::store::{self, rows};

/// Records looked at in one go.
const AT_ONCE: i64 = 500;

/// What a check found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records looked at.
    pub records: u64,
    /// Changes folded.
    pub changes: u64,
    /// What differs, in sentences.
    pub differences: Vec<String>,
}

/// Whether differences are only told, or the tables written anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Tell.
    Check,
    /// Write the rows that the documents say.
    Write,
}

/// Folds every record's changes, compares with its document and its row, and writes if asked.
///
/// # Errors
/// When the database cannot be reached.
pub async fn run(pool: &PgPool, schema: &Schema, mode: Mode) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut after = Uuid::nil();
    loop {
        let mut tx = pool.begin().await?;
        // Documents, changes and rows as they stand at one moment; and where rows are written, with no
        // commit in between that they would be older than.
        match mode {
            Mode::Check => {
                tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?
            }
            Mode::Write => tx.execute("SELECT 1 FROM sync.clock FOR UPDATE").await?,
        };
        let found = sqlx::query(
            "SELECT id, kind, snapshot FROM sync.documents WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(AT_ONCE)
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = found.last() else { break };
        after = last.try_get(0)?;
        let mut documents: Vec<(Uuid, Kind, Vec<u8>)> = Vec::new();
        for row in &found {
            let name: String = row.try_get(1)?;
            match schema.kind(&name) {
                Some(kind) => documents.push((row.try_get(0)?, kind.clone(), row.try_get(2)?)),
                None => outcome.differences.push(format!("unknown kind {name}")),
            }
        }
        check(&mut tx, schema, &documents, mode, &mut outcome).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

async fn check(
    connection: &mut PgConnection,
    schema: &Schema,
    documents: &[(Uuid, Kind, Vec<u8>)],
    mode: Mode,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let ids: Vec<Uuid> = documents.iter().map(|(id, ..)| *id).collect();
    let mut changes: HashMap<Uuid, Vec<Vec<u8>>> = HashMap::new();
    let stored = sqlx::query(
        "SELECT record_id, bytes FROM sync.changes WHERE record_id = ANY($1) ORDER BY position",
    )
    .bind(&ids)
    .fetch_all(&mut *connection)
    .await?;
    for row in &stored {
        changes.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
    }
    let mut tables: HashMap<Uuid, Row> = HashMap::new();
    for kind in schema.document_kinds() {
        let of_kind: Vec<Uuid> =
            documents.iter().filter(|(_, k, _)| k == kind).map(|(id, ..)| *id).collect();
        if !of_kind.is_empty() {
            tables.extend(rows::by_id(connection, kind, &of_kind).await?);
        }
    }
    for (id, kind, snapshot) in documents {
        outcome.records += 1;
        let tail = changes.remove(id).unwrap_or_default();
        outcome.changes += tail.len() as u64;
        let stored = hub::open(kind, snapshot)?;
        let mut doc = kind.genesis().doc.clone();
        document::apply_stored(&mut doc, &tail)?;
        if document::heads(&doc) != document::heads(&stored.doc) {
            outcome
                .differences
                .push(format!("{} {id}: the document is not the fold of its changes", kind.name));
        }
        let stamp = Stamp::of_document(&doc);
        let expected = hub::project_document(RecordId(*id), &HubDocument::new(kind, doc, stamp));
        let found = tables.remove(id);
        if found.as_ref() != Some(&expected.row) {
            outcome.differences.push(describe(kind, *id, &expected.row, found.as_ref()));
            if mode == Mode::Write {
                store::project(connection).await?;
                rows::upsert(connection, kind, &[&expected.row]).await?;
            }
        }
    }
    Ok(())
}

fn describe(kind: &Kind, id: Uuid, expected: &Row, found: Option<&Row>) -> String {
    let Some(found) = found else { return format!("{} {id}: the row is missing", kind.name) };
    let columns = kind.columns();
    let names: Vec<String> = columns
        .iter()
        .zip(expected.iter().zip(found))
        .filter(|(_, (expected, found))| expected != found)
        .map(|(column, (expected, found))| {
            format!("{}: {found:?} instead of {expected:?}", column.name)
        })
        .collect();
    format!("{} {id}: {}", kind.name, names.join("; "))
}
