//! A document that is open.

use automerge::Automerge;

use crate::document::Hydrated;
use crate::ids::{RecordId, ScopeId};
use crate::projection::{self, Stamp};
use crate::schema::Kind;

/// A document with accepted and pending changes applied, and what was read from it.
#[derive(Clone, Debug)]
pub(in crate::replica) struct OpenDocument {
    pub(in crate::replica) kind: Kind,
    pub(in crate::replica) doc: Automerge,
    pub(in crate::replica) stamp: Option<Stamp>,
    pub(in crate::replica) hydrated: Hydrated,
}

impl OpenDocument {
    /// What the record hangs from, as its document says.
    pub(in crate::replica) fn scope(&self, record: RecordId) -> ScopeId {
        projection::scope_of(record, &self.hydrated)
    }
}
