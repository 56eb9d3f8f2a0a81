//! One unit of work: a write transaction with all that belongs to it.
//!
//! Its methods are the only statements that write to the file; those over changes, records and
//! server rows are in the files beside this one.

use std::collections::BTreeMap;

use rusqlite::{ToSql, Transaction, params};

use super::cache::DocumentCache;
use super::document::OpenDocument;
use super::outbox::Origin;
use super::stored::Stored;
use super::tables::Tables;
use crate::ids::{FeedPosition, GroupId, RecordId, ReplicaId, UserId};
use crate::replica::error::ReplicaError;
use crate::replica::moments::{ReplicaMoment, ReplicaMoments};
use crate::replica::redated::Redated;
use crate::replica::touched::Touched;
use crate::schema::Schema;
use crate::time::UnixMs;

/// Whose file it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::replica) struct Owner {
    pub(in crate::replica) user: UserId,
    pub(in crate::replica) replica: ReplicaId,
}

/// A write transaction. Dropped without a commit, it leaves the file as it was.
pub(in crate::replica) struct Work<'a> {
    pub(super) tx: Transaction<'a>,
    pub(super) tables: &'a Tables,
    pub(super) touched: Touched,
    /// Search words by document number, written at the end: many a statement makes a savepoint, and
    /// at each the full-text index would write out what it has gathered.
    pub(super) words: BTreeMap<i64, String>,
    cache: &'a mut DocumentCache,
    owner: Owner,
    moments: &'a ReplicaMoments,
    /// Whether words of what was erased are to be wiped.
    pub(super) scrub: bool,
    /// What was changed of edits because a clock was wrong.
    pub(in crate::replica) redated: Vec<Redated>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        tx: Transaction<'a>,
        tables: &'a Tables,
        cache: &'a mut DocumentCache,
        owner: Owner,
        moments: &'a ReplicaMoments,
    ) -> Self {
        let (touched, words) = (Touched::default(), BTreeMap::new());
        let redated = Vec::new();
        Self { tx, tables, touched, words, cache, owner, moments, scrub: false, redated }
    }

    /// Makes everything durable; says what was touched.
    pub(super) fn commit(mut self) -> rusqlite::Result<Touched> {
        for (n, words) in std::mem::take(&mut self.words) {
            self.tx
                .prepare_cached("INSERT OR REPLACE INTO search (rowid, body) VALUES (?1, ?2)")?
                .execute(params![n, words])?;
            self.touched.add_table("search");
        }
        self.note_scrub()?;
        self.tell(ReplicaMoment::BeforeCommit);
        let Self { tx, touched, cache, .. } = self;
        if touched.is_empty() {
            tx.commit()?;
            return Ok(touched);
        }
        let works = tx
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES ('works', 1)
                 ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value",
            )?
            .query_row([], |row| row.get(0))?;
        tx.commit()?;
        cache.worked(works);
        Ok(touched)
    }

    /// Tells of a moment.
    pub(in crate::replica) fn tell(&self, moment: ReplicaMoment) {
        self.moments.tell(moment);
    }

    /// Whether erasing leaves words behind, as a test has it.
    #[cfg(feature = "testing")]
    pub(super) fn keeps_words(&self) -> bool {
        self.moments.keep_words
    }

    /// What stands in the file, with what was written here.
    pub(in crate::replica) fn stored(&self) -> Stored<'_> {
        Stored::new(&self.tx, self.tables.schema())
    }

    pub(in crate::replica) fn schema(&self) -> &'a Schema {
        self.tables.schema()
    }

    pub(in crate::replica) fn owner(&self) -> Owner {
        self.owner
    }

    /// Tables of the kinds that were written to.
    pub(in crate::replica) fn touched_kinds(&self) -> Vec<&'static str> {
        let tables = self.schema().kinds().iter().map(|kind| kind.table);
        tables.filter(|table| self.touched.has(table)).collect()
    }

    /// How an edit of this moment came to be.
    pub(in crate::replica) fn origin(
        &self,
        group: GroupId,
        made_at: UnixMs,
    ) -> rusqlite::Result<Origin> {
        let seen = self.stored().meta("seen")?.map(FeedPosition);
        Ok(Origin { group, made_at, seen, again: None })
    }

    /// Opens a record's document, which the caller may change; see [`Work::keep`].
    pub(in crate::replica) fn open(
        &mut self,
        record: RecordId,
    ) -> Result<Option<OpenDocument>, ReplicaError> {
        match self.take_open(record) {
            Some(open) => Ok(Some(open)),
            None => self.stored().open(record),
        }
    }

    /// A record's document if it is open already.
    pub(in crate::replica) fn take_open(&mut self, record: RecordId) -> Option<OpenDocument> {
        self.cache.take(record)
    }

    /// Keeps a document open that is as the file has it.
    pub(in crate::replica) fn keep(&mut self, record: RecordId, document: OpenDocument) {
        self.cache.put(record, document);
    }

    /// Closes a document that the file has otherwise.
    pub(in crate::replica) fn forget(&mut self, record: RecordId) {
        self.cache.take(record);
    }

    /// Leaves a note of the replica's own.
    pub(in crate::replica) fn set_meta(
        &self,
        key: &str,
        value: &dyn ToSql,
    ) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
            .execute(params![key, value])
            .map(drop)
    }

    pub(in crate::replica) fn drop_meta(&self, key: &str) -> rusqlite::Result<()> {
        self.tx.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key]).map(drop)
    }

    /// Notes that records are to be asked for, in this session or the next.
    pub(in crate::replica) fn want(&self, records: &[RecordId]) -> rusqlite::Result<()> {
        let mut statement =
            self.tx.prepare_cached("INSERT OR IGNORE INTO wanted (record) VALUES (?1)")?;
        records.iter().try_for_each(|record| statement.execute([record.as_bytes()]).map(drop))
    }

    /// Notes that every record that is here is to come again, or to be asked for, and that what the
    /// server accepted of it may be lost.
    pub(in crate::replica) fn want_everything(&self) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO wanted (record, offer) SELECT id, 1 FROM documents WHERE true
                 ON CONFLICT (record) DO UPDATE SET offer = 1",
            )?
            .execute([])
            .map(drop)
    }

    /// Notes that what the server lacks of a record was found out.
    pub(in crate::replica) fn offered(&self, record: RecordId) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("UPDATE wanted SET offer = 0 WHERE record = ?1")?
            .execute([record.as_bytes()])
            .map(drop)
    }

    /// Forgets records that the server was asked for, since it answered.
    pub(in crate::replica) fn want_no_more(&self, records: &[RecordId]) -> rusqlite::Result<()> {
        let mut statement = self.tx.prepare_cached("DELETE FROM wanted WHERE record = ?1")?;
        records.iter().try_for_each(|record| statement.execute([record.as_bytes()]).map(drop))
    }
}
