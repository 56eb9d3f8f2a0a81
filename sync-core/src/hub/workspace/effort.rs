//! How much work judging took, in counts.

use automerge::{Automerge, ReadDoc};

/// What judging took, in pieces of work each of which grows with the document it is done to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effort {
    /// Documents that were copied.
    pub copies: usize,
    /// Documents that were read as records.
    pub readings: usize,
    /// Long texts that were read.
    pub texts: usize,
    /// Refused edits whose words were read from their documents.
    pub words: usize,
    /// All of it by the operations and changes that were gone through: a million take half a second.
    pub work: u64,
    /// What of that went into words.
    pub work_on_words: u64,
}

/// Copies of a document that take as long as going through it once.
pub(super) const COPIES_AS_ONE_PASS: u64 = 8;
/// How often an operation is looked at that is judged.
pub(super) const LOOKS_AT_OPERATION: u64 = 4;

/// What going through a document once costs: its operations and its changes.
pub(super) fn weight(doc: &Automerge) -> u64 {
    let stats = doc.stats();
    stats.num_ops + stats.num_changes
}
