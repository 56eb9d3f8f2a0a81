//! The tables of a device are a cache of its documents: of an app that is older than its server, and
//! of one that was updated.

use std::path::Path;
use std::sync::Arc;

use automerge::Automerge;
use rusqlite::Connection;
use serde_json::json;
use sync_core::cell::Cell;
use sync_core::document::{self, RecordEdit, hydrate};
use sync_core::ids::{EventId, RecordId, ScopeId};
use sync_core::projection::{Stamp, project};
use sync_core::protocol::{AccessNotice, Blob, ClientMessage, FeedBatch, FeedItem, ServerMessage};
use sync_core::replica::{Effect, OpenOptions, Rebuilding, Replica, ReplicaError};
use sync_core::schema::{Kind, KindDeclaration, Schema, Scope, Storage, instant, int, text};
use uuid::Uuid;

use crate::kit::{World, item, mint, pen, record, user, welcome_with};

/// Sites and depots, as two versions of an app know them. The newer one has more fields, at the front,
/// in the middle and at the end, and a kind more.
fn schema(version: u32) -> Arc<Schema> {
    let newer = version > 1;
    let declared = |name, table, storage, fields| KindDeclaration {
        name,
        table,
        scope: Scope::Itself,
        storage,
        fields,
        derived: Vec::new(),
        title: None,
        subtitle: None,
        alike: None,
        doc: "",
    };
    let mut site = vec![instant("created_at").immutable(), text("name", 40).searchable()];
    let mut depot = vec![text("label", 40)];
    if newer {
        site.insert(0, text("colour", 20).searchable());
        site.insert(2, int("doors", 0, 99));
        site.push(text("remark", 40));
        depot.insert(0, int("bays", 0, 99));
    }
    let mut kinds = vec![
        declared("depot", "depots", Storage::ServerRow, depot),
        declared("site", "sites", Storage::Document, site),
    ];
    if newer {
        let visit = vec![instant("created_at").immutable(), text("subject", 40).searchable()];
        kinds.push(declared("visit", "visits", Storage::Document, visit));
    }
    Schema::new(kinds)
}

fn kind(version: u32, name: &str) -> Kind {
    schema(version).kind(name).unwrap().clone()
}

fn open(file: &Path, version: u32, env: &mut World) -> Replica {
    let options = OpenOptions { schema: schema(version), user: Some(user(1)) };
    Replica::open(Connection::open(file).unwrap(), options, env).unwrap()
}

/// A document that a newer app made elsewhere.
fn made(kind: &Kind, id: RecordId, pairs: &[(&str, &str)]) -> Automerge {
    let edit = RecordEdit::parse(kind, pairs.iter().copied()).unwrap();
    let (writer, mut count) = (pen(2, 2), 0);
    document::create(kind, id, &edit, &writer, &mut || mint(&writer, &mut count)).unwrap().0
}

fn changed(doc: &mut Automerge, kind: &Kind, pairs: &[(&str, &str)]) -> Blob {
    let edit = RecordEdit::parse(kind, pairs.iter().copied()).unwrap();
    let (now, mut none) = (hydrate(doc, kind), || EventId(Uuid::nil()));
    Blob(document::edit(doc, &now, &edit, &pen(2, 2), &mut none).unwrap().unwrap().bytes)
}

fn whole(kind: &str, id: RecordId, doc: &Automerge) -> FeedItem {
    FeedItem { kind: kind.into(), snapshot: Some(Blob(doc.save())), ..item(id) }
}

/// Connects to a server that says what its rows are of.
fn connect(device: &mut Replica, rows: impl FnOnce(Blob) -> Option<Blob>, env: &mut World) {
    let hello = device.connect("token", "test").unwrap();
    let ClientMessage::Hello(hello) = ClientMessage::from_bytes(&hello).unwrap() else {
        panic!("a session begins with hello")
    };
    device.handle_frame(&welcome_with(rows(hello.fingerprint)), env).unwrap();
}

fn feed(device: &mut Replica, batch: FeedBatch, env: &mut World) -> Vec<Effect> {
    let position = device.query("SELECT count(*) FROM changes").unwrap().rows.len() as u8;
    let batch = FeedBatch { cursor: Blob(vec![position]), live: true, ..batch };
    device.handle_frame(&ServerMessage::Feed(batch).to_bytes(), env).unwrap()
}

fn items(items: Vec<FeedItem>) -> FeedBatch {
    FeedBatch { items, ..FeedBatch::default() }
}

