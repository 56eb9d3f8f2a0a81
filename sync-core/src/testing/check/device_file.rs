//! One device's file: it holds what its user may see, as the server has it, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use automerge::{Automerge, Change};
use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use super::marks;
use crate::cell::{Cell, Row};
use crate::document::{self, heads, hydrate};
use crate::ids::{RecordId, UserId};
use crate::projection::{Stamp, project};
use crate::schema::{ColumnType, FieldType, Kind, Schema, Storage};
use crate::testing::files;
use crate::testing::store::ModelStore;

/// One device's file.
pub(super) struct DeviceFile {
    pub(super) name: String,
    pub(super) user: UserId,
    pub(super) schema: Arc<Schema>,
    pub(super) path: PathBuf,
}

impl DeviceFile {
    /// Checks everything; returns the marks of edits that are kept here because the server refused
    /// them, or was never asked since their user may not sign in.
    pub(super) fn check(
        &self,
        store: &ModelStore,
        authors: &BTreeMap<String, UserId>,
        wrong: &mut Vec<String>,
    ) -> rusqlite::Result<Vec<String>> {
        let db = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let active = store.is_active(self.user);
        let documents = documents(&db)?;
        self.check_documents(&db, store, active, &documents, wrong)?;
        self.check_rows(&db, store, active, &documents, wrong)?;
        self.check_remains(&db, wrong)?;
        let kept = self.kept(&db, active, authors, wrong)?;
        // What could not be wiped is, by the next feed batch or when the file is opened again.
        let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'scrub' AND value = 1)";
        if !db.query_row(sql, [], |row| row.get::<_, bool>(0))? {
            self.check_bytes(store, authors, &kept, wrong);
        }
        Ok(kept)
    }

    /// The same documents as the server shows the user, change for change.
    fn check_documents(
        &self,
        db: &Connection,
        store: &ModelStore,
        active: bool,
        documents: &BTreeMap<RecordId, Held>,
        wrong: &mut Vec<String>,
    ) -> rusqlite::Result<()> {
        let name = &self.name;
        for (record, stored) in store.contents().documents() {
            let may = active && store.contents().sees(self.user, stored.scope);
            match (documents.get(&record), may) {
                (None, false) => {}
                (None, true) => wrong.push(format!("{name} lacks the {} {record}", stored.kind)),
                (Some(_), false) => {
                    wrong.push(format!(
                        "{name} holds the {} {record}, which its user may not see",
                        stored.kind
                    ));
                }
                (Some(held), true) => {
                    let own = load(&self.schema, db, record, held)?;
                    let theirs = document::load(&stored.snapshot, &[]).map(|doc| heads(&doc));
                    if own.as_ref().map(heads) != theirs.ok() {
                        wrong.push(format!(
                            "{name} has another {} {record} than the server",
                            stored.kind
                        ));
                    }
                    if held.scope != stored.scope.0 {
                        wrong.push(format!("{name} has {record} in another scope than the server"));
                    }
                }
            }
        }
        // Whoever may not sign in may have begun something that no server has heard of.
        let known = |record: &RecordId| store.contents().documents.contains_key(record);
        for record in documents.keys().filter(|record| active && !known(record)) {
            wrong.push(format!("{name} holds {record}, which the server does not know"));
        }
        Ok(())
    }

    /// Rows are what documents say, and those of the server are the server's.
    fn check_rows(
        &self,
        db: &Connection,
        store: &ModelStore,
        active: bool,
        documents: &BTreeMap<RecordId, Held>,
        wrong: &mut Vec<String>,
    ) -> rusqlite::Result<()> {
        for kind in self.schema.kinds() {
            let mut expected: BTreeMap<RecordId, Row> = BTreeMap::new();
            if kind.storage == Storage::ServerRow {
                if let (true, Some(theirs)) =
                    (active, store.contents().records().schema().kind(kind.name))
                {
                    for (id, row) in store.contents().records().all(theirs.name) {
                        let cells = kind.columns().iter().map(|one| row.cell(&one.name).clone());
                        expected.insert(id, cells.collect());
                    }
                }
            } else {
                for (record, held) in documents.iter().filter(|(_, held)| held.kind == kind.name) {
                    let Some(doc) = load(&self.schema, db, *record, held)? else { continue };
                    let stamp = Stamp::of_document(&doc).filter(|stamp| stamp.by.is_some());
                    expected.insert(*record, project(*record, &hydrate(&doc, kind), stamp));
                }
            }
            let found = rows(db, kind)?;
            if found != expected {
                let differ = |id: &&RecordId| found.get(*id) != expected.get(*id);
                let ids: BTreeSet<&RecordId> = found.keys().chain(expected.keys()).collect();
                let first = ids.iter().copied().find(differ);
                let count = ids.iter().copied().filter(|id| differ(id)).count();
                wrong.push(format!(
                    "{}: {count} rows of {} are not what they should be, {first:?} first",
                    self.name, kind.table
                ));
            }
        }
        Ok(())
    }

    /// Nothing is left of records that are gone.
    fn check_remains(&self, db: &Connection, wrong: &mut Vec<String>) -> rusqlite::Result<()> {
        let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
        let words =
            count("SELECT count(*) FROM search_docsize WHERE id NOT IN (SELECT n FROM documents)")?;
        if words > 0 {
            wrong.push(format!(
                "{}: the search index has the words of {words} records that are gone",
                self.name
            ));
        }
        let left = count(
            "SELECT count(*) FROM changes WHERE state = 0 AND record NOT IN (SELECT id FROM documents)",
        )?;
        if left > 0 {
            wrong.push(format!("{}: {left} accepted changes of records that are gone", self.name));
        }
        Ok(())
    }

    /// Nobody's words stand in the file, in whatever page, who may not be read.
    fn check_bytes(
        &self,
        store: &ModelStore,
        authors: &BTreeMap<String, UserId>,
        kept: &[String],
        wrong: &mut Vec<String>,
    ) {
        // Whoever edits a long text writes it as a whole, with what others had written until then.
        let mut seen: BTreeSet<String> = kept.iter().cloned().collect();
        for accepted in store.contents().changes() {
            let document = store.contents().document_for(self.user, accepted.change.record);
            if document.is_some() && store.is_active(self.user) {
                seen.extend(marks::found_in(&accepted.change.bytes));
            }
        }
        let found: BTreeSet<String> =
            marks::found_in(&files::bytes(&self.path)).into_iter().collect();
        let strange = |mark: &&String| {
            authors.get(*mark).is_some_and(|author| *author != self.user) && !seen.contains(*mark)
        };
        for mark in found.iter().filter(strange) {
            wrong.push(format!("{}: {mark} stands in the file and may not be seen", self.name));
        }
    }

    /// The marks of the user's own edits that wait or were refused.
    fn kept(
        &self,
        db: &Connection,
        active: bool,
        authors: &BTreeMap<String, UserId>,
        wrong: &mut Vec<String>,
    ) -> rusqlite::Result<Vec<String>> {
        let sql =
            "SELECT state, code, kind, bytes, coalesce(edit, '') FROM changes WHERE state > 0";
        let mut statement = db.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut kept = Vec::new();
        while let Some(row) = rows.next()? {
            let (state, code): (i64, Option<String>) = (row.get(0)?, row.get(1)?);
            let (kind, bytes): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
            let edit: String = row.get(4)?;
            if state == 2 && code.is_none() {
                wrong.push(format!("{}: an edit is in quarantine without a reason", self.name));
            }
            if state == 1 && active {
                wrong.push(format!("{}: an edit still waits", self.name));
            }
            let own = self.without_long_texts(&kind, &edit);
            for mark in marks::found_in(&bytes).into_iter().chain(marks::found_in(own.as_bytes())) {
                if authors.get(&mark).is_some_and(|author| *author != self.user) {
                    wrong.push(format!("{}: quarantine holds {mark} of somebody else", self.name));
                }
            }
            kept.extend(marks::found_in(&bytes));
            kept.extend(marks::found_in(edit.as_bytes()));
        }
        Ok(kept)
    }

    /// What an edit says, but for long texts.
    fn without_long_texts(&self, kind: &str, edit: &str) -> String {
        let said: Vec<serde_json::Value> = serde_json::from_str(edit).unwrap_or_default();
        let kind = self.schema.kind(kind);
        let is_text = |change: &serde_json::Value| {
            let field = change["field"].as_str().and_then(|name| kind?.field(name));
            field.is_none_or(|field| field.ty == FieldType::Text)
        };
        said.iter().filter(|change| !is_text(change)).map(ToString::to_string).collect()
    }
}

