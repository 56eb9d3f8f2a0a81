//! Containers that a document has only from a later step of its genesis on.

use automerge::Automerge;

use super::edit::{EditError, FieldChange, LocalChange, RecordEdit};
use crate::ids::{Actor, RecordId};
use crate::schema::Kind;

/// An edit without the fields whose containers came with a later step, and an edit of these alone: a
/// record begins with what its first step has.
pub fn split(edit: &RecordEdit) -> (RecordEdit, RecordEdit) {
    let later = |(field, _): &&(crate::schema::Field, FieldChange)| {
        field.ty.is_container() && field.since > 1
    };
    let (later, first): (Vec<_>, Vec<_>) = edit.changes.iter().partition(later);
    let of = |changes: Vec<&(crate::schema::Field, FieldChange)>| RecordEdit {
        changes: changes.into_iter().cloned().collect(),
    };
    (of(first), of(later))
}

/// Puts the steps into a document that an edit needs and that it does not have; returns them, to be
/// stored and sent before the edit.
///
/// # Errors
/// When the document cannot take a step, which no server lets happen: the caller must not keep the
/// document then.
pub fn prepare(
    doc: &mut Automerge,
    kind: &Kind,
    record: RecordId,
    edit: &RecordEdit,
) -> Result<Vec<LocalChange>, EditError> {
    let mut made = Vec::new();
    for (field, change) in &edit.changes {
        if field.since == 1 || !field.ty.is_container() || change.takes_away() {
            continue;
        }
        for step in kind.genesis().missing(doc, record, field.name) {
            let actor = Actor::from_slice(step.actor_id().to_bytes());
            made.push(LocalChange {
                hash: step.hash().into(),
                bytes: step.raw_bytes().to_vec(),
                ops: step.len(),
                actor: actor.expect("BUG: a step's actor has sixteen bytes"),
            });
            doc.apply_changes([step]).map_err(|error| EditError::Document(error.to_string()))?;
        }
    }
    Ok(made)
}
