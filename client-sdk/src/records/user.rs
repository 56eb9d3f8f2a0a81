//! `user` as a type.
// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.

#![allow(unused_imports)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_core::ids::{RecordId, UserId};
use sync_core::time::UnixMs;

use super::values::*;
use crate::record::{Edit, Record, RecordError, Row, day, field_names};

/// A person with an account; names are visible to colleagues, nothing else is.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Its id.
    pub id: RecordId,
    /// Given and family name.
    pub full_name: Option<String>,
    /// admin, manager, sales_rep or read_only.
    pub role: Option<String>,
    /// Whom they report to.
    pub manager_id: Option<UserId>,
    /// Where they work.
    pub territory_id: Option<RecordId>,
    /// IANA time zone; weeks in reports are weeks there.
    pub time_zone: Option<String>,
    /// Whether they may sign in.
    pub is_active: Option<bool>,
}

impl Record for User {
    const KIND: &'static str = "user";
    type Field = UserField;

    fn from_row(row: Row<'_>) -> Option<Self> {
        Some(Self {
            id: row.parsed("id")?,
            full_name: row.text("full_name"),
            role: row.text("role"),
            manager_id: row.parsed("manager_id"),
            territory_id: row.parsed("territory_id"),
            time_zone: row.text("time_zone"),
            is_active: row.flag("is_active"),
        })
    }
}

field_names! {
    /// A field of [`User`].
    UserField {
        /// Given and family name.
        FullName = "full_name",
        /// admin, manager, sales_rep or read_only.
        Role = "role",
        /// Whom they report to.
        ManagerId = "manager_id",
        /// Where they work.
        TerritoryId = "territory_id",
        /// IANA time zone; weeks in reports are weeks there.
        TimeZone = "time_zone",
        /// Whether they may sign in.
        IsActive = "is_active",
    }
}

/// Why an edit of a record of this kind was not made.
pub type UserError = RecordError<UserField>;
