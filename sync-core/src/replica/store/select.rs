//! Answering SQL that reads, and finding out what it reads.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{Value as Sqlite, ValueRef};
use rusqlite::{OptionalExtension, Statement, params, params_from_iter};
use serde_json::Value as Json;
use uuid::Uuid;

use super::stored::Stored;
use crate::ids::{RecordId, UserId};

/// Rows with the names of their columns.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows; blobs appear as hexadecimal text.
    pub rows: Vec<Vec<Json>>,
}

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The statement would write, or is not one that reads; use the editing calls to write.
    #[error("only SELECT, WITH, VALUES and EXPLAIN are answered here")]
    NotReadOnly,
    /// SQLite's own words on the statement.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl<'a> Stored<'a> {
    /// Answers one SQL statement that reads, with values for its `?`.
    pub(in crate::replica) fn select(
        self,
        sql: &str,
        params: &[Json],
    ) -> Result<Table, QueryError> {
        let mut statement = self.prepare_reading(sql)?;
        let columns: Vec<String> =
            statement.column_names().into_iter().map(str::to_owned).collect();
        let mut found = statement.query(params_from_iter(params.iter().map(of_json)))?;
        let mut table = Table { columns, rows: Vec::new() };
        while let Some(row) = found.next()? {
            let cells = (0..table.columns.len()).map(|i| row.get_ref(i).map(to_json));
            table.rows.push(cells.collect::<rusqlite::Result<_>>()?);
        }
        Ok(table)
    }

    /// Names of the tables that a statement reads, as SQLite itself says when it compiles it.
    pub(in crate::replica) fn tables_read(self, sql: &str) -> Result<BTreeSet<String>, QueryError> {
        let names = Arc::new(Mutex::new(BTreeSet::new()));
        let heard = Arc::clone(&names);
        self.db.authorizer(Some(move |context: AuthContext<'_>| {
            if let AuthAction::Read { table_name, .. } = context.action {
                let mut names = heard.lock().unwrap_or_else(PoisonError::into_inner);
                names.insert(table_name.to_owned());
            }
            Authorization::Allow
        }))?;
        let prepared = self.prepare_reading(sql).map(drop);
        self.db.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
        prepared?;
        let names = names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(names)
    }

    fn prepare_reading(self, sql: &str) -> Result<Statement<'a>, QueryError> {
        // SQLite calls ATTACH and some PRAGMAs read-only too, so the first word decides as well.
        let first = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next();
        let reads = ["select", "with", "values", "explain"]
            .contains(&first.unwrap_or_default().to_ascii_lowercase().as_str());
        let statement = self.db.prepare(sql)?;
        if !reads || !statement.readonly() {
            return Err(QueryError::NotReadOnly);
        }
        Ok(statement)
    }

    /// Records that are found by these words of the search index, best first, with their kinds.
    pub(in crate::replica) fn search(
        self,
        words: &str,
        most: u32,
    ) -> rusqlite::Result<Vec<(RecordId, String)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT d.id, d.kind FROM search JOIN documents d ON d.n = search.rowid
             WHERE search MATCH ?1 ORDER BY rank LIMIT ?2",
        )?;
        let found = statement.query_map(params![words, most], |row| {
            Ok((RecordId(Uuid::from_bytes(row.get(0)?)), row.get(1)?))
        })?;
        found.collect()
    }

    /// What a person is called, where that is known.
    pub(in crate::replica) fn name_of(self, user: UserId) -> rusqlite::Result<Option<String>> {
        let people = self.schema.people();
        let Some((kind, column)) = people.and_then(|kind| Some((kind, kind.title?))) else {
            return Ok(None);
        };
        let name = self.text_of(kind.table, column, RecordId(user.0))?;
        Ok((!name.is_empty()).then_some(name))
    }

    /// The text in a column of a record's row; empty without one.
    pub(in crate::replica) fn text_of(
        self,
        table: &str,
        column: &str,
        record: RecordId,
    ) -> rusqlite::Result<String> {
        let sql = format!("SELECT coalesce({column}, '') FROM {table} WHERE id = ?1");
        let text = self
            .db
            .prepare_cached(&sql)?
            .query_row([record.to_string()], |row| row.get(0))
            .optional()?;
        Ok(text.unwrap_or_default())
    }
}

/// What a program means by a value: yes and no are numbers, and lists are texts, as in the columns.
fn of_json(json: &Json) -> Sqlite {
    match json {
        Json::Null => Sqlite::Null,
        Json::Bool(flag) => Sqlite::Integer(i64::from(*flag)),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Sqlite::Real(number.as_f64().unwrap_or_default()), Sqlite::Integer),
        Json::String(text) => Sqlite::Text(text.clone()),
        other => Sqlite::Text(other.to_string()),
    }
}

fn to_json(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => Json::from(number),
        ValueRef::Real(number) => Json::from(number),
        ValueRef::Text(text) => Json::from(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => {
            Json::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    }
}
