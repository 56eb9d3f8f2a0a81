//! A replica by itself: what it keeps through crashes, copies and damage.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use sync_core::document::EditError;
use sync_core::replica::{
    Effect, GroupEdit, ListOptions, OpenError, OpenOptions, PendingEdit, QueryError, Replica,
    ReplicaError, RescueLineError, Unreadable, rescue,
};

use sync_core::document::{FieldState, Hydrated};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard;
use sync_core::ids::{FeedPosition, GroupId, RecordId};
use sync_core::protocol::{
    Blob, ClientMessage, FeedBatch, FeedItem, ServerMessage, Verdict, VerdictOutcome, Verdicts,
};

use crate::kit::{NOW, World, edit, edited, item, kind, pen, record, replica, user, welcome};

/// The process is killed right after an edit was confirmed: the file is opened by another.
#[test]
fn an_edit_made_offline_survives_a_crash_before_first_sync() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(1);
    let mut first = replica(&file, 1, &mut env);
    let organization = kind("organization");
    let id =
        first.create(organization, edit(organization, &[("name", "Café Zoë")]), &mut env).unwrap();
    first.edit(id, edit(organization, &[("notes", "Ring twice")]), &mut env).unwrap();
    // Neither closed nor dropped: the second opens what the first left on the disk.
    let mut second = replica(&file, 1, &mut env);
    std::mem::forget(first);
    let found = second.record(id).unwrap().unwrap();
    assert_eq!(found.json("name"), "Café Zoë");
    assert_eq!(second.status().unwrap().unsent, 2);
    assert_eq!(second.search("zoe", 5).unwrap()[0].id, id);
    assert_eq!(second.search("twi", 5).unwrap()[0].id, id, "a word begun finds it");
}

/// Two processes on one file are two writers, and neither works on a stale document.
#[test]
fn two_processes_on_one_file_see_each_others_edits() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(2);
    let organization = kind("organization");
    let mut one = replica(&file, 1, &mut env);
    let mut two = replica(&file, 1, &mut env);
    assert_ne!(one.actor(), two.actor());
    let id = one.create(organization, edit(organization, &[("name", "Shared")]), &mut env).unwrap();
    two.edit(id, edit(organization, &[("cuisine", "Thai")]), &mut env).unwrap();
    one.edit(id, edit(organization, &[("website", "s.example")]), &mut env).unwrap();
    let found = two.record(id).unwrap().unwrap();
    assert_eq!((found.json("cuisine"), found.json("website")), ("Thai".into(), "s.example".into()));
    assert!(found.conflicts.is_empty());
}

/// Whoever asked for a group and heard nothing asks again: it is made once.
#[test]
fn a_group_that_is_asked_for_twice_is_made_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(31);
    let mut device = replica(file.path(), 1, &mut env);
    let task = kind("task");
    let id = device.mint_id(&mut env);
    let edits =
        [GroupEdit::Create { id, kind: task.clone(), edit: edit(task, &[("title", "Call")]) }];
    let name = GroupId(uuid::Uuid::from_u128(7));
    let made = device.commit_once(name, &edits, &mut env).unwrap();
    assert_eq!((made.group, made.changes.len()), (name, 1));
    let again = device.commit_once(name, &edits, &mut env).unwrap();
    assert_eq!((again.group, again.changes.len()), (name, 0));
    assert_eq!(device.status().unwrap().unsent, 1);
}

/// One wrong edit in a group leaves nothing of the group behind.
#[test]
fn a_group_is_made_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(3);
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let organization = kind("organization");
    let good =
        device.create(organization, edit(organization, &[("name", "Good")]), &mut env).unwrap();
    let group = [
        GroupEdit::Edit { id: good, edit: edit(organization, &[("cuisine", "Thai")]) },
        GroupEdit::Edit { id: record(99), edit: edit(organization, &[("cuisine", "Thai")]) },
    ];
    let error = device.commit(&group, &mut env).unwrap_err();
    assert!(matches!(error, ReplicaError::UnknownRecord(id) if id == record(99)), "{error}");
    assert_eq!(device.record(good).unwrap().unwrap().json("cuisine"), serde_json::Value::Null);
    assert_eq!(device.status().unwrap().unsent, 1);
    let shown = device.query("SELECT cuisine FROM organizations").unwrap();
    assert_eq!(shown.rows, vec![vec![serde_json::Value::Null]]);
}

