//! For each merge rule a change that meets another of which its writer had not heard, with the verdict
//! and the row that follows.

use automerge::transaction::Transactable;
use automerge::{Automerge, ROOT};
use serde_json::Value as Json;
use sync_core::schema::Kind;

use super::changes::{Pushed, described, judged};
use super::meaning::meaning;
use super::oddities::raw;
use super::pens::{JUDGED_AT, OMAR, ROSA, record, user, writer};
use super::schemas::kind;

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// What Rosa notes when she leaves.
const LEFT: Pairs<'_> = &[("check_out", "at_ms=1790000000000")];

/// The changes, each with the row of the document that then is; a refused one has none.
pub(crate) fn all() -> Json {
    let account = begun(
        "organization",
        &[("name", "Café Zoë"), ("notes", "Ring."), ("tags", "patio"), ("cuisine", "Thai")],
    );
    let usd = |minor: &str| format!("minor={minor}, currency=USD");
    let value = usd("200000");
    let deal = begun(
        "opportunity",
        &[("name", "Noodles"), ("organization_id", &id(2)), ("estimated_value", &value)],
    );
    let contact = begun("contact", &[("last_name", "Martin")]);
    let visit_of = [("organization_id", id(2)), ("user_id", user(ROSA).to_string())];
    let at = [("occurred_at", "2026-09-21T14:00:00Z"), ("interaction_type", "VISIT")];
    let visit_of = visit_of.iter().map(|(name, text)| (*name, text.as_str()));
    let visit = begun("interaction", &visit_of.chain(at).collect::<Vec<_>>());
    let task = begun("task", &[("title", "Call"), ("due_date", "2026-09-30")]);
    let changes = [
        meets(
            "Register: Automerge's pick is shown.",
            &account,
            &[("website", "a.example")],
            &[("website", "b.example")],
        ),
        meets(
            "Register: cleared, while another writes.",
            &account,
            &[("cuisine", "Lao")],
            &[("cuisine", "")],
        ),
        meets(
            "RegisterHigherWins: A is higher than C.",
            &account,
            &[("priority_level", "A")],
            &[("priority_level", "C")],
        ),
        meets(
            "RegisterEarliestWins: the earlier day.",
            &task,
            &[("due_date", "2026-09-25")],
            &[("due_date", "2026-10-02")],
        ),
        meets(
            "RegisterTrueWins: asked to be left alone.",
            &contact,
            &[("do_not_contact", "yes")],
            &[("do_not_contact", "no")],
        ),
        meets(
            "RegisterFalseWins: not confirmed.",
            &deal,
            &[("budget_confirmed", "no")],
            &[("budget_confirmed", "yes")],
        ),
        meets(
            "Whole: no part of one goes with parts of the other.",
            &account,
            &[("billing_address", "street=1 Main St, city=Albany")],
            &[("billing_address", "street=2 Elm St")],
        ),
        meets(
            "WholeLowerShown: the lower amount.",
            &deal,
            &[("estimated_value", &usd("90001"))],
            &[("estimated_value", &usd("120000"))],
        ),
        meets(
            "WholeLowerShown: clearing hides no amount.",
            &deal,
            &[("estimated_value", &usd("90001"))],
            &[("estimated_value", "")],
        ),
        meets(
            "Text: merged word by word.",
            &account,
            &[("notes", "Ring twice.")],
            &[("notes", "Please: Ring.")],
        ),
        meets("Set: both stay.", &account, &[("tags", "patio, bar")], &[("tags", "patio, roof")]),
        meets(
            "Fields: one entry is a Register.",
            &account,
            &[("custom_fields.Gate", "1")],
            &[("custom_fields.Gate", "2")],
        ),
        meets(
            "Log of stages: won and lost at once, a dispute.",
            &deal,
            &[("stage", "closed-lost: Too dear")],
            &[("stage", "closed-won")],
        ),
        meets(
            "Log of stages: the further of two open ones.",
            &deal,
            &[("stage", "negotiation")],
            &[("stage", "proposal")],
        ),
        meets(
            "Log of states: no_show comes before cancelled.",
            &visit,
            &[("status", "cancelled")],
            &[("status", "no_show")],
        ),
        meets(
            "Log of completions: twice done is done.",
            &task,
            &[("completed", "yes")],
            &[("completed", "yes")],
        ),
        meets(
            "Log of employers: the greatest id.",
            &contact,
            &[("organization_id", &id(3))],
            &[("organization_id", &id(4))],
        ),
        life(&account),
        by_hand(
            "Immutable: not written again, for it stays as it was.",
            &visit,
            "organization_id",
            &id(3),
        ),
        by_hand(
            "Once: noted after the visit began.",
            &visit,
            "check_out",
            r#"{"at_ms":1790000000000}"#,
        ),
        meets(
            "Once: the first of two who had not heard of each other.",
            &visit,
            LEFT,
            &[("check_out", "at_ms=1790000900000")],
        ),
        by_hand("Once: not written over.", &left(&visit), "check_out", r#"{"at_ms":1}"#),
        by_hand("A whole value out of range.", &account, "location", r#"{"lat":95,"lng":0}"#),
        by_hand(
            "A null part is a part left out; keys in any order.",
            &account,
            "location",
            r#"{"lng":-73.5, "lat":42.5, "accuracy_m":null}"#,
        ),
        one_value(&account),
        compressed(&account),
    ];
    changes.iter().map(with_row).collect()
}

fn id(n: u128) -> String {
    record(n).to_string()
}

fn begun(word: &str, pairs: Pairs<'_>) -> (Kind, Automerge) {
    let kind = kind(word);
    let (doc, _) = writer(ROSA, 1).create(&kind, record(1), pairs);
    (kind, doc)
}

/// A visit whose departure is noted.
fn left(begun: &(Kind, Automerge)) -> (Kind, Automerge) {
    let (kind, mut doc) = begun.clone();
    writer(ROSA, 11).edit(&mut doc, &kind, LEFT);
    (kind, doc)
}

fn with_row(pushed: &Pushed) -> Json {
    let mut json = described(pushed);
    let Pushed { kind, before, author, change, .. } = pushed;
    let doc = before.as_ref().unwrap_or(&kind.genesis().doc);
    if let Ok(after) = judged(doc, kind.name, record(1), user(*author), JUDGED_AT, change) {
        json["row"] = meaning(&after, kind)["row"].clone();
    }
    json
}

/// Rosa's edit is there already when Omar's comes, who had not heard of it.
fn meets(
    about: &'static str,
    begun: &(Kind, Automerge),
    rosa: Pairs<'_>,
    omar: Pairs<'_>,
) -> Pushed {
    let (kind, doc) = begun.clone();
    let (mut here, mut there) = (doc.clone(), doc);
    writer(ROSA, 11).edit(&mut here, &kind, rosa);
    let change = writer(OMAR, 12).edit(&mut there, &kind, omar)[0].bytes.clone();
    Pushed { about, kind, before: Some(here), record: record(1), author: OMAR, change }
}

/// A restore meets a delete of which it had not heard.
fn life(begun: &(Kind, Automerge)) -> Pushed {
    let (kind, mut doc) = begun.clone();
    writer(ROSA, 11).append(&mut doc, &kind, "life", &[("action", "delete")]);
    let mut there = doc.clone();
    writer(ROSA, 13).append(&mut doc, &kind, "life", &[("action", "delete")]);
    let made = writer(OMAR, 12).append(&mut there, &kind, "life", &[("action", "restore")]);
    let about = "Log of life: a restore meets a second delete, and is shown.";
    let change = made[0].bytes.clone();
    Pushed { about, kind, before: Some(doc), record: record(1), author: OMAR, change }
}

fn by_hand(about: &'static str, begun: &(Kind, Automerge), key: &str, text: &str) -> Pushed {
    let (kind, doc) = begun.clone();
    let put = |tx: &mut automerge::transaction::Transaction<'_>| tx.put(ROOT, key, text).unwrap();
    let change = raw(&mut doc.clone(), &writer(OMAR, 12), put).raw_bytes().to_vec();
    Pushed { about, kind, before: Some(doc), record: record(1), author: OMAR, change }
}

/// A number is written as 2 in one language and as 2.0 in another.
fn one_value(begun: &(Kind, Automerge)) -> Pushed {
    let (kind, doc) = begun.clone();
    let about = "Whole: 2 and 2.0 are one value, and no conflict.";
    let theirs = by_hand(about, begun, "location", r#"{"lat":2,"lng":3}"#);
    let mut here = doc;
    writer(ROSA, 11).edit(&mut here, &kind, &[("location", "lat=2, lng=3")]);
    Pushed { before: Some(here), ..theirs }
}

/// A chunk of type 2 has the checksum of the plain form, and its content deflated.
fn compressed(begun: &(Kind, Automerge)) -> Pushed {
    let sound = by_hand("", begun, "website", "a.example");
    let (head, rest) = sound.change.split_at(8);
    // The length takes one byte or two; what follows it is compressed.
    let content = &rest[1 + rest[1..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1..];
    let length = u16::try_from(content.len()).unwrap();
    // One last block of deflate, stored as it is: the same bytes whatever library packs.
    let packed = [&[1], &length.to_le_bytes()[..], &(!length).to_le_bytes(), content].concat();
    let mut change = head.to_vec();
    change.push(2);
    leb128(&mut change, packed.len());
    change.extend(packed);
    Pushed { about: "A compressed chunk.", change, ..sound }
}

fn leb128(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