/// A row that says something else than its document shows which of the two was believed.
#[test]
fn a_row_is_believed_only_when_both_ends_lay_out_their_tables_alike() {
    for (agreed, shown) in [(true, "Row"), (false, "Document")] {
        let dir = tempfile::tempdir().unwrap();
        let mut env = World::new(81);
        let mut device = open(&dir.path().join("a.db"), 1, &mut env);
        connect(&mut device, |ours| agreed.then_some(ours), &mut env);
        let site = kind(1, "site");
        let doc = made(&site, record(1), &[("name", "Document")]);
        let lying = made(&site, record(1), &[("name", "Row")]);
        let row = project(record(1), &hydrate(&lying, &site), Stamp::of_document(&lying));
        let one = FeedItem { row: Some(row), ..whole("site", record(1), &doc) };
        feed(&mut device, items(vec![one]), &mut env);
        let rows = device.query("SELECT name FROM sites").unwrap().rows;
        assert_eq!(rows, [[json!(shown)]]);
        assert_eq!(device.search(shown, 9).unwrap().len(), 1);
    }
}

/// An old app on a new server, with records, fields and kinds that it does not know, and an edit of
/// its own. The updated app finds the tables empty, fills them in steps, is killed in between, and
/// shows everything.
#[test]
fn what_an_older_app_could_not_show_is_shown_after_an_update() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(82);
    let mut old = open(&file, 1, &mut env);
    connect(&mut old, |_| Some(Blob(vec![9; 16])), &mut env);
    let (site, visit) = (kind(2, "site"), kind(2, "visit"));
    let one = made(&site, record(1), &[("name", "North"), ("colour", "green"), ("doors", "7")]);
    let mut two = made(&visit, record(2), &[("subject", "Tasting")]);
    let visited = whole("visit", record(2), &two);
    let more = changed(&mut two, &visit, &[("subject", "Tasting again")]);
    let later = FeedItem { kind: "visit".into(), changes: vec![more], ..item(record(2)) };
    let cells = [("label", Cell::Text("Harbour".into())), ("bays", Cell::Int(4))];
    let fields = cells.map(|(name, cell)| (name.to_owned(), cell)).into();
    let depot = FeedItem { kind: "depot".into(), fields: Some(fields), ..item(record(3)) };
    feed(&mut old, items(vec![whole("site", record(1), &one), visited, depot]), &mut env);
    feed(&mut old, items(vec![later]), &mut env);
    let colourless = RecordEdit::parse(&kind(1, "site"), [("name", "South")]).unwrap();
    let own = old.create(&kind(1, "site"), colourless, &mut env).unwrap();
    assert_eq!(old.status().unwrap().records, 3);
    assert_eq!(old.query("SELECT label FROM depots").unwrap().rows, [[json!("Harbour")]]);
    assert_eq!(old.rebuilding().unwrap(), None);
    drop(old);

    let mut new = open(&file, 2, &mut env);
    assert_eq!(new.rebuilding().unwrap(), Some(Rebuilding { done: 0, total: 4 }));
    assert_eq!(new.query("SELECT count(*) FROM sites").unwrap().rows, [[json!(0)]]);
    // Records can be opened and edited while the tables are being filled.
    let doors = RecordEdit::parse(&same(&new, "site"), [("doors", "3")]).unwrap();
    new.edit(own, doors, &mut env).unwrap();
    assert_eq!(new.rebuild_some(2).unwrap(), Some(Rebuilding { done: 2, total: 4 }));
    drop(new);
    let mut new = open(&file, 2, &mut env);
    assert_eq!(new.rebuilding().unwrap(), Some(Rebuilding { done: 2, total: 4 }));
    while new.rebuild_some(1).unwrap().is_some() {}
    let sites = "SELECT name, colour, doors FROM sites ORDER BY name";
    let expected =
        [[json!("North"), json!("green"), json!(7)], [json!("South"), json!(null), json!(3)]];
    assert_eq!(new.query(sites).unwrap().rows, expected);
    let visits = new.query("SELECT subject FROM visits").unwrap().rows;
    assert_eq!(visits, [[json!("Tasting again")]]);
    let depots = new.query("SELECT bays, label FROM depots").unwrap().rows;
    assert_eq!(depots, [[json!(4), json!("Harbour")]]);
    for (word, id) in [("green", record(1)), ("again", record(2)), ("south", own)] {
        let hits = new.search(word, 9).unwrap();
        assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [id], "{word}");
    }
    drop(new);
    assert_eq!(open(&file, 2, &mut env).rebuilding().unwrap(), None, "once is enough");
}

