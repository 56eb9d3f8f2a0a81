//! Writers that are not the attacker's, and authors that the attacker is not.

use automerge::ActorId;

use crate::forgery::facts::{Facts, sign, unsign};
use crate::forgery::scene::{Attacker, KINDS};
use crate::forgery::table::{Before, Table};

/// The victim's change of now is not there yet, so that its writer is still to be heard of.
const UNSENT: Before = Before::Unsent(1);

pub(super) fn add(table: &mut Table) {
    table.each("the victim's writer, begun anew", "foreign_actor", |facts| {
        facts.altered(|change| change.actor_id = ActorId::from(facts.bound.0))
    });
    table.each("the victim's writer, gone on with", "foreign_actor", |facts| {
        facts.altered(|change| going_on(facts, change))
    });
    table.each("the victim's writer and name", "foreign_author", |facts| {
        facts.altered(|change| {
            going_on(facts, change);
            sign(change, facts.victim.as_bytes());
        })
    });
    let colleague = &[Attacker::Colleague];
    let nameless = "the victim's writer before the server heard of it, without an author";
    table.add(&KINDS, colleague, UNSENT, nameless, &["foreign_author"], |facts| {
        facts.altered(|change| {
            change.actor_id = ActorId::from(facts.unseen.0);
            unsign(change);
        })
    });
    let inflated = "the victim's writer before the server heard of it, with a lie";
    table.add(&KINDS, colleague, UNSENT, inflated, &["op_counter"], |facts| {
        facts.altered(|change| {
            change.actor_id = ActorId::from(facts.unseen.0);
            change.start_op = change.start_op.checked_add(1).unwrap();
        })
    });
    let outside = "the victim's writer before the server heard of it";
    table.add(
        &KINDS,
        &[Attacker::Outsider, Attacker::Reader],
        UNSENT,
        outside,
        &["denied"],
        |facts| facts.altered(|change| change.actor_id = ActorId::from(facts.unseen.0)),
    );
    table.each("the writer of the empty form", "foreign_actor", |facts| {
        facts.altered(|change| change.actor_id = ActorId::from(facts.kind.genesis().actor.0))
    });
    table.each("a writer of the server", "foreign_actor", |facts| {
        facts.altered(|change| change.actor_id = ActorId::from(facts.server.0))
    });
    for length in [0, 15, 17, 64] {
        let what = format!("a writer of {length} bytes");
        table.each(&what, "malformed", move |facts| {
            facts.altered(|change| change.actor_id = ActorId::from(vec![7; length]))
        });
    }
    table.each("the victim named as author", "foreign_author", |facts| {
        facts.altered(|change| sign(change, facts.victim.as_bytes()))
    });
    table.each("no author named", "foreign_author", |facts| facts.altered(unsign));
    table.each("an author of fifteen bytes", "malformed", |facts| {
        facts.altered(|change| sign(change, &[7; 15]))
    });
}

fn going_on(facts: &Facts, change: &mut automerge::ExpandedChange) {
    change.actor_id = ActorId::from(facts.bound.0);
    change.seq = facts.bound_seq + 1;
    unsign(change);
}
