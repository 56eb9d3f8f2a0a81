//! The tables of the file: the replica's own, and those that a schema asks for.
//!
//! **Invariant**: what stands in the tables of the kinds and in the search index can be told from
//! `documents`, `changes` and `server_rows`, so that they can be dropped and filled again.

use std::sync::Arc;

use rusqlite::Connection;

use crate::cell::{Cell, Row};
use crate::schema::{FieldDeclaration, FieldType, Kind, Schema, Scope, Search, SetOf};

use super::numbers::number_words;

/// Version of the replica's own tables, in `PRAGMA user_version`.
pub(super) const FILE_VERSION: i64 = 1;

const OWN_TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

-- One row a record. `snapshot` is the document as the server confirmed it, without the accepted
-- changes that still stand in `changes`; NULL for a record that began here. `receipts` are the
-- server's for the heads of the snapshot, in the order of their hashes. The kind may be one that this
-- app does not know; then the record has no row until an app that knows it opens the file.
CREATE TABLE documents (
    n INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    scope BLOB NOT NULL,
    snapshot BLOB,
    receipts BLOB
) STRICT;
CREATE INDEX documents_scope ON documents (scope);

-- Changes beside their snapshots. state: 0 accepted, 1 pending (the outbox), 2 quarantined. `edit`
-- is what a refused or cut-off change did, in the words of an edit. `code` is why it was refused; of
-- a pending change, why its edit was made again, or waits for the record to be fetched. `seen` is
-- how far the feed had come when the edit was made. `receipt` is the server's for an accepted change.
-- `origin` is 0 for an edit made here; of what was accepted once and waits to be offered back to a
-- server that lost it, 1 is its user's own and 2 is of somebody else, which goes when it is not taken.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    record BLOB NOT NULL,
    kind TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL,
    state INTEGER NOT NULL,
    grp BLOB NOT NULL,
    actor BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    code TEXT,
    policy TEXT,
    sentence TEXT,
    edit TEXT,
    seen INTEGER,
    -- 1: a later step of the record's genesis, which is nobody's edit
    step INTEGER NOT NULL,
    receipt BLOB,
    origin INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX changes_record ON changes (record, seq);
CREATE INDEX changes_waiting ON changes (state, seq) WHERE state > 0;
CREATE INDEX changes_group ON changes (grp) WHERE state = 1;

