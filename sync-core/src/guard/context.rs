//! What judging a change needs to know besides the change.

use automerge::{Automerge, ROOT, ReadDoc};

use crate::document::PenRole;
use crate::ids::{RecordId, UserId};
use crate::schema::{ID_KEY, KIND_KEY, Kind};
use crate::time::UnixMs;

/// What judging needs to know.
#[derive(Debug)]
pub struct Context<'a> {
    /// The record it was pushed for.
    pub record: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// The document; the kind's genesis when there is none yet.
    pub doc: &'a Automerge,
    /// The authenticated user.
    pub author: UserId,
    /// The server's clock.
    pub now: UnixMs,
    /// Whose pen it is.
    pub pen: PenRole,
}

impl Context<'_> {
    /// How many keys of the document's root are of a newer app.
    pub(super) fn unknown_keys(&self) -> usize {
        let known =
            |key: &str| self.kind.declared(key).is_some() || key == ID_KEY || key == KIND_KEY;
        self.doc.keys(ROOT).filter(|key| !known(key)).count()
    }
}
