//! Reading: lists, SQL and full-text search over the rows.

use serde_json::Value as Json;

use super::device::Replica;
use super::list::{ListOptions, list_sql, retype};
use super::store::{QueryError, Table, typed_number};
use crate::ids::RecordId;
use crate::schema::{Kind, Scope};

/// A record found by its words.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchHit {
    /// The record.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// Its name or the like.
    pub title: String,
    /// What tells it from others of that name: the account of what belongs to one, the city of an account;
    /// empty when nothing is known.
    pub subtitle: String,
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

    /// Finds records by the words in their names, titles, notes and e-mail addresses, each of which may be begun
    /// only, and by digits of their telephone numbers, four in a row or more, written in any way.
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
        let mut wanted = format!("({})", words.join(" "));
        for number in typed_number(text).into_iter().flatten() {
            wanted.push_str(&format!(" OR \"{number}\"*"));
        }
        let found = self.file.stored().search(&wanted, most)?;
        found.into_iter().map(|(id, kind)| self.hit(id, kind)).collect()
    }

    /// A record as a search tells it.
    pub(super) fn hit(&self, id: RecordId, kind: String) -> Result<SearchHit, QueryError> {
        let Some(known) = self.schema().kind(&kind) else {
            return Ok(SearchHit { id, kind, title: String::new(), subtitle: String::new() });
        };
        let title = self.title(id, known)?;
        let subtitle = self.subtitle(id, known)?;
        Ok(SearchHit { id, kind, title, subtitle })
    }

    fn title(&self, id: RecordId, kind: &Kind) -> Result<String, QueryError> {
        let Some(column) = kind.title else { return Ok(String::new()) };
        Ok(self.file.stored().text_of(kind.table, column, id)?)
    }

    fn subtitle(&self, id: RecordId, kind: &Kind) -> Result<String, QueryError> {
        let stored = self.file.stored();
        if let Some(expression) = kind.subtitle {
            return Ok(stored.text_of(kind.table, expression, id)?);
        }
        let Scope::Follows { column, .. } = kind.scope else { return Ok(String::new()) };
        let above = stored.text_of(kind.table, column, id)?.parse::<RecordId>().ok();
        match above.map(|above| Ok::<_, QueryError>((above, stored.kind_of(above)?))).transpose()? {
            Some((above, Some(kind))) => self.title(above, &kind),
            _ => Ok(String::new()),
        }
    }
}
