//! Documents kept open between edits, bounded in number.

use std::num::NonZeroUsize;

use lru::LruCache;

use super::document::OpenDocument;
use super::stored::Stored;
use crate::ids::RecordId;

/// Enough for every record a rep touches in a day; about 2 KB each.
const DOCUMENTS: NonZeroUsize = NonZeroUsize::new(512).expect("BUG: not zero");

/// Whether another process wrote to the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Foreign {
    /// Nobody else did, or it only left notes.
    Quiet,
    /// What is known here may be stale.
    Wrote,
}

#[derive(Debug)]
pub(super) struct DocumentCache {
    documents: LruCache<RecordId, OpenDocument>,
    /// SQLite's counter of foreign commits.
    data_version: i64,
    /// The file's own counter of transactions that changed more than notes.
    works: i64,
}

impl DocumentCache {
    pub(super) fn new() -> Self {
        Self { documents: LruCache::new(DOCUMENTS), data_version: 0, works: 0 }
    }

    /// Drops everything when another connection has written records since the last call.
    pub(super) fn refresh(&mut self, stored: Stored<'_>) -> rusqlite::Result<Foreign> {
        let version: i64 =
            stored.db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version == self.data_version {
            return Ok(Foreign::Quiet);
        }
        let works = stored.meta("works")?.unwrap_or(0);
        self.data_version = version;
        if works == self.works {
            return Ok(Foreign::Quiet);
        }
        self.works = works;
        self.documents.clear();
        Ok(Foreign::Wrote)
    }

    /// Takes note of a transaction of our own that was committed.
    pub(super) fn worked(&mut self, works: i64) {
        self.works = works;
    }

    /// Has the next look find foreign writes again, since nothing was made of these.
    pub(super) fn look_again(&mut self) {
        (self.data_version, self.works) = (0, -1);
    }

    pub(super) fn take(&mut self, record: RecordId) -> Option<OpenDocument> {
        self.documents.pop(&record)
    }

    pub(super) fn put(&mut self, record: RecordId, document: OpenDocument) -> &OpenDocument {
        self.documents.pop(&record);
        self.documents.get_or_insert(record, || document)
    }

    pub(super) fn clear(&mut self) {
        self.documents.clear();
    }
}