/// The kind as the replica's own schema has it.
fn same(device: &Replica, name: &str) -> Kind {
    device.schema().kind(name).unwrap().clone()
}

/// The table that was dropped and filled again has what it had, and so has the search index.
#[test]
fn tables_that_are_filled_anew_are_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(83);
    let mut device = open(&file, 2, &mut env);
    let site = same(&device, "site");
    for n in 0..40 {
        let (name, doors) = (format!("Site {n}"), n.to_string());
        let edit = RecordEdit::parse(&site, [("name", name.as_str()), ("doors", &doors)]).unwrap();
        device.create(&site, edit, &mut env).unwrap();
    }
    let before = device.query("SELECT * FROM sites ORDER BY id").unwrap();
    let found = device.search("site", 99).unwrap().len();
    drop(device);
    drop(open(&file, 1, &mut env));
    let mut device = open(&file, 2, &mut env);
    while device.rebuild_some(7).unwrap().is_some() {}
    assert_eq!(device.query("SELECT * FROM sites ORDER BY id").unwrap(), before);
    assert_eq!((device.search("site", 99).unwrap().len(), found), (40, 40));
}

/// What an app does not know it erases all the same, when its user no longer sees it.
#[test]
fn records_of_an_unknown_kind_are_evicted_with_their_account() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(84);
    let mut device = open(&file, 1, &mut env);
    connect(&mut device, |_| None, &mut env);
    let visit = kind(2, "visit");
    let account = ScopeId(record(7).0);
    for (id, secret) in [(1, "Escargots"), (2, "Oysters")] {
        let doc = made(&visit, record(id), &[("subject", secret)]);
        let one = FeedItem { scope: account, ..whole("visit", record(id), &doc) };
        feed(&mut device, items(vec![one]), &mut env);
    }
    let evict = vec![AccessNotice { scope: account, reason: "Given away.".into() }];
    let effects = feed(&mut device, FeedBatch { evict, ..FeedBatch::default() }, &mut env);
    let told = |effect: &Effect| matches!(effect, Effect::Evicted(_));
    assert!(effects.iter().any(told), "{effects:?}");
    assert_eq!(device.status().unwrap().records, 0);
    drop(device);
    let mut device = open(&file, 2, &mut env);
    while device.rebuild_some(9).unwrap().is_some() {}
    assert!(device.query("SELECT * FROM visits").unwrap().rows.is_empty());
}

/// Changes of a record of an unknown kind whose beginning is not here are asked for whole.
#[test]
fn a_change_of_an_unknown_kind_that_lacks_its_record_has_it_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(85);
    let mut device = open(&dir.path().join("a.db"), 1, &mut env);
    connect(&mut device, |_| None, &mut env);
    let visit = kind(2, "visit");
    let mut doc = made(&visit, record(2), &[("subject", "Tasting")]);
    let more = changed(&mut doc, &visit, &[("subject", "Again")]);
    let later = FeedItem { kind: "visit".into(), changes: vec![more], ..item(record(2)) };
    let effects = feed(&mut device, items(vec![later]), &mut env);
    let fetches = |effect: &Effect| match effect {
        Effect::Send(frame) => match ClientMessage::from_bytes(frame).unwrap() {
            ClientMessage::Fetch(fetch) => fetch.records == [record(2)],
            _ => false,
        },
        _ => false,
    };
    assert!(effects.iter().any(fetches), "{effects:?}");
}

/// An updated app opens the file while the old one still runs: the old one writes nothing more.
#[test]
fn a_process_whose_tables_were_replaced_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(86);
    let mut old = open(&file, 1, &mut env);
    let site = same(&old, "site");
    let named = |name| RecordEdit::parse(&site, [("name", name)]).unwrap();
    let id = old.create(&site, named("Before"), &mut env).unwrap();
    let new = open(&file, 2, &mut env);
    let refused = old.edit(id, named("After"), &mut env);
    assert!(matches!(refused, Err(ReplicaError::OtherVersion)), "{refused:?}");
    assert_eq!(new.status().unwrap().unsent, 1);
    // However often it looks and tries, it blanks no column that only the new one fills.
    for _ in 0..3 {
        let looked = old.look_for_foreign_writes();
        assert!(matches!(looked, Err(ReplicaError::OtherVersion)), "{looked:?}");
        let refused = old.edit(id, named("Again"), &mut env);
        assert!(matches!(refused, Err(ReplicaError::OtherVersion)), "{refused:?}");
    }
    assert_eq!(new.status().unwrap().unsent, 1);
}
