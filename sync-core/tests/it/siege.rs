//! Devices and servers of different versions, with people among them who mean no good.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use automerge::Automerge;
use rusqlite::Connection;
use sync_core::crm;
use sync_core::document::{self, FieldChange, LocalChange, Pen, RecordEdit, Value, hydrate};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::ids::{ChangeHash, ReplicaId};
use sync_core::protocol::{
    Blob, ClientMessage, Compression, FeedBatch, FeedItem, Frame, Hello, Push, ServerMessage,
    Verdict, VerdictOutcome, Verdicts, encode_frame,
};
use sync_core::replica::{OpenOptions, Replica};
use sync_core::schema::{Kind, Schema};
use sync_core::testing::next_version;
use uuid::Uuid;

use crate::kit::{World, created, edited, item, kind, mint, pen, record, user, welcome};

fn new() -> Arc<Schema> {
    static NEW: OnceLock<Arc<Schema>> = OnceLock::new();
    let retired = [("organization", "cuisine")];
    NEW.get_or_init(|| Schema::new(next_version(crm::declarations(), &retired))).clone()
}

fn newer() -> Kind {
    new().kind("organization").unwrap().clone()
}

fn open(file: &Path, schema: Arc<Schema>, env: &mut World) -> Replica {
    let options = OpenOptions { schema, user: Some(user(1)) };
    let mut device = Replica::open(Connection::open(file).unwrap(), options, env).unwrap();
    while device.rebuild_some(100).unwrap().is_some() {}
    device
}

fn connect(device: &mut Replica, env: &mut World) {
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), env).unwrap();
}

fn feed(device: &mut Replica, items: Vec<FeedItem>, env: &mut World) {
    let batch = FeedBatch { cursor: Blob(vec![1]), items, live: true, ..FeedBatch::default() };
    device.handle_frame(&ServerMessage::Feed(batch).to_bytes(), env).unwrap();
}

fn whole(doc: &Automerge) -> FeedItem {
    FeedItem { snapshot: Some(Blob(doc.save())), ..item(record(1)) }
}

fn part(changes: &[LocalChange]) -> FeedItem {
    let changes = changes.iter().map(|change| Blob(change.bytes.clone())).collect();
    FeedItem { changes, ..item(record(1)) }
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

fn refuse(device: &mut Replica, push: &Push, codes: &[RefusalCode], env: &mut World) {
    let names = names(push);
    assert_eq!(names.len(), codes.len());
    let verdicts = names.into_iter().zip(codes).map(|(hash, code)| Verdict {
        hash,
        outcome: VerdictOutcome::Refused(Refusal::new(*code, "No.")),
        receipt: None,
    });
    let verdicts = Verdicts { push: push.push, verdicts: verdicts.collect() };
    device.handle_frame(&ServerMessage::Verdicts(verdicts).to_bytes(), env).unwrap();
}

/// An edit of one new set, which takes a step.
fn tagged(key: &str) -> RecordEdit {
    let field = newer().field("front_set").unwrap().clone();
    RecordEdit { changes: vec![(field, FieldChange::Add(key.into()))] }
}

fn worded(name: &str, words: &str, kind: &Kind) -> RecordEdit {
    RecordEdit::default().set(kind.field(name).unwrap(), Value::Str(words.into()))
}

fn write(doc: &mut Automerge, edit: &RecordEdit, writer: &Pen) -> Vec<LocalChange> {
    let mut made = document::prepare(doc, &newer(), record(1), edit).unwrap();
    let mut count = 1 << 20;
    let now = hydrate(doc, &newer());
    let local = document::edit(doc, &now, edit, writer, &mut || mint(writer, &mut count));
    made.extend(local.unwrap());
    made
}

fn begun() -> Automerge {
    created(kind("organization"), &[("name", "Café")], &pen(2, 2)).0
}

/// Everybody's own step has a writer whom everybody can name. Somebody writes to a shared record as that
/// one, through an old server that cannot tell; a device with an unsent edit goes on all the same.
#[test]
fn a_device_goes_on_though_somebody_took_the_name_of_its_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(201);
    let mut device = open(&dir.path().join("a.db"), new(), &mut env);
    connect(&mut device, &mut env);
    let mut theirs = begun();
    feed(&mut device, vec![whole(&theirs)], &mut env);
    device.edit(record(1), tagged("mine"), &mut env).unwrap();
    let stolen = newer().genesis().later_writer(record(1), "front_set").unwrap();
    let thief = Pen { actor: stolen, ..pen(2, 9) };
    let stolen =
        edited(&mut theirs, kind("organization"), &[("website", "x.example")], &thief, &mut 0);
    feed(&mut device, vec![part(&[stolen.unwrap()])], &mut env);
    let said = device.record(record(1)).unwrap().unwrap();
    assert_eq!(said.json("website"), "x.example");
    // The edit is there, or it is where its maker finds it.
    let kept = format!("{:?} {:?}", said.field("front_set"), device.quarantine().unwrap());
    assert!(kept.contains("mine"), "{kept}");
}

