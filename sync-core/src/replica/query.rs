//! Reading: lists, SQL and full-text search over the rows.

use rusqlite::types::ValueRef;
use serde_json::Value as Json;

use super::Replica;
use crate::ids::RecordId;
use crate::schema::{ColumnType, Kind};

/// Rows with the names of their columns.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows; blobs appear as hexadecimal text.
    pub rows: Vec<Vec<Json>>,
}

/// Which records to list.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// An SQL condition over the kind's columns.
    pub filter: Option<String>,
    /// Whether deleted records are listed too.
    pub deleted: Deleted,
    /// How many at most; none for all.
    pub limit: Option<u32>,
}

/// Whether deleted records are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Deleted {
    /// They are not.
    #[default]
    Hidden,
    /// They are.
    Shown,
}

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

impl Replica {
    /// Answers one SQL statement that reads.
    ///
    /// # Errors
    /// When it would write, or SQLite cannot make sense of it.
    pub fn query(&self, sql: &str) -> Result<Table, QueryError> {
        // SQLite calls ATTACH and some PRAGMAs read-only too, so the first word decides as well.
        let first = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next();
        let reads = ["select", "with", "values", "explain"]
            .contains(&first.unwrap_or_default().to_ascii_lowercase().as_str());
        let mut statement = self.db.prepare(sql)?;
        if !reads || !statement.readonly() {
            return Err(QueryError::NotReadOnly);
        }
        let columns: Vec<String> =
            statement.column_names().into_iter().map(str::to_owned).collect();
        let mut found = statement.query([])?;
        let mut table = Table { columns, rows: Vec::new() };
        while let Some(row) = found.next()? {
            let cells = (0..table.columns.len()).map(|i| row.get_ref(i).map(to_json));
            table.rows.push(cells.collect::<rusqlite::Result<_>>()?);
        }
        Ok(table)
    }

    /// Lists the records of a kind, newest first, every column with its own type: booleans as such
    /// and sets as arrays.
    ///
    /// # Errors
    /// When the condition is no SQL.
    pub fn list(&self, kind: &Kind, options: &ListOptions) -> Result<Table, QueryError> {
        let mut sql = format!("SELECT * FROM {} WHERE 1", kind.table);
        let columns = kind.columns();
        let deletable = columns.iter().any(|column| column.name == "is_deleted");
        if deletable && options.deleted == Deleted::Hidden {
            sql.push_str(" AND NOT is_deleted");
        }
        if let Some(filter) = &options.filter {
            sql.push_str(&format!(" AND ({filter})"));
        }
        sql.push_str(" ORDER BY id DESC");
        if let Some(limit) = options.limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        let mut table = self.query(&sql)?;
        for row in &mut table.rows {
            for (cell, column) in row.iter_mut().zip(columns) {
                retype(cell, column.ty);
            }
        }
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
        let mut statement = self.db.prepare_cached(
            "SELECT d.id, d.kind FROM search JOIN documents d ON d.n = search.rowid
             WHERE search MATCH ?1 ORDER BY rank LIMIT ?2",
        )?;
        let found = statement.query_map(rusqlite::params![words.join(" "), most], |row| {
            Ok((RecordId(uuid::Uuid::from_bytes(row.get(0)?)), row.get::<_, String>(1)?))
        })?;
        let mut hits = Vec::new();
        for hit in found {
            let (id, kind) = hit?;
            let title = self.title(id, &kind)?;
            hits.push(SearchHit { id, kind, title });
        }
        Ok(hits)
    }

    fn title(&self, id: RecordId, kind: &str) -> Result<String, QueryError> {
        let column = match kind {
            "organization" | "opportunity" => "name",
            "contact" => "full_name",
            "interaction" => "subject",
            "task" => "title",
            _ => return Ok(String::new()),
        };
        let Some(kind) = self.schema.kind(kind) else { return Ok(String::new()) };
        let sql = format!("SELECT coalesce({column}, '') FROM {} WHERE id = ?1", kind.table);
        Ok(self.db.prepare_cached(&sql)?.query_row([id.to_string()], |row| row.get(0))?)
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

fn retype(cell: &mut Json, ty: ColumnType) {
    match ty {
        ColumnType::Bool => {
            if let Some(number) = cell.as_i64() {
                *cell = Json::Bool(number != 0);
            }
        }
        ColumnType::TextArray | ColumnType::UuidArray | ColumnType::Json => {
            if let Some(parsed) = cell.as_str().and_then(|text| serde_json::from_str(text).ok()) {
                *cell = parsed;
            }
        }
        ColumnType::Text
        | ColumnType::Enum(_)
        | ColumnType::Int
        | ColumnType::Float
        | ColumnType::Date
        | ColumnType::Timestamp
        | ColumnType::Uuid => {}
    }
}