#[test]
fn a_deleted_record_is_hidden_and_can_be_restored() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(4);
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let task = kind("task");
    let id = device.create(task, edit(task, &[("title", "Call back")]), &mut env).unwrap();
    let count = |device: &Replica| device.list(task, &ListOptions::default()).unwrap().rows.len();
    device.commit(&[GroupEdit::Delete { id }], &mut env).unwrap();
    assert_eq!(count(&device), 0);
    device.commit(&[GroupEdit::Restore { id }], &mut env).unwrap();
    assert_eq!(count(&device), 1);
}

#[test]
fn errors_name_the_field_and_what_is_allowed() {
    let organization = kind("organization");
    let parse = |name, value| {
        sync_core::document::RecordEdit::parse(organization, [(name, value)])
            .unwrap_err()
            .to_string()
    };
    assert!(parse("nmae", "x").contains("name, "), "{}", parse("nmae", "x"));
    assert!(parse("priority_level", "E").contains("one of A, B, C, D"));
    assert!(parse("employee_count", "few").contains("a whole number from 0 to 10000000"));
    assert!(parse("emails", "nobody").contains("not an e-mail address"));
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(5);
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let nameless =
        device.create(organization, edit(organization, &[("cuisine", "Thai")]), &mut env);
    assert!(matches!(nameless, Err(ReplicaError::Edit(EditError::Missing { field: "name", .. }))));
}

#[test]
fn a_query_that_would_write_is_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(6);
    let device = replica(&dir.path().join("a.db"), 1, &mut env);
    for sql in [
        "DELETE FROM changes",
        "PRAGMA user_version = 9",
        "ATTACH 'x.db' AS x",
        "WITH a AS (SELECT 1) DELETE FROM changes",
    ] {
        assert!(matches!(device.query(sql), Err(QueryError::NotReadOnly)), "{sql}");
    }
}

/// A file with so many accounts that were never sent.
fn unsent(file: &Path, count: usize, env: &mut World) {
    let organization = kind("organization");
    let mut device = replica(file, 1, env);
    for index in 0..count {
        let name = format!("Account {index}");
        device.create(organization, edit(organization, &[("name", &name)]), env).unwrap();
    }
}

/// A damaged file is said to be one and left as it is; what can be read of the outbox is saved.
#[test]
fn pending_edits_can_be_rescued_from_a_damaged_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(7);
    unsent(&file, 50, &mut env);
    let db = rusqlite::Connection::open(&file).unwrap();
    let root: i64 = db
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'meta'", [], |row| row.get(0))
        .unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(db);
    let mut raw = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    raw.seek(SeekFrom::Start((root as u64 - 1) * 4096)).unwrap();
    raw.write_all(&[0xee; 4096]).unwrap();
    drop(raw);
    let before = std::fs::read(&file).unwrap();
    let db = rusqlite::Connection::open(&file).unwrap();
    let error =
        Replica::open(db, OpenOptions { schema: sync_core::crm::schema(), user: None }, &mut env)
            .unwrap_err();
    assert!(matches!(error, OpenError::Damaged(_)), "{error}");
    let db = rusqlite::Connection::open(&file).unwrap();
    let saved = rescue(&db).unwrap();
    assert_eq!((saved.edits.len(), saved.unreadable), (50, Unreadable::Nothing));
    drop(db);
    assert!(std::fs::read(&file).unwrap() == before, "the file was left as it is");
}

/// What is saved of a file in use, a device that has nothing takes as text; and it goes on being used.
#[test]
fn unsent_edits_of_a_file_in_use_can_be_saved_as_text_and_put_into_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(7);
    unsent(&dir.path().join("a.db"), 5, &mut env);
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let saved = device.rescued().unwrap();
    assert_eq!((saved.edits.len(), saved.unreadable), (5, Unreadable::Nothing));
    let organization = kind("organization");
    device.create(organization, edit(organization, &[("name", "Later")]), &mut env).unwrap();

    let lines = saved.to_lines();
    let mut other = replica(&dir.path().join("b.db"), 1, &mut env);
    let edits = PendingEdit::from_lines(&lines, other.user()).unwrap();
    assert_eq!(edits, saved.edits);
    assert_eq!(other.bring_back(&edits).unwrap().unsent, 5);
    assert_eq!(other.status().unwrap().unsent, 5);
    let foreign = PendingEdit::from_lines(&lines, user(2)).unwrap_err();
    assert!(matches!(foreign, RescueLineError::OtherUser(1, _)), "{foreign}");
    let nonsense = PendingEdit::from_lines("{}\n", user(1)).unwrap_err();
    assert!(matches!(nonsense, RescueLineError::Line(1)), "{nonsense}");
}

