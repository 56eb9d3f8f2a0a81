//! Projected rows: written in bulk as the pushing user, read as text.

use std::fmt::Write;
use std::sync::OnceLock;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row as _};
use sync_core::projection::{Cell, Row};
use sync_core::schema::{ColumnType, KINDS, Kind};
use uuid::Uuid;

/// Upserts rows of one kind in one statement.
///
/// # Errors
/// When a policy, trigger or constraint refuses, or the connection fails.
pub async fn upsert(
    connection: &mut PgConnection,
    kind: &'static Kind,
    rows: &[&Row],
) -> sqlx::Result<()> {
    let columns = kind.columns();
    let mut query = sqlx::query(upsert_sql(kind));
    for (index, column) in columns.iter().enumerate() {
        // One text array a column; the statement casts, so that one shape serves every type.
        let values: Vec<Option<String>> = rows
            .iter()
            .map(|row| row.get(index).and_then(|cell| as_text(cell, column.ty)))
            .collect();
        query = query.bind(values);
    }
    query.execute(connection).await.map(drop)
}

fn per_kind(
    cell: &'static OnceLock<Vec<String>>,
    kind: &Kind,
    make: fn(&Kind) -> String,
) -> &'static str {
    let all = cell.get_or_init(|| KINDS.iter().map(|kind| make(kind)).collect());
    &all[kind.index()]
}

fn upsert_sql(kind: &'static Kind) -> &'static str {
    static ALL: OnceLock<Vec<String>> = OnceLock::new();
    per_kind(&ALL, kind, |kind| {
        let columns = kind.columns();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_ref()).collect();
        let cast = |i: usize, ty: ColumnType| match ty {
            ColumnType::Text => format!("c{i}"),
            ty => format!("c{i}::{}", ty.postgres()),
        };
        let casts: Vec<String> =
            columns.iter().enumerate().map(|(i, column)| cast(i, column.ty)).collect();
        let arrays: Vec<String> = (1..=columns.len()).map(|i| format!("${i}::text[]")).collect();
        let aliases: Vec<String> = (0..columns.len()).map(|i| format!("c{i}")).collect();
        let mut sql = format!(
            "INSERT INTO public.{} ({}) SELECT {} FROM UNNEST({}) AS t({}) ON CONFLICT (id) DO UPDATE SET ",
            kind.table,
            names.join(", "),
            casts.join(", "),
            arrays.join(", "),
            aliases.join(", ")
        );
        for (index, name) in names.iter().skip(1).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = write!(sql, "{comma}{name} = excluded.{name}");
        }
        sql
    })
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
    kind: &'static Kind,
    ids: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Row)>> {
    static ALL: OnceLock<Vec<String>> = OnceLock::new();
    let sql = per_kind(&ALL, kind, |kind| {
        format!("SELECT {} FROM public.{} WHERE id = ANY($1)", select_list(kind), kind.table)
    });
    let found = sqlx::query(sql).bind(ids).fetch_all(connection).await?;
    found.iter().map(|row| read(kind, row)).collect()
}

/// Reads rows of the server's own kinds that changed after a position.
///
/// # Errors
/// When the connection fails.
pub async fn server_rows_after(
    connection: &mut PgConnection,
    kind: &'static Kind,
    position: i64,
) -> sqlx::Result<Vec<(Uuid, Row)>> {
    let sql = format!(
        "SELECT {} FROM public.{} WHERE position > $1 ORDER BY position",
        select_list(kind),
        kind.table
    );
    let found = sqlx::query(AssertSqlSafe(sql)).bind(position).fetch_all(connection).await?;
    found.iter().map(|row| read(kind, row)).collect()
}

fn read(kind: &'static Kind, row: &PgRow) -> sqlx::Result<(Uuid, Row)> {
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
