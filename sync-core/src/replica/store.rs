//! The replica's SQLite file: its tables, and every statement that writes to them.
//!
//! **Invariant**: functions here run inside a transaction that the caller began.

mod waiting;

use std::fmt::Write;

use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::error::Refusal;
use crate::ids::{Actor, ChangeHash, FeedPosition, GroupId, RecordId, ScopeId};
use crate::projection::{Cell, Row};
use crate::schema::{FieldType, Kind, Schema, Search};
use crate::time::UnixMs;
pub(super) use waiting::{
    Waiting, group_places, is_first_writing, note_fetching, places, waiting_from,
};

/// Version of the tables below, in `PRAGMA user_version`.
pub(super) const FILE_VERSION: i64 = 6;

/// What brings a file of each version to the next, from the first one on.
const UPGRADES: [&str; 5] = [
    "ALTER TABLE changes ADD COLUMN edit TEXT",
    "CREATE INDEX changes_group ON changes (grp) WHERE state = 1",
    "ALTER TABLE changes ADD COLUMN seen INTEGER",
    // In full and not from the declaration, to which later steps may add columns.
    "CREATE TABLE organization_finance (id TEXT PRIMARY KEY, created_at TEXT, created_by TEXT, \
     organization_id TEXT, annual_revenue_minor INTEGER, annual_revenue_currency TEXT, \
     credit_limit_minor INTEGER, credit_limit_currency TEXT, payment_terms TEXT, tax_id TEXT, \
     tags TEXT, custom_fields TEXT, is_deleted INTEGER, deleted_at TEXT, updated_at TEXT, \
     updated_by TEXT, conflict_count INTEGER, violation_count INTEGER) STRICT, WITHOUT ROWID;
     CREATE INDEX organization_finance_organization ON organization_finance (organization_id);",
    "CREATE TABLE wanted (record BLOB PRIMARY KEY) STRICT, WITHOUT ROWID",
];

const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

-- One row a record. `snapshot` is the document as the server confirmed it, without the accepted
-- changes that still stand in `changes`; NULL for a record that began here.
CREATE TABLE documents (
    n INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    scope BLOB NOT NULL,
    snapshot BLOB
) STRICT;
CREATE INDEX documents_scope ON documents (scope);

-- Changes beside their snapshots. state: 0 accepted, 1 pending (the outbox), 2 quarantined. `edit`
-- is what a refused or cut-off change did, in the words of an edit. `code` is why it was refused; of
-- a pending change, why its edit was written anew, or waits for the record to be fetched. `seen` is
-- how far the feed had come when the edit was made.
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
    seen INTEGER
) STRICT;
CREATE INDEX changes_record ON changes (record, seq);
CREATE INDEX changes_waiting ON changes (state, seq) WHERE state > 0;
CREATE INDEX changes_group ON changes (grp) WHERE state = 1;

-- Records that the server is asked for whole, until it answered: what the feed brought of them before
-- could not be taken in, and it will not come again by itself.
CREATE TABLE wanted (record BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Only the index is stored: the words themselves stand in the rows.
CREATE VIRTUAL TABLE search USING fts5 (body, content='', contentless_delete=1,
    tokenize=\"unicode61 remove_diacritics 2\", prefix='2 3');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
";

/// The file, with the schema that its tables follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Db<'a> {
    connection: &'a Connection,
    pub(super) schema: &'a Schema,
}

impl<'a> Db<'a> {
    pub(super) fn new(connection: &'a Connection, schema: &'a Schema) -> Self {
        Self { connection, schema }
    }
}

impl std::ops::Deref for Db<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// Where a change stands when it is first stored; 2, quarantine, is only ever reached from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ChangeState {
    Accepted = 0,
    Pending = 1,
}

/// A change as it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct ChangeRow {
    pub(super) seq: i64,
    pub(super) record: RecordId,
    pub(super) kind: String,
    pub(super) hash: ChangeHash,
    pub(super) bytes: Vec<u8>,
    pub(super) group: GroupId,
    pub(super) seen: Option<FeedPosition>,
}

/// Everything known of a record's document.
#[derive(Debug)]
pub(super) struct DocumentRow {
    pub(super) kind: Kind,
    pub(super) snapshot: Option<Vec<u8>>,
    pub(super) accepted: Vec<Vec<u8>>,
    pub(super) pending: Vec<Vec<u8>>,
}

