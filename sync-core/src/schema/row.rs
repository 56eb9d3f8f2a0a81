//! A row by the names of its columns.

use super::columns::Column;
use crate::cell::Cell;

/// The first cells of a row, by name: what a derived column is computed from.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    columns: &'a [Column],
    cells: &'a [Cell],
}

impl<'a> RowView<'a> {
    /// A view of cells that stand in the order of these columns; there may be fewer cells yet.
    pub fn new(columns: &'a [Column], cells: &'a [Cell]) -> Self {
        Self { columns, cells }
    }

    /// The cell of a column; NULL when there is none.
    pub fn cell(&self, name: &str) -> &'a Cell {
        let index = self.columns.iter().position(|column| column.name == name);
        index.and_then(|index| self.cells.get(index)).unwrap_or(&Cell::Null)
    }

    /// A cell that is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        match self.cell(name) {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A cell that is a whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.cell(name) {
            Cell::Int(number) => Some(*number),
            _ => None,
        }
    }
}
