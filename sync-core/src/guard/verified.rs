//! A change that may be applied.

use automerge::Change;

use crate::ids::Actor;

/// A change that may be applied to the document it was judged against.
#[derive(Debug)]
pub struct VerifiedChange {
    pub(super) change: Change,
    pub(super) actor: Actor,
    /// Positions in long text are what only the saved form can show to be sound.
    pub(super) edits_text: bool,
}

impl VerifiedChange {
    /// The change.
    pub fn change(&self) -> &Change {
        &self.change
    }

    /// Its writer.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Its number among its actor's changes of the document.
    pub fn seq(&self) -> u64 {
        self.change.seq()
    }
}
