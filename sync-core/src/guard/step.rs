//! Later steps of a kind's genesis: changes that make containers and nothing else.
//!
//! They have no author, since nobody edits by them: every device makes the same one for the same
//! record. Who wrote such a change is a digest of what it makes, so that it can be told from a forged
//! one also by a version that does not know the step yet.

use automerge::legacy::{Key, ObjectId, OpType};
use automerge::{Automerge, ChangeHash as AutoHash, ObjType};

use super::context::Context;
use super::parsed::ParsedChange;
use super::refusals::refuse;
use super::values::is_key;
use crate::error::{Refusal, RefusalCode};
use crate::ids::RecordId;
use crate::limits;
use crate::schema::{ID_KEY, KIND_KEY, Kind, step_actor};

/// Whether a change is a later step of the genesis of this record.
pub fn is_step(parsed: &ParsedChange, record: RecordId, kind: &str) -> bool {
    containers(parsed)
        .is_some_and(|made| step_actor(kind, record, made.iter().copied()) == parsed.actor())
}

/// The containers that a change makes, if it makes at least one and does nothing else.
fn containers(parsed: &ParsedChange) -> Option<Vec<(&str, ObjType)>> {
    let change = &parsed.change;
    let form = change.timestamp() == 0 && change.seq() == 1 && parsed.author.is_none();
    if !form || change.deps().len() != 1 || change.is_empty() {
        return None;
    }
    let made = parsed.expanded.operations.iter().map(|op| match (&op.action, &op.obj, &op.key) {
        (OpType::Make(ty @ (ObjType::Map | ObjType::Text)), ObjectId::Root, Key::Map(name))
            if !op.insert && op.pred.is_empty() && is_key(name) =>
        {
            Some((name.as_str(), *ty))
        }
        _ => None,
    });
    let made: Vec<(&str, ObjType)> = made.collect::<Option<_>>()?;
    made.is_sorted_by(|a, b| a.0 < b.0).then_some(made)
}

/// Judges a step against the document it is for.
pub(super) fn check(parsed: &ParsedChange, context: &Context<'_>) -> Result<(), Refusal> {
    let (doc, change) = (context.doc, &parsed.change);
    let made = containers(parsed).unwrap_or_default();
    let [dep] = change.deps() else { return Err(unfounded()) };
    if doc.get_heads() == [AutoHash(context.kind.genesis().hash.0)] || !is_genesis(doc, dep) {
        return Err(unfounded());
    }
    let greatest = doc.get_change_meta_by_hash(dep).map_or(0, |meta| meta.max_op);
    if change.start_op().get() != greatest + 1 {
        return refuse(
            RefusalCode::OpCounter,
            "The edit's operation counter does not follow from what it builds on.",
        );
    }
    let fits = made.iter().all(|(name, _)| fits(&context.kind, name, &made));
    if !fits {
        return refuse(
            RefusalCode::BadReference,
            "The edit makes a place that the record does not have; update the app.",
        );
    }
    let unknown = made.iter().filter(|(name, _)| context.kind.declared(name).is_none()).count();
    if context.unknown_keys() + unknown > limits::UNKNOWN_KEYS {
        return refuse(RefusalCode::TooLarge, "It holds too many unknown fields.");
    }
    Ok(())
}

/// A declared container comes with the whole step that it is declared in; one that is not declared
/// is of a newer app.
fn fits(kind: &Kind, name: &str, made: &[(&str, ObjType)]) -> bool {
    match kind.genesis().later_step_with(name) {
        Some(declared) => declared.iter().copied().eq(made.iter().copied()),
        None => kind.declared(name).is_none() && name != ID_KEY && name != KIND_KEY,
    }
}

/// Whether a change of the document is of its genesis: nobody's, at no time.
fn is_genesis(doc: &Automerge, hash: &AutoHash) -> bool {
    let meta = doc.get_change_meta_by_hash(hash);
    meta.is_some_and(|meta| meta.author.is_none() && meta.timestamp == 0 && meta.seq == 1)
}

fn unfounded() -> Refusal {
    let sentence = "The edit builds on one that the server does not have.";
    Refusal::new(RefusalCode::MissingDependency, sentence)
}
