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
    /// Whether it writes what the record hangs from, though that may come out as it was.
    pub(super) moves: bool,
    /// Whether it does nothing but complete the record, delete it or give it away, in few bytes.
    pub(super) puts_away: bool,
}

impl VerifiedChange {
    /// Whether it edits long text: see [`super::prove`].
    pub fn edits_text(&self) -> bool {
        self.edits_text
    }

    /// The change.
    pub fn change(&self) -> &Change {
        &self.change
    }

    /// Its writer.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Whether it writes what the record hangs from, though that may come out as it was.
    pub fn moves(&self) -> bool {
        self.moves
    }

    /// Whether it does nothing but complete the record, delete it or give it away, in few bytes.
    pub fn puts_away(&self) -> bool {
        self.puts_away
    }

    /// Its number among its actor's changes of the document.
    pub fn seq(&self) -> u64 {
        self.change.seq()
    }
}
