//! One dead process, or one silent connection, stops nobody.
//!
//! A commit is held up at a point by a lock of the test's own, and whatever carries it is stopped
//! there; then the lock is given up, and the others must get on. Bounds are generous: that anybody
//! gets on at all shows that a limit struck, since what was stopped never moves.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use client_sdk::core::ids::RecordId;
use client_sdk::{Client, Server};
use futures_util::StreamExt;
use sqlx::postgres::Postgres;
use sqlx::{AssertSqlSafe, Executor, Transaction};
use sync_server::config::Config;
use sync_server::http::client;
use sync_server::server::{self, Running};
use sync_server::store::{self, Patience};
use sync_server::telemetry;
use uuid::Uuid;

use crate::fault::{account, codes, job};
use crate::harness::{GENEROUS, ServerProcess, World, create, set, until};
use crate::relay::Relay;

/// Limits that strike soon, and late enough for a slow machine's commit.
const SHORT: Patience = Patience::of(Duration::from_secs(6));

/// Tables that a commit touches, in its order; whoever locks one holds it up there.
const POINTS: [&str; 4] = ["sync.clock", "public.organizations", "sync.changes", "sync.documents"];

async fn sent(device: &Client, what: &str) {
    until(what, async || device.status().unwrap().unsent == 0).await;
}

/// Holds up every commit at a table.
async fn hold(world: &World, table: &str) -> Transaction<'static, Postgres> {
    let mut held = world.owner.begin().await.unwrap();
    held.execute(AssertSqlSafe(format!("LOCK TABLE {table} IN EXCLUSIVE MODE"))).await.unwrap();
    held
}

/// Waits until a commit has come as far as that.
async fn held_up(world: &World, table: &str) {
    until(&format!("a commit at {table}"), async || {
        // Other databases have tables of the same number.
        let sql = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
             WHERE d.datname = current_database() AND relation = $1::regclass AND NOT granted)";
        sqlx::query_scalar(sql).bind(table).fetch_one(&world.owner).await.unwrap()
    })
    .await;
}

