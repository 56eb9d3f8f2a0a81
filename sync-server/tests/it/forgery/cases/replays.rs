//! The victim's own changes, pushed by somebody else or for something else.

use crate::chunk::seal;
use crate::forgery::scene::{Attacker, KINDS};
use crate::forgery::table::{Before, Table};

pub(super) fn add(table: &mut Table) {
    let others = &[Attacker::Colleague, Attacker::Reader];
    let wrong = &["wrong_record"];
    let nothing = Before::Nothing;
    table.add(&KINDS, others, nothing, "an accepted change again", wrong, |facts| {
        facts.push(facts.accepted.clone())
    });
    let outsider = &[Attacker::Outsider];
    table.add(&KINDS, outsider, nothing, "an accepted change again", &["denied"], |facts| {
        facts.push(facts.accepted.clone())
    });
    let both = &[Attacker::Colleague, Attacker::OwnDevice];
    let for_other = "an accepted change for another record";
    table.add(&KINDS, both, nothing, for_other, wrong, |facts| {
        facts.push_as(facts.other, facts.kind.name, facts.accepted.clone())
    });
    let for_kind = "an accepted change for a record of another kind";
    table.add(&KINDS, both, nothing, for_kind, wrong, |facts| {
        facts.push_as(facts.elsewhere.1, facts.elsewhere.0.name, facts.accepted.clone())
    });
    let fresh = "the beginning of the record for a new one";
    table.add(&KINDS, both, nothing, fresh, wrong, |facts| {
        facts.push_as(facts.id(), facts.kind.name, facts.creating.clone())
    });
    stolen(table);
    let altered = "the name of an accepted change with other bytes";
    table.add(&KINDS, both, nothing, altered, &["malformed"], |facts| {
        facts.push(other_checksum(facts.accepted.clone()))
    });
    let unsealed = "an accepted change with another moment behind its old checksum";
    table.add(&KINDS, both, nothing, unsealed, &["malformed"], |facts| {
        facts.push(one_bit_off(facts.accepted.clone()))
    });
    let resealed = "an accepted change one bit off behind a right checksum";
    table.add(&["organization"], both, nothing, resealed, &["malformed"], |facts| {
        let mut bytes = seal(one_bit_off(facts.accepted.clone()));
        bytes.push(0);
        facts.push(bytes)
    });
}

/// What the victim has not sent yet comes from somebody else first.
fn stolen(table: &mut Table) {
    let both = &[Attacker::Colleague, Attacker::Outsider];
    let one = Before::Unsent(1);
    let two = Before::Unsent(2);
    // Whoever does not see the record hears that, and not what is wrong.
    let [sees, outsider] = [&[Attacker::Colleague], &[Attacker::Outsider]];
    for (who, expect) in [(sees, "foreign_author"), (outsider, "denied")] {
        table.add(&KINDS, who, one, "an unsent change", &[expect], |facts| {
            facts.push(facts.waiting[0].clone())
        });
        table.add(&["opportunity"], who, Before::Refused, "a refused change", &[expect], |facts| {
            facts.push(facts.waiting[0].clone())
        });
    }
    let second = "the second of two unsent changes";
    table.add(&KINDS, both, two, second, &["missing_dependency"], |facts| {
        facts.push(facts.waiting[1].clone())
    });
    let all = "two unsent changes as one";
    for (who, expect) in [(sees, ["foreign_author", "group_refused"]), (outsider, ["denied"; 2])] {
        table.add(&KINDS, who, two, all, &expect, |facts| {
            let items = facts.waiting.iter().map(|change| facts.item(change.clone()));
            vec![facts.group(items.collect())]
        });
    }
    let twisted = "the name of an unsent change with other bytes";
    let every = &[Attacker::Colleague, Attacker::OwnDevice];
    table.add(&KINDS, every, one, twisted, &["malformed"], |facts| {
        facts.push(other_checksum(facts.waiting[0].clone()))
    });
    let elsewhere = "an unsent change for another record";
    table.add(&KINDS, every, one, elsewhere, &["missing_dependency"], |facts| {
        facts.push_as(facts.other, facts.kind.name, facts.waiting[0].clone())
    });
    let deal = &["opportunity"];
    let refused = "a refused change";
    table.add(deal, &[Attacker::OwnDevice], Before::Refused, refused, &["rule"], |facts| {
        facts.push(facts.waiting[0].clone())
    });
}

/// A change is named by all but its first eight bytes.
fn other_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[5] ^= 1;
    bytes
}

fn one_bit_off(mut bytes: Vec<u8>) -> Vec<u8> {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}
