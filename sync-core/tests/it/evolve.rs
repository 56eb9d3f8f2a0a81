//! Declarations that change: a field of each type more at every place of every kind, and some retired.
//! Old documents, old files, old apps and new ones agree.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use automerge::Automerge;
use rusqlite::Connection;
use serde_json::json;
use sync_core::crm;
use sync_core::document::{
    self, FieldChange, FieldState, Hydrated, LocalChange, RecordEdit, Value, hydrate,
};
use sync_core::event::event_data;
use sync_core::guard::{self, Context};
use sync_core::ids::RecordId;
use sync_core::projection::{Stamp, project};
use sync_core::protocol::ClientMessage;
use sync_core::replica::{OpenOptions, Replica, ReplicaError};
use sync_core::schema::{Field, FieldType, Kind, Schema, Storage};
use sync_core::testing::{Place, next_version};
use sync_core::time::UnixMs;

use crate::kit::{NOW, World, mint, pen, record, user, welcome};

const PLACES: [Place; 3] = [Place::Front, Place::Middle, Place::End];

fn old() -> Arc<Schema> {
    crm::schema()
}

/// The CRM as a next version might declare it.
fn new() -> Arc<Schema> {
    static NEW: OnceLock<Arc<Schema>> = OnceLock::new();
    let retired = [("organization", "cuisine"), ("contact", "interests"), ("contact", "notes")];
    NEW.get_or_init(|| Schema::new(next_version(crm::declarations(), &retired))).clone()
}

fn kind(schema: &Schema, name: &str) -> Kind {
    schema.kind(name).unwrap().clone()
}

/// An edit of one field, with a value that its type takes.
fn filled(field: &Field) -> FieldChange {
    match field.ty {
        FieldType::Str { .. } => FieldChange::Set(Value::Str("words".into())),
        FieldType::Choice { of, .. } => FieldChange::Set(Value::Str(of[of.len() - 1].into())),
        FieldType::Int { .. } => FieldChange::Set(Value::Int(7)),
        FieldType::Bool => FieldChange::Set(Value::Bool(true)),
        FieldType::Date => FieldChange::Set(Value::Str("2026-03-01".into())),
        FieldType::Instant => FieldChange::Set(Value::Instant(UnixMs(NOW.0 - 5000))),
        FieldType::Ref { .. } => FieldChange::Set(Value::Str(record(77).to_string())),
        FieldType::Parts(_) => FieldChange::Parts([("left".to_owned(), json!(3))].into()),
        FieldType::Text => FieldChange::Text("Long words".into()),
        FieldType::Set(_) => FieldChange::Add("key".into()),
        FieldType::Fields => FieldChange::Entry("Size".into(), Some("L".into())),
        FieldType::Log(_) => FieldChange::Append(event_data([("remark", Some("said"))])),
    }
}

/// What the fields that the next version adds say when [`filled`].
fn expected(field: &Field) -> serde_json::Value {
    match field.ty {
        FieldType::Str { .. } => json!("words"),
        FieldType::Choice { of, .. } => json!(of[of.len() - 1]),
        FieldType::Int { .. } => json!(7),
        FieldType::Bool => json!(true),
        FieldType::Date => json!("2026-03-01"),
        FieldType::Instant => json!(UnixMs(NOW.0 - 5000).to_string()),
        FieldType::Ref { .. } => json!(record(77).to_string()),
        FieldType::Parts(_) => json!({"left": 3}),
        FieldType::Text => json!("Long words"),
        FieldType::Set(_) => json!(["key"]),
        FieldType::Fields => json!({"Size": "L"}),
        FieldType::Log(_) => json!(1),
    }
}

/// What a field says.
fn shown(record: &Hydrated, name: &str) -> serde_json::Value {
    match record.field(name).unwrap() {
        FieldState::Value(_) => record.json(name),
        FieldState::Text(text) => json!(text),
        FieldState::Keys(keys) => json!(keys),
        FieldState::Map(map) => json!(map),
        FieldState::Log(events) => json!(events.len()),
    }
}

fn is_new(field: &Field) -> bool {
    PLACES.iter().any(|place| field.name.starts_with(&format!("{place:?}_").to_lowercase()))
}

fn all_new(kind: &Kind) -> RecordEdit {
    let fields = kind.fields.iter().filter(|field| is_new(field));
    RecordEdit { changes: fields.map(|field| (field.clone(), filled(field))).collect() }
}

