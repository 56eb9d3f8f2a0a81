//! Changes of one document pushed as another's.

use automerge::legacy::{ObjectId, OpType};

use crate::forgery::facts::{Facts, encoded, on_key};
use crate::forgery::scene::{Attacker, KINDS};
use crate::forgery::table::{Before, Table};

pub(super) fn add(table: &mut Table) {
    table.each("a change of another record of the kind", "missing_dependency", |facts| {
        facts.push(encoded(of_other(facts)))
    });
    table.each("a change of the record for another", "missing_dependency", |facts| {
        facts.push_as(facts.other, facts.kind.name, encoded(facts.draft()))
    });
    table.each("a change for a record of another kind", "missing_dependency", |facts| {
        facts.push_as(facts.elsewhere.1, facts.elsewhere.0.name, encoded(facts.draft()))
    });
    table.each("a change that calls the record another kind", "wrong_kind", |facts| {
        facts.push_as(facts.record, facts.elsewhere.0.name, encoded(facts.draft()))
    });
    for kind in ["starship", "user", "territory", ""] {
        table.each(&format!("a change of a \"{kind}\""), "wrong_kind", move |facts| {
            facts.push_as(facts.record, kind, encoded(facts.draft()))
        });
    }
    table.each("a change for a record that is not there", "missing_dependency", |facts| {
        facts.push_as(facts.id(), facts.kind.name, encoded(facts.draft()))
    });
    let mixed = "one change pushed for two records as one";
    let codes = &["group_refused", "missing_dependency"];
    table.add(&KINDS, &[Attacker::Colleague], Before::Nothing, mixed, codes, |facts| {
        let stray = encoded(of_other(facts));
        vec![facts.group(vec![facts.item(encoded(facts.draft())), facts.item(stray)])]
    });
    beginnings(table);
    table.each("another id", "wrong_record", |facts| {
        let id = OpType::Put(facts.other.to_string().into());
        facts.doing(vec![on_key(ObjectId::Root, "id", id, facts.standing("id"))])
    });
    table.each("another kind", "wrong_kind", |facts| {
        let kind = OpType::Put(facts.elsewhere.0.name.into());
        facts.doing(vec![on_key(ObjectId::Root, "kind", kind, facts.standing("kind"))])
    });
}

fn beginnings(table: &mut Table) {
    table.each("a second beginning of the record", "wrong_record", |facts| {
        facts.push(encoded(facts.creation(facts.record, facts.shared)))
    });
    table.each("a beginning that names another record", "wrong_record", |facts| {
        let change = facts.creation(facts.record, facts.shared);
        facts.push_as(facts.id(), facts.kind.name, encoded(change))
    });
    table.each("a beginning without an id", "wrong_record", |facts| {
        let id = facts.id();
        let mut change = facts.creation(id, facts.shared);
        let at_id = |key: &automerge::legacy::Key| {
            matches!(key, automerge::legacy::Key::Map(name) if name == "id")
        };
        change.operations.retain(|op| !at_id(&op.key));
        facts.push_as(id, facts.kind.name, encoded(change))
    });
    table.each("a beginning of one kind as another", "missing_dependency", |facts| {
        let id = facts.id();
        let change = facts.creation(id, facts.shared);
        facts.push_as(id, facts.elsewhere.0.name, encoded(change))
    });
    table.each("the empty form itself", "foreign_actor", |facts| {
        facts.push(facts.kind.genesis().doc.get_changes(&[])[0].raw_bytes().to_vec())
    });
    table.each("the empty form of another kind", "future_time", |facts| {
        let form = &facts.elsewhere.0.genesis().doc;
        facts.push(form.get_changes(&[])[0].raw_bytes().to_vec())
    });
}

fn of_other(facts: &Facts) -> automerge::ExpandedChange {
    facts.draft_on(&mut facts.other_doc.clone(), &facts.kind, facts.pen())
}
