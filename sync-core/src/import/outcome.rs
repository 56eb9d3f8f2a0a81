//! What an import came to.

use super::alike::Alike;
use super::gathered::Remark;
use crate::document::GroupEdit;
use crate::ids::ImportId;

/// What came of it, or would.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The batch, when anything was written.
    pub import: Option<ImportId>,
    /// Rows of the table.
    pub rows: u64,
    /// Records that began.
    pub created: u64,
    /// Records that changed.
    pub changed: u64,
    /// Rows whose record was there, or that were taken in before.
    pub there: u64,
    /// Rows that are left out.
    pub left_out: u64,
    /// Cells that are left out of rows that are taken.
    pub cells_lost: u64,
    /// Accounts that began because they were named.
    pub accounts: Vec<String>,
    /// Rows whose accounts are probably there already.
    pub alike: Vec<Alike>,
    /// What is to be said of rows and cells, in their order.
    pub remarks: Vec<Remark>,
    /// The first records, as edits.
    pub examples: Vec<GroupEdit>,
}

impl Outcome {
    /// Whether everything is taken, or was there.
    pub fn is_whole(&self) -> bool {
        self.left_out == 0 && self.cells_lost == 0 && self.created + self.changed + self.there > 0
    }
}