fn signal(process: &ServerProcess, name: &str) {
    let status = Command::new("kill").args([name, &process.child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

fn connected(world: &World, user: Uuid, url: &str) -> Client {
    let device = world.device(&format!("{user}.db"), user);
    device.use_server(Server::new(url, world.token(user)));
    device.connect();
    device
}

fn number(world: &World, id: RecordId) -> impl Future<Output = i64> {
    let owner = world.owner.clone();
    async move {
        let sql = "SELECT employee_count FROM public.organizations WHERE id = $1";
        sqlx::query_scalar(sql).bind(id.0).fetch_one(&owner).await.unwrap()
    }
}

/// A machine vanishes in the middle of a commit, at each point of it: devices of the other server write
/// on. When the machine comes back, the edit that it was at is there once.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_amid_a_commit_stops_nobody_else() {
    let world = World::new().await;
    let config = Config { patience: SHORT, ..world.config.clone() };
    let (stopped, other) =
        (ServerProcess::start(&config).await, ServerProcess::start(&config).await);
    let mut rosa = connected(&world, world.rep, &stopped.sync_url());
    let mut omar = connected(&world, world.other_rep, &other.sync_url());
    let of_rosa = create(&mut rosa, "organization", &[("name", "Rosa's")]);
    let of_omar = create(&mut omar, "organization", &[("name", "Omar's")]);
    sent(&rosa, "Rosa's account").await;
    sent(&omar, "Omar's account").await;
    for (n, table) in POINTS.iter().enumerate() {
        let value = (n + 1).to_string();
        let held = hold(&world, table).await;
        set(&mut rosa, of_rosa, "organization", &[("employee_count", &value)]);
        held_up(&world, table).await;
        signal(&stopped, "-STOP");
        held.rollback().await.unwrap();
        set(&mut omar, of_omar, "organization", &[("employee_count", &value)]);
        sent(&omar, &format!("Omar's edit, with the other server stopped at {table}")).await;
        assert_eq!(number(&world, of_omar).await, i64::try_from(n + 1).unwrap());
        signal(&stopped, "-CONT");
        sent(&rosa, &format!("Rosa's edit, after a stop at {table}")).await;
        assert_eq!(number(&world, of_rosa).await, i64::try_from(n + 1).unwrap());
    }
    let outcome = world.assert_projected().await;
    assert_eq!(outcome.changes, 2 + 2 * POINTS.len() as u64, "each edit is there once");
    drop((rosa, omar, stopped, other));
    world.end().await;
}

/// A stopped server takes nothing from its socket, and Postgres, sending a large answer, would wait for it
/// with all its locks: no limit on statements ends that.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_answer_loses_its_locks() {
    let world = World::new().await;
    let url = &world.config.database_url;
    let stopped = store::connect(url, 1, Patience::of(Duration::from_secs(2))).await.unwrap();
    let mut tx = stopped.begin().await.unwrap();
    tx.execute("SELECT 1 FROM sync.clock FOR UPDATE").await.unwrap();
    let large = "SELECT repeat('x', 1000000) FROM generate_series(1, 100)";
    let mut answer = sqlx::query(large).fetch(&mut *tx);
    // The first row is taken and then no more.
    answer.next().await.unwrap().unwrap();
    let other = store::connect(url, 1, Patience::of(GENEROUS)).await.unwrap();
    other.execute("SELECT 1 FROM sync.clock FOR UPDATE").await.unwrap();
    drop(answer);
    drop(tx);
    other.close().await;
    world.end().await;
}

/// A server whose way to Postgres leads through a relay.
async fn behind(world: &World, relay: &Relay) -> Running {
    let database_url = relay.instead_of(&world.config.database_url);
    let config = Config { database_url, patience: SHORT, ..world.config.clone() };
    server::start(&config, sync_core::crm::schema()).await.unwrap()
}

async fn health(server: &Running) -> (u16, String) {
    let url = format!("http://{}/health", server.address);
    let client = client::builder().timeout(GENEROUS).no_proxy().build().unwrap();
    let answer = client.get(&url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A firewall forgets the server's connections in the middle of a commit: they stay open and nothing
/// comes through. New ones work. The push is answered as unavailable, comes again, and is stored once; and
/// the server hears of others' commits again.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_amid_a_commit_is_given_up() {
    let world = World::new().await;
    let relay = Relay::start(&world.config.database_url).await;
    let server = behind(&world, &relay).await;
    let mut rosa = connected(&world, world.rep, &server.sync_url());
    let id = create(&mut rosa, "organization", &[("name", "Rosa's")]);
    sent(&rosa, "Rosa's account").await;
    for (n, table) in POINTS.iter().enumerate() {
        let value = (n + 1).to_string();
        let held = hold(&world, table).await;
        set(&mut rosa, id, "organization", &[("employee_count", &value)]);
        held_up(&world, table).await;
        relay.silence_open_connections();
        held.rollback().await.unwrap();
        sent(&rosa, &format!("Rosa's edit, after silence at {table}")).await;
        assert_eq!(number(&world, id).await, i64::try_from(n + 1).unwrap());
    }
    let outcome = world.assert_projected().await;
    assert_eq!(outcome.changes, 1 + POINTS.len() as u64, "each edit is there once");
    until("the listener notices", async || {
        telemetry::metrics().render().contains("sync_listener_lost_total")
    })
    .await;
    until("the server is well again", async || health(&server).await.0 == 200).await;
    drop(rosa);
    server.stop().await;
    world.end().await;
}

/// Nothing comes through to the database any more, on no connection: whoever pushes hears so, health says
/// so, and when the way is free again everything works without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn pushes_are_answered_while_the_database_is_silent() {
    let world = World::new().await;
    let relay = Relay::start(&world.config.database_url).await;
    let server = behind(&world, &relay).await;
    let committer = &server.app.committer;
    let first = account(world.rep, "First");
    let held = hold(&world, "sync.changes").await;
    let push = {
        let committer = committer.clone();
        let job = job(world.rep, vec![first.clone()]);
        tokio::spawn(async move { committer.push(job).await })
    };
    held_up(&world, "sync.changes").await;
    relay.silence_all();
    held.rollback().await.unwrap();
    let answer = tokio::time::timeout(GENEROUS, push).await.expect("an answer").unwrap();
    assert!(answer.is_err(), "nobody knows whether it is stored: {answer:?}");
    let second = committer.push(job(world.rep, vec![account(world.rep, "Second")]));
    assert!(tokio::time::timeout(GENEROUS, second).await.expect("an answer").is_err());
    let (status, text) = health(&server).await;
    assert_eq!(status, 503, "{text}");
    relay.let_through();
    until("the same push is accepted", async || {
        match committer.push(job(world.rep, vec![first.clone()])).await {
            Ok(verdicts) => codes(&verdicts) == [None],
            Err(_) => false,
        }
    })
    .await;
    assert_eq!(world.assert_projected().await.changes, 1);
    until("the server is well again", async || health(&server).await.0 == 200).await;
    Arc::clone(&server.app).stopping.cancel();
    server.stop().await;
    world.end().await;
}
