//! A server and its commands look first whether the database has the tables that they know.

use std::process::{Command, Output};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use sync_server::http::client;
use sync_server::ops::{migrate, people};
use sync_server::server;

use crate::harness::{SECRET, World, until, with_database};

fn run(database_url: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sync-server"))
        .args(args)
        .env("DATABASE_URL", database_url)
        .env("SUPABASE_JWT_SECRET", SECRET)
        .env("PORT", "0")
        .env("LOG_LEVEL", "error")
        .output()
        .unwrap()
}

/// What every command that needs tables says when it ends for want of them.
fn assert_refused(database_url: &str, expected: &str) {
    let record = "0190a000-0000-7000-8000-000000000001";
    let commands: [&[&str]; 9] = [
        &["serve"],
        &["user", "list"],
        &["territory", "list"],
        &["report", "pipeline", "--user", "mia@example.com"],
        &["reproject", "--check"],
        &["token", "--user", "mia@example.com"],
        &["grace"],
        &["explain", "--user", "mia@example.com", "--record", record],
        &["assign", "--to", "omar@example.com", "--as", "mia@example.com"],
    ];
    for args in commands {
        let output = run(database_url, args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(errors.lines().count(), 1, "{args:?}: {errors}");
        assert!(errors.contains(expected), "{args:?}: {errors}");
        assert!(errors.contains("sync-server migrate up"), "{args:?}: {errors}");
        assert_eq!(errors.matches(expected).count(), 1, "said once: {errors}");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
    }
}

async fn health(world: &World) -> (u16, String) {
    let url = format!("http://{}/health", world.server.address);
    let answer = client::builder().no_proxy().build().unwrap().get(&url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits for an answer, which is as old as a second.
async fn health_says(world: &World, status: u16, words: &str) {
    until("health says so", async || {
        let (found, text) = health(world).await;
        found == status && text.contains(words)
    })
    .await;
}

/// A release is tried on a database that nobody has migrated.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_on_a_database_without_tables() {
    let admin_url = std::env::var("DATABASE_URL").unwrap();
    let name = format!("empty_{}", people::new_id().simple());
    let mut connection = PgConnection::connect(&admin_url).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let url = with_database(&admin_url, &name);
    assert_refused(&url, "has none of the server's tables");
    // Looking has left nothing behind, and says what is to be done.
    let status = run(&url, &["--json", "migrate", "status"]);
    assert!(status.status.success());
    assert!(!String::from_utf8_lossy(&status.stdout).contains("applied"));
    let sql = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('setup', 'app', 'sync')";
    let mut empty = PgConnection::connect(&url).await.unwrap();
    let made: i64 = sqlx::query_scalar(sql).fetch_one(&mut empty).await.unwrap();
    assert_eq!(made, 0);
    empty.close().await.unwrap();
    connection.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
}

/// A server is started before its database was migrated, or after a later release migrated it; and a
/// migration of a running server's database is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_serves_the_tables_that_it_knows_and_no_others() {
    let world = World::new().await;
    let url = world.config.database_url.clone();
    let steps = migrate::applied(&world.owner).await.unwrap();
    let last = *steps.last().unwrap();
    assert_eq!(health(&world).await.0, 200);

    let newer = format!(
        "INSERT INTO setup.migrations (version, description, success, checksum, execution_time) VALUES ({}, 'later', true, '', 0)",
        last + 1
    );
    world.owner.execute(AssertSqlSafe(newer)).await.unwrap();
    assert_refused(&url, &format!("it is at migration {}, this program knows {last}", last + 1));
    // A server that runs goes on until it is replaced.
    health_says(&world, 200, "newer than this program").await;
    let sql = format!("DELETE FROM setup.migrations WHERE version = {}", last + 1);
    world.owner.execute(AssertSqlSafe(sql)).await.unwrap();

    let sql = format!("UPDATE setup.migrations SET checksum = '' WHERE version = {last}");
    world.owner.execute(AssertSqlSafe(sql)).await.unwrap();
    assert_refused(&url, &format!("migration {last} of the database is not the one"));
    migrate::down(&world.owner, false).await.unwrap();
    assert_refused(&url, &format!("it is at migration {} of {last}", steps[steps.len() - 2]));
    health_says(&world, 503, "sync-server migrate up").await;
    let error = server::start(&world.config, sync_core::crm::schema()).await.unwrap_err();
    assert!(error.to_string().contains("older than this program"), "{error}");

    migrate::up(&world.owner).await.unwrap();
    health_says(&world, 200, "").await;
    world.end().await;
}
