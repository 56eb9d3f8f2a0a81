//! Edits that were refused for the form of their change, through no fault of whoever made them.

use std::path::Path;

use sync_core::document;
use sync_core::error::{Refusal, RefusalCode};
use sync_core::ids::{ChangeHash, RecordId, ScopeId};
use sync_core::protocol::{
    Blob, ClientMessage, FeedBatch, FeedItem, Push, ServerMessage, Verdict, VerdictOutcome,
    Verdicts,
};
use sync_core::replica::{Effect, Replica};

use crate::kit::{World, created, edit, edited, item, kind, pen, record, replica, welcome};

/// A device in a session, with nothing to send.
fn connected(file: &Path, env: &mut World) -> Replica {
    let mut device = replica(file, 1, env);
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), env).unwrap();
    device
}

fn next_push(device: &mut Replica) -> Option<Push> {
    let frame = device.poll_push().unwrap()?;
    match ClientMessage::from_bytes(&frame).unwrap() {
        ClientMessage::Push(push) => Some(push),
        other => panic!("a push and not {other:?}"),
    }
}

fn names(push: &Push) -> Vec<ChangeHash> {
    let items = push.groups.iter().flat_map(|group| &group.items);
    items.map(|item| sync_core::guard::name_of_bytes(&item.change.0)).collect()
}

/// Everything in the push is refused with this code.
fn refuse(device: &mut Replica, push: &Push, code: RefusalCode, env: &mut World) -> Vec<Effect> {
    let refused = |hash| {
        let outcome = VerdictOutcome::Refused(Refusal::new(code, "No."));
        Verdict { hash, outcome, receipt: None }
    };
    let verdicts = names(push).into_iter().map(refused).collect();
    let frame = ServerMessage::Verdicts(Verdicts { push: push.push, verdicts }).to_bytes();
    device.handle_frame(&frame, env).unwrap()
}

fn feed(device: &mut Replica, items: Vec<FeedItem>, fetches: u64, env: &mut World) {
    let batch =
        FeedBatch { cursor: Blob(vec![1]), items, live: true, fetches, ..Default::default() };
    device.handle_frame(&ServerMessage::Feed(batch).to_bytes(), env).unwrap();
}

fn asks_for(effects: &[Effect]) -> Vec<RecordId> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Send(frame) => match ClientMessage::from_bytes(frame).unwrap() {
            ClientMessage::Fetch(fetch) => Some(fetch.records),
            _ => None,
        },
        _ => None,
    });
    asked.flatten().collect()
}

/// The writer's name was taken by somebody else: the edits, the beginning of the record among them,
/// are made again under another, in their order and groups. Refused once more, they are kept.
#[test]
fn an_edit_refused_for_its_form_is_made_again_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(31);
    let mut device = connected(&dir.path().join("a.db"), &mut env);
    let organization = kind("organization");
    let id =
        device.create(organization, edit(organization, &[("name", "Café")]), &mut env).unwrap();
    device.edit(id, edit(organization, &[("notes", "Ring."), ("tags", "a")]), &mut env).unwrap();
    let before = device.record(id).unwrap().unwrap();
    let first = next_push(&mut device).unwrap();
    let effects = refuse(&mut device, &first, RefusalCode::ForeignActor, &mut env);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Refused(_))), "{effects:?}");
    assert!(device.quarantine().unwrap().is_empty());
    let again = next_push(&mut device).unwrap();
    assert_eq!((again.groups.len(), names(&again).len()), (2, 2));
    assert!(names(&again).iter().all(|name| !names(&first).contains(name)));
    assert_eq!(device.record(id).unwrap().unwrap().fields, before.fields);
    refuse(&mut device, &again, RefusalCode::ForeignActor, &mut env);
    assert_eq!(next_push(&mut device), None, "it does not go round in circles");
    let kept = device.quarantine().unwrap();
    assert_eq!(kept.len(), 2);
    assert!(kept[0].edit.to_string().contains("Café"), "{}", kept[0].edit);
}

