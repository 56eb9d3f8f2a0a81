//! Writing documents with what is read from them: row, scope and search words.

use std::collections::HashMap;

use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{OptionalExtension, ToSql, params};

use super::document::OpenDocument;
use super::work::Work;
use crate::cell::{Cell, Row};
use crate::document;
use crate::ids::{Receipt, RecordId, ScopeId};
use crate::projection::project;
use crate::replica::error::ReplicaError;
use crate::schema::Kind;

/// Accepted changes beside a snapshot after which they are folded into it.
const FOLD_AFTER: u64 = 24;

/// The table of documents, as what was touched names it.
const DOCUMENTS: &str = "documents";

impl Work<'_> {
    /// Writes a whole document as the server has it, of whatever kind; its number. The accepted
    /// changes that stood beside it are in it.
    pub(in crate::replica) fn put_snapshot(
        &mut self,
        record: RecordId,
        kind: &str,
        scope: ScopeId,
        snapshot: &[u8],
        receipts: &[Receipt],
    ) -> rusqlite::Result<i64> {
        self.touched.add_table(DOCUMENTS);
        self.forget(record);
        self.drop_accepted_changes(record)?;
        self.tx
            .prepare_cached(
                "INSERT INTO documents (id, kind, scope, snapshot, receipts)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, snapshot = excluded.snapshot,
                    receipts = excluded.receipts
                 RETURNING n",
            )?
            .query_row(
                params![record.as_bytes(), kind, scope.as_bytes(), snapshot, joined(receipts)],
                |row| row.get(0),
            )
    }

    /// Makes sure that a record has its place among the documents, with this scope; its number.
    pub(in crate::replica) fn put_scope(
        &mut self,
        record: RecordId,
        kind: &str,
        scope: ScopeId,
    ) -> rusqlite::Result<i64> {
        let known: Option<(i64, [u8; 16])> = self
            .tx
            .prepare_cached("SELECT n, scope FROM documents WHERE id = ?1")?
            .query_row([record.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((n, current)) = known {
            if current != *scope.as_bytes() {
                self.touched.add_table(DOCUMENTS);
                self.tx
                    .prepare_cached("UPDATE documents SET scope = ?2 WHERE n = ?1")?
                    .execute(params![n, scope.as_bytes()])?;
            }
            return Ok(n);
        }
        self.touched.add_table(DOCUMENTS);
        self.tx
            .prepare_cached("INSERT INTO documents (id, kind, scope) VALUES (?1, ?2, ?3)")?
            .execute(params![record.as_bytes(), kind, scope.as_bytes()])?;
        Ok(self.tx.last_insert_rowid())
    }

    /// Writes what an open document says: its row, scope and search words.
    pub(in crate::replica) fn put_record(
        &mut self,
        record: RecordId,
        open: &OpenDocument,
        scope: ScopeId,
    ) -> rusqlite::Result<()> {
        let n = self.put_scope(record, open.kind.name, scope)?;
        let row = project(record, &open.hydrated, open.stamp);
        self.put_row(&open.kind, record, n, &row)
    }

    /// Writes the row of a record, and its search words when the transaction ends.
    pub(in crate::replica) fn put_row(
        &mut self,
        kind: &Kind,
        record: RecordId,
        n: i64,
        row: &Row,
    ) -> rusqlite::Result<()> {
        self.words.insert(n, self.tables.of(kind).words(row));
        self.upsert(kind, record, row)
    }

    /// Writes a row over any that stood there.
    pub(super) fn upsert(
        &mut self,
        kind: &Kind,
        record: RecordId,
        row: &Row,
    ) -> rusqlite::Result<()> {
        self.touched.add_record(kind.table, record);
        let mut statement = self.tx.prepare_cached(&self.tables.of(kind).upsert)?;
        for (index, cell) in row.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, SqlCell(cell))?;
        }
        statement.raw_execute().map(drop)
    }

    /// Reads a record anew from what is accepted and still pending; one of which nothing is left
    /// disappears.
    pub(in crate::replica) fn refresh_record(
        &mut self,
        record: RecordId,
    ) -> Result<(), ReplicaError> {
        match self.open(record)? {
            Some(open) => {
                self.put_record(record, &open, open.scope(record))?;
                self.keep(record, open);
            }
            None if self.stored().kind_of(record)?.is_some() => drop(self.erase_record(record)?),
            // Of a kind that this app does not know there is nothing to be read.
            None => {}
        }
        Ok(())
    }

    /// Erases a record down to the last byte: row, document, search words and accepted changes. What
    /// waits in the outbox or in quarantine stays. Says whether there was one.
    pub(in crate::replica) fn erase_record(&mut self, record: RecordId) -> rusqlite::Result<bool> {
        self.forget(record);
        let known: Option<(i64, String)> = self
            .tx
            .prepare_cached("SELECT n, kind FROM documents WHERE id = ?1")?
            .query_row([record.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((n, kind)) = known else { return Ok(false) };
        self.want_scrub();
        // Words that were to be written at the end would be found for ever.
        self.words.remove(&n);
        self.forget_words(n)?;
        self.touched.add_table("search");
        if let Some(kind) = self.schema().kind(&kind) {
            self.tx.prepare_cached(&self.tables.of(kind).delete)?.execute([record.to_string()])?;
            self.touched.add_record(kind.table, record);
        }
        self.drop_accepted_changes(record)?;
        self.forget_undo(record)?;
        self.touched.add_table(DOCUMENTS);
        self.tx.prepare_cached("DELETE FROM documents WHERE n = ?1")?.execute([n])?;
        Ok(true)
    }

    fn forget_words(&self, n: i64) -> rusqlite::Result<()> {
        #[cfg(feature = "testing")]
        if self.keeps_words() {
            return Ok(());
        }
        self.tx.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute([n]).map(drop)
    }

    /// Folds accepted changes into the snapshot once there are many, so that opening stays quick.
    pub(in crate::replica) fn fold(&mut self, record: RecordId) -> Result<(), ReplicaError> {
        let count: i64 = self
            .tx
            .prepare_cached("SELECT count(*) FROM changes WHERE record = ?1 AND state = 0")?
            .query_row([record.as_bytes()], |row| row.get(0))?;
        if count < FOLD_AFTER as i64 {
            return Ok(());
        }
        let Some(doc) = self.stored().confirmed(record)? else { return Ok(()) };
        let known: HashMap<_, _> = self.stored().receipts_beside(record)?.into_iter().collect();
        let heads = document::heads(&doc);
        let receipts: Option<Vec<Receipt>> =
            heads.iter().map(|head| known.get(head).copied()).collect();
        // While one head's receipt is that of the old snapshot they stay apart.
        let Some(receipts) = receipts.or_else(|| known.is_empty().then(Vec::new)) else {
            return Ok(());
        };
        self.tx
            .prepare_cached("UPDATE documents SET snapshot = ?2, receipts = ?3 WHERE id = ?1")?
            .execute(params![record.as_bytes(), doc.save(), joined(&receipts)])?;
        self.drop_accepted_changes(record)?;
        Ok(())
    }
}

/// Receipts side by side; none when there are none.
fn joined(receipts: &[Receipt]) -> Option<Vec<u8>> {
    (!receipts.is_empty()).then(|| receipts.iter().flat_map(|receipt| receipt.0).collect())
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
