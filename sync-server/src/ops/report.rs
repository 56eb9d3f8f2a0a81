//! Reports: the views of schema `reports`, run as the user who asks.

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use sync_core::crm::REPORTS;
use sync_core::csv::csv;
use sync_core::ids::UserId;
use sync_core::printable::line;
use uuid::Uuid;

use crate::store::{self, Access};

/// The report that only a server has.
const REFUSED: (&str, &str) = (
    "refused",
    "Edits that were refused, of the reader and of those who report to the reader, newest first.",
);

/// Reports by name, with what each tells.
pub fn reports() -> impl Iterator<Item = (&'static str, &'static str)> {
    REPORTS.iter().map(|report| (report.name, report.about)).chain([REFUSED])
}

/// A report's rows.
#[derive(Debug, Default)]
pub struct Report {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, each cell a JSON value.
    pub rows: Vec<Vec<serde_json::Value>>,
}

/// Runs a report as a user.
///
/// # Errors
/// When there is no such report or the database cannot be reached.
pub async fn run(pool: &PgPool, name: &str, user: Uuid) -> anyhow::Result<Report> {
    anyhow::ensure!(
        reports().any(|(known, _)| known == name),
        "no report \"{name}\"; there are {}",
        reports().map(|(known, _)| known).collect::<Vec<_>>().join(", ")
    );
    select(pool, &format!("SELECT * FROM reports.{name}"), user).await
}

/// Runs a statement that reads, as a user.
///
/// # Errors
/// When the statement fails or the database cannot be reached.
pub async fn select(pool: &PgPool, sql: &str, user: Uuid) -> anyhow::Result<Report> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    store::become_user(&mut tx, UserId(user), Access::Read).await?;
    let report = read(&mut tx, sql).await?;
    tx.commit().await?;
    Ok(report)
}

async fn read(tx: &mut PgConnection, sql: &str) -> anyhow::Result<Report> {
    // As JSON, so that every type of column comes the same way and in the view's order.
    let wrapped = format!("SELECT row_to_json(r)::text FROM ({sql}) r");
    let rows = sqlx::query(AssertSqlSafe(wrapped)).fetch_all(&mut *tx).await?;
    let names = format!("SELECT * FROM ({sql}) r LIMIT 0");
    let described =
        sqlx::Executor::describe(&mut *tx, sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(names)))
            .await?;
    let columns: Vec<String> =
        described.columns().iter().map(|c| sqlx::Column::name(c).to_owned()).collect();
    let mut report = Report { columns, rows: Vec::with_capacity(rows.len()) };
    for row in rows {
        let text: String = row.try_get(0)?;
        let object: serde_json::Value = serde_json::from_str(&text)?;
        report.rows.push(report.columns.iter().map(|c| object[c.as_str()].clone()).collect());
    }
    Ok(report)
}

/// Runs a statement that reads, as the operator whose login the pool has.
///
/// # Errors
/// When the statement fails or the database cannot be reached.
pub async fn select_as_owner(pool: &PgPool, sql: &str) -> anyhow::Result<Report> {
    let mut tx = pool.begin().await?;
    read(&mut tx, sql).await
}

impl Report {
    /// A report made by hand.
    pub fn new(columns: &[&str], rows: Vec<Vec<serde_json::Value>>) -> Self {
        Self { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows }
    }

    /// As an aligned table for people.
    pub fn to_table(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::ASCII_FULL_CONDENSED);
        table.set_header(self.columns.iter().map(|name| line(name).into_owned()));
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| line(&plain(cell)).into_owned()));
        }
        table.to_string()
    }

    /// As CSV in which no spreadsheet finds a formula or anything hidden.
    pub fn to_csv(&self) -> String {
        csv(&self.columns, &self.rows)
    }

    /// As a JSON array of objects.
    pub fn to_json(&self) -> serde_json::Value {
        let object = |row: &Vec<serde_json::Value>| {
            self.columns.iter().cloned().zip(row.iter().cloned()).collect::<serde_json::Map<_, _>>()
        };
        self.rows.iter().map(object).collect()
    }
}

fn plain(cell: &serde_json::Value) -> String {
    match cell {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Read at commas, semicolons or tabs, no cell begins with a formula, and numbers are numbers.
    #[test]
    fn whatever_splits_the_file_finds_no_formula_in_it() {
        let hostile = ["=1", "a;=1", "a,+1", "x\";\"=1", "a\t@b", "a\n-1", "＝1;＝2", "\u{1b}[31m"];
        let rows = hostile.map(|text| vec![json!(text), json!(-5), json!(null), json!(true)]);
        let csv = Report::new(&["text", "number", "none", "flag"], rows.to_vec()).to_csv();
        assert!(csv.contains(",-5,"), "{csv}");
        assert!(!csv.chars().any(|c| c.is_control() && c != '\n'), "{csv:?}");
        for delimiter in *b",;\t|" {
            for quoting in [true, false] {
                let mut reader = csv::ReaderBuilder::new();
                reader.delimiter(delimiter).quoting(quoting).flexible(true).has_headers(false);
                for cell in reader.from_reader(csv.as_bytes()).records().flat_map(|record| {
                    let record = record.expect("BUG: what was written is read");
                    record.iter().map(str::to_owned).collect::<Vec<_>>()
                }) {
                    let begins = cell.trim_start().trim_start_matches('"').chars().next();
                    let formula = begins.is_some_and(|c| "=+-@＝＋－＠".contains(c));
                    assert!(!formula || cell == "-5", "{cell:?} at {:?}", char::from(delimiter));
                }
            }
        }
    }
}
