//! Reading: lists, SQL and full-text search over the rows.

use serde_json::Value as Json;

use super::device::Replica;
use super::list::{ListOptions, list_sql, retype};
use super::store::{QueryError, Table};
use crate::ids::RecordId;
use crate::schema::Kind;

/// A record found by its words.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchHit {
    /// The record.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// Its name or the like.
    pub title: String,
}

impl Replica {
    /// Answers one SQL statement that reads.
    ///
    /// # Errors
    /// When it would write, or SQLite cannot make sense of it.
    pub fn query(&self, sql: &str) -> Result<Table, QueryError> {
        self.query_with(sql, &[])
    }

    /// Answers one SQL statement that reads, with a value for each `?` in it.
    ///
    /// # Errors
    /// As [`Replica::query`].
    pub fn query_with(&self, sql: &str, params: &[Json]) -> Result<Table, QueryError> {
        self.file.stored().select(sql, params)
    }

    /// Lists the records of a kind, newest first, every column with its own type: booleans as such
    /// and sets as arrays.
    ///
    /// # Errors
    /// When the condition is no SQL.
    pub fn list(&self, kind: &Kind, options: &ListOptions) -> Result<Table, QueryError> {
        let mut table = self.query(&list_sql(kind, options))?;
        retype(&mut table.rows, kind);
        Ok(table)
    }

    /// Finds records by the words in their names, titles and notes; the last word may be begun only.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn search(&self, text: &str, most: u32) -> Result<Vec<SearchHit>, QueryError> {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| format!("\"{word}\"*"))
            .collect();
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.file.stored().search(&words.join(" "), most)?;
        let hit = |(id, kind): (RecordId, String)| {
            let title = self.title(id, &kind)?;
            Ok(SearchHit { id, kind, title })
        };
        found.into_iter().map(hit).collect()
    }

    fn title(&self, id: RecordId, kind: &str) -> Result<String, QueryError> {
        let Some(kind) = self.schema().kind(kind) else { return Ok(String::new()) };
        let Some(column) = kind.title else { return Ok(String::new()) };
        Ok(self.file.stored().text_of(kind.table, column, id)?)
    }
}
