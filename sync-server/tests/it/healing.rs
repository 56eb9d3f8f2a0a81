//! Copies of a file, old and new: whatever is done with them, all heal by themselves.

use std::collections::BTreeSet;

use client_sdk::core::document::FieldState;
use client_sdk::core::ids::{RecordId, UserId};
use client_sdk::core::replica::{Env, GroupEdit, OpenOptions, Replica, SessionFault};
use client_sdk::core::time::UnixMs;
use client_sdk::{Client, SystemEnv};
use sync_core::protocol::{ClientMessage, FeedAck, ServerMessage};

use crate::harness::{World, create, edit, set};
use crate::wire::Line;

const KINDS: [&str; 5] = ["organization", "contact", "opportunity", "interaction", "task"];

/// A file as it lies on the disk, journal included, under another name.
fn copy(world: &World, from: &str, to: &str) {
    for part in ["", "-wal", "-shm"] {
        let at = |file: &str| world.files.path().join(format!("{file}{part}"));
        let _ = std::fs::remove_file(at(to));
        if at(from).exists() {
            std::fs::copy(at(from), at(to)).unwrap();
        }
    }
}

/// An account and one record of each kind that hangs from it, in the order of [`KINDS`].
fn one_of_each(device: &mut Client) -> Vec<RecordId> {
    let account = create(device, "organization", &[("name", "Kitchen"), ("notes", "Notes.")]);
    let parent = account.to_string();
    let parent = ("organization_id", parent.as_str());
    vec![
        account,
        create(device, "contact", &[parent, ("last_name", "Lee")]),
        create(device, "opportunity", &[parent, ("name", "Menu"), ("description", "Soup.")]),
        create(device, "interaction", &[parent, ("interaction_type", "VISIT")]),
        create(device, "task", &[parent, ("title", "Call")]),
    ]
}

/// Tags a record of each kind: a word that every copy writes as one of its own.
fn tag(device: &mut Client, records: &[RecordId], word: &str) {
    for (record, kind) in records.iter().zip(KINDS) {
        set(device, *record, kind, &[("tags", word)]);
    }
}

fn tags(device: &mut Client, record: RecordId) -> BTreeSet<String> {
    match device.record(record).unwrap().unwrap().field("tags") {
        Some(FieldState::Keys(keys)) => keys.iter().cloned().collect(),
        other => panic!("tags are keys, not {other:?}"),
    }
}

fn text(device: &mut Client, record: RecordId, field: &str) -> String {
    match device.record(record).unwrap().unwrap().field(field) {
        Some(FieldState::Text(text)) => text.clone(),
        other => panic!("{field} is text, not {other:?}"),
    }
}

/// Nothing waits, nothing was refused, and the device holds what the server holds.
async fn assert_healed(world: &World, device: &Client) {
    let status = device.status().unwrap();
    assert_eq!((status.unsent, status.refused), (0, 0), "{:?}", device.quarantine());
    world.assert_agrees(device).await;
}

async fn changes(world: &World) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM sync.changes").fetch_one(&world.owner).await.unwrap()
}

/// A backup from before some edits, which the server has, is put back and used further: what came
/// after it is there again, what is made on it arrives, and nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_backup_that_is_used_further_loses_and_doubles_nothing() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let records = one_of_each(&mut rosa);
    world.sync(&mut rosa).await;
    tag(&mut rosa, &records, "unsent");
    set(&mut rosa, records[0], "organization", &[("notes", "Notes. Unsent.")]);
    copy(&world, "rosa.db", "backup.db");
    tag(&mut rosa, &records, "later");
    set(&mut rosa, records[0], "organization", &[("notes", "Notes. Unsent. Later.")]);
    world.sync(&mut rosa).await;
    drop(rosa);
    copy(&world, "backup.db", "rosa.db");
    let mut rosa = world.device("rosa.db", world.rep);
    tag(&mut rosa, &records, "restored");
    set(&mut rosa, records[0], "organization", &[("notes", "Begin. Notes. Unsent.")]);
    world.sync(&mut rosa).await;
    assert_healed(&world, &rosa).await;
    for record in &records {
        let expected = ["later", "restored", "unsent"].map(str::to_owned).into();
        assert_eq!(tags(&mut rosa, *record), expected);
    }
    let notes = text(&mut rosa, records[0], "notes");
    assert_eq!(notes, "Begin. Notes. Unsent. Later.");
    // Five beginnings, three rounds of five tags, three notes.
    assert_eq!(changes(&world).await, 5 + 15 + 3);
    world.assert_projected().await;
    world.end().await;
}