/// The marks of all edits in a file's documents, and of those that wait.
///
/// # Errors
/// When the file cannot be read.
pub(in crate::testing) fn held_in(
    path: &Path,
    schema: &Arc<Schema>,
) -> rusqlite::Result<BTreeSet<String>> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut held = BTreeSet::new();
    for (record, document) in documents(&db)? {
        let doc = load(schema, &db, record, &document)?;
        for change in doc.iter().flat_map(|doc| doc.get_changes(&[])) {
            held.extend(marks::found_in(change.raw_bytes()));
        }
    }
    let mut statement = db.prepare("SELECT bytes FROM changes WHERE state = 1")?;
    let waiting = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    for bytes in waiting {
        held.extend(marks::found_in(&bytes?));
    }
    Ok(held)
}

fn load(
    schema: &Schema,
    db: &Connection,
    record: RecordId,
    held: &Held,
) -> rusqlite::Result<Option<Automerge>> {
    let base = match &held.snapshot {
        Some(snapshot) => document::load(snapshot, &[]).ok(),
        None => schema.kind(&held.kind).map(|kind| kind.genesis().doc.clone()),
    };
    let Some(mut doc) = base else { return Ok(None) };
    let mut statement = db
        .prepare("SELECT bytes FROM changes WHERE record = ?1 AND state < 2 ORDER BY state, seq")?;
    let rows = statement.query_map([record.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
    for bytes in rows {
        let applied = Change::from_bytes(bytes?).map(|change| doc.apply_changes([change]));
        if !matches!(applied, Ok(Ok(()))) {
            return Ok(None);
        }
    }
    Ok(Some(doc))
}

/// A document as a device has it.
struct Held {
    kind: String,
    scope: Uuid,
    snapshot: Option<Vec<u8>>,
}

fn documents(db: &Connection) -> rusqlite::Result<BTreeMap<RecordId, Held>> {
    let mut statement = db.prepare("SELECT id, kind, scope, snapshot FROM documents")?;
    let rows = statement.query_map([], |row| {
        let id = RecordId(Uuid::from_bytes(row.get(0)?));
        let scope = Uuid::from_bytes(row.get(2)?);
        Ok((id, Held { kind: row.get(1)?, scope, snapshot: row.get(3)? }))
    })?;
    rows.collect()
}

fn rows(db: &Connection, kind: &Kind) -> rusqlite::Result<BTreeMap<RecordId, Row>> {
    let names: Vec<&str> = kind.columns().iter().map(|column| column.name.as_ref()).collect();
    let sql = format!("SELECT {} FROM {}", names.join(", "), kind.table);
    let mut statement = db.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        let mut cells = Row::new();
        for (index, column) in kind.columns().iter().enumerate() {
            cells.push(cell(row, index, column.ty)?);
        }
        let id: String = row.get(0)?;
        Ok((RecordId(id.parse().unwrap_or_default()), cells))
    })?;
    rows.collect()
}

fn cell(row: &rusqlite::Row<'_>, index: usize, ty: ColumnType) -> rusqlite::Result<Cell> {
    if row.get_ref(index)? == rusqlite::types::ValueRef::Null {
        return Ok(Cell::Null);
    }
    Ok(match ty {
        ColumnType::Bool => Cell::Bool(row.get(index)?),
        ColumnType::Int => Cell::Int(row.get(index)?),
        ColumnType::Float => Cell::Float(row.get(index)?),
        ColumnType::TextArray | ColumnType::UuidArray => {
            let text: String = row.get(index)?;
            Cell::List(serde_json::from_str(&text).unwrap_or_default())
        }
        ColumnType::Text
        | ColumnType::Enum(_)
        | ColumnType::Date
        | ColumnType::Timestamp
        | ColumnType::Uuid
        | ColumnType::Json => Cell::Text(row.get(index)?),
    })
}
