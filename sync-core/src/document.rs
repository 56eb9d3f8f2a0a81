//! One record's Automerge document, behind our own words.
//!
//! Layout, version 1. The root map holds `kind` and one key a field: a scalar for a register, a
//! canonical JSON string for a `Whole` (so that it is written and merged as one), and a container
//! that the kind's *genesis change* made for texts, sets, logs and custom fields. The genesis change
//! is the same on every device and is never sent: two devices that made the "same" container
//! independently would not merge. The *creating change* depends on genesis alone and writes `id`.
//!
//! Knows nothing of SQL, sockets or policies.

mod compared;
mod contested;
mod difference;
mod edit;
mod email;
pub mod fit;
mod form;
mod from_object;
mod group_edit;
mod hydrate;
pub mod lean;
mod load_error;
mod names;
mod news;
mod phone;
mod reading;
mod steps;
mod text;
mod typed;
mod undoing;
mod unsaid;
mod value;
mod write;

pub use crate::schema::{ID_KEY, KIND_KEY};
pub use compared::{Altered, compared};
pub use contested::{Claim, DELETED, Dispute, disputes};
pub use difference::difference;
pub use edit::{EditError, FieldChange, LocalChange, Pen, PenRole, RecordEdit};
pub use fit::normalise_key;
pub use group_edit::GroupEdit;
pub use hydrate::{Conflict, FieldState, Hydrated, Violation, hydrate};
pub use load_error::LoadError;
pub(crate) use names::without_accent;
pub use names::{likeness, plain_name};
pub use news::{News, news};
pub use reading::read_scalar;
pub use steps::{prepare, split};
pub use text::Splice;
pub use typed::{
    DayOrder, DayProblem, Decimal, Habits, day_and_time, moment, read_time, read_value, split_keys,
};
pub use undoing::{Done, Left, Undoing, undoing};
pub use unsaid::unsaid;
pub use value::{Value, ValueError};
pub use write::{create, edit};

use automerge::{Automerge, ROOT, ReadDoc};

use crate::ids::{ChangeHash, RecordId};
use crate::schema::{Kind, Schema};

/// Opens a stored document, whole or [`lean`], and applies the changes that were stored beside it.
///
/// For bytes of our own making only: changes from outside pass the guard first.
///
/// # Errors
/// When the bytes are damaged, or a change's dependencies are not all there.
pub fn load(snapshot: &[u8], tail: &[Vec<u8>]) -> Result<Automerge, LoadError> {
    let whole = if lean::is_lean(snapshot) { &lean::restore(snapshot)? } else { snapshot };
    let mut doc = Automerge::load(whole).map_err(|e| LoadError::Damaged(e.to_string()))?;
    apply_stored(&mut doc, tail)?;
    Ok(doc)
}

/// Applies changes that this side stored earlier.
///
/// # Errors
/// When a change is damaged or lacks its dependencies.
pub fn apply_stored(doc: &mut Automerge, tail: &[Vec<u8>]) -> Result<(), LoadError> {
    if tail.is_empty() {
        return Ok(());
    }
    let mut changes = Vec::with_capacity(tail.len());
    for bytes in tail {
        let change = automerge::Change::from_bytes(bytes.clone())
            .map_err(|e| LoadError::Change(e.to_string()))?;
        changes.push(change);
    }
    doc.apply_changes(changes).map_err(|e| LoadError::Change(e.to_string()))?;
    if !doc.get_missing_deps(&[]).is_empty() {
        return Err(LoadError::Change("a dependency is missing".into()));
    }
    Ok(())
}

/// The kind that a document says it is.
pub fn kind_of(doc: &Automerge, schema: &Schema) -> Option<Kind> {
    let (value, _) = doc.get(ROOT, KIND_KEY).ok().flatten()?;
    schema.kind(value.as_str()?).cloned()
}

/// The record that a document says it is.
pub fn id_of(doc: &Automerge) -> Option<RecordId> {
    let (value, _) = doc.get(ROOT, ID_KEY).ok().flatten()?;
    value.as_str()?.parse().ok()
}

/// Names of the newest changes, sorted.
pub fn heads(doc: &Automerge) -> Vec<ChangeHash> {
    let mut heads: Vec<ChangeHash> = doc.get_heads().into_iter().map(ChangeHash::from).collect();
    heads.sort_unstable();
    heads
}
