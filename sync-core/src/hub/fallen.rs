//! What of a push was refused, or stands only in a question.

use std::collections::{HashMap, HashSet};

use super::receipts::Proven;
use crate::error::Refusal;
use crate::ids::ChangeHash;

/// The changes of one push that are not stored.
#[derive(Debug, Default)]
pub(super) struct Fallen {
    pub(super) refused: HashMap<ChangeHash, Refusal>,
    /// Those of them that were refused before they were judged beside any record.
    pub(super) at_the_door: HashSet<ChangeHash>,
    /// What of it was accepted once.
    pub(super) proven: Proven,
    /// What refused changes did, where that could be read.
    pub(super) said: HashMap<ChangeHash, serde_json::Value>,
    /// Changes of a question that would be accepted if what they were judged beside were true.
    pub(super) imagined: HashSet<ChangeHash>,
}
