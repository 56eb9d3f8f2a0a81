//! Rows that only the server writes: kept by field name, and shown in the tables of their kinds.

use std::collections::BTreeMap;

use rusqlite::params;

use super::work::Work;
use crate::cell::{Cell, Row};
use crate::ids::RecordId;
use crate::schema::{ColumnType, Kind, Storage};

/// A row by field name.
pub(in crate::replica) type Fields = BTreeMap<String, Cell>;

impl Work<'_> {
    /// Writes a row of the server, of a kind that this app knows or not.
    pub(in crate::replica) fn put_server_row(
        &mut self,
        kind: &str,
        id: RecordId,
        fields: &Fields,
    ) -> rusqlite::Result<()> {
        let body = serde_json::to_string(fields).expect("BUG: cells serialise");
        self.touched.add_table("server_rows");
        self.tx
            .prepare_cached(
                "INSERT INTO server_rows (kind, id, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![kind, id.as_bytes(), body])?;
        self.show_server_row(kind, id, fields)
    }

    /// Writes what this app knows of a row into the table of its kind.
    pub(super) fn show_server_row(
        &mut self,
        kind: &str,
        id: RecordId,
        fields: &Fields,
    ) -> rusqlite::Result<()> {
        let known = self.schema().kind(kind).filter(|kind| kind.storage == Storage::ServerRow);
        match known {
            Some(kind) => self.upsert(kind, id, &row_of(kind, id, fields)),
            None => Ok(()),
        }
    }

    /// Erases everything that the server's own rows say.
    pub(in crate::replica) fn erase_server_rows(&mut self) -> rusqlite::Result<()> {
        self.touched.add_table("server_rows");
        self.tx.execute("DELETE FROM server_rows", [])?;
        for kind in self.schema().server_kinds() {
            self.tx.execute(&format!("DELETE FROM {}", kind.table), [])?;
            self.touched.add_whole(kind.table);
        }
        Ok(())
    }
}

fn row_of(kind: &Kind, id: RecordId, fields: &Fields) -> Row {
    let cell = |column: &crate::schema::Column| match column.name.as_ref() {
        "id" => Cell::Text(id.to_string()),
        name => {
            fields.get(name).filter(|cell| fits(cell, column.ty)).cloned().unwrap_or(Cell::Null)
        }
    };
    kind.columns().iter().map(cell).collect()
}

/// Whether SQLite takes a cell into a column; it would refuse the whole batch for one that it does
/// not.
fn fits(cell: &Cell, ty: ColumnType) -> bool {
    match cell {
        Cell::Null => true,
        Cell::Bool(_) => ty.sqlite() == "INTEGER",
        Cell::Int(_) => ty.sqlite() != "TEXT",
        Cell::Float(_) => ty.sqlite() == "REAL",
        Cell::Text(_) | Cell::List(_) => ty.sqlite() == "TEXT",
    }
}
