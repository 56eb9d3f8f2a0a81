//! Later steps of a kind's genesis: changes that make containers and nothing else.
//!
//! They have no author, since nobody edits by them: every device makes the same one for the same
//! record. Who wrote such a change is a digest of what it makes and follows, so that it can be told from
//! a forged one also by a version that does not know the step yet; and nobody else writes under a name
//! of that form.

use automerge::legacy::{Key, ObjectId, OpType};
use automerge::{ChangeHash as AutoHash, ObjType};

use super::context::Context;
use super::parsed::ParsedChange;
use super::refusals::refuse;
use crate::document::fit;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, RecordId};
use crate::limits;
use crate::schema::{ID_KEY, KIND_KEY, Kind, is_step_actor, step_actor};

/// Whether a change can be nothing but a later step of a genesis: only such a one is taken of this
/// writer.
pub fn is_step(parsed: &ParsedChange) -> bool {
    is_step_actor(parsed.actor())
}

/// The containers that a change makes, if it makes at least one and does nothing else.
fn containers(parsed: &ParsedChange) -> Option<Vec<(String, ObjType)>> {
    let change = &parsed.change;
    let form = change.timestamp() == 0 && change.seq() == 1 && parsed.author.is_none();
    if !form || change.deps().len() != 1 || change.is_empty() {
        return None;
    }
    let made = parsed.operations().into_iter().map(|op| match (&op.action, &op.obj, &op.key) {
        (OpType::Make(ty @ (ObjType::Map | ObjType::Text)), ObjectId::Root, Key::Map(name))
            if !op.insert && op.pred.is_empty() && fit::key_problem(name).is_none() =>
        {
            Some((name.to_string(), *ty))
        }
        _ => None,
    });
    let made: Vec<(String, ObjType)> = made.collect::<Option<_>>()?;
    made.is_sorted_by(|a, b| a.0 < b.0).then_some(made)
}

/// Judges a step against the document it is for.
pub(super) fn check(parsed: &ParsedChange, context: &Context<'_>) -> Result<(), Refusal> {
    let (doc, change) = (context.doc, &parsed.change);
    let (Some(made), [dep]) = (containers(parsed), change.deps()) else {
        return refuse(
            RefusalCode::ForeignActor,
            "The edit poses as the empty form of the record; reopen the app and make it again.",
        );
    };
    let begun = doc.get_heads() != [AutoHash(context.kind.genesis().hash.0)];
    let Some(before) = writer_before(context, dep).filter(|_| begun) else {
        let sentence = "The edit builds on one that the server does not have.";
        return refuse(RefusalCode::MissingDependency, sentence);
    };
    let greatest = doc.get_change_meta_by_hash(dep).map_or(0, |meta| meta.max_op);
    if change.start_op().get() != greatest + 1 {
        return refuse(
            RefusalCode::OpCounter,
            "The edit's operation counter does not follow from what it builds on.",
        );
    }
    let (kind, record) = (&context.kind, context.record);
    let says =
        step_actor(kind.name, record, before, made.iter().map(|(name, ty)| (name.as_str(), *ty)));
    let fits = |(name, _): &(String, ObjType)| fits(kind, record, name, parsed.actor());
    if says != parsed.actor() || !made.iter().all(fits) {
        return refuse(
            RefusalCode::BadReference,
            "The edit makes a place that the record does not have; update the app.",
        );
    }
    let unknown = made.iter().filter(|(name, _)| kind.declared(name).is_none()).count();
    if context.unknown_keys() + unknown > limits::UNKNOWN_KEYS {
        return refuse(RefusalCode::TooLarge, "It holds too many unknown fields.");
    }
    Ok(())
}

/// The writer of the step that a step follows, whose own step was judged before.
fn writer_before(context: &Context<'_>, dep: &AutoHash) -> Option<Actor> {
    let genesis = context.kind.genesis();
    if dep.0 == genesis.hash.0 {
        return Some(genesis.actor);
    }
    let meta = context.doc.get_change_meta_by_hash(dep)?;
    Actor::from_slice(meta.actor.to_bytes()).filter(|actor| is_step_actor(*actor))
}

/// A declared container comes with the step that it is declared in; one that is not declared is of a
/// newer app.
fn fits(kind: &Kind, record: RecordId, name: &str, writer: Actor) -> bool {
    match kind.genesis().later_writer(record, name) {
        Some(declared) => declared == writer,
        None => kind.declared(name).is_none() && name != ID_KEY && name != KIND_KEY,
    }
}