/// The server lost what the edit builds on, being restored from a backup: the record comes as the
/// server has it, and the edit is made again on that.
#[test]
fn an_edit_that_builds_on_what_the_server_lacks_is_made_again_on_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(32);
    let mut device = connected(&dir.path().join("a.db"), &mut env);
    let organization = kind("organization");
    let (mut doc, _) = created(organization, &[("name", "Café")], &pen(2, 2));
    let restored = doc.save();
    edited(&mut doc, organization, &[("cuisine", "Thai")], &pen(2, 2), &mut 0).unwrap();
    let whole = |bytes: Vec<u8>| FeedItem { snapshot: Some(Blob(bytes)), ..item(record(1)) };
    feed(&mut device, vec![whole(doc.save())], 0, &mut env);
    device.edit(record(1), edit(organization, &[("website", "a.example")]), &mut env).unwrap();
    device.edit(record(1), edit(organization, &[("tags", "b")]), &mut env).unwrap();
    let push = next_push(&mut device).unwrap();
    let effects = refuse(&mut device, &push, RefusalCode::MissingDependency, &mut env);
    assert_eq!(asks_for(&effects), [record(1)]);
    assert!(device.quarantine().unwrap().is_empty());
    assert_eq!(next_push(&mut device), None);
    feed(&mut device, vec![whole(restored.clone())], 1, &mut env);
    let again = next_push(&mut device).unwrap();
    let mut server = document::load(&restored, &[]).unwrap();
    for item in again.groups.iter().flat_map(|group| &group.items) {
        document::apply_stored(&mut server, std::slice::from_ref(&item.change.0)).unwrap();
    }
    let said = document::hydrate(&server, organization);
    assert_eq!(said.json("website"), "a.example");
    assert_eq!(said.fields, device.record(record(1)).unwrap().unwrap().fields);
}

/// The server lost what the edit builds on, and somebody else noted the departure before it is made
/// again: theirs stands, the rest of the edit is made, and nothing is left in quarantine.
#[test]
fn an_edit_that_is_made_again_leaves_out_what_others_wrote_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(36);
    let mut device = connected(&dir.path().join("a.db"), &mut env);
    let visit = kind("interaction");
    let account = record(9).to_string();
    let pairs = [("interaction_type", "VISIT"), ("organization_id", account.as_str())];
    let (mut doc, _) = created(visit, &pairs, &pen(2, 2));
    let mut restored = doc.clone();
    edited(&mut doc, visit, &[("subject", "Tasting")], &pen(2, 2), &mut 0).unwrap();
    let whole = |bytes: Vec<u8>| FeedItem {
        kind: "interaction".into(),
        scope: ScopeId(record(9).0),
        snapshot: Some(Blob(bytes)),
        ..item(record(1))
    };
    feed(&mut device, vec![whole(doc.save())], 0, &mut env);
    let left = [("check_out.at_ms", "1500000000005"), ("outcome", "They order.")];
    device.edit(record(1), edit(visit, &left), &mut env).unwrap();
    let push = next_push(&mut device).unwrap();
    refuse(&mut device, &push, RefusalCode::MissingDependency, &mut env);
    edited(&mut restored, visit, &[("check_out.at_ms", "1500000000003")], &pen(3, 3), &mut 0)
        .unwrap();
    feed(&mut device, vec![whole(restored.save())], 1, &mut env);
    let kept = device.quarantine().unwrap();
    assert!(kept.is_empty(), "{kept:?}");
    assert!(next_push(&mut device).is_some(), "{:?}", device.record(record(1)));
    let said = device.record(record(1)).unwrap().unwrap();
    assert_eq!(said.json("check_out"), serde_json::json!({ "at_ms": 1_500_000_000_003_i64 }));
    assert_eq!(said.json("outcome"), "They order.");
    assert!(said.conflicts.is_empty());
    let again = device.edit(record(1), edit(visit, &left), &mut env).unwrap_err();
    assert_eq!(again.to_string(), "check_out was written already and stays as it is");
}