/// A file is copied with unsent edits in it, one of which the server will refuse, and both are used.
/// Edits of both arrive, and those that were in both arrive once, though each makes them again.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_used_on_two_machines_brings_the_unsent_edits_of_both_once() {
    let world = World::new().await;
    let mut one = world.device("one.db", world.rep);
    let records = one_of_each(&mut one);
    world.sync(&mut one).await;
    let deal = records[2];
    // Refused for want of a reason; what follows must not fall with it.
    set(&mut one, deal, "opportunity", &[("stage", "closed-lost")]);
    set(&mut one, deal, "opportunity", &[("description", "Soup. And stew.")]);
    for back in [GroupEdit::Delete { id: deal }, GroupEdit::Restore { id: deal }] {
        one.commit(&[back]).unwrap();
    }
    tag(&mut one, &records, "before");
    copy(&world, "one.db", "two.db");
    let mut two = world.device("two.db", world.rep);
    assert_ne!(
        one.with_replica(|replica, _| replica.actor()),
        two.with_replica(|replica, _| replica.actor())
    );
    tag(&mut one, &records, "one");
    tag(&mut two, &records, "two");
    set(&mut one, deal, "opportunity", &[("description", "Soup. And stew. One.")]);
    set(&mut two, deal, "opportunity", &[("description", "Two. Soup. And stew.")]);
    for device in [&mut one, &mut two] {
        world.sync(device).await;
    }
    world.sync(&mut one).await;
    for device in [&mut one, &mut two] {
        world.assert_agrees(device).await;
        assert_eq!(device.status().unwrap().unsent, 0);
        let kept = device.quarantine().unwrap();
        assert_eq!(kept.len(), 1, "the refused step, on both: {kept:?}");
        assert_eq!(kept[0].refusal.policy.as_deref(), Some("closed_deals_need_a_reason"));
        assert_eq!(text(device, deal, "description"), "Two. Soup. And stew. One.");
        let record = device.record(deal).unwrap().unwrap();
        let Some(FieldState::Log(steps)) = record.field("life") else { panic!("a log") };
        assert_eq!(steps.len(), 2, "deleted and restored, once each: {steps:?}");
        for record in &records {
            let found = tags(device, *record);
            assert!(["before", "one", "two"].iter().all(|word| found.contains(*word)), "{found:?}");
        }
    }
    world.assert_projected().await;
    world.end().await;
}

/// A backup with unsent edits, one of which was refused meanwhile, is put back: what was made again
/// then is not made a second time.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_again_before_a_backup_came_back_is_not_made_twice() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let deal = one_of_each(&mut rosa)[2];
    world.sync(&mut rosa).await;
    set(&mut rosa, deal, "opportunity", &[("stage", "closed-lost")]);
    set(&mut rosa, deal, "opportunity", &[("description", "Soup. And stew.")]);
    rosa.commit(&[GroupEdit::Delete { id: deal }]).unwrap();
    copy(&world, "rosa.db", "backup.db");
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    let before = changes(&world).await;
    for _ in 0..3 {
        drop(rosa);
        copy(&world, "backup.db", "rosa.db");
        rosa = world.device("rosa.db", world.rep);
        assert_eq!(world.sync(&mut rosa).await.refused, 1);
        assert_eq!(text(&mut rosa, deal, "description"), "Soup. And stew.");
    }
    assert_eq!(changes(&world).await, before);
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// Entropy that repeats itself, as on a machine that was copied while it ran.
struct Copied;