/// A record of a kind with what it must have, by an old app.
fn begun(kind: &Kind) -> Automerge {
    let needed: &[(&str, &str)] = match kind.name {
        "organization" => {
            &[("name", "Café"), ("cuisine", "Thai"), ("notes", "Ring twice"), ("tags", "vip")]
        }
        "contact" => &[("last_name", "Li"), ("interests", "jazz"), ("notes", "Early bird")],
        "opportunity" => &[("name", "Menu"), ("description", "Soups"), ("tags", "hot")],
        "interaction" => &[("interaction_type", "VISIT"), ("description", "Tasted")],
        "task" => &[("title", "Call"), ("description", "At noon"), ("custom_fields.Size", "L")],
        _ => &[],
    };
    let writer = pen(1, 1);
    let account = record(1).to_string();
    let account = kind.field("organization_id").map(|field| (field.name, account.as_str()));
    let edit = RecordEdit::parse(kind, needed.iter().copied().chain(account)).unwrap();
    let mut count = 0;
    let made = document::create(kind, record(1), &edit, &writer, &mut || mint(&writer, &mut count));
    made.unwrap().0
}

/// Edits as a replica does: first the steps that the record lacks, then the edit.
fn write(doc: &mut Automerge, kind: &Kind, edit: &RecordEdit, actor: u8) -> Vec<LocalChange> {
    let writer = pen(1, actor);
    let mut made = document::prepare(doc, kind, record(1), edit).unwrap();
    let now = hydrate(doc, kind);
    let mut count = u64::from(actor) << 32;
    let local = document::edit(doc, &now, edit, &writer, &mut || mint(&writer, &mut count));
    made.extend(local.unwrap());
    made
}

/// A server's document after it took these changes.
fn judged(doc: &Automerge, kind: &Kind, changes: &[LocalChange]) -> Automerge {
    changes.iter().fold(doc.clone(), |doc, change| taken(&doc, kind, record(1), &change.bytes))
}

/// The fields that both versions have say the same in both.
#[track_caller]
fn assert_alike(one: &Hydrated, other: &Hydrated) {
    assert_eq!(one.violations, [], "{}", one.kind.name);
    assert_eq!(other.violations, [], "{}", other.kind.name);
    let shared = one.kind.fields.iter().filter(|field| other.kind.field(field.name).is_some());
    for field in shared.filter(|field| one.kind.field(field.name).is_some()) {
        assert_eq!(one.field(field.name), other.field(field.name), "{}", field.name);
    }
}

/// Every kind: what was written before the new fields were declared reads as it did, and the new ones
/// are empty.
#[test]
fn an_old_document_means_the_same_to_a_newer_version() {
    for before in old().document_kinds() {
        let after = kind(&new(), before.name);
        assert_eq!(before.genesis().hash, after.genesis().hash, "{}", before.name);
        let doc = Automerge::load(&begun(before).save()).unwrap();
        let read = hydrate(&doc, &after);
        assert_alike(&hydrate(&doc, before), &read);
        let row = project(record(1), &read, Stamp::of_document(&doc));
        assert_eq!(row.len(), after.columns().len());
        for field in after.fields.iter().filter(|field| is_new(field)) {
            let empty = match field.ty {
                FieldType::Choice { .. } => json!("red"),
                FieldType::Text => json!(""),
                FieldType::Set(_) => json!([]),
                FieldType::Fields => json!({}),
                FieldType::Log(_) => json!(0),
                _ => json!(null),
            };
            assert_eq!(shown(&read, field.name), empty, "{}.{}", before.name, field.name);
        }
    }
}

/// Every kind: a newer app writes all its new fields on a record that an old one began. An old server
/// takes it and passes it on; an old app shows what it did; a newer one shows everything.
#[test]
fn new_fields_pass_through_an_old_server_to_a_newer_app() {
    for before in old().document_kinds() {
        let after = kind(&new(), before.name);
        let begun = begun(before);
        let mut newer = begun.clone();
        let changes = write(&mut newer, &after, &all_new(&after), 2);
        assert_eq!(changes.len(), 2, "a step and the edit");
        let stored = judged(&begun, before, &changes);
        assert_alike(&hydrate(&begun, before), &hydrate(&stored, before));
        assert_eq!(judged(&begun, &after, &changes).get_heads(), stored.get_heads());
        let arrived = hydrate(&Automerge::load(&stored.save()).unwrap(), &after);
        for field in after.fields.iter().filter(|field| is_new(field)) {
            assert_eq!(shown(&arrived, field.name), expected(field), "{}", field.name);
        }
        assert_eq!(arrived.violations, []);
    }
}

