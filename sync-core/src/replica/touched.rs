//! What writes touched: for lists that are to stay true.

use std::collections::BTreeSet;

use crate::ids::RecordId;

/// Records listed at most; beyond that, their tables count as changed as a whole.
const RECORDS: usize = 4096;

/// Which tables and records were written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Every table with a row that changed, those of the replica's own among them: `changes`,
    /// `documents` and `search`.
    pub tables: BTreeSet<&'static str>,
    /// Tables of which more changed than `records` lists: another process wrote to them, or they
    /// were filled anew.
    pub whole: BTreeSet<&'static str>,
    /// The records that changed, with their tables.
    pub records: Vec<(&'static str, RecordId)>,
}

impl Touched {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Whether this table changed.
    pub fn has(&self, table: &str) -> bool {
        self.tables.contains(table)
    }

    pub(super) fn add_table(&mut self, table: &'static str) {
        self.tables.insert(table);
    }

    pub(super) fn add_whole(&mut self, table: &'static str) {
        self.tables.insert(table);
        self.whole.insert(table);
    }

    pub(super) fn add_record(&mut self, table: &'static str, record: RecordId) {
        self.tables.insert(table);
        if self.whole.contains(table) || self.records.last() == Some(&(table, record)) {
            return;
        }
        if self.records.len() < RECORDS {
            self.records.push((table, record));
        } else {
            self.whole.insert(table);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.whole.extend(other.whole);
        for (table, record) in other.records {
            self.add_record(table, record);
        }
    }
}
