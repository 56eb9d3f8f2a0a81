//! Where a change stands in its document's history: when, after what, by whom, with which numbers.

use automerge::{Automerge, Change, ChangeHash as AutoHash, ChangeMetadata};

use super::context::Context;
use super::parsed::ParsedChange;
use super::refusals::{malformed, refuse};
use crate::error::{Refusal, RefusalCode};
use crate::ids::UserId;
use crate::limits;
use crate::schema::Genesis;
use crate::time::UnixMs;

/// Whether this is the change that begins the record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Creating {
    Yes,
    No,
}

pub(super) fn check_time(parsed: &ParsedChange, context: &Context<'_>) -> Result<(), Refusal> {
    let claimed = parsed.change.timestamp();
    let latest = UnixMs(context.now.0.saturating_add(limits::FUTURE_CLAIM_MS)).seconds();
    if claimed > latest || claimed < limits::EARLIEST.seconds() {
        return refuse(
            RefusalCode::FutureTime,
            "The device's clock is wrong by more than ten minutes; set it and make the edit again.",
        );
    }
    Ok(())
}

/// Dependencies, sequence number and operation counter.
pub(super) fn check_place(
    parsed: &ParsedChange,
    context: &Context<'_>,
    genesis: &Genesis,
) -> Result<Creating, Refusal> {
    let change = &parsed.change;
    let first = AutoHash(genesis.hash.0);
    let on_genesis = change.deps() == [first];
    if on_genesis && context.doc.get_heads() != [first] {
        return refuse(
            RefusalCode::WrongRecord,
            "The edit begins a record that was begun already.",
        );
    }
    if !change.deps().is_sorted_by(|a, b| a < b) {
        return Err(malformed("it names what it builds on twice or out of order"));
    }
    if !on_genesis && change.deps().contains(&first) {
        return refuse(
            RefusalCode::WrongRecord,
            "Only the edit that begins a record builds on its empty form; update the app.",
        );
    }
    if change.is_empty() {
        return Err(malformed("it changes nothing"));
    }
    let mut greatest = 0;
    for dep in change.deps() {
        let Some(meta) = context.doc.get_change_meta_by_hash(dep) else {
            return refuse(
                RefusalCode::MissingDependency,
                "The edit builds on one that the server does not have.",
            );
        };
        greatest = greatest.max(meta.max_op);
    }
    if change.deps().is_empty() {
        return refuse(RefusalCode::MissingDependency, "The edit builds on nothing.");
    }
    if change.start_op().get() != greatest + 1
        || change.start_op().get() + change.len() as u64 > limits::OP_COUNTER
    {
        return refuse(
            RefusalCode::OpCounter,
            "The edit's operation counter does not follow from what it builds on.",
        );
    }
    if change.seq() != last_seq(context.doc, change)?.saturating_add(1) {
        return refuse(
            RefusalCode::SequenceGap,
            "The edit does not follow on its writer's last one; reopen the app and make it again.",
        );
    }
    Ok(if on_genesis { Creating::Yes } else { Creating::No })
}

/// The number of the actor's last change, which must be among what this one builds on: a writer that
/// forgot its own last change would give two operations one name.
fn last_seq(doc: &Automerge, change: &Change) -> Result<u64, Refusal> {
    let actor = change.actor_id();
    let last = |metas: Vec<ChangeMetadata<'_>>| {
        metas.iter().filter(|meta| *meta.actor == *actor).map(|meta| meta.seq).max().unwrap_or(0)
    };
    // Every actor's first change names an author, so one without an author has written nothing.
    if doc.get_author_for_actor(actor).is_none() {
        return Ok(0);
    }
    let mut heads = doc.get_heads();
    heads.sort_unstable();
    if heads == change.deps() {
        let of_head = heads.iter().filter_map(|head| doc.get_change_meta_by_hash(head));
        // An actor's changes are a chain, so a head of its own is its last.
        if let Some(own) = of_head.into_iter().find(|meta| *meta.actor == *actor) {
            return Ok(own.seq);
        }
    } else if last(doc.get_changes_meta(change.deps())) > 0 {
        return refuse(
            RefusalCode::SequenceGap,
            "The edit does not build on its writer's last one; reopen the app and make it again.",
        );
    }
    Ok(last(doc.get_changes_meta(&[])))
}

/// An actor's first change of a document names its author; later ones are by the same.
pub(super) fn check_author(parsed: &ParsedChange, context: &Context<'_>) -> Result<(), Refusal> {
    let known = context
        .doc
        .get_author_for_actor(parsed.change.actor_id())
        .and_then(|author| UserId::from_slice(author.as_bytes()));
    let fits = match (parsed.change.seq(), parsed.author) {
        (1, author) => author == Some(context.author),
        (_, None) => known == Some(context.author),
        (_, Some(_)) => false,
    };
    if !fits {
        return refuse(
            RefusalCode::ForeignAuthor,
            "The edit names another author than the signed-in user.",
        );
    }
    Ok(())
}
