//! Writes of a device are whole: what one of them does stands together or not at all.

use sync_core::document::RecordEdit;
use sync_core::error::{Refusal, RefusalCode};
use sync_core::ids::ScopeId;
use sync_core::protocol::{
    Blob, ClientMessage, FeedBatch, FeedItem, ServerMessage, Verdict, VerdictOutcome, Verdicts,
};
use sync_core::replica::{Effect, LinkState, Replica};
use sync_core::time::UnixMs;

use crate::kit::{NOW, World, created, edit, item, kind, pen, record, replica, welcome};

fn connected(file: &std::path::Path, env: &mut World) -> Replica {
    let mut device = replica(file, 1, env);
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), env).unwrap();
    device
}

/// The next push is refused as a whole.
fn refuse(device: &mut Replica, code: RefusalCode, env: &mut World) -> Vec<Effect> {
    let frame = device.poll_push().unwrap().unwrap();
    let ClientMessage::Push(push) = ClientMessage::from_bytes(&frame).unwrap() else {
        panic!("a push is a push")
    };
    let items = push.groups.iter().flat_map(|group| &group.items);
    let refused = |item: &sync_core::protocol::PushItem| Verdict {
        hash: sync_core::guard::name_of_bytes(&item.change.0),
        outcome: VerdictOutcome::Refused(Refusal::new(code, "No.")),
        receipt: None,
    };
    let verdicts = Verdicts { push: push.push, verdicts: items.map(refused).collect() };
    device.handle_frame(&ServerMessage::Verdicts(verdicts).to_bytes(), env).unwrap()
}

/// The process dies, or the disk is full, between the fresh edit and the end of the refused one:
/// neither happened.
#[test]
fn a_refused_edit_leaves_quarantine_in_the_transaction_that_makes_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(101);
    let mut device = connected(&file, &mut env);
    let organization = kind("organization");
    let name = edit(organization, &[("name", "Café")]);
    let id = device.create(organization, name, &mut env).unwrap();
    refuse(&mut device, RefusalCode::Rule, &mut env);
    let kept = device.quarantine().unwrap();
    assert_eq!((kept.len(), device.status().unwrap().records), (1, 0));
    let other = rusqlite::Connection::open(&file).unwrap();
    let trigger = "CREATE TRIGGER full BEFORE DELETE ON changes
                   BEGIN SELECT RAISE (ABORT, 'disk full'); END";
    other.execute_batch(trigger).unwrap();
    let failed = device.resubmit(kept[0].hash, RecordEdit::default(), &mut env).unwrap_err();
    assert!(failed.to_string().contains("disk full"), "{failed}");
    assert_eq!(device.quarantine().unwrap(), kept);
    assert_eq!((device.status().unwrap().unsent, device.record(id).unwrap()), (0, None));
    other.execute_batch("DROP TRIGGER full").unwrap();
    let correction = edit(organization, &[("name", "Café Zoë")]);
    device.resubmit(kept[0].hash, correction, &mut env).unwrap();
    assert!(device.quarantine().unwrap().is_empty());
    assert_eq!(device.status().unwrap().unsent, 1);
    assert_eq!(device.record(id).unwrap().unwrap().json("name"), "Café Zoë");
}

/// A refused move put the record where only the server knows whether its user sees it: it is erased
/// until the server sends it, and its words are not left in the search index.
#[test]
fn a_record_that_is_erased_in_the_transaction_that_rewrote_it_leaves_no_words() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(102);
    let mut device = connected(&dir.path().join("a.db"), &mut env);
    let contact = kind("contact");
    let (here, there) = (record(8).to_string(), record(9).to_string());
    let pairs = [("last_name", "Zoë"), ("organization_id", here.as_str())];
    let (doc, _) = created(contact, &pairs, &pen(2, 2));
    let whole = FeedItem {
        kind: "contact".into(),
        scope: ScopeId(record(8).0),
        snapshot: Some(Blob(doc.save())),
        ..item(record(1))
    };
    let batch = FeedBatch { cursor: Blob(vec![1]), items: vec![whole], ..FeedBatch::default() };
    device.handle_frame(&ServerMessage::Feed(batch).to_bytes(), &mut env).unwrap();
    device.edit(record(1), edit(contact, &[("organization_id", &there)]), &mut env).unwrap();
    let words = "SELECT rowid FROM search WHERE search MATCH 'zoe'";
    assert_eq!(device.query(words).unwrap().rows.len(), 1);
    refuse(&mut device, RefusalCode::Rule, &mut env);
    assert_eq!(device.record(record(1)).unwrap(), None);
    assert!(device.query(words).unwrap().rows.is_empty());
}

/// A process that watches says so in the file; another one on it reads that, as long as it holds.
#[test]
fn another_process_sees_that_one_is_connected() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(103);
    let mut watching = replica(&file, 1, &mut env);
    let mut asking = replica(&file, 1, &mut env);
    let at = |asking: &Replica, ms: i64| asking.status_at(UnixMs(NOW.0 + ms)).unwrap().link;
    assert_eq!(at(&asking, 60_000), LinkState::Offline);
    let minutes = |n: i64| UnixMs(NOW.0 + n * 60_000);
    watching.note_link(LinkState::Live, minutes(2), &mut env).unwrap();
    assert_eq!(at(&asking, 60_000), LinkState::Live);
    assert_eq!(at(&asking, 120_000), LinkState::Offline, "it was killed and says nothing more");
    assert_eq!(at(&asking, -86_400_000), LinkState::Offline, "the clock was set back by a day");
    // A note is no news to those who keep lists.
    let quiet = asking.look_for_foreign_writes().unwrap();
    assert_eq!(quiet, sync_core::replica::Foreign::Quiet);
    watching.disconnected(None);
    assert_eq!(at(&asking, 60_000), LinkState::Offline);
}

/// A process that says nothing more because it was killed is taken for offline at once, whatever it had
/// said before; another one that still runs is not.
#[test]
fn a_process_that_was_killed_is_taken_for_offline_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(104);
    let mut watching = replica(&file, 1, &mut env);
    let mut other = replica(&file, 1, &mut env);
    let asking = replica(&file, 1, &mut env);
    let link = || asking.status_at(UnixMs(NOW.0 + 60_000)).unwrap().link;
    let soon = UnixMs(NOW.0 + 120_000);
    watching.note_link(LinkState::Live, soon, &mut env).unwrap();
    other.note_link(LinkState::Live, soon, &mut env).unwrap();
    drop(watching);
    assert_eq!(link(), LinkState::Live);
    drop(other);
    assert_eq!(link(), LinkState::Offline);
    assert!(!dir.path().join("a.db-link").exists());
}
