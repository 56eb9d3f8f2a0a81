//! Honest changes by whom the policies do not let.

use sync_core::event::event_data;
use sync_core::schema::LifeEvent;

use crate::forgery::facts::encoded;
use crate::forgery::scene::{Attacker, KINDS};
use crate::forgery::table::{Before, Table};

pub(super) fn add(table: &mut Table) {
    let both = &[Attacker::Outsider, Attacker::Reader];
    let denied = &["denied"];
    let nothing = Before::Nothing;
    table.add(&KINDS, both, nothing, "an honest change", denied, |facts| {
        facts.push(encoded(facts.draft()))
    });
    table.add(&KINDS, both, nothing, "a deletion", denied, |facts| {
        facts.event("life", LifeEvent::Delete.data(), |text| text)
    });
    table.add(&KINDS[1..], both, nothing, "a new record on the account", denied, |facts| {
        let id = facts.id();
        facts.push_as(id, facts.kind.name, encoded(facts.creation(id, facts.shared)))
    });
    let colleague = &[Attacker::Colleague];
    let elsewhere = "a new record on an account that is the victim's alone";
    table.add(&KINDS[1..], colleague, nothing, elsewhere, denied, |facts| {
        let id = facts.id();
        facts.push_as(id, facts.kind.name, encoded(facts.creation(id, facts.foreign)))
    });
    let nowhere = "a new record on an account that is not there";
    table.add(&KINDS[1..], colleague, nothing, nowhere, denied, |facts| {
        let id = facts.id();
        facts.push_as(id, facts.kind.name, encoded(facts.creation(id, facts.id())))
    });
    let contact = "contact";
    table.only(contact, "moved to an account that is the victim's alone", "denied", |facts| {
        let data = event_data([("organization_id", Some(facts.foreign.to_string().as_str()))]);
        facts.event("employer", data, |text| text)
    });
    let reader = &[Attacker::Reader];
    table.add(&["organization"], reader, nothing, "an account of its own", denied, |facts| {
        let id = facts.id();
        facts.push_as(id, facts.kind.name, encoded(facts.creation(id, id)))
    });
    for word in ["customer", "principal", "distributor"] {
        table.only("organization", &format!("a new {word}"), "denied", move |facts| {
            let id = facts.id();
            let pairs = [("name", "Forged"), ("organization_type", word)];
            facts.push_as(id, facts.kind.name, encoded(facts.creation_of(id, &pairs)))
        });
    }
}
