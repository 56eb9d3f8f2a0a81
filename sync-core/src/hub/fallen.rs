//! What of a push was refused, or stands only in a question.

use std::collections::{HashMap, HashSet};

use crate::error::Refusal;
use crate::ids::ChangeHash;

/// The changes of one push that are not stored.
#[derive(Debug, Default)]
pub(super) struct Fallen {
    pub(super) refused: HashMap<ChangeHash, Refusal>,
    /// What refused changes did, where that could be read.
    pub(super) said: HashMap<ChangeHash, serde_json::Value>,
    /// Changes of a question that would be accepted if what they were judged beside were true.
    pub(super) imagined: HashSet<ChangeHash>,
}
