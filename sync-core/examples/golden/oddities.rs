//! Documents that no app of today writes: of later apps, and of faulty ones.

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{Author, Automerge, ROOT, ReadDoc, ScalarValue};
use sync_core::schema::Kind;

use super::pens::{MIA, OMAR, ROSA, Writer, record, user, writer};
use super::records::{Made, account, merged};
use super::schemas::kind;

/// The odd documents.
pub(crate) fn all() -> Vec<Made> {
    vec![
        account_with_unknowns(),
        account_with_nonsense(),
        twice_created_visit(),
        deal_of_a_later_app(),
    ]
}

/// Writes whatever the caller wants, as the writer's next change.
pub(crate) fn raw(
    doc: &mut Automerge,
    writer: &Writer,
    write: impl FnOnce(&mut Transaction<'_>),
) -> automerge::Change {
    doc.set_author(Some(Author::from(writer.pen.author.as_bytes().to_vec())));
    doc.set_actor(writer.pen.actor.automerge());
    let mut tx = doc.transaction();
    write(&mut tx);
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(writer.pen.now.seconds()));
    doc.get_change_by_hash(&hash.unwrap()).unwrap()
}

fn container(kind: &Kind, field: &str) -> automerge::ObjId {
    kind.genesis().containers[field].clone()
}

fn account_with_unknowns() -> Made {
    let (kind, mut doc) = account(&mut writer(ROSA, 1));
    raw(&mut doc, &writer(OMAR, 12), |tx| {
        tx.put(ROOT, "golden_stars", 3_i64).unwrap();
        tx.put(ROOT, "golden_rating", 4.5_f64).unwrap();
        tx.put(ROOT, "golden_seal", ScalarValue::Bytes(vec![0, 127, 255])).unwrap();
        tx.put(ROOT, "golden_since", ScalarValue::Timestamp(1_700_000_000_120)).unwrap();
        tx.put(ROOT, "golden_open", true).unwrap();
        tx.put(ROOT, "golden_gone", ScalarValue::Null).unwrap();
        // A part, and words, that only a later app knows.
        let address = r#"{"city":"Albany","floor":3,"street":"1 Main St"}"#;
        tx.put(ROOT, "billing_address", address).unwrap();
        tx.put(ROOT, "organization_type", "golden_franchise").unwrap();
        tx.put(ROOT, "account_status", r#"{"value":"golden_paused"}"#).unwrap();
    });
    let about = "Keys of a later app, of every type of scalar, beside a part and words that this version does not know: all of them are kept, and the words are violations.";
    Made { name: "organization-with-unknown-fields", about, kind, doc }
}

fn account_with_nonsense() -> Made {
    let (kind, mut doc) = account(&mut writer(ROSA, 1));
    raw(&mut doc, &writer(OMAR, 12), |tx| {
        tx.put(ROOT, "name", ScalarValue::Null).unwrap();
        tx.put(ROOT, "employee_count", "twelve").unwrap();
        tx.put(ROOT, "needs_review", 1_i64).unwrap();
        tx.put(ROOT, "location", r#"{"lat":"north"}"#).unwrap();
        tx.put(ROOT, "shipping_address", "no JSON").unwrap();
        tx.put(ROOT, "primary_contact_id", "nobody").unwrap();
        tx.put(ROOT, "priority_level", "E").unwrap();
        tx.put_object(ROOT, "website", automerge::ObjType::Map).unwrap();
        tx.put(ROOT, "cuisine", ScalarValue::Str("x".repeat(101).into())).unwrap();
        tx.put(container(&kind, "life"), "no id", "no event").unwrap();
        tx.put(container(&kind, "custom_fields"), "Number", 7_i64).unwrap();
        tx.put(container(&kind, "phones"), "not normal", true).unwrap();
    });
    let about = "What a faulty app wrote: values of wrong types, too long or out of range. Each is a violation and shows as nothing, or is passed over; nothing fails.";
    Made { name: "organization-with-nonsense", about, kind, doc }
}

fn twice_created_visit() -> Made {
    let kind = kind("interaction");
    let (account, who) = (record(1).to_string(), user(ROSA).to_string());
    let pairs = [
        ("organization_id", account.as_str()),
        ("user_id", who.as_str()),
        ("occurred_at", "2026-09-21T00:00:00Z"),
        ("interaction_type", "CALL"),
    ];
    let (doc, _) = writer(ROSA, 1).create(&kind, record(5), &pairs);
    let (mut here, mut there) = (doc.clone(), doc);
    raw(&mut here, &writer(OMAR, 12), |tx| {
        tx.put(ROOT, "created_at", ScalarValue::Timestamp(1_780_000_000_000)).unwrap();
    });
    raw(&mut there, &writer(MIA, 13), |tx| {
        tx.put(ROOT, "created_at", ScalarValue::Timestamp(1_770_000_000_000)).unwrap();
        tx.put(ROOT, "duration_minutes", ScalarValue::Uint(30)).unwrap();
    });
    let doc = merged(here, [there]);
    let about = "Two faulty apps wrote over what is written once, at the same time: a conflict, of which the first in Automerge's order is shown. A whole number came unsigned, as JavaScript writes it.";
    Made { name: "interaction-rewritten", about, kind, doc }
}

fn deal_of_a_later_app() -> Made {
    let kind = kind("opportunity");
    let account = record(1).to_string();
    let pairs = [("organization_id", account.as_str()), ("name", "Rice noodles")];
    let (mut doc, _) = writer(ROSA, 1).create(&kind, record(4), &pairs);
    let event = |by: u128, stage: &str| {
        let by = user(by).to_string();
        format!(r#"{{"at":1790000000000,"by":"{by}","golden_mood":"sunny","stage":"{stage}"}}"#)
    };
    raw(&mut doc, &writer(OMAR, 12), |tx| {
        let log = container(&kind, "stage_log");
        let id = record(77).to_string();
        tx.put(&log, id, event(OMAR, "golden_trial")).unwrap();
    });
    let about = "A stage and a part of an event that only a later app knows: the event is kept, and the stage shows as nothing.";
    Made { name: "opportunity-of-a-later-app", about, kind, doc }
}