/// A step was pushed by this device and, just before, by another. The feed does not bring it, since the
/// device has it; then the device's edit falls beside it.
#[test]
fn a_record_stays_whole_though_an_edit_falls_whose_step_somebody_else_stored() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(202);
    let mut device = open(&dir.path().join("a.db"), new(), &mut env);
    connect(&mut device, &mut env);
    let mut theirs = begun();
    feed(&mut device, vec![whole(&theirs)], &mut env);
    device.edit(record(1), tagged("mine"), &mut env).unwrap();
    let push = next_push(&mut device).unwrap();
    let made = write(&mut theirs, &tagged("theirs"), &pen(2, 3));
    assert_eq!(made[0].hash, names(&push)[0], "the same step");
    feed(&mut device, vec![part(&made[1..])], &mut env);
    // What the server's hub says: see a_stored_step_is_accepted_whatever_falls_beside_it.
    refuse(&mut device, &push, &[RefusalCode::GroupRefused, RefusalCode::ForeignActor], &mut env);
    let said = device.record(record(1)).unwrap().unwrap();
    let kept = format!("{:?}", said.field("front_set"));
    assert!(kept.contains("theirs") && kept.contains("mine"), "{kept}");
    edited(&mut theirs, kind("organization"), &[("website", "x.example")], &pen(2, 3), &mut 0);
    let last = theirs.get_last_local_change().unwrap();
    let later = FeedItem { changes: vec![Blob(last.raw_bytes().to_vec())], ..item(record(1)) };
    feed(&mut device, vec![later], &mut env);
    assert_eq!(device.record(record(1)).unwrap().unwrap().json("website"), "x.example");
}

/// An app is updated with an unsent edit of a field that went out of use, and the edit is refused for
/// the form of its change. It is said again or kept, and not forgotten.
#[test]
fn an_unsent_edit_of_a_field_that_retired_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut env) = (dir.path().join("a.db"), World::new(203));
    let mut device = open(&file, crm::schema(), &mut env);
    connect(&mut device, &mut env);
    feed(&mut device, vec![whole(&begun())], &mut env);
    let lao = worded("cuisine", "Lao", kind("organization"));
    device.edit(record(1), lao, &mut env).unwrap();
    drop(device);
    let mut device = open(&file, new(), &mut env);
    assert_not_forgotten(&mut device, "Lao", RefusalCode::ForeignActor, &mut env);
}

/// The same of a field that the app does not know, since an older one is open on the file: a tab of the
/// browser, say.
#[test]
fn an_unsent_edit_of_an_unknown_field_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut env) = (dir.path().join("a.db"), World::new(204));
    let mut device = open(&file, new(), &mut env);
    connect(&mut device, &mut env);
    feed(&mut device, vec![whole(&begun())], &mut env);
    let words = worded("front_text", "precious", &newer());
    device.edit(record(1), words, &mut env).unwrap();
    drop(device);
    let mut device = open(&file, crm::schema(), &mut env);
    assert_not_forgotten(&mut device, "precious", RefusalCode::ForeignActor, &mut env);
}

/// The edit before it is refused by a rule; this one has nothing to do with that.
#[test]
fn an_unsent_edit_of_an_unknown_field_after_a_refused_one_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut env) = (dir.path().join("a.db"), World::new(205));
    let mut device = open(&file, new(), &mut env);
    connect(&mut device, &mut env);
    feed(&mut device, vec![whole(&begun())], &mut env);
    let other = worded("website", "bad.example", &newer());
    device.edit(record(1), other, &mut env).unwrap();
    let words = worded("front_text", "precious", &newer());
    device.edit(record(1), words, &mut env).unwrap();
    drop(device);
    let mut device = open(&file, crm::schema(), &mut env);
    connect(&mut device, &mut env);
    let push = next_push(&mut device).unwrap();
    let codes = [RefusalCode::Rule, RefusalCode::DependsOnRefused];
    refuse(&mut device, &push, &codes, &mut env);
    assert_said(&mut device, "precious");
}