-- Records that the server is asked for whole, until it answered: what the feed brought of them before
-- could not be stored, and it will not come again by itself. `offer`: 1 when the server may have lost
-- what it accepted of the record, which is offered back once it is known what it has.
CREATE TABLE wanted (
    record BLOB PRIMARY KEY,
    offer INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Imports: what came from one file, as it was read. `digest` tells the file and the kind; state: 0 begun, 1
-- ended, 2 undone.
CREATE TABLE imports (
    n INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest BLOB NOT NULL,
    begun_at INTEGER NOT NULL,
    state INTEGER NOT NULL
) STRICT;

-- What became of their rows, written with the records. `digest` tells a row by its cells. `hash` is the
-- last change that was made for it; `undo` is what takes a change back of a record that was there before,
-- as an edit in words, and NULL for one that began with the row.
CREATE TABLE import_rows (
    import INTEGER NOT NULL REFERENCES imports (n),
    line INTEGER NOT NULL,
    digest BLOB NOT NULL,
    record BLOB NOT NULL,
    hash BLOB NOT NULL,
    undo TEXT
) STRICT;
CREATE INDEX import_rows_import ON import_rows (import);
CREATE INDEX import_rows_digest ON import_rows (digest);
CREATE INDEX import_rows_record ON import_rows (record);

-- Rows that only the server writes, by field name: fields that this app does not know are kept for
-- one that does.
CREATE TABLE server_rows (
    n INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
) STRICT;
";

/// Only the index is stored: the words themselves stand in the rows.
const SEARCH_TABLE: &str = "
CREATE VIRTUAL TABLE search USING fts5 (body, content='', contentless_delete=1,
    tokenize=\"unicode61 remove_diacritics 2\", prefix='2 3');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
";

/// A schema, and what the file's statements take from it.
#[derive(Debug)]
pub(in crate::replica) struct Tables {
    schema: Arc<Schema>,
    fingerprint: [u8; 8],
    kinds: Vec<KindTable>,
}

/// What a column's words are.
#[derive(Clone, Copy, Debug)]
enum Words {
    /// Those of a text, or of each key of a set.
    Plain,
    /// Telephone numbers, which are found by any digits in a row.
    Numbers,
}

/// The statements of one kind.
#[derive(Debug)]
pub(super) struct KindTable {
    pub(super) upsert: String,
    pub(super) delete: String,
    /// Columns whose words are searched, and how they are read.
    searched: Vec<(usize, Words)>,
}

impl KindTable {
    fn of(kind: &Kind) -> Self {
        let names: Vec<&str> = kind.columns().iter().map(|column| column.name.as_ref()).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let mut searched = Vec::new();
        let mut column = 1;
        for field in &kind.fields {
            if field.search == Search::Indexed {
                let numbers = field.ty == FieldType::Set(SetOf::Phones);
                searched.push((column, if numbers { Words::Numbers } else { Words::Plain }));
            }
            column += FieldDeclaration::columns(field).len();
        }
        Self {
            // By name, since the columns of the table may stand in another order.
            upsert: format!(
                "INSERT OR REPLACE INTO {} ({}) VALUES ({marks})",
                kind.table,
                names.join(", ")
            ),
            delete: format!("DELETE FROM {} WHERE id = ?1", kind.table),
            searched,
        }
    }

    /// The words under which a record is found.
    pub(super) fn words(&self, row: &Row) -> String {
        let texts =
            self.searched.iter().filter_map(|(column, words)| match (row.get(*column)?, words) {
                (Cell::Text(text), Words::Plain) => Some(text.clone()),
                (Cell::List(keys), Words::Plain) => Some(keys.join(" ")),
                (Cell::List(keys), Words::Numbers) => Some(
                    keys.iter().flat_map(|key| number_words(key)).collect::<Vec<_>>().join(" "),
                ),
                _ => None,
            });
        texts.collect::<Vec<_>>().join(" ")
    }
}

impl Tables {
    pub(super) fn new(schema: Arc<Schema>) -> Self {
        let kinds = schema.kinds().iter().map(KindTable::of).collect();
        Self { fingerprint: schema.fingerprint(), kinds, schema }
    }

    pub(in crate::replica) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// What tells this layout from that of another schema.
    pub(in crate::replica) fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }

    pub(super) fn of(&self, kind: &Kind) -> &KindTable {
        &self.kinds[kind.index()]
    }

    /// Creates the tables of the kinds and the search index, empty, in place of those that an earlier
    /// schema asked for.
    pub(super) fn lay_out(&self, db: &Connection, before: &[String]) -> rusqlite::Result<()> {
        for table in before {
            db.execute_batch(&format!("DROP TABLE IF EXISTS {}", quoted(table)))?;
        }
        for kind in self.schema.kinds() {
            db.execute_batch(&create_sql(kind))?;
            for column in parents(kind, &self.schema) {
                db.execute_batch(&format!(
                    "CREATE INDEX {0}_{column} ON {0} ({column});",
                    kind.table
                ))?;
            }
        }
        db.execute_batch(SEARCH_TABLE)
    }

    /// Names of all that [`Tables::lay_out`] creates.
    pub(super) fn names(&self) -> Vec<String> {
        let kinds = self.schema.kinds().iter().map(|kind| kind.table.to_owned());
        kinds.chain(["search".to_owned()]).collect()
    }
}

/// Creates the replica's own tables.
pub(super) fn create_own(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(OWN_TABLES)?;
    db.pragma_update(None, "user_version", FILE_VERSION)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn create_sql(kind: &Kind) -> String {
    let column = |(index, column): (usize, &crate::schema::Column)| {
        let key = if index == 0 { " PRIMARY KEY" } else { "" };
        format!("{} {}{key}", column.name, column.ty.sqlite())
    };
    let columns: Vec<String> = kind.columns().iter().enumerate().map(column).collect();
    format!("CREATE TABLE {} ({}) STRICT, WITHOUT ROWID;", kind.table, columns.join(", "))
}

/// Columns by which the records of an account are looked up.
fn parents(kind: &Kind, schema: &Schema) -> Vec<&'static str> {
    let is_account = |of: &str| schema.kind(of).is_some_and(|kind| kind.scope == Scope::Itself);
    let links = kind.fields.iter().filter_map(|field| match field.ty {
        FieldType::Ref { kind } if is_account(kind) => Some(field.name),
        _ => None,
    });
    let mut found: Vec<&'static str> = links.collect();
    if let Scope::Follows { column: followed, .. } = kind.scope
        && !found.contains(&followed)
        && kind.columns().iter().any(|column| column.name == followed)
    {
        found.push(followed);
    }
    found
}
