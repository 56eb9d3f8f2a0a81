//! One forged change among honest ones: its group falls, the others go on.

use automerge::ActorId;
use sync_core::protocol::PushGroup;

use crate::forgery::facts::{Facts, encoded, item_of, sign};
use crate::forgery::scene::{Attacker, KINDS};
use crate::forgery::table::{Before, Table};

/// How the forged member differs from an honest change of the record.
type Lie = fn(&Facts, &mut automerge::ExpandedChange);

pub(super) fn add(table: &mut Table) {
    let lies: [(&str, &'static str, Lie); 5] = [
        ("the victim's writer", "foreign_actor", |facts, change| {
            change.actor_id = ActorId::from(facts.bound.0);
        }),
        ("the victim as author", "foreign_author", |facts, change| {
            sign(change, facts.victim.as_bytes());
        }),
        ("a wrong number", "sequence_gap", |_, change| change.seq = 9),
        ("an unknown dependency", "missing_dependency", |facts, change| {
            change.deps = vec![automerge::ChangeHash(facts.bytes())];
        }),
        ("a moment ahead", "future_time", |facts, change| change.time = facts.now.seconds() + 3600),
    ];
    for (what, code, lie) in lies {
        let codes = &["accepted", "group_refused", code, "accepted"];
        let what = format!("{what} in the middle one of three groups");
        let who = &[Attacker::Colleague];
        table.add(&KINDS, who, Before::Nothing, &what, codes, move |facts| {
            let mut forged = facts.draft();
            lie(facts, &mut forged);
            around(facts, encoded(forged))
        });
    }
}

/// Three groups: one of the attacker's own account, one of that and the record, and one more.
fn around(facts: &Facts, forged: Vec<u8>) -> Vec<PushGroup> {
    let organization = crate::harness::kind("organization");
    let (own, doc) = facts.own.as_ref().unwrap();
    let (mut doc, pen) = (doc.clone(), facts.pen());
    let honest = |doc: &mut _, pen| {
        item_of(*own, "organization", encoded(facts.draft_on(doc, &organization, pen)))
    };
    let first = honest(&mut doc, pen);
    // What falls with the forged one is by another writer, so that the last does not build on it.
    let beside = honest(&mut doc.clone(), facts.pen());
    let last = honest(&mut doc, pen);
    vec![
        facts.group(vec![first]),
        facts.group(vec![beside, facts.item(forged)]),
        facts.group(vec![last]),
    ]
}
