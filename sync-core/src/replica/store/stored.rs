//! Reading what stands in the file: notes and documents.

use automerge::Automerge;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::document::OpenDocument;
use crate::document::{self, LoadError, hydrate};
use crate::ids::{Receipt, RecordId, ScopeId};
use crate::projection::Stamp;
use crate::replica::error::ReplicaError;
use crate::schema::{Kind, Schema};

/// The file as it stands, within a transaction or outside.
#[derive(Clone, Copy, Debug)]
pub(in crate::replica) struct Stored<'a> {
    pub(super) db: &'a Connection,
    pub(super) schema: &'a Schema,
}

/// Everything known of a record's document.
#[derive(Debug)]
pub(in crate::replica) struct DocumentRow {
    pub(in crate::replica) kind: String,
    pub(in crate::replica) snapshot: Option<Vec<u8>>,
    /// Receipts for the heads of the snapshot, in the order of their hashes.
    pub(in crate::replica) receipts: Vec<Receipt>,
    pub(in crate::replica) accepted: Vec<Vec<u8>>,
    pending: Vec<Vec<u8>>,
}

impl<'a> Stored<'a> {
    pub(super) fn new(db: &'a Connection, schema: &'a Schema) -> Self {
        Self { db, schema }
    }

    pub(in crate::replica) fn schema(self) -> &'a Schema {
        self.schema
    }

    /// A note of the replica's own.
    pub(in crate::replica) fn meta<T: FromSql>(self, key: &str) -> rusqlite::Result<Option<T>> {
        self.db
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()
    }

    /// What one statement counts.
    pub(in crate::replica) fn count(self, sql: &str) -> rusqlite::Result<u64> {
        let count: i64 = self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    pub(in crate::replica) fn document(
        self,
        record: RecordId,
    ) -> rusqlite::Result<Option<DocumentRow>> {
        let found = self
            .db
            .prepare_cached("SELECT kind, snapshot, receipts FROM documents WHERE id = ?1")?
            .query_row([record.as_bytes()], |row| {
                let receipts = row.get::<_, Option<Vec<u8>>>(2)?.unwrap_or_default();
                Ok(DocumentRow {
                    kind: row.get(0)?,
                    snapshot: row.get(1)?,
                    receipts: receipts.chunks(8).filter_map(Receipt::from_slice).collect(),
                    accepted: Vec::new(),
                    pending: Vec::new(),
                })
            })
            .optional()?;
        let Some(mut row) = found else { return Ok(None) };
        let mut statement = self.db.prepare_cached(
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

    /// The kind of a record that is here, if this app knows it.
    pub(in crate::replica) fn kind_of(self, record: RecordId) -> rusqlite::Result<Option<Kind>> {
        Ok(self.kind_name(record)?.and_then(|name| self.schema.kind(&name).cloned()))
    }

    /// The kind's name of a record that is here, whether this app knows it or not.
    pub(in crate::replica) fn kind_name(
        self,
        record: RecordId,
    ) -> rusqlite::Result<Option<String>> {
        self.db
            .prepare_cached("SELECT kind FROM documents WHERE id = ?1")?
            .query_row([record.as_bytes()], |row| row.get(0))
            .optional()
    }

    /// Opens a record's document with its accepted and pending changes; none of one that is not
    /// here, of which nothing is left, or whose kind this app does not know.
    pub(in crate::replica) fn open(
        self,
        record: RecordId,
    ) -> Result<Option<OpenDocument>, ReplicaError> {
        let Some(row) = self.document(record)? else { return Ok(None) };
        let Some(kind) = self.schema.kind(&row.kind).cloned() else { return Ok(None) };
        if row.snapshot.is_none() && row.accepted.is_empty() && row.pending.is_empty() {
            return Ok(None);
        }
        let mut doc = base(Some(&kind), &row)?;
        document::apply_stored(&mut doc, &row.accepted)?;
        document::apply_stored(&mut doc, &row.pending)?;
        let hydrated = hydrate(&doc, &kind);
        // The genesis change has no author and no time, and is nobody's edit.
        let stamp = Stamp::of_document(&doc).filter(|stamp| stamp.by.is_some());
        Ok(Some(OpenDocument { kind, doc, stamp, hydrated }))
    }

    /// A document as the server confirmed it, whatever its kind.
    pub(in crate::replica) fn confirmed(
        self,
        record: RecordId,
    ) -> Result<Option<Automerge>, ReplicaError> {
        let Some(row) = self.document(record)? else { return Ok(None) };
        let kind = self.schema.kind(&row.kind);
        if row.snapshot.is_none() && kind.is_none() {
            return Ok(None);
        }
        let mut doc = base(kind, &row)?;
        document::apply_stored(&mut doc, &row.accepted)?;
        Ok(Some(doc))
    }

    /// A document with every change in the file that applies, refused ones too.
    pub(in crate::replica) fn everything(
        self,
        record: RecordId,
    ) -> Result<Option<(Kind, Automerge)>, ReplicaError> {
        let Some(row) = self.document(record)? else { return Ok(None) };
        let Some(kind) = self.schema.kind(&row.kind) else { return Ok(None) };
        let mut doc = base(Some(kind), &row)?;
        for bytes in self.all_changes(record)? {
            // One that does not apply beside the others is kept all the same.
            if let Ok(change) = automerge::Change::from_bytes(bytes) {
                let _ = doc.apply_changes([change]);
            }
        }
        Ok(Some((kind.clone(), doc)))
    }

    /// What a record hangs from, if it is here.
    pub(in crate::replica) fn scope(self, record: RecordId) -> rusqlite::Result<Option<ScopeId>> {
        self.db
            .prepare_cached("SELECT scope FROM documents WHERE id = ?1")?
            .query_row([record.as_bytes()], |row| row.get::<_, [u8; 16]>(0))
            .optional()
            .map(|found| found.map(|bytes| ScopeId(Uuid::from_bytes(bytes))))
    }

    /// Whether a record began here and no server has heard of it.
    pub(in crate::replica) fn is_unsent(self, record: RecordId) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM documents WHERE id = ?1 AND snapshot IS NULL)
                    AND NOT EXISTS (SELECT 1 FROM changes WHERE record = ?1 AND state = 0)",
            )?
            .query_row([record.as_bytes()], |row| row.get(0))
    }

    /// Every scope that a record of this replica hangs from.
    pub(in crate::replica) fn scopes(self) -> rusqlite::Result<Vec<ScopeId>> {
        let mut statement = self.db.prepare_cached("SELECT DISTINCT scope FROM documents")?;
        let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
        rows.map(|bytes| Ok(ScopeId(Uuid::from_bytes(bytes?)))).collect()
    }

    /// The records that hang from a scope.
    pub(in crate::replica) fn records_of(self, scope: ScopeId) -> rusqlite::Result<Vec<RecordId>> {
        let mut statement = self.db.prepare_cached("SELECT id FROM documents WHERE scope = ?1")?;
        let rows = statement.query_map([scope.as_bytes()], |row| row.get(0).map(record))?;
        rows.collect()
    }

    /// Whether what the server accepted of a record may be lost, and it is not known yet what is.
    pub(in crate::replica) fn may_be_lost(self, record: RecordId) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM wanted WHERE record = ?1 AND offer = 1)")?
            .query_row([record.as_bytes()], |row| row.get(0))
    }

    /// Whether that is not known yet of some record.
    pub(in crate::replica) fn something_may_be_lost(self) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM wanted WHERE offer = 1)")?
            .query_row([], |row| row.get(0))
    }

    /// Records that the server was asked for and has not answered.
    pub(in crate::replica) fn wanted(self) -> rusqlite::Result<Vec<RecordId>> {
        let mut statement = self.db.prepare_cached("SELECT record FROM wanted")?;
        let rows = statement.query_map([], |row| row.get(0).map(record))?;
        rows.collect()
    }
}

fn record(bytes: [u8; 16]) -> RecordId {
    RecordId(Uuid::from_bytes(bytes))
}

/// The document under the changes that stand beside it.
fn base(kind: Option<&Kind>, row: &DocumentRow) -> Result<Automerge, LoadError> {
    match (&row.snapshot, kind) {
        (Some(snapshot), _) => document::load(snapshot, &[]),
        (None, Some(kind)) => Ok(kind.genesis().doc.clone()),
        (None, None) => Err(LoadError::Damaged("a record of an unknown kind began here".into())),
    }
}