/// Two newer devices give the same record its new containers without knowing of each other.
#[test]
fn two_devices_make_the_same_containers_and_both_keep_what_they_wrote() {
    let before = kind(&old(), "organization");
    let after = kind(&new(), "organization");
    let begun = begun(&before);
    let tagged = |key: &str| RecordEdit {
        changes: vec![(after.field("front_set").unwrap().clone(), FieldChange::Add(key.into()))],
    };
    let (mut one, mut two) = (begun.clone(), begun.clone());
    let ones = write(&mut one, &after, &tagged("one"), 2);
    let twos = write(&mut two, &after, &tagged("two"), 3);
    assert_eq!(ones[0], twos[0], "the step is the same change");
    let stored = judged(&judged(&begun, &before, &ones), &before, &twos[1..]);
    assert_eq!(shown(&hydrate(&stored, &after), "front_set"), json!(["one", "two"]));
    // An old app writes meanwhile, on what it had.
    let mut old_one = begun.clone();
    let note = RecordEdit::parse(&before, [("notes", "Ring once")]).unwrap();
    let from_old = write(&mut old_one, &before, &note, 4);
    let all = hydrate(&judged(&stored, &after, &from_old), &after);
    assert_eq!(shown(&all, "notes"), "Ring once");
    assert_eq!(shown(&all, "front_set"), json!(["one", "two"]));
    // And clears what it never had: nothing is to be made for that.
    let nothing = RecordEdit {
        changes: vec![(after.field("end_long").unwrap().clone(), FieldChange::Text("".into()))],
    };
    assert_eq!(write(&mut begun.clone(), &after, &nothing, 5), []);
}

/// A field that is out of use has no column and takes no edit. An old app may still write it.
#[test]
fn a_retired_field_keeps_its_name_and_takes_nothing_more() {
    let (before, after) = (kind(&old(), "contact"), kind(&new(), "contact"));
    let begun = begun(&before);
    for name in ["interests", "notes"] {
        assert!(before.columns().iter().any(|column| column.name == name));
        assert!(!after.columns().iter().any(|column| column.name == name));
        let refused = RecordEdit::parse(&after, [(name, "more")]).unwrap_err();
        assert!(refused.to_string().contains(name), "{refused}");
    }
    let mut older = begun.clone();
    let both = [("interests", "+chess"), ("notes", "Late riser"), ("job_title", "Chef")];
    let edit = RecordEdit::parse(&before, both).unwrap();
    let changes = write(&mut older, &before, &edit, 2);
    let stored = judged(&begun, &after, &changes);
    assert_eq!(shown(&hydrate(&stored, &after), "job_title"), "Chef");
    assert_eq!(shown(&hydrate(&stored, &before), "notes"), "Late riser");
    assert_eq!(shown(&hydrate(&stored, &before), "interests"), json!(["chess", "jazz"]));
    // A scalar that went is no unknown field that a newer app would be warned of.
    let organization = kind(&new(), "organization");
    let doc = self::begun(&kind(&old(), "organization"));
    let mut again = doc.clone();
    let thai = RecordEdit::parse(&kind(&old(), "organization"), [("cuisine", "Lao")]).unwrap();
    let changes = write(&mut again, &kind(&old(), "organization"), &thai, 2);
    let stored = judged(&doc, &organization, &changes);
    assert_eq!(shown(&hydrate(&stored, &kind(&old(), "organization")), "cuisine"), "Lao");
}

fn open(file: &Path, schema: Arc<Schema>, env: &mut World) -> Replica {
    let options = OpenOptions { schema, user: Some(user(1)) };
    let mut device = Replica::open(Connection::open(file).unwrap(), options, env).unwrap();
    while device.rebuild_some(100).unwrap().is_some() {}
    device
}

/// What a server of this version comes to by what a device sends when it is let in.
fn received(device: &mut Replica, kind: &Kind, id: RecordId, env: &mut World) -> Automerge {
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), env).unwrap();
    let mut doc = kind.genesis().doc.clone();
    while let Some(frame) = device.poll_push().unwrap() {
        let ClientMessage::Push(push) = ClientMessage::from_bytes(&frame).unwrap() else {
            panic!("a push was to be sent")
        };
        for item in push.groups.iter().flat_map(|group| &group.items) {
            doc = taken(&doc, kind, id, &item.change.0);
        }
    }
    doc
}