impl Env for Copied {
    fn now(&mut self) -> UnixMs {
        SystemEnv.now()
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
}

fn copied(world: &World, file: &str) -> Client {
    let db = rusqlite::Connection::open(world.files.path().join(file)).unwrap();
    let options = OpenOptions { schema: sync_core::crm::schema(), user: Some(UserId(world.rep)) };
    Client::of(Replica::open(db, options, &mut Copied).unwrap())
}

/// A machine is copied while it runs: both go on as one writer, and give their next edits the same
/// numbers. The server takes one of each, and the other is written anew, whether its copy hears of
/// it by the verdict or by the feed; in groups and in new records too.
#[tokio::test(flavor = "multi_thread")]
async fn two_machines_that_are_one_writer_lose_and_double_nothing() {
    let world = World::new().await;
    let mut rosa = world.device("one.db", world.rep);
    let records = one_of_each(&mut rosa);
    world.sync(&mut rosa).await;
    drop(rosa);
    copy(&world, "one.db", "two.db");
    let (mut one, mut two) = (copied(&world, "one.db"), copied(&world, "two.db"));
    assert_eq!(
        one.with_replica(|replica, _| replica.actor()),
        two.with_replica(|replica, _| replica.actor())
    );
    let mut made = changes(&world).await;
    for round in 0..3 {
        for (device, name) in [(&mut one, "one"), (&mut two, "two")] {
            tag(device, &records, &format!("{name}{round}"));
            let word = format!("group-{name}{round}");
            let group = [
                GroupEdit::Edit { id: records[0], edit: edit("organization", &[("tags", &word)]) },
                GroupEdit::Edit { id: records[4], edit: edit("task", &[("tags", &word)]) },
            ];
            device.commit(&group).unwrap();
            let parent = records[0].to_string();
            create(device, "task", &[("title", &word), ("organization_id", &parent)]);
            made += 5 + 2 + 1;
        }
        world.sync(&mut one).await;
        world.sync(&mut two).await;
        world.sync(&mut one).await;
        assert_healed(&world, &one).await;
        assert_healed(&world, &two).await;
        assert_eq!(changes(&world).await, made, "round {round}");
    }
    for record in &records {
        assert!(tags(&mut two, *record).len() >= 6);
    }
    assert!(tags(&mut one, records[4]).contains("group-one2"));
    assert!(tags(&mut one, records[4]).contains("group-two2"));
    world.assert_projected().await;
    world.end().await;
}

/// Two processes on one file edit the same records and sync in turn, each with what the other made.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_file_send_each_others_edits_once() {
    let world = World::new().await;
    let mut one = world.device("rosa.db", world.rep);
    let mut mia = world.device("mia.db", world.manager);
    let records = one_of_each(&mut one);
    world.sync(&mut one).await;
    world.sync(&mut mia).await;
    let mut two = world.device("rosa.db", world.rep);
    for round in 0..10 {
        tag(&mut one, &records, &format!("one{round}"));
        tag(&mut two, &records, &format!("two{round}"));
        tag(&mut mia, &records, &format!("mia{round}"));
        for device in [&mut one, &mut mia, &mut two] {
            world.sync(device).await;
        }
    }
    world.sync(&mut one).await;
    for device in [&mut two, &mut mia, &mut one] {
        world.sync(device).await;
        assert_healed(&world, device).await;
    }
    for device in [&mut one, &mut two, &mut mia] {
        for record in &records {
            assert_eq!(tags(device, *record).len(), 30);
        }
    }
    assert_eq!(changes(&world).await, 5 + 150);
    world.assert_projected().await;
    world.end().await;
}

/// Which of these words stand in a file or its journal.
fn found_in(world: &World, file: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for part in ["", "-wal", "-shm"] {
        let path = world.files.path().join(format!("{file}{part}"));
        let Ok(bytes) = std::fs::read(path) else { continue };
        let text = bytes.to_ascii_lowercase();
        // In part, since an index stores what a word does not share with its neighbour.
        let stands =
            |word: &&&str| text.windows(word.len() - 2).any(|at| at == &word.as_bytes()[2..]);
        found.extend(words.iter().filter(stands).map(|word| format!("{word} in {file}{part}")));
    }
    found
}

const SECRETS: [&str; 3] = ["quxelbrunn", "wrzaskowski", "vlkovarind"];