pub(super) fn create_tables(db: &Db<'_>) -> rusqlite::Result<()> {
    db.execute_batch(TABLES)?;
    for kind in db.schema.kinds() {
        let mut sql = format!("CREATE TABLE {} (", kind.table);
        for column in kind.columns() {
            let _ = write!(sql, "{} {}", column.name, column.ty.sqlite());
            sql.push_str(if column.name == "id" { " PRIMARY KEY, " } else { ", " });
        }
        sql.truncate(sql.len() - 2);
        sql.push_str(") STRICT, WITHOUT ROWID;");
        db.execute_batch(&sql)?;
        if kind.columns().iter().any(|column| column.name == "organization_id") {
            db.execute_batch(&format!(
                "CREATE INDEX {0}_organization ON {0} (organization_id);",
                kind.table
            ))?;
        }
    }
    db.pragma_update(None, "user_version", FILE_VERSION)
}

/// Brings a file of an older version to this one.
pub(super) fn upgrade(db: &Db<'_>, from: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(from - 1).unwrap_or(0);
    for upgrade in UPGRADES.iter().skip(done) {
        db.execute_batch(upgrade)?;
    }
    db.pragma_update(None, "user_version", FILE_VERSION)
}

pub(super) fn meta<T: rusqlite::types::FromSql>(
    db: &Db<'_>,
    key: &str,
) -> rusqlite::Result<Option<T>> {
    db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

pub(super) fn set_meta(db: &Db<'_>, key: &str, value: &dyn ToSql) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])
        .map(drop)
}

pub(super) fn drop_meta(db: &Db<'_>, key: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key]).map(drop)
}

pub(super) fn document(db: &Db<'_>, record: RecordId) -> rusqlite::Result<Option<DocumentRow>> {
    let found: Option<(String, Option<Vec<u8>>)> = db
        .prepare_cached("SELECT kind, snapshot FROM documents WHERE id = ?1")?
        .query_row([record.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((kind, snapshot)) = found else { return Ok(None) };
    let Some(kind) = db.schema.kind(&kind).cloned() else { return Ok(None) };
    let mut row = DocumentRow { kind, snapshot, accepted: Vec::new(), pending: Vec::new() };
    let mut statement = db.prepare_cached(
        "SELECT state, bytes FROM changes WHERE record = ?1 AND state < 2 ORDER BY state, seq",
    )?;
    let mut rows = statement.query([record.as_bytes()])?;
    while let Some(change) = rows.next()? {
        let bytes: Vec<u8> = change.get(1)?;
        match change.get::<_, i64>(0)? {
            0 => row.accepted.push(bytes),
            _ => row.pending.push(bytes),
        }
    }
    Ok(Some(row))
}

/// Writes the document's snapshot; the accepted changes beside it are in it from here on.
pub(super) fn put_snapshot(
    db: &Db<'_>,
    record: RecordId,
    kind: &Kind,
    scope: ScopeId,
    snapshot: &[u8],
) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "INSERT INTO documents (id, kind, scope, snapshot) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, snapshot = excluded.snapshot
         RETURNING n",
    )?
    .query_row(params![record.as_bytes(), kind.name, scope.as_bytes(), snapshot], |row| row.get(0))
}

/// Makes sure that a record has its row in `documents`, with this scope; returns its number.
pub(super) fn touch_document(
    db: &Db<'_>,
    record: RecordId,
    kind: &Kind,
    scope: ScopeId,
) -> rusqlite::Result<i64> {
    let known: Option<(i64, Vec<u8>)> = db
        .prepare_cached("SELECT n, scope FROM documents WHERE id = ?1")?
        .query_row([record.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((n, current)) = known {
        if current != scope.as_bytes() {
            db.prepare_cached("UPDATE documents SET scope = ?2 WHERE n = ?1")?
                .execute(params![n, scope.as_bytes()])?;
        }
        return Ok(n);
    }
    db.prepare_cached("INSERT INTO documents (id, kind, scope) VALUES (?1, ?2, ?3)")?
        .execute(params![record.as_bytes(), kind.name, scope.as_bytes()])?;
    Ok(db.last_insert_rowid())
}

/// How an edit came to be, whatever change it stands in.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) group: GroupId,
    pub(super) made_at: UnixMs,
    /// How far the feed had come when it was made.
    pub(super) seen: Option<FeedPosition>,
    /// For what refusal it was written anew, if it was.
    pub(super) anew: Option<String>,
}

impl Origin {
    /// Of what is made now.
    pub(super) fn now(db: &Db<'_>, group: GroupId, now: UnixMs) -> rusqlite::Result<Self> {
        let seen = meta(db, "seen")?.map(FeedPosition);
        Ok(Self { group, made_at: now, seen, anew: None })
    }

    /// Reads the columns `grp, made_at, seen, code` from the first of them on.
    fn of_row(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            group: GroupId(uuid::Uuid::from_bytes(row.get(first)?)),
            made_at: UnixMs(row.get(first + 1)?),
            seen: row.get::<_, Option<i64>>(first + 2)?.map(FeedPosition),
            anew: row.get(first + 3)?,
        })
    }
}

