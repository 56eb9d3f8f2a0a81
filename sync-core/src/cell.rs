//! Values of rows, in a form that both databases and the wire can hold.

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// One value of a row, in a form that both databases and the wire can hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// Boolean.
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Floating-point number.
    Float(f64),
    /// Text; days, moments and ids too, in their ISO forms.
    Text(String),
    /// Sorted keys.
    List(Vec<String>),
}

impl Cell {
    /// The text of a cell that holds one.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// By hand, since a derived one tries every form in turn and words an error for each that fails;
/// a bootstrap reads half a million cells.
impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nothing, a boolean, a number, text or a list of text")
    }
    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Cell, E> {
        Ok(Cell::Bool(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Int(number))
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Cell, E> {
        let number = i64::try_from(number).map_err(|_| E::custom("a number is too great"))?;
        Ok(Cell::Int(number))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
        Ok(Cell::Float(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Cell, E> {
        Ok(Cell::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = items.next_element()? {
            keys.push(key);
        }
        Ok(Cell::List(keys))
    }
}

/// Cells in the order of the kind's columns.
pub type Row = Vec<Cell>;
