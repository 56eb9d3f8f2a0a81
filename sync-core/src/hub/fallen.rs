//! What of a push was refused.

use std::collections::HashMap;

use crate::error::Refusal;
use crate::ids::ChangeHash;

/// The refused changes of one push.
#[derive(Debug, Default)]
pub(super) struct Fallen {
    pub(super) refused: HashMap<ChangeHash, Refusal>,
    /// What refused changes did, where that could be read.
    pub(super) said: HashMap<ChangeHash, serde_json::Value>,
}
