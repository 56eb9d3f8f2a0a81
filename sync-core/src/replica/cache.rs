//! Documents kept open between edits, bounded in number.

use std::num::NonZeroUsize;

use automerge::Automerge;
use lru::LruCache;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::store::{self, Db};
use crate::document::Hydrated;
use crate::ids::RecordId;
use crate::projection::{Row, Stamp};
use crate::schema::{Kind, Schema};

/// Enough for every record a rep touches in a day; about 2 KB each.
const DOCUMENTS: NonZeroUsize = NonZeroUsize::new(512).expect("BUG: not zero");

/// A document with accepted and pending changes applied, and what was read from it.
#[derive(Clone, Debug)]
pub(super) struct OpenDocument {
    pub(super) kind: Kind,
    pub(super) doc: Automerge,
    pub(super) stamp: Option<Stamp>,
    pub(super) hydrated: Hydrated,
}

#[derive(Debug)]
pub(super) struct DocumentCache {
    documents: LruCache<RecordId, OpenDocument>,
    /// Search words of the transaction under way, written at its end: many a statement makes a
    /// savepoint, and at each the full-text index would write out what it has gathered.
    words: Vec<(i64, String)>,
    /// SQLite's counter of foreign writes; when it moves, another process wrote and all is stale.
    data_version: i64,
}

impl DocumentCache {
    pub(super) fn new() -> Self {
        Self { documents: LruCache::new(DOCUMENTS), words: Vec::new(), data_version: 0 }
    }

    /// Drops everything when another connection has written since the last call.
    pub(super) fn refresh(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let version =
            db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get::<_, i64>(0))?;
        if version != self.data_version {
            self.documents.clear();
            self.data_version = version;
        }
        Ok(())
    }

    pub(super) fn take(&mut self, record: RecordId) -> Option<OpenDocument> {
        self.documents.pop(&record)
    }

    pub(super) fn put(&mut self, record: RecordId, document: OpenDocument) {
        self.documents.put(record, document);
    }

    /// Writes a record's row, and its search words when the transaction ends.
    pub(super) fn put_row(
        &mut self,
        tx: &Db<'_>,
        kind: &Kind,
        n: i64,
        row: &Row,
    ) -> rusqlite::Result<()> {
        self.words.push((n, store::words(kind, row)));
        store::put_row(tx, kind, row)
    }

    fn clear(&mut self) {
        self.documents.clear();
        self.words.clear();
    }

    pub(super) fn forget(&mut self, record: RecordId) {
        self.documents.pop(&record);
    }
}

/// Does something in one write transaction; all of it is in the file when this returns, or none.
///
/// On failure the cache is emptied: it may hold documents with changes that the file never got, and
/// an edit built on those could not be opened again.
pub(super) fn write<T, E: From<rusqlite::Error>>(
    db: &Connection,
    schema: &Schema,
    cache: &mut DocumentCache,
    work: impl FnOnce(&Db<'_>, &mut DocumentCache) -> Result<T, E>,
) -> Result<T, E> {
    let outcome = (|| {
        let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
        cache.refresh(&tx)?;
        let file = Db::new(&tx, schema);
        let done = work(&file, cache)?;
        for (n, words) in cache.words.drain(..) {
            store::put_words(&file, n, &words)?;
        }
        tx.commit()?;
        Ok(done)
    })();
    if outcome.is_err() {
        cache.clear();
    }
    outcome
}
