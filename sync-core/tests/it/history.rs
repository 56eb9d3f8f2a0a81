//! What became of a record, change by change, and undoing what one did.

use automerge::Automerge;
use serde_json::{Value as Json, json};
use sync_core::document::RecordEdit;
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard;
use sync_core::ids::{ChangeHash, RecordId};
use sync_core::protocol::{
    Blob, ClientMessage, FeedBatch, FeedItem, ServerMessage, Verdict, VerdictOutcome, Verdicts,
};
use sync_core::replica::{
    Did, GroupEdit, HistoryEntry, Replica, ReplicaError, Standing, UndoError,
};

use crate::kit::{World, edit, edited, item, kind, pen, record, replica, user, welcome};

const MOST: usize = 100;

fn set(device: &mut Replica, id: RecordId, pairs: &[(&str, &str)], env: &mut World) -> ChangeHash {
    let of = device.kind_of(id).unwrap().unwrap();
    let made = device.edit(id, edit(&of, pairs), env).unwrap();
    made.changes.last().unwrap().1
}

/// What an entry says of its fields, as `field: before → after`.
fn said(entry: &HistoryEntry) -> Vec<String> {
    let one = |field: &sync_core::document::Altered| {
        format!("{}: {} → {}", field.field, field.before, field.after)
    };
    entry.fields.iter().map(one).collect()
}

fn value(device: &mut Replica, id: RecordId, field: &str) -> Json {
    device.record(id).unwrap().unwrap().json(field)
}

/// What stands in a column of a record.
fn column(device: &Replica, table: &str, id: RecordId, column: &str) -> Json {
    let sql = format!("SELECT {column} FROM {table} WHERE id = '{id}'");
    device.query(&sql).unwrap().rows[0][0].clone()
}

/// Takes a whole document in, as the server has it.
fn take(device: &mut Replica, id: RecordId, doc: &Automerge, env: &mut World) {
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), env).unwrap();
    let items = vec![FeedItem { snapshot: Some(Blob(doc.save())), ..item(id) }];
    let frame = ServerMessage::Feed(FeedBatch { items, ..FeedBatch::default() }).to_bytes();
    device.handle_frame(&frame, env).unwrap();
    device.disconnected(None);
}

/// The document of a record, to be edited by somebody else.
fn document(device: &mut Replica, id: RecordId) -> Automerge {
    Automerge::load(&device.save_document(id).unwrap()).unwrap()
}

