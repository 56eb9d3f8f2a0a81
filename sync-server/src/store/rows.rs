//! Projected rows: written in bulk as the pushing user, read as text.

use std::fmt::Write;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row as _};
use sync_core::cell::{Cell, Row};
use sync_core::ids::FeedPosition;
use sync_core::schema::{ColumnType, Kind};
use uuid::Uuid;

/// Upserts rows of one kind in one statement.
///
/// # Errors
/// When a policy, trigger or constraint refuses, or the connection fails.
pub async fn upsert(connection: &mut PgConnection, kind: &Kind, rows: &[&Row]) -> sqlx::Result<()> {
    let query = bind(sqlx::query(AssertSqlSafe(upsert_sql(kind))), kind, rows);
    query.execute(connection).await.map(drop)
}

type PgQuery<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// One text array a column; the statement casts, so that one shape serves every type.
fn bind<'q>(mut query: PgQuery<'q>, kind: &Kind, rows: &[&Row]) -> PgQuery<'q> {
    for (index, column) in kind.columns().iter().enumerate() {
        let values: Vec<Option<String>> = rows
            .iter()
            .map(|row| row.get(index).and_then(|cell| as_text(cell, column.ty)))
            .collect();
        query = query.bind(values);
    }
    query
}

/// The rows of such arrays, under the names of their columns. What follows the columns is bound
/// after them.
fn rows_from_arrays(kind: &Kind, more: &[(&str, &str)]) -> String {
    let columns = kind.columns();
    let mut selected = Vec::new();
    let mut arrays = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let cast = match column.ty {
            ColumnType::Text => "",
            ty => &format!("::{}", ty.postgres()),
        };
        selected.push(format!("c{i}{cast} AS {}", column.name));
        arrays.push(format!("${}::text[]", i + 1));
    }
    for (i, (name, ty)) in more.iter().enumerate() {
        selected.push(format!("m{i} AS {name}"));
        arrays.push(format!("${}::{ty}[]", columns.len() + i + 1));
    }
    let aliases = (0..columns.len()).map(|i| format!("c{i}"));
    let aliases: Vec<String> = aliases.chain((0..more.len()).map(|i| format!("m{i}"))).collect();
    format!(
        "SELECT {} FROM UNNEST({}) AS t({})",
        selected.join(", "),
        arrays.join(", "),
        aliases.join(", ")
    )
}

/// What one policy asks of a row as it is to be.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name.
    pub policy: String,
    /// Whether it must hold, rather than any of its like.
    pub restrictive: bool,
    /// Whether it is asked of rows that are added; of an upsert, of every row.
    pub inserts: bool,
    /// Whether it is asked of rows that are changed.
    pub updates: bool,
    /// The question, as the database keeps it.
    pub expression: String,
}

/// A statement that says of each row which policy refuses it, in the order in which PostgreSQL asks
/// them of an upsert. The questions are the policies' own; whatever this should overlook, the upsert
/// itself refuses.
pub fn question(kind: &Kind, checks: &[Check]) -> String {
    const STOOD: &str = "\"stood before\"";
    let mut sql = String::from("SELECT * FROM (SELECT id, CASE");
    let mut ask = |applies: &str, of_command: fn(&Check) -> bool| {
        let (must, may): (Vec<_>, Vec<_>) =
            checks.iter().filter(|check| of_command(check)).partition(|check| check.restrictive);
        let any: Vec<String> = may.iter().map(|check| format!("({})", check.expression)).collect();
        let any = if any.is_empty() { "false".to_owned() } else { any.join(" OR ") };
        let _ = write!(sql, " WHEN {applies} NOT coalesce({any}, false) THEN ''");
        for check in must {
            let (expression, name) = (&check.expression, &check.policy);
            let _ =
                write!(sql, " WHEN {applies} NOT coalesce(({expression}), false) THEN '{name}'");
        }
        if applies.is_empty() {
            let table = kind.table;
            let _ = write!(
                sql,
                " WHEN {STOOD} AND NOT EXISTS (SELECT 1 FROM public.{table} seen WHERE seen.id = {table}.id) THEN ''"
            );
        }
    };
    ask("", |check| check.inserts);
    ask(&format!("{STOOD} AND"), |check| check.updates);
    let source = rows_from_arrays(kind, &[(STOOD, "bool")]);
    let _ = write!(
        sql,
        " END AS refused FROM ({source}) AS {}) AS asked WHERE refused IS NOT NULL",
        kind.table
    );
    sql
}

/// Asks the policies about rows that are to be written, as whoever the connection acts for; returns
/// those that are refused, each with the policy's name.
///
/// # Errors
/// When the connection fails.
pub async fn ask(
    connection: &mut PgConnection,
    question: &str,
    kind: &Kind,
    rows: &[&Row],
    stood: &[bool],
) -> sqlx::Result<Vec<(Uuid, String)>> {
    let query = bind(sqlx::query(AssertSqlSafe(question.to_owned())), kind, rows).bind(stood);
    let found = query.fetch_all(connection).await?;
    found.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

fn upsert_sql(kind: &Kind) -> String {
    let columns = kind.columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_ref()).collect();
    let mut sql = format!(
        "INSERT INTO public.{} ({}) {} ON CONFLICT (id) DO UPDATE SET ",
        kind.table,
        names.join(", "),
        rows_from_arrays(kind, &[])
    );
    for (index, name) in names.iter().skip(1).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}{name} = excluded.{name}");
    }
    sql
}

