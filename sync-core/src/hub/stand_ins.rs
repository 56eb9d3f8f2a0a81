//! Other ids for records that are there and are judged as if they were not.
//!
//! A row that a user may not see stands in the way of one of the same id, and the store's answer
//! would tell. So what is judged as if the record did not exist is written under an id that does not.
//!
//! **Invariant**: a row under such an id never stays in a store.

use std::borrow::Cow;
use std::collections::HashMap;

use super::settle::{Purpose, WriteRows};
use super::workspace::Projected;
use crate::cell::{Cell, Row};
use crate::ids::RecordId;

/// The ids under which such rows are written; kept for as long as a commit is judged.
#[derive(Debug, Default)]
pub struct StandIns {
    of: HashMap<RecordId, RecordId>,
    words: HashMap<String, String>,
}

impl StandIns {
    /// Gives each absent record of these rows an id, by a source of ids that nobody else has.
    pub fn note(&mut self, asked: &WriteRows, mut mint: impl FnMut() -> RecordId) {
        for record in &asked.absent {
            if !self.of.contains_key(record) {
                let other = mint();
                self.of.insert(*record, other);
                self.words.insert(record.to_string(), other.to_string());
            }
        }
    }

    /// A row as it is to be written: with the other ids, wherever it names such a record.
    pub fn row<'a>(&self, asked: &WriteRows, one: &'a Projected) -> Cow<'a, Row> {
        // What a push says of a record of that id is about the one that is there.
        let disguised = asked.purpose == Purpose::Question || !asked.absent.is_empty();
        if self.of.is_empty() || !disguised {
            return Cow::Borrowed(&one.row);
        }
        let word = |text: &String| self.words.get(text).unwrap_or(text).clone();
        let cell = |cell: &Cell| match cell {
            Cell::Text(text) => Cell::Text(word(text)),
            Cell::List(keys) => Cell::List(keys.iter().map(word).collect()),
            Cell::Null | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) => cell.clone(),
        };
        Cow::Owned(one.row.iter().map(cell).collect())
    }

    /// The record that a written row is of.
    pub fn record(&self, written: RecordId) -> RecordId {
        let found = self.of.iter().find(|(_, other)| **other == written);
        found.map_or(written, |(record, _)| *record)
    }
}