/// A server's document after it took a change.
fn taken(doc: &Automerge, kind: &Kind, id: RecordId, bytes: &[u8]) -> Automerge {
    let context = Context {
        record: id,
        kind: kind.clone(),
        doc,
        author: user(1),
        now: UnixMs(NOW.0 + 3_600_000),
        pen: document::PenRole::Device,
    };
    let verified = guard::verify(guard::parse(bytes).unwrap(), &context).unwrap();
    let applied = guard::apply(doc, kind, verified).unwrap();
    guard::prove(&applied.doc, applied.edits_text, sync_core::document::PenRole::Device).unwrap();
    applied.doc
}

/// A file of an old app with records and unsent edits is opened by the newer one, edited, and opened by
/// the old one again.
#[test]
fn an_old_file_opens_in_a_newer_app_and_back() -> Result<(), ReplicaError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(91);
    let (before, after) = (kind(&old(), "organization"), kind(&new(), "organization"));
    let mut device = open(&file, old(), &mut env);
    let pairs = [("name", "Café"), ("cuisine", "Thai"), ("notes", "Ring twice")];
    let id = device.create(&before, RecordEdit::parse(&before, pairs).unwrap(), &mut env)?;
    drop(device);

    let mut device = open(&file, new(), &mut env);
    let columns = "SELECT name, notes, front_text, middle_choice, end_set FROM organizations";
    let rows = device.query(columns).unwrap().rows;
    assert_eq!(
        rows,
        [[json!("Café"), json!("Ring twice"), json!(null), json!("red"), json!("[]")]]
    );
    assert!(device.query("SELECT cuisine FROM organizations").is_err());
    device.edit(id, all_new(&after), &mut env)?;
    let rows = device.query(columns).unwrap().rows;
    let start = [json!("Café"), json!("Ring twice"), json!("words"), json!("green")];
    assert_eq!(rows, [[start.as_slice(), &[json!("[\"key\"]")]].concat()]);
    assert_eq!(device.search("words", 9).unwrap().len(), 1);
    let unsent = device.status()?.unsent;
    drop(device);

    let mut device = open(&file, old(), &mut env);
    let rows = device.query("SELECT name, cuisine, notes FROM organizations").unwrap().rows;
    assert_eq!(rows, [[json!("Café"), json!("Thai"), json!("Ring twice")]]);
    device.edit(id, RecordEdit::parse(&before, [("cuisine", "Lao")]).unwrap(), &mut env)?;
    assert_eq!(device.status()?.unsent, unsent + 1);
    // An old server takes them all in the order in which they come.
    let doc = received(&mut device, &before, id, &mut env);
    assert_eq!(shown(&hydrate(&doc, &before), "cuisine"), "Lao");
    assert_eq!(shown(&hydrate(&doc, &after), "end_long"), "Long words");
    Ok(())
}

/// A record that a newer app begins with everything it knows is one that an old server takes.
#[test]
fn a_newer_app_begins_records_on_an_old_server() -> Result<(), ReplicaError> {
    for after in new().kinds().iter().filter(|kind| kind.storage == Storage::Document) {
        let before = kind(&old(), after.name);
        let dir = tempfile::tempdir().unwrap();
        let mut env = World::new(92);
        let mut device = open(&dir.path().join("a.db"), new(), &mut env);
        let doc = begun(&before);
        let given = hydrate(&doc, &before);
        let needed = after.fields.iter().filter(|field| {
            let required = field.required == sync_core::schema::Presence::Required;
            required && !matches!(field.name, "created_at" | "created_by")
        });
        let mut edit = all_new(after);
        for field in needed {
            let value = Value::from_json(field, &given.json(field.name)).unwrap();
            edit.changes.push((field.clone(), FieldChange::Set(value)));
        }
        let id = device.create(after, edit, &mut env)?;
        let doc = received(&mut device, &before, id, &mut env);
        assert_eq!(shown(&hydrate(&doc, after), "middle_fields"), json!({"Size": "L"}));
        assert_eq!(doc.get_changes(&[]).len(), 4, "genesis, creation, a step, an edit");
    }
    Ok(())
}