fn as_text(cell: &Cell, ty: ColumnType) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Bool(flag) => Some(flag.to_string()),
        Cell::Int(number) => Some(number.to_string()),
        Cell::Float(number) => Some(number.to_string()),
        Cell::Text(text) => Some(text.clone()),
        Cell::List(keys) => Some(match ty {
            ColumnType::TextArray | ColumnType::UuidArray => array_literal(keys),
            _ => serde_json::to_string(keys).expect("BUG: strings serialise"),
        }),
    }
}

/// `{"a","b"}`, as Postgres reads an array from text.
fn array_literal(keys: &[String]) -> String {
    let mut out = String::from("{");
    for (index, key) in keys.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        for c in key.chars() {
            if c == '"' || c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push('}');
    out
}

/// Columns of a kind as text in the forms that cells have.
fn select_list(kind: &Kind) -> String {
    let as_cell = |name: &str, ty: ColumnType| match ty {
        ColumnType::Timestamp => {
            format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
        }
        ColumnType::TextArray | ColumnType::UuidArray => format!("to_json({name})::text"),
        _ => format!("{name}::text"),
    };
    let columns = kind.columns();
    columns.iter().map(|c| as_cell(&c.name, c.ty)).collect::<Vec<_>>().join(", ")
}

/// Reads rows of a kind by id, as whoever the connection acts for.
///
/// # Errors
/// When the connection fails.
pub async fn by_id(
    connection: &mut PgConnection,
    kind: &Kind,
    ids: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Row)>> {
    let sql = format!("SELECT {} FROM public.{} WHERE id = ANY($1)", select_list(kind), kind.table);
    let found = sqlx::query(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?;
    found.iter().map(|row| read(kind, row)).collect()
}

/// Which records of a kind whoever the connection acts for sees.
///
/// # Errors
/// When the connection fails.
pub async fn seen(
    connection: &mut PgConnection,
    kind: &Kind,
    ids: &[Uuid],
) -> sqlx::Result<Vec<Uuid>> {
    let sql = format!("SELECT id FROM public.{} WHERE id = ANY($1)", kind.table);
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await
}

/// Reads rows of the server's own kinds that changed after a position.
///
/// # Errors
/// When the connection fails.
pub async fn server_rows_after(
    connection: &mut PgConnection,
    kind: &Kind,
    position: i64,
) -> sqlx::Result<Vec<(FeedPosition, Uuid, Row)>> {
    let sql = format!(
        "SELECT {}, position FROM public.{} WHERE position > $1 ORDER BY position",
        select_list(kind),
        kind.table
    );
    let found = sqlx::query(AssertSqlSafe(sql)).bind(position).fetch_all(connection).await?;
    let at = |row: &PgRow| {
        let (id, cells) = read(kind, row)?;
        Ok((FeedPosition(row.try_get(kind.columns().len())?), id, cells))
    };
    found.iter().map(at).collect()
}

fn read(kind: &Kind, row: &PgRow) -> sqlx::Result<(Uuid, Row)> {
    let columns = kind.columns();
    let mut cells = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let text: Option<&str> = row.try_get(index)?;
        cells.push(text.map_or(Cell::Null, |text| from_text(text, column.ty)));
    }
    let id = match &cells[0] {
        Cell::Text(id) => id.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?,
        _ => Uuid::nil(),
    };
    Ok((id, cells))
}

fn from_text(text: &str, ty: ColumnType) -> Cell {
    match ty {
        ColumnType::Bool => Cell::Bool(text == "true" || text == "t"),
        ColumnType::Int => text.parse().map_or(Cell::Null, Cell::Int),
        ColumnType::Float => text.parse().map_or(Cell::Null, Cell::Float),
        ColumnType::TextArray | ColumnType::UuidArray => {
            serde_json::from_str(text).map_or(Cell::Null, Cell::List)
        }
        // Postgres orders keys by length; cells have them in their own order.
        ColumnType::Json => {
            match serde_json::from_str::<std::collections::BTreeMap<String, String>>(text) {
                Ok(map) => Cell::Text(serde_json::to_string(&map).expect("BUG: strings serialise")),
                Err(_) => Cell::Text(text.to_owned()),
            }
        }
        ColumnType::Text
        | ColumnType::Enum(_)
        | ColumnType::Date
        | ColumnType::Timestamp
        | ColumnType::Uuid => Cell::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_literals_quote_what_postgres_would_read_as_syntax() {
        let keys = ["plain".to_owned(), "a\"b\\c".to_owned(), "x,{y}".to_owned()];
        assert_eq!(array_literal(&keys), r#"{"plain","a\"b\\c","x,{y}"}"#);
    }
}
