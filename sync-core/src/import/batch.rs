//! What an import hands to whoever has the records.

use crate::document::GroupEdit;

/// A file that is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// What the file is called.
    pub source: String,
    /// The kind of its records.
    pub kind: String,
    /// What tells its content, and how it is read, from any other.
    pub digest: [u8; 32],
}

/// A row of it: the edits that are made for it, together or not at all.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// Its line in the file.
    pub line: u64,
    /// What tells its cells from those of other rows.
    pub digest: [u8; 16],
    /// The edits; the last one is about the record that the row stands for.
    pub edits: Vec<GroupEdit>,
}