#[test]
fn every_change_is_told_with_what_its_fields_said_before_and_after() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(1);
    let mut device = replica(file.path(), 1, &mut env);
    let id = device
        .create(
            kind("organization"),
            edit(kind("organization"), &[("name", "Café"), ("priority_level", "A")]),
            &mut env,
        )
        .unwrap();
    set(&mut device, id, &[("cuisine", "Thai")], &mut env);
    set(&mut device, id, &[("tags", "+patio"), ("custom_fields.door", "blue")], &mut env);
    set(&mut device, id, &[("billing_address.city", "Albany"), ("notes", "Ring")], &mut env);
    device.commit(&[GroupEdit::Delete { id }], &mut env).unwrap();
    device.commit(&[GroupEdit::Restore { id }], &mut env).unwrap();
    let all = device.history(id, MOST).unwrap();
    let did: Vec<Did> = all.iter().map(|one| one.did).collect();
    let expected =
        [Did::Restored, Did::Deleted, Did::Changed, Did::Changed, Did::Changed, Did::Began];
    assert_eq!(did, expected);
    assert!(all[0].fields.is_empty() && all[1].fields.is_empty(), "{all:?}");
    assert_eq!(
        said(&all[2]),
        [r#"billing_address: null → {"city":"Albany"}"#, r#"notes: null → "Ring""#]
    );
    assert_eq!(said(&all[3]), [r#"tags: [] → ["patio"]"#, r#"custom_fields.door: null → "blue""#]);
    assert_eq!(said(&all[4]), [r#"cuisine: null → "Thai""#]);
    assert_eq!(said(&all[5]), [r#"name: null → "Café""#, r#"priority_level: null → "A""#]);
    assert!(all.iter().all(|one| one.author == Some(user(1)) && one.standing == Standing::Unsent));
    assert_eq!(device.history(id, 2).unwrap(), all[..2], "as many as are asked for");
    let unknown = device.history(record(99), MOST);
    assert!(matches!(unknown, Err(ReplicaError::UnknownRecord(_))));
}

/// A move between stages is told by what the deal shows, and so is a task that is done.
#[test]
fn events_are_told_by_the_columns_that_follow() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(2);
    let mut device = replica(file.path(), 1, &mut env);
    let account = device
        .create(kind("organization"), edit(kind("organization"), &[("name", "Café")]), &mut env)
        .unwrap();
    let deal = [("organization_id", &*account.to_string()), ("name", "Oat milk")];
    let deal =
        device.create(kind("opportunity"), edit(kind("opportunity"), &deal), &mut env).unwrap();
    set(&mut device, deal, &[("stage", "closed-lost: too dear")], &mut env);
    let told = said(&device.history(deal, 1).unwrap()[0]);
    assert_eq!(told[0], r#"stage: "prospecting" → "closed-lost""#);
    assert_eq!(told[1], r#"close_reason: null → "too dear""#);
    let task =
        device.create(kind("task"), edit(kind("task"), &[("title", "Call")]), &mut env).unwrap();
    set(&mut device, task, &[("completed", "yes")], &mut env);
    assert_eq!(said(&device.history(task, 1).unwrap()[0])[0], "is_completed: false → true");
}

/// A text of many thousand characters is written in several changes, and is one to whoever wrote it,
/// before it is sent and after.
#[test]
fn what_was_written_at_once_is_one_change() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(3);
    let mut device = replica(file.path(), 1, &mut env);
    let id = device
        .create(kind("organization"), edit(kind("organization"), &[("name", "Café")]), &mut env)
        .unwrap();
    let long = "tasting notes ".repeat(700);
    set(&mut device, id, &[("notes", &long), ("cuisine", "Thai")], &mut env);
    let waiting = device.history(id, MOST).unwrap();
    assert_eq!(waiting.len(), 2, "{waiting:?}");
    let names: Vec<&str> = waiting[0].fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(names, ["cuisine", "notes"]);
    let doc = document(&mut device, id);
    let other_file = tempfile::NamedTempFile::new().unwrap();
    let mut colleague = replica(other_file.path(), 1, &mut env);
    take(&mut colleague, id, &doc, &mut env);
    let sent = colleague.history(id, MOST).unwrap();
    assert_eq!(
        sent.iter().map(|one| one.hash).collect::<Vec<_>>(),
        waiting.iter().map(|one| one.hash).collect::<Vec<_>>()
    );
    assert!(sent.iter().all(|one| one.standing == Standing::Accepted));
    colleague.undo(id, sent[0].hash, &mut env).unwrap();
    assert_eq!(value(&mut colleague, id, "cuisine"), Json::Null);
    assert_eq!(column(&colleague, "organizations", id, "notes"), Json::Null);
}

#[test]
fn a_refused_change_stands_in_the_history_with_its_reason() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(4);
    let mut device = replica(file.path(), 1, &mut env);
    let id = device
        .create(kind("organization"), edit(kind("organization"), &[("name", "Café")]), &mut env)
        .unwrap();
    let wrong = set(&mut device, id, &[("cuisine", "Thai")], &mut env);
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();
    let frame = device.poll_push().unwrap().unwrap();
    let ClientMessage::Push(push) = ClientMessage::from_bytes(&frame).unwrap() else { panic!() };
    let refusal = Refusal::new(RefusalCode::Denied, "Ask a manager.");
    let verdicts = push.groups.iter().flat_map(|group| &group.items).map(|item| {
        let hash = guard::name_of_bytes(&item.change.0);
        let outcome = match hash == wrong {
            true => VerdictOutcome::Refused(refusal.clone()),
            false => VerdictOutcome::Accepted(sync_core::ids::FeedPosition(1)),
        };
        Verdict { hash, outcome, receipt: None }
    });
    let verdicts = Verdicts { push: push.push, verdicts: verdicts.collect() };
    device.handle_frame(&ServerMessage::Verdicts(verdicts).to_bytes(), &mut env).unwrap();
    let all = device.history(id, MOST).unwrap();
    assert_eq!(all[0].hash, wrong);
    assert_eq!(all[0].standing, Standing::Refused(refusal));
    assert_eq!(said(&all[0]), [r#"cuisine: null → "Thai""#]);
    assert_eq!(all[1].standing, Standing::Accepted);
    assert!(matches!(device.undo(id, wrong, &mut env), Err(UndoError::Refused)));
}

/// Each kind of field says again what it said, and undoing that undoes the undoing.
#[test]
fn a_change_is_undone_and_the_undoing_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(5);
    let mut device = replica(file.path(), 1, &mut env);
    let first = [
        ("name", "Café"),
        ("cuisine", "Thai"),
        ("tags", "+patio"),
        ("custom_fields.door", "blue"),
        ("notes", "Ring twice"),
        ("billing_address.city", "Albany"),
    ];
    let id =
        device.create(kind("organization"), edit(kind("organization"), &first), &mut env).unwrap();
    let before = device.record(id).unwrap().unwrap();
    let second = [
        ("cuisine", "Lao"),
        ("tags", "-patio"),
        ("tags", "+roof"),
        ("custom_fields.door", ""),
        ("custom_fields.bell", "loud"),
        ("notes", "Knock"),
        ("billing_address.city", "Troy"),
    ];
    let change = set(&mut device, id, &second, &mut env);
    let after = device.record(id).unwrap().unwrap();
    let undone = device.undo(id, change, &mut env).unwrap();
    assert!(undone.left.is_empty(), "{undone:?}");
    assert_eq!(device.record(id).unwrap().unwrap().fields, before.fields);
    device.undo(id, undone.hash, &mut env).unwrap();
    assert_eq!(device.record(id).unwrap().unwrap().fields, after.fields);
    assert_eq!(device.history(id, MOST).unwrap().len(), 4, "each is a change of its own");
}

#[test]
fn events_are_undone_by_the_event_that_leads_back() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(6);
    let mut device = replica(file.path(), 1, &mut env);
    let account = device
        .create(kind("organization"), edit(kind("organization"), &[("name", "Café")]), &mut env)
        .unwrap();
    let deal = [("organization_id", &*account.to_string()), ("name", "Oat milk")];
    let deal =
        device.create(kind("opportunity"), edit(kind("opportunity"), &deal), &mut env).unwrap();
    let task =
        device.create(kind("task"), edit(kind("task"), &[("title", "Call")]), &mut env).unwrap();
    for (table, id, name, shown, [before, after]) in [
        (
            "opportunities",
            deal,
            ("stage", "proposal"),
            "stage",
            [json!("prospecting"), json!("proposal")],
        ),
        ("tasks", task, ("completed", "yes"), "is_completed", [json!(0), json!(1)]),
    ] {
        let change = set(&mut device, id, &[name], &mut env);
        assert_eq!(column(&device, table, id, shown), after);
        let undone = device.undo(id, change, &mut env).unwrap();
        assert_eq!(column(&device, table, id, shown), before);
        device.undo(id, undone.hash, &mut env).unwrap();
        assert_eq!(column(&device, table, id, shown), after);
    }
    let deleted = device.commit(&[GroupEdit::Delete { id: task }], &mut env).unwrap();
    let undone = device.undo(task, deleted.changes[0].1, &mut env).unwrap();
    assert_eq!(column(&device, "tasks", task, "is_deleted"), json!(0));
    device.undo(task, undone.hash, &mut env).unwrap();
    assert_eq!(column(&device, "tasks", task, "is_deleted"), json!(1));
    // The change with which it began: there is no record without it.
    let began = device.history(account, MOST).unwrap().last().unwrap().hash;
    device.undo(account, began, &mut env).unwrap();
    assert_eq!(column(&device, "organizations", account, "is_deleted"), json!(1));
    let again = device.undo(account, began, &mut env);
    assert!(matches!(again, Err(UndoError::Nothing(_))), "it is deleted already: {again:?}");
}

/// What somebody else has written since is theirs: it is named and left, and of a text only the words that
/// the change put in go.
#[test]
fn what_others_changed_since_is_named_and_left() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(7);
    let mut device = replica(file.path(), 1, &mut env);
    let organization = kind("organization");
    let id = device
        .create(
            organization,
            edit(organization, &[("name", "Café"), ("notes", "Ring twice.")]),
            &mut env,
        )
        .unwrap();
    let change = [("cuisine", "Thai"), ("website", "c.example"), ("notes", "Please ring twice.")];
    let change = set(&mut device, id, &change, &mut env);
    let mut doc = document(&mut device, id);
    let theirs = [("cuisine", "Lao"), ("notes", "Please ring twice. Closed on Mondays.")];
    edited(&mut doc, organization, &theirs, &pen(2, 9), &mut 0).unwrap();
    take(&mut device, id, &doc, &mut env);
    let undone = device.undo(id, change, &mut env).unwrap();
    assert_eq!(undone.undone, ["website", "notes"]);
    let left: Vec<&str> = undone.left.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(left, ["cuisine"]);
    assert_eq!(value(&mut device, id, "cuisine"), "Lao");
    assert_eq!(value(&mut device, id, "website"), Json::Null);
    let notes = column(&device, "organizations", id, "notes");
    assert_eq!(notes, "Ring twice. Closed on Mondays.");
    // Nothing of it is left.
    let error = device.undo(id, change, &mut env).unwrap_err();
    assert!(error.to_string().contains("cuisine: it was changed since"), "{error}");
    let began = device.history(id, MOST).unwrap().last().unwrap().hash;
    assert!(matches!(device.undo(id, began, &mut env), Err(UndoError::Begun)));
    let unknown = device.undo(id, ChangeHash([7; 32]), &mut env);
    assert!(matches!(unknown, Err(UndoError::Unknown(_))));
}

/// What only the server writes, and what is contested, is not undone.
#[test]
fn what_is_contested_is_left_to_be_settled() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(8);
    let mut device = replica(file.path(), 1, &mut env);
    let organization = kind("organization");
    let id =
        device.create(organization, edit(organization, &[("name", "Café")]), &mut env).unwrap();
    let mut other = document(&mut device, id);
    let change = set(&mut device, id, &[("cuisine", "Thai")], &mut env);
    edited(&mut other, organization, &[("cuisine", "Lao")], &pen(2, 9), &mut 0).unwrap();
    let mut both = document(&mut device, id);
    both.merge(&mut other).unwrap();
    take(&mut device, id, &both, &mut env);
    let error = device.undo(id, change, &mut env).unwrap_err();
    assert!(error.to_string().contains("cuisine: it is contested"), "{error}");
    assert_eq!(device.record(id).unwrap().unwrap().conflicts.len(), 1);
    // Both writers' changes are told, in one order on every device.
    let told: Vec<_> = device.history(id, MOST).unwrap().iter().map(|one| one.hash).collect();
    let other_file = tempfile::NamedTempFile::new().unwrap();
    let mut colleague = replica(other_file.path(), 1, &mut env);
    other.merge(&mut both).unwrap();
    take(&mut colleague, id, &other, &mut env);
    let theirs: Vec<_> = colleague.history(id, MOST).unwrap().iter().map(|one| one.hash).collect();
    assert_eq!(told, theirs);
    let nothing = RecordEdit::default();
    assert_eq!(device.edit(id, nothing, &mut env).unwrap().changes, []);
}