/// A change to be put into the file.
#[derive(Debug)]
pub(super) struct NewChange<'a> {
    pub(super) record: RecordId,
    pub(super) kind: Kind,
    pub(super) hash: ChangeHash,
    pub(super) bytes: &'a [u8],
    pub(super) state: ChangeState,
    pub(super) actor: Actor,
    pub(super) origin: &'a Origin,
}

pub(super) fn insert_change(db: &Db<'_>, change: &NewChange<'_>) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO changes (record, kind, hash, bytes, state, actor, grp, made_at, seen, code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        change.record.as_bytes(),
        change.kind.name,
        change.hash.0,
        change.bytes,
        change.state as i64,
        change.actor.0,
        change.origin.group.as_bytes(),
        change.origin.made_at.0,
        change.origin.seen.map(|seen| seen.0),
        change.origin.anew,
    ])
    .map(drop)
}

/// Where a change of this name stands, if it is in the file.
pub(super) fn change_state(db: &Db<'_>, hash: ChangeHash) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT state FROM changes WHERE hash = ?1")?
        .query_row([hash.0], |row| row.get(0))
        .optional()
}

pub(super) fn accept_change(db: &Db<'_>, hash: ChangeHash) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE changes SET state = 0, code = NULL, policy = NULL, sentence = NULL WHERE hash = ?1",
    )?
    .execute([hash.0])
    .map(drop)
}

/// The record of an accepted change that was erased here before its verdict came; the change, which
/// nothing stands on any more, goes too.
pub(super) fn take_orphan(db: &Db<'_>, hash: ChangeHash) -> rusqlite::Result<Option<RecordId>> {
    db.prepare_cached(
        "DELETE FROM changes WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM documents WHERE id = record)
         RETURNING record",
    )?
    .query_row([hash.0], |row| row.get::<_, [u8; 16]>(0))
    .optional()
    .map(|found| found.and_then(|bytes| RecordId::from_slice(&bytes)))
}

/// Whether a record began here and no server has heard of it.
pub(super) fn is_unsent(db: &Db<'_>, record: RecordId) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM documents WHERE id = ?1 AND snapshot IS NULL)
            AND NOT EXISTS (SELECT 1 FROM changes WHERE record = ?1 AND state = 0)",
    )?
    .query_row([record.as_bytes()], |row| row.get(0))
}

pub(super) fn quarantine_change(
    db: &Db<'_>,
    hash: ChangeHash,
    refusal: &Refusal,
) -> rusqlite::Result<Option<RecordId>> {
    db.prepare_cached(
        "UPDATE changes SET state = 2, code = ?2, policy = ?3, sentence = ?4
         WHERE hash = ?1 AND state = 1 RETURNING record",
    )?
    .query_row(params![hash.0, refusal.code, refusal.policy, refusal.sentence], |row| {
        row.get::<_, [u8; 16]>(0)
    })
    .optional()
    .map(|found| found.and_then(|bytes| RecordId::from_slice(&bytes)))
}

/// A change that waits or was refused, as far as its fate goes.
#[derive(Debug)]
pub(super) struct OwnChange {
    pub(super) hash: ChangeHash,
    pub(super) bytes: Vec<u8>,
    pub(super) origin: Origin,
}

/// Pending changes of a record made after a change that stands in the file, oldest first.
pub(super) fn pending_after(
    db: &Db<'_>,
    record: RecordId,
    hash: ChangeHash,
) -> rusqlite::Result<Vec<OwnChange>> {
    let mut statement = db.prepare_cached(
        "SELECT hash, bytes, grp, made_at, seen, code FROM changes WHERE record = ?1 AND state = 1
           AND seq > (SELECT seq FROM changes WHERE hash = ?2) ORDER BY seq",
    )?;
    let rows = statement.query_map(params![record.as_bytes(), hash.0], |row| {
        Ok(OwnChange {
            hash: ChangeHash(row.get(0)?),
            bytes: row.get(1)?,
            origin: Origin::of_row(row, 2)?,
        })
    })?;
    rows.collect()
}

