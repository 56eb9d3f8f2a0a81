//! What is gathered of one row, and what is said of it.

use std::collections::BTreeMap;
use std::fmt;

use super::cells::Row;
use super::directory::Place;
use crate::document::{GroupEdit, RecordEdit};
use crate::ids::RecordId;

/// Something that is said of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line it begins on.
    pub line: u64,
    /// The column, where it is about one.
    pub column: String,
    /// What stands there.
    pub cell: String,
    /// What is said of it.
    pub reason: String,
    /// What is lost.
    pub loss: Loss,
    /// What would have it taken.
    pub hint: Option<Hint>,
}

impl Remark {
    /// What is said, and what would help, as the command line has it.
    pub fn said(&self) -> String {
        match self.hint {
            Some(hint) => format!("{}; {hint}", self.reason),
            None => self.reason.clone(),
        }
    }
}

/// An option by which what is lost would be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// Creating the accounts that rows name.
    CreateAccounts,
    /// Updating or creating on a match.
    TakeBoth,
    /// Taking rows whose accounts are probably there.
    TakeAlike,
}

impl Hint {
    /// Its word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::CreateAccounts => "create_accounts",
            Self::TakeBoth => "take_both",
            Self::TakeAlike => "take_alike",
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreateAccounts => "--create-accounts creates it",
            Self::TakeBoth => "--on-match update or create takes both",
            Self::TakeAlike => "--alike take takes it",
        })
    }
}

/// What is lost of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Loss {
    /// Nothing; it is worth knowing.
    Nothing,
    /// The cell.
    Cell,
    /// The row.
    Row,
}

impl Loss {
    /// Its word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Cell => "cell",
            Self::Row => "row",
        }
    }
}

/// What stands in a column.
pub(super) struct Cell {
    pub(super) column: String,
    pub(super) text: String,
}

/// What is gathered of a row.
pub(super) struct Gathered<'r> {
    pub(super) row: &'r Row,
    pub(super) pairs: Vec<(String, String)>,
    pub(super) edit: RecordEdit,
    pub(super) remarks: Vec<Remark>,
    pub(super) place: BTreeMap<&'static str, Cell>,
    pub(super) accounts: Vec<GroupEdit>,
    /// The same accounts with their names.
    pub(super) named: Vec<(RecordId, String)>,
    pub(super) account: Option<RecordId>,
}

impl<'r> Gathered<'r> {
    pub(super) fn of(row: &'r Row) -> Self {
        Self {
            row,
            pairs: Vec::new(),
            edit: RecordEdit::default(),
            remarks: Vec::new(),
            place: BTreeMap::new(),
            accounts: Vec::new(),
            named: Vec::new(),
            account: None,
        }
    }

    pub(super) fn remark(
        &mut self,
        column: &str,
        cell: &str,
        reason: impl Into<String>,
        loss: Loss,
    ) {
        self.remarks.push(Remark {
            line: self.row.line,
            column: column.to_owned(),
            cell: cell.to_owned(),
            reason: reason.into(),
            loss,
            hint: None,
        });
    }

    /// Says of what was remarked last what would have it taken.
    pub(super) fn hint(&mut self, hint: Hint) {
        if let Some(remark) = self.remarks.last_mut() {
            remark.hint = Some(hint);
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.remarks.iter().any(|remark| remark.loss == Loss::Row)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(target, _)| target == name)
            || self.edit.changes.iter().any(|(field, _)| field.name == name)
    }
}

pub(super) fn place_of(parts: &BTreeMap<&'static str, Cell>) -> Place {
    let part = |name: &str| parts.get(name).map(|cell| cell.text.clone()).unwrap_or_default();
    Place { city: part("city"), postal_code: part("postal_code") }
}