/// A refused edit is made again by hand without the departure that somebody noted meanwhile.
#[test]
fn a_refused_edit_leaves_out_what_others_wrote_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(37);
    let mut device = connected(&dir.path().join("a.db"), &mut env);
    let visit = kind("interaction");
    let account = record(9).to_string();
    let pairs = [("interaction_type", "VISIT"), ("organization_id", account.as_str())];
    let (mut doc, _) = created(visit, &pairs, &pen(2, 2));
    let whole = |bytes: Vec<u8>| FeedItem {
        kind: "interaction".into(),
        scope: ScopeId(record(9).0),
        snapshot: Some(Blob(bytes)),
        ..item(record(1))
    };
    feed(&mut device, vec![whole(doc.save())], 0, &mut env);
    let left = [("check_out.at_ms", "1500000000005"), ("outcome", "They order.")];
    device.edit(record(1), edit(visit, &left), &mut env).unwrap();
    let push = next_push(&mut device).unwrap();
    refuse(&mut device, &push, RefusalCode::Rule, &mut env);
    edited(&mut doc, visit, &[("check_out.at_ms", "1500000000003")], &pen(2, 2), &mut 0).unwrap();
    feed(&mut device, vec![whole(doc.save())], 1, &mut env);
    let kept = device.quarantine().unwrap();
    device.resubmit(kept[0].hash, document::RecordEdit::default(), &mut env).unwrap();
    let said = device.record(record(1)).unwrap().unwrap();
    assert_eq!(said.json("check_out"), serde_json::json!({ "at_ms": 1_500_000_000_003_i64 }));
    assert_eq!(said.json("outcome"), "They order.");
}

/// The record does not come: the next session tries once more, and then the edit is kept.
#[test]
fn an_edit_whose_record_does_not_come_ends_in_quarantine() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(33);
    let mut device = connected(&dir.path().join("a.db"), &mut env);
    let organization = kind("organization");
    device.create(organization, edit(organization, &[("name", "Café")]), &mut env).unwrap();
    let push = next_push(&mut device).unwrap();
    refuse(&mut device, &push, RefusalCode::MissingDependency, &mut env);
    feed(&mut device, Vec::new(), 1, &mut env);
    assert_eq!((next_push(&mut device), device.status().unwrap().unsent), (None, 1));
    device.disconnected(None);
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();
    let push = next_push(&mut device).unwrap();
    refuse(&mut device, &push, RefusalCode::MissingDependency, &mut env);
    assert_eq!((next_push(&mut device), device.status().unwrap().unsent), (None, 0));
    assert_eq!(device.quarantine().unwrap().len(), 1);
}

/// A group over two records is made again as one, whichever of them it was refused for.
#[test]
fn a_group_that_is_made_again_stays_one() {
    use sync_core::replica::GroupEdit;
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(34);
    let mut device = connected(&dir.path().join("a.db"), &mut env);
    let organization = kind("organization");
    let name = |n: u32| edit(organization, &[("name", &format!("Café {n}"))]);
    let (one, two) = (record(41), record(42));
    let begin = |id, n| GroupEdit::Create { id, kind: organization.clone(), edit: name(n) };
    device.commit(&[begin(one, 1), begin(two, 2)], &mut env).unwrap();
    device.edit(two, edit(organization, &[("tags", "x")]), &mut env).unwrap();
    device.edit(one, edit(organization, &[("tags", "y")]), &mut env).unwrap();
    let push = next_push(&mut device).unwrap();
    let codes = [RefusalCode::GroupRefused, RefusalCode::ForeignActor];
    let codes = codes.into_iter().chain(std::iter::repeat(RefusalCode::ForeignActor));
    let refused = |(hash, code)| Verdict {
        hash,
        outcome: VerdictOutcome::Refused(Refusal::new(code, "No.")),
        receipt: None,
    };
    let verdicts = names(&push).into_iter().zip(codes).map(refused).collect();
    let frame = ServerMessage::Verdicts(Verdicts { push: push.push, verdicts }).to_bytes();
    device.handle_frame(&frame, &mut env).unwrap();
    assert!(device.quarantine().unwrap().is_empty());
    let again = next_push(&mut device).unwrap();
    let shape = |push: &Push| -> Vec<Vec<RecordId>> {
        let records = |group: &sync_core::protocol::PushGroup| {
            group.items.iter().map(|item| item.record).collect()
        };
        push.groups.iter().map(records).collect()
    };
    assert_eq!(shape(&again), shape(&push));
    assert_eq!(again.groups[0].group, push.groups[0].group);
    let genesis = &organization.genesis().doc;
    let first = &again.groups[0].items[0].change.0;
    document::apply_stored(&mut genesis.clone(), std::slice::from_ref(first)).unwrap();
}