/// The pending changes of a group on other records.
pub(super) fn pending_beside(
    db: &Db<'_>,
    group: GroupId,
    record: RecordId,
) -> rusqlite::Result<Vec<ChangeHash>> {
    let mut statement = db.prepare_cached(
        "SELECT hash FROM changes WHERE grp = ?1 AND record <> ?2 AND state = 1 ORDER BY seq",
    )?;
    let rows = statement.query_map(params![group.as_bytes(), record.as_bytes()], |row| {
        row.get(0).map(ChangeHash)
    })?;
    rows.collect()
}

/// Every change of a record beside its snapshot: accepted and pending ones, oldest first, and then
/// refused ones, newest first, since an old one may stand in the way of a newer.
pub(super) fn all_changes(db: &Db<'_>, record: RecordId) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut statement = db.prepare_cached(
        "SELECT bytes FROM changes WHERE record = ?1
         ORDER BY state, CASE WHEN state = 2 THEN -seq ELSE seq END",
    )?;
    let rows = statement.query_map([record.as_bytes()], |row| row.get(0))?;
    rows.collect()
}

/// Changes of which is not said in words yet what they did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Silent {
    /// Refused ones.
    Refused,
    /// Unsent ones as well.
    All,
}

impl Silent {
    fn condition(self) -> &'static str {
        match self {
            Self::Refused => "state = 2",
            Self::All => "state > 0",
        }
    }
}

/// Changes of a record that are silent, oldest first.
pub(super) fn silent(
    db: &Db<'_>,
    record: RecordId,
    which: Silent,
) -> rusqlite::Result<Vec<(ChangeHash, Vec<u8>)>> {
    let condition = which.condition();
    let mut statement = db.prepare_cached(&format!(
        "SELECT hash, bytes FROM changes WHERE record = ?1 AND {condition} AND edit IS NULL ORDER BY seq"
    ))?;
    let rows = statement
        .query_map([record.as_bytes()], |row| Ok((ChangeHash(row.get(0)?), row.get(1)?)))?;
    rows.collect()
}

/// Whether a record has a silent change, unsent or refused.
pub(super) fn is_silent(db: &Db<'_>, record: RecordId) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM changes WHERE record = ?1 AND state > 0 AND edit IS NULL)",
    )?
    .query_row([record.as_bytes()], |row| row.get(0))
}

/// Keeps what a change did in words, for when its record is gone.
pub(super) fn put_edit(db: &Db<'_>, hash: ChangeHash, edit: &str) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE changes SET edit = ?2 WHERE hash = ?1")?
        .execute(params![hash.0, edit])
        .map(drop)
}

pub(super) fn drop_accepted_changes(db: &Db<'_>, record: RecordId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM changes WHERE record = ?1 AND state = 0")?
        .execute([record.as_bytes()])
        .map(drop)
}

pub(super) fn drop_change(db: &Db<'_>, hash: ChangeHash) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM changes WHERE hash = ?1")?.execute([hash.0]).map(drop)
}

/// Pending changes after a place in the outbox, oldest first.
pub(super) fn outbox_after(db: &Db<'_>, seq: i64, most: usize) -> rusqlite::Result<Vec<ChangeRow>> {
    let mut statement = db.prepare_cached(
        "SELECT seq, record, kind, bytes, grp, hash, seen FROM changes
         WHERE state = 1 AND seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let rows = statement.query_map(params![seq, most as i64], |row| {
        Ok(ChangeRow {
            seq: row.get(0)?,
            record: RecordId(uuid::Uuid::from_bytes(row.get(1)?)),
            kind: row.get(2)?,
            bytes: row.get(3)?,
            group: GroupId(uuid::Uuid::from_bytes(row.get(4)?)),
            hash: ChangeHash(row.get(5)?),
            seen: row.get::<_, Option<i64>>(6)?.map(FeedPosition),
        })
    })?;
    rows.collect()
}

/// The row of a record, over any that stood there.
pub(super) fn put_row(db: &Db<'_>, kind: &Kind, row: &Row) -> rusqlite::Result<()> {
    let marks = vec!["?"; kind.columns().len()].join(", ");
    let sql = format!("INSERT OR REPLACE INTO {} VALUES ({marks})", kind.table);
    let mut statement = db.prepare_cached(&sql)?;
    for (index, cell) in row.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, SqlCell(cell))?;
    }
    statement.raw_execute().map(drop)
}

struct SqlCell<'a>(&'a Cell);