/// Of a file that was cut off, what stands before the cut is saved.
#[test]
fn pending_edits_can_be_rescued_from_a_file_that_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(7);
    unsent(&file, 200, &mut env);
    let length = std::fs::metadata(&file).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length / 4 * 3).unwrap();
    let before = std::fs::read(&file).unwrap();
    let db = rusqlite::Connection::open(&file).unwrap();
    let saved = rescue(&db).unwrap();
    let count = saved.edits.len();
    assert!((50..200).contains(&count), "{count} of 200");
    // The index may be cut off with them; then nothing tells how many there were.
    let lost = Unreadable::Edits(200 - count as u64);
    assert!([lost, Unreadable::Unknown].contains(&saved.unreadable), "{:?}", saved.unreadable);
    drop(db);
    assert!(std::fs::read(&file).unwrap() == before, "the file was left as it is");
}

#[test]
fn another_users_file_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(8);
    drop(replica(&file, 1, &mut env));
    let db = rusqlite::Connection::open(&file).unwrap();
    let error = Replica::open(
        db,
        OpenOptions { schema: sync_core::crm::schema(), user: Some(user(2)) },
        &mut env,
    )
    .unwrap_err();
    assert!(matches!(error, OpenError::WrongUser(owner) if owner == user(1)));
}

