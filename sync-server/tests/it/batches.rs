//! Pushes that are committed together share a transaction and nothing else.

use client_sdk::Client;
use client_sdk::core::document::FieldState;
use client_sdk::core::ids::RecordId;
use sync_core::ids::GroupId;
use sync_core::protocol::{
    Blob, ClientMessage, Push, PushGroup, PushItem, ServerMessage, VerdictOutcome,
};
use sync_server::ops::people;

use crate::harness::{World, create, set, until};
use crate::wire::{Line, hello};

/// Keeps the server from committing until it is dropped, so that what comes meanwhile is committed
/// together.
struct Held {
    tx: sqlx::Transaction<'static, sqlx::Postgres>,
    /// Whose push waits for that, as long as this is held.
    _first: Line,
}

impl Held {
    async fn new(world: &World) -> Self {
        let mut tx = world.owner.begin().await.unwrap();
        sqlx::query("SELECT last_position FROM sync.clock FOR UPDATE")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        // Something for the server to wait with.
        let url = world.server.sync_url();
        let (mut line, welcome) = Line::greeted(&url, hello(world.token(world.admin))).await;
        welcome.unwrap();
        line.say(&push_of(Vec::new())).await;
        pushes_wait(world, 1).await;
        until("a commit is held up", async || {
            let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock')";
            sqlx::query_scalar(sql).fetch_one(&world.owner).await.unwrap()
        })
        .await;
        Self { tx, _first: line }
    }

    /// Lets the server commit, once so many pushes wait for it.
    async fn release(self, world: &World, pushes: usize) {
        pushes_wait(world, pushes).await;
        self.tx.rollback().await.unwrap();
    }
}

/// Waits until so many pushes have come to the server and have no verdicts.
async fn pushes_wait(world: &World, pushes: usize) {
    let committer = &world.server.app.committer;
    until(&format!("{pushes} pushes wait"), async || committer.waiting_pushes() >= pushes).await;
}

fn push_of(items: Vec<PushItem>) -> ClientMessage {
    let group =
        |item| PushGroup { group: GroupId(people::new_id()), seen: None, items: vec![item] };
    ClientMessage::Push(Push { push: 1, groups: items.into_iter().map(group).collect() })
}

/// Omar has stolen what Rosa is about to send, and sends it in the same moment: as it is, and with a
/// wrong checksum, which is another change of the same name. His is refused and hers accepted, and
/// neither is told the other's verdict; what builds on it stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_change_in_the_same_batch_changes_no_verdict() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen"), ("notes", "One.")]);
    world.sync(&mut rosa).await;
    for twisted in [false, true] {
        set(&mut rosa, account, "organization", &[("notes", "One. Two.")]);
        set(&mut rosa, account, "organization", &[("notes", "One. Two. Three.")]);
        let db = rusqlite::Connection::open(world.files.path().join("rosa.db")).unwrap();
        let sql = "SELECT bytes FROM changes WHERE state = 1 ORDER BY seq LIMIT 1";
        let mut stolen: Vec<u8> = db.query_row(sql, [], |row| row.get(0)).unwrap();
        stolen[5] ^= u8::from(twisted);
        let url = world.server.sync_url();
        let (mut omar, welcome) = Line::greeted(&url, hello(world.token(world.other_rep))).await;
        welcome.unwrap();
        let held = Held::new(&world).await;
        let item = PushItem {
            record: account,
            kind: "organization".into(),
            change: Blob(stolen),
            receipt: None,
        };
        omar.say(&push_of(vec![item])).await;
        pushes_wait(&world, 2).await;
        let (_, summary) = tokio::join!(held.release(&world, 3), world.sync(&mut rosa));
        assert_eq!(summary.refused, 0, "twisted: {twisted}");
        let kept = rosa.quarantine().unwrap();
        assert!(kept.is_empty(), "twisted: {twisted}: {kept:?}");
        loop {
            let Some(ServerMessage::Verdicts(verdicts)) = omar.next().await else { continue };
            let refused =
                |v: &sync_core::protocol::Verdict| matches!(v.outcome, VerdictOutcome::Refused(_));
            assert!(verdicts.verdicts.iter().all(refused), "twisted: {twisted}");
            break;
        }
        world.sync(&mut rosa).await;
        world.assert_agrees(&rosa).await;
        assert_eq!(notes(&mut rosa, account), "One. Two. Three.", "twisted: {twisted}");
        set(&mut rosa, account, "organization", &[("notes", "One.")]);
        world.sync(&mut rosa).await;
    }
    world.assert_projected().await;
    world.end().await;
}

/// Two processes on one file send the same edits in the same moment: accepted for both, so that
/// neither makes them again.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_two_processes_send_at_once_is_accepted_for_both() {
    let world = World::new().await;
    let mut one = world.device("rosa.db", world.rep);
    let account = create(&mut one, "organization", &[("name", "Kitchen"), ("notes", "One.")]);
    world.sync(&mut one).await;
    let mut two = world.device("rosa.db", world.rep);
    set(&mut one, account, "organization", &[("notes", "One. Two.")]);
    set(&mut two, account, "organization", &[("notes", "One. Two. Three.")]);
    let held = Held::new(&world).await;
    tokio::join!(held.release(&world, 3), world.sync(&mut one), world.sync(&mut two));
    for device in [&mut one, &mut two] {
        world.sync(device).await;
        assert_eq!(device.status().unwrap().refused, 0);
        world.assert_agrees(device).await;
        assert_eq!(notes(device, account), "One. Two. Three.");
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM sync.changes")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(count, 3, "each edit once");
    world.assert_projected().await;
    world.end().await;
}

fn notes(device: &mut Client, record: RecordId) -> String {
    match device.record(record).unwrap().unwrap().field("notes") {
        Some(FieldState::Text(text)) => text.clone(),
        other => panic!("notes are text, not {other:?}"),
    }
}