fn assert_not_forgotten(device: &mut Replica, words: &str, code: RefusalCode, env: &mut World) {
    connect(device, env);
    let push = next_push(device).unwrap();
    refuse(device, &push, &[code], env);
    assert_said(device, words);
}

/// It is pushed, or it can be read in quarantine.
#[track_caller]
fn assert_said(device: &mut Replica, words: &str) {
    let again = next_push(device);
    let items = again.iter().flat_map(|push| &push.groups).flat_map(|group| &group.items);
    let pushed = items
        .filter(|item| item.change.0.windows(words.len()).any(|part| part == words.as_bytes()))
        .count();
    let kept = format!("{:?}", device.quarantine().unwrap());
    assert!(pushed > 0 || kept.contains(words), "neither pushed nor in {kept}");
}

/// An edit that is wrong in one part writes nothing, and the next one brings all that it needs.
#[test]
fn a_step_of_an_edit_that_failed_is_sent_with_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(206);
    let mut device = open(&dir.path().join("a.db"), new(), &mut env);
    connect(&mut device, &mut env);
    feed(&mut device, vec![whole(&begun())], &mut env);
    device.record(record(1)).unwrap();
    let mut wrong = tagged("mine");
    let created_at = newer().field("created_at").unwrap().clone();
    wrong.changes.push((created_at, FieldChange::Set(Value::Null)));
    device.edit(record(1), wrong, &mut env).unwrap_err();
    device.edit(record(1), tagged("mine"), &mut env).unwrap();
    assert_eq!(names(&next_push(&mut device).unwrap()).len(), 2, "the step and the edit");
}

/// Twice refused and twice made again, the step goes with whatever needs it.
#[test]
fn a_step_comes_again_with_the_edit_after_the_refused_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(207);
    let mut device = open(&dir.path().join("a.db"), new(), &mut env);
    connect(&mut device, &mut env);
    feed(&mut device, vec![whole(&begun())], &mut env);
    for key in ["one", "two", "three"] {
        device.edit(record(1), tagged(key), &mut env).unwrap();
    }
    let push = next_push(&mut device).unwrap();
    let depends = RefusalCode::DependsOnRefused;
    let rule = RefusalCode::Rule;
    refuse(&mut device, &push, &[rule, rule, depends, depends], &mut env);
    let push = next_push(&mut device).unwrap();
    assert_eq!(names(&push).len(), 3);
    refuse(&mut device, &push, &[rule, rule, depends], &mut env);
    let push = next_push(&mut device).unwrap();
    let mut server = begun();
    for item in push.groups.iter().flat_map(|group| &group.items) {
        document::apply_stored(&mut server, std::slice::from_ref(&item.change.0)).unwrap();
    }
    assert_eq!(device.quarantine().unwrap().len(), 2);
    let said = device.record(record(1)).unwrap().unwrap();
    assert_eq!(format!("{:?}", said.field("front_set")), "Some(Keys([\"three\"]))");
}

/// Nobody has said who they are yet: what they say costs about as much memory as it is long.
#[test]
fn a_greeting_that_claims_to_read_a_million_things_is_no_greeting() {
    let hello = Hello {
        protocol: 1,
        protocol_min: 1,
        fingerprint: Blob::default(),
        token: "token".into(),
        replica: ReplicaId(Uuid::nil()),
        app: String::new(),
        cursor: None,
        reads: vec![String::new(); 4_000_000],
    };
    let plain = ClientMessage::Hello(hello).to_bytes();
    assert!(plain.len() < 1 << 16, "a short frame");
    if let Ok(ClientMessage::Hello(hello)) = ClientMessage::from_bytes(&plain) {
        let bytes = hello.reads.capacity() * size_of::<String>();
        assert!(bytes < 16 << 20, "{bytes} bytes of {}", plain.len());
    }
}

/// A nest of containers ends at a depth that eight megabytes of stack bear without optimisation, and an
/// eighth of one with it.
#[test]
fn a_message_that_is_all_beginnings_is_refused() {
    let read = || {
        for opener in [0x91_u8, 0x81] {
            let mut payload = vec![0x92, 0xa5];
            payload.extend(b"hello");
            payload.extend([0x81, 0xa1, b'x']);
            payload.extend(vec![opener; 4_000_000]);
            for compression in [Compression::Zlib, Compression::Zstd] {
                let frame = encode_frame(&Frame(payload.clone()), compression);
                assert!(ClientMessage::from_bytes(&frame).is_err());
            }
        }
    };
    std::thread::Builder::new().stack_size(8 << 20).spawn(read).unwrap().join().unwrap();
}