/// Words are still to be wiped while another process writes: that can wait, opening cannot.
#[test]
fn a_file_opens_though_its_wiping_cannot_be_finished() {
    let mut env = World::new(4);
    let organization = kind("organization");
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut device = replica(file.path(), 1, &mut env);
    device.create(organization, edit(organization, &[("name", "Here")]), &mut env).unwrap();
    drop(device);
    let other = rusqlite::Connection::open(file.path()).unwrap();
    other.execute_batch("INSERT INTO meta VALUES ('scrub', 1); BEGIN IMMEDIATE").unwrap();
    let device = replica(file.path(), 1, &mut env);
    assert_eq!(device.status().unwrap().unsent, 1);
    drop(device);
    let waits = "SELECT value FROM meta WHERE key = 'scrub'";
    assert_eq!(other.query_row(waits, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    other.execute_batch("ROLLBACK").unwrap();
    drop(replica(file.path(), 1, &mut env));
    assert_eq!(other.query_row(waits, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

/// An app that is older than the file leaves it alone.
#[test]
fn a_file_of_a_newer_version_is_left_as_it_is() {
    let mut env = World::new(3);
    let file = tempfile::NamedTempFile::new().unwrap();
    drop(replica(file.path(), 1, &mut env));
    let db = rusqlite::Connection::open(file.path()).unwrap();
    db.execute_batch("PRAGMA user_version = 2").unwrap();
    let options = OpenOptions { schema: sync_core::crm::schema(), user: None };
    let error = Replica::open(db, options, &mut env).unwrap_err();
    assert!(matches!(error, OpenError::TooNew { found: 2, known: 1 }), "{error}");
}

/// The field reference in the documentation is the one that the declarations give.
#[test]
fn the_field_reference_is_up_to_date() {
    let schema = sync_core::crm::schema();
    let (page, listing) =
        (include_str!("../../../docs/FIELDS.md"), include_str!("../../../docs/fields.json"));
    assert!(page == sync_core::schema::field_reference(&schema), "run `make docs`");
    assert!(listing == sync_core::schema::field_listing(&schema), "run `make docs`");
}

/// The disk fills up in the middle of a feed batch: nothing of the batch stays, neither in the file
/// nor in memory, so that no later edit builds on what the file does not have.
#[test]
fn a_full_disk_while_the_feed_arrives_leaves_nothing_of_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(9);
    let organization = kind("organization");
    let mut first = replica(&file, 1, &mut env);
    let id =
        first.create(organization, edit(organization, &[("name", "Small")]), &mut env).unwrap();
    let known = first.save_document(id).unwrap();
    drop(first);

    let db = rusqlite::Connection::open(&file).unwrap();
    let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    db.query_row(&format!("PRAGMA max_page_count = {}", pages + 8), [], |_| Ok(())).unwrap();
    let mut device =
        Replica::open(db, OpenOptions { schema: sync_core::crm::schema(), user: None }, &mut env)
            .unwrap();
    device.record(id).unwrap();
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();

    let mut theirs = sync_core::document::load(&known, &[]).unwrap();
    let change = edited(&mut theirs, organization, &[("cuisine", "Thai")], &pen(2, 2), &mut 0);
    let changes = vec![Blob(change.unwrap().bytes)];
    let small = FeedItem { changes, ..item(id) };
    let huge = FeedItem { snapshot: Some(Blob(vec![7; 1 << 20])), ..item(record(50)) };
    let batch = FeedBatch { items: vec![small, huge], ..FeedBatch::default() };
    let frame = ServerMessage::Feed(batch).to_bytes();
    let fault = device.handle_frame(&frame, &mut env).unwrap_err().to_string();
    assert!(fault.contains("full"), "{fault}");

    assert_eq!(device.record(id).unwrap().unwrap().json("cuisine"), serde_json::Value::Null);
    assert_eq!(device.status().unwrap().unsent, 1, "the edit made before is still there");
    drop(device);
    let mut again = replica(&file, 1, &mut env);
    assert_eq!(again.record(id).unwrap().unwrap().json("name"), "Small");
}

/// The verdict on an edit was lost, and the edit is on its way again, so that the feed leaves it out; but
/// it brings what a colleague built on it. The server has the edit then, and the record stays whole.
#[test]
fn an_edit_that_the_feed_builds_on_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(13);
    let organization = kind("organization");
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let id =
        device.create(organization, edit(organization, &[("name", "Bistro")]), &mut env).unwrap();
    device.edit(id, edit(organization, &[("website", "b.example")]), &mut env).unwrap();
    let mut theirs = sync_core::document::load(&device.save_document(id).unwrap(), &[]).unwrap();
    device.edit(id, edit(organization, &[("industry_segment", "cafés")]), &mut env).unwrap();
    let change = edited(&mut theirs, organization, &[("cuisine", "Thai")], &pen(2, 2), &mut 0);
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();
    let items = vec![FeedItem { changes: vec![Blob(change.unwrap().bytes)], ..item(id) }];
    let frame = ServerMessage::Feed(FeedBatch { items, ..FeedBatch::default() }).to_bytes();
    device.handle_frame(&frame, &mut env).unwrap();
    assert_eq!(device.status().unwrap().unsent, 1, "what nobody built on still waits");
    drop(device);
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    device.edit(id, edit(organization, &[("employee_count", "7")]), &mut env).unwrap();
    let shown = device.record(id).unwrap().unwrap();
    let texts = ["name", "website", "industry_segment", "cuisine"].map(|name| shown.text(name));
    assert_eq!(texts, [Some("Bistro"), Some("b.example"), Some("cafés"), Some("Thai")]);
}

/// Of two edits the first was stored long ago while its verdict was lost; pushed again it meets a server
/// whose database is away, and then the second is taken. Whoever took that has the first.
#[test]
fn what_an_accepted_edit_builds_on_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(14);
    let organization = kind("organization");
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let id =
        device.create(organization, edit(organization, &[("name", "Bistro")]), &mut env).unwrap();
    device.edit(id, edit(organization, &[("cuisine", "Thai")]), &mut env).unwrap();
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();
    let frame = device.poll_push().unwrap().unwrap();
    let ClientMessage::Push(push) = ClientMessage::from_bytes(&frame).unwrap() else {
        panic!("a push");
    };
    let items: Vec<_> = push.groups.iter().flat_map(|group| &group.items).collect();
    assert_eq!(items.len(), 2);
    let away = VerdictOutcome::Refused(Refusal::new(RefusalCode::Internal, "Not now."));
    let outcomes = [away, VerdictOutcome::Accepted(FeedPosition(2))];
    let verdicts = items.iter().zip(outcomes).map(|(item, outcome)| Verdict {
        hash: guard::name_of_bytes(&item.change.0),
        outcome,
        receipt: None,
    });
    let verdicts = Verdicts { push: push.push, verdicts: verdicts.collect() };
    device.handle_frame(&ServerMessage::Verdicts(verdicts).to_bytes(), &mut env).unwrap();
    assert_eq!(device.status().unwrap().unsent, 0);
    drop(device);
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    device.edit(id, edit(organization, &[("website", "b.example")]), &mut env).unwrap();
    assert_eq!(device.record(id).unwrap().unwrap().text("cuisine"), Some("Thai"));
}

/// A record was begun under the id of another of a kind that its user comes to see: the server's
/// stands as what it is, and what was begun here, with what was made together with it, is in
/// quarantine with its reason.
#[test]
fn a_record_begun_under_the_id_of_another_gives_way_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(12);
    let (organization, task) = (kind("organization"), kind("task"));
    let mut theirs = replica(&dir.path().join("b.db"), 2, &mut env);
    let id =
        theirs.create(organization, edit(organization, &[("name", "Bistro")]), &mut env).unwrap();
    let snapshot = theirs.save_document(id).unwrap();

    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let other =
        device.create(organization, edit(organization, &[("name", "Other")]), &mut env).unwrap();
    let begun =
        GroupEdit::Create { id, kind: task.clone(), edit: edit(task, &[("title", "Call")]) };
    let beside = GroupEdit::Edit { id: other, edit: edit(organization, &[("cuisine", "Thai")]) };
    device.commit(&[begun, beside], &mut env).unwrap();
    device
        .commit(
            &[GroupEdit::Edit { id, edit: edit(task, &[("description", "At nine")]) }],
            &mut env,
        )
        .unwrap();

    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();
    let items = vec![FeedItem { snapshot: Some(Blob(snapshot)), ..item(id) }];
    let frame = ServerMessage::Feed(FeedBatch { items, ..FeedBatch::default() }).to_bytes();
    let effects = device.handle_frame(&frame, &mut env).unwrap();

    let found = device.record(id).unwrap().unwrap();
    assert_eq!((found.kind.name, found.text("name")), ("organization", Some("Bistro")));
    assert!(device.list(task, &ListOptions::default()).unwrap().rows.is_empty());
    assert_eq!(device.search("bistro", 5).unwrap().len(), 1);
    assert!(device.search("call", 5).unwrap().is_empty());
    let refused = device.quarantine().unwrap();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Refused(all) if all.len() == 3)));
    assert_eq!(device.status().unwrap().unsent, 1, "the other record is still to be sent");
    assert_eq!(device.record(other).unwrap().unwrap().text("cuisine"), None);
    // What is edited from here on goes to the record that is there.
    device
        .commit(
            &[GroupEdit::Edit { id, edit: edit(organization, &[("cuisine", "Thai")]) }],
            &mut env,
        )
        .unwrap();
    assert_eq!(device.record(id).unwrap().unwrap().text("cuisine"), Some("Thai"));
}