impl ToSql for SqlCell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Cell::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Cell::Bool(flag) => ToSqlOutput::Owned(SqlValue::Integer(i64::from(*flag))),
            Cell::Int(number) => ToSqlOutput::Owned(SqlValue::Integer(*number)),
            Cell::Float(number) => ToSqlOutput::Owned(SqlValue::Real(*number)),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Cell::List(keys) => ToSqlOutput::Owned(SqlValue::Text(
                serde_json::to_string(keys).expect("BUG: strings serialise"),
            )),
        })
    }
}

/// Replaces the words under which a record is found.
pub(super) fn put_words(db: &Db<'_>, n: i64, words: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO search (rowid, body) VALUES (?1, ?2)")?
        .execute(params![n, words])
        .map(drop)
}

/// The words under which a record is found.
pub(super) fn words(kind: &Kind, row: &Row) -> String {
    let mut out = String::new();
    let mut index = 1;
    for field in &kind.fields {
        if field.search == Search::Indexed
            && let Some(Cell::Text(text)) = row.get(index)
        {
            out.push_str(text);
            out.push(' ');
        }
        index += column_count(field.ty);
    }
    out
}

fn column_count(ty: FieldType) -> usize {
    match ty {
        FieldType::Parts(parts) => parts.len(),
        FieldType::Log(log) => log.columns().len(),
        _ => 1,
    }
}

/// Erases a record: row, document, search words and accepted changes. What waits in the outbox or
/// in quarantine stays. Says whether there was one.
pub(super) fn erase_record(db: &Db<'_>, record: RecordId) -> rusqlite::Result<bool> {
    let known: Option<(i64, String)> = db
        .prepare_cached("SELECT n, kind FROM documents WHERE id = ?1")?
        .query_row([record.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((n, kind)) = known else { return Ok(false) };
    db.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute([n])?;
    if let Some(kind) = db.schema.kind(&kind) {
        db.prepare_cached(&format!("DELETE FROM {} WHERE id = ?1", kind.table))?
            .execute([record.to_string()])?;
    }
    drop_accepted_changes(db, record)?;
    db.prepare_cached("DELETE FROM documents WHERE n = ?1")?.execute([n])?;
    Ok(true)
}

/// Notes that records are to be asked for, in this session or the next.
pub(super) fn want(db: &Db<'_>, records: &[RecordId]) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached("INSERT OR IGNORE INTO wanted (record) VALUES (?1)")?;
    records.iter().try_for_each(|record| statement.execute([record.as_bytes()]).map(drop))
}

/// Records that were not answered yet.
pub(super) fn wanted(db: &Db<'_>) -> rusqlite::Result<Vec<RecordId>> {
    let mut statement = db.prepare_cached("SELECT record FROM wanted")?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
    rows.map(|bytes| Ok(RecordId(uuid::Uuid::from_bytes(bytes?)))).collect()
}

/// Forgets records that the server was asked for, since it answered.
pub(super) fn want_no_more(db: &Db<'_>, records: &[RecordId]) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached("DELETE FROM wanted WHERE record = ?1")?;
    records.iter().try_for_each(|record| statement.execute([record.as_bytes()]).map(drop))
}

/// What a record hangs from, if it is here.
pub(super) fn scope(db: &Db<'_>, record: RecordId) -> rusqlite::Result<Option<ScopeId>> {
    db.prepare_cached("SELECT scope FROM documents WHERE id = ?1")?
        .query_row([record.as_bytes()], |row| row.get::<_, [u8; 16]>(0))
        .optional()
        .map(|found| found.map(|bytes| ScopeId(uuid::Uuid::from_bytes(bytes))))
}

/// Erases all rows of the server's own data.
pub(super) fn empty_table(db: &Db<'_>, kind: &Kind) -> rusqlite::Result<()> {
    db.execute(&format!("DELETE FROM {}", kind.table), []).map(drop)
}

/// The records that hang from a scope.
pub(super) fn records_of(db: &Db<'_>, scope: ScopeId) -> rusqlite::Result<Vec<RecordId>> {
    let mut statement = db.prepare_cached("SELECT id FROM documents WHERE scope = ?1")?;
    let rows = statement.query_map([scope.as_bytes()], |row| row.get::<_, [u8; 16]>(0))?;
    rows.map(|bytes| Ok(RecordId(uuid::Uuid::from_bytes(bytes?)))).collect()
}

/// Every scope that a record of this replica hangs from.
pub(super) fn scopes(db: &Db<'_>) -> rusqlite::Result<Vec<ScopeId>> {
    let mut statement = db.prepare_cached("SELECT DISTINCT scope FROM documents")?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
    rows.map(|bytes| Ok(ScopeId(uuid::Uuid::from_bytes(bytes?)))).collect()
}
