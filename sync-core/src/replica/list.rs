//! Which records of a kind are listed, as a statement over its table.

use serde_json::Value as Json;

use crate::schema::{ColumnType, Kind};

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

/// The statement that lists the records of a kind.
pub(super) fn list_sql(kind: &Kind, options: &ListOptions) -> String {
    let names: Vec<&str> = kind.columns().iter().map(|column| column.name.as_ref()).collect();
    let mut sql = format!("SELECT {} FROM {} WHERE 1", names.join(", "), kind.table);
    if names.contains(&"is_deleted") && options.deleted == Deleted::Hidden {
        sql.push_str(" AND NOT is_deleted");
    }
    if let Some(filter) = &options.filter {
        sql.push_str(&format!(" AND ({filter})"));
    }
    sql.push_str(" ORDER BY id DESC");
    if let Some(limit) = options.limit {
        sql.push_str(&format!(" LIMIT {limit}"));
    }
    sql
}

/// Gives the cells of a list the types of their columns.
pub(super) fn retype(rows: &mut [Vec<Json>], kind: &Kind) {
    for row in rows {
        for (cell, column) in row.iter_mut().zip(kind.columns()) {
            retype_cell(cell, column.ty);
        }
    }
}

fn retype_cell(cell: &mut Json, ty: ColumnType) {
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