/// A note as long as allowed is pasted, corrected in two places, replaced and cleared: each edit is a
/// group of changes that the guard takes, and a correction is one change that names only what it
/// touches.
#[test]
fn long_text_is_written_in_changes_that_a_server_takes() {
    let mut env = World::new(5);
    let organization = kind("organization");
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut device = replica(file.path(), 1, &mut env);
    let most = sync_core::limits::LONG_TEXT_CHARS;
    let pasted: String = ('a'..='z').cycle().take(most).collect();
    let id = device
        .create(organization, edit(organization, &[("name", "Long"), ("notes", &pasted)]), &mut env)
        .unwrap();
    let corrected = pasted.replacen("abc", "ABC", 1);
    let corrected = format!("{}!", &corrected[..most - 1]);
    let written = device
        .commit(
            &[GroupEdit::Edit { id, edit: edit(organization, &[("notes", &corrected)]) }],
            &mut env,
        )
        .unwrap();
    assert_eq!(written.changes.len(), 1);
    let replaced: String = ('α'..='ω').cycle().take(most).collect();
    for text in [replaced.as_str(), ""] {
        device.edit(id, edit(organization, &[("notes", text)]), &mut env).unwrap();
        assert!(notes(&device.record(id).unwrap().unwrap()) == text);
    }
    // What waits in the outbox, as a server would judge it.
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();
    let mut doc = organization.genesis().doc.clone();
    let mut groups = Vec::new();
    while let Some(frame) = device.poll_push().unwrap() {
        let ClientMessage::Push(push) = ClientMessage::from_bytes(&frame).unwrap() else {
            panic!("a push is a push");
        };
        for group in push.groups {
            groups.push(group.items.len());
            for item in group.items {
                doc = judged(&doc, id, &item.change.0);
            }
        }
    }
    assert_eq!(groups.len(), 4, "each edit is one group");
    assert!(groups.iter().all(|count| *count <= sync_core::limits::CHANGES_PER_GROUP));
    let merged = sync_core::document::hydrate(&doc, organization);
    assert_eq!(notes(&merged), notes(&device.record(id).unwrap().unwrap()));
}

fn notes(record: &Hydrated) -> String {
    match record.field("notes") {
        Some(FieldState::Text(text)) => text.clone(),
        other => panic!("notes are text, not {other:?}"),
    }
}

fn judged(doc: &automerge::Automerge, record: RecordId, bytes: &[u8]) -> automerge::Automerge {
    let kind = kind("organization");
    let context = guard::Context {
        record,
        kind: kind.clone(),
        doc,
        author: user(1),
        now: NOW,
        pen: sync_core::document::PenRole::Device,
    };
    let verified = guard::verify(guard::parse(bytes).unwrap(), &context).unwrap();
    let applied = guard::apply(doc, kind, verified).unwrap();
    guard::prove(&applied.doc, applied.edits_text, sync_core::document::PenRole::Device).unwrap();
    applied.doc
}
