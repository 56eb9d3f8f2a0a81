//! `territory` as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_core::ids::{RecordId, UserId};
use sync_core::time::UnixMs;

use super::values::*;
use crate::record::{Edit, Record, RecordError, Row, day, field_names};

/// A sales region; territories form a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Territory {
    /// Its id.
    pub id: RecordId,
    /// What it is called.
    pub name: Option<String>,
    /// The region it lies in.
    pub parent_id: Option<RecordId>,
}

impl Record for Territory {
    const KIND: &'static str = "territory";
    type Field = TerritoryField;

    fn from_row(row: Row<'_>) -> Option<Self> {
        Some(Self {
            id: row.parsed("id")?,
            name: row.text("name"),
            parent_id: row.parsed("parent_id"),
        })
    }
}

field_names! {
    /// A field of [`Territory`].
    TerritoryField {
        /// What it is called.
        Name = "name",
        /// The region it lies in.
        ParentId = "parent_id",
    }
}

/// Why an edit of a record of this kind was not made.
pub type TerritoryError = RecordError<TerritoryField>;