fn secret_account(device: &mut Client) -> RecordId {
    let words = [("name", "Quxelbrunn"), ("notes", "Ask Wrzaskowski."), ("cuisine", "Vlkovarind")];
    create(device, "organization", &words)
}

/// A backup from before an account was given away is put back: the account goes again, without a
/// trace, and what was edited in the backup, which has not heard of it, arrives.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_backup_brings_no_evicted_record_back() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let gone = secret_account(&mut rosa);
    let stays = create(&mut rosa, "organization", &[("name", "Ordinary")]);
    world.sync(&mut rosa).await;
    set(&mut rosa, gone, "organization", &[("website", "edit.example")]);
    set(&mut rosa, stays, "organization", &[("website", "stays.example")]);
    copy(&world, "rosa.db", "backup.db");
    world.assign(gone, world.other_rep).await;
    world.sync(&mut rosa).await;
    drop(rosa);
    copy(&world, "backup.db", "rosa.db");
    assert!(!found_in(&world, "rosa.db", &SECRETS).is_empty(), "the backup has it");
    let mut rosa = world.device("rosa.db", world.rep);
    set(&mut rosa, gone, "organization", &[("employee_count", "7")]);
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    assert!(rosa.record(gone).unwrap().is_none());
    assert!(rosa.search("quxelbrunn", 5).unwrap().is_empty());
    assert_eq!(found_in(&world, "rosa.db", &SECRETS), Vec::<String>::new());
    assert_eq!(rosa.status().unwrap().unsent, 0);
    assert!(rosa.quarantine().unwrap().is_empty());
    let mut omar = world.device("omar.db", world.other_rep);
    world.sync(&mut omar).await;
    let theirs = omar.record(gone).unwrap().unwrap();
    assert_eq!(
        (theirs.json("website"), theirs.json("employee_count")),
        ("edit.example".into(), 7.into())
    );
    assert_eq!(rosa.record(stays).unwrap().unwrap().json("website"), "stays.example");
    world.end().await;
}

/// Another process on the same file has the account open when it is given away, and is even in the
/// middle of a session: it can neither edit it nor bring it back.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_brings_no_evicted_record_back() {
    let world = World::new().await;
    let mut one = world.device("rosa.db", world.rep);
    let gone = secret_account(&mut one);
    world.sync(&mut one).await;
    let mut two = world.device("rosa.db", world.rep);
    assert!(two.record(gone).unwrap().is_some(), "and it has it in memory");
    // Its session receives the manager's edit of the account, and lies still before taking it in.
    let mut line = Line::silent(&world.server.sync_url()).await;
    line.say_bytes(
        two.with_replica(|replica, _| replica.connect(&world.token(world.rep), "two")).unwrap(),
    )
    .await;
    let welcome = line.next().await.unwrap();
    two.with_replica(|replica, env| replica.handle_frame(&welcome.to_bytes(), env)).unwrap();
    let mut mia = world.device("mia.db", world.manager);
    world.sync(&mut mia).await;
    set(&mut mia, gone, "organization", &[("industry_segment", "Quxelbrunn")]);
    world.sync(&mut mia).await;
    let stale = line.next().await.unwrap();
    assert!(matches!(&stale, ServerMessage::Feed(batch) if !batch.items.is_empty()));
    world.assign(gone, world.other_rep).await;
    world.sync(&mut one).await;
    assert!(one.record(gone).unwrap().is_none());
    let late = two.with_replica(|replica, env| replica.handle_frame(&stale.to_bytes(), env));
    assert!(matches!(late, Err(SessionFault::OutOfStep)), "{late:?}");
    two.with_replica(|replica, _| replica.disconnected(None));
    assert!(two.record(gone).unwrap().is_none());
    let late = two.edit(gone, edit("organization", &[("website", "x.example")]));
    assert!(late.is_err(), "there is nothing to edit");
    for device in [&mut two, &mut one] {
        world.sync(device).await;
        assert_healed(&world, device).await;
    }
    assert_eq!(found_in(&world, "rosa.db", &SECRETS), Vec::<String>::new());
    // What is acknowledged twice or for nothing harms nobody either.
    line.say(&ClientMessage::FeedAck(FeedAck { batches: 9 })).await;
    world.end().await;
}
