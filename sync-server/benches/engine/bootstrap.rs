//! A fresh replica takes in everything its user sees; an old one has nothing to take in.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use client_sdk::Client;
use rusqlite::Connection;
use rusqlite::types::Value;
use sync_core::ids::{RecordId, UserId};
use sync_core::replica::GroupEdit;

use crate::figures::{Figures, median, peak_memory};
use crate::harness::{ServerProcess, World, edit, sync_at};

/// The argument with which this program runs as a replica that begins.
pub(crate) const CHILD: &str = "--replica-that-begins";
const ROUNDS: usize = 5;
/// Records a transaction of the floor, as in a feed batch: what was received stays received.
const BATCH: usize = sync_core::limits::RECORDS_PER_FEED_BATCH;

pub(crate) const ACCOUNTS: usize = 1600;

/// The S profile: one rep's device makes 16,200 records without a network and uploads them.
pub(crate) async fn seed(world: &World, server: &ServerProcess) -> Client {
    let rep = world.device("seed.db", world.rep);
    for n in 0..ACCOUNTS {
        let organization = rep.mint_id();
        let parent = organization.to_string();
        let mut group = vec![create(
            organization,
            "organization",
            &[
                ("name", &format!("Kitchen {n}")),
                ("cuisine", ["Thai", "Grill", "Deli", "Bakery"][n % 4]),
                ("priority_level", ["A", "B", "C", "D"][n % 4]),
                ("billing_address.street", &format!("{n} Main Street")),
                ("billing_address.city", "Albany"),
                ("notes", "Orders on Mondays, closed on Tuesdays. Ask for the chef at the back."),
            ],
        )];
        let mut child = |kind: &str, pairs: &[(&str, &str)]| {
            let mut all = vec![("organization_id", parent.as_str())];
            all.extend(pairs);
            group.push(create(rep.mint_id(), kind, &all));
        };
        for i in 0..1 + n % 2 {
            child("contact", &[("first_name", "Kim"), ("last_name", &format!("Nr{n}-{i}"))]);
        }
        if n % 8 < 5 {
            let name = format!("Menu deal {n}");
            child("opportunity", &[("name", &name), ("estimated_close_date", "2030-05-15")]);
        }
        for i in 0..5 {
            let subject = format!("Call {i} on site");
            child(
                "interaction",
                &[
                    ("interaction_type", if i % 2 == 0 { "VISIT" } else { "CALL" }),
                    ("occurred_at", "2025-05-05T09:00:00Z"),
                    ("subject", &subject),
                ],
            );
        }
        for title in ["Follow up", "Send menu"] {
            child("task", &[("title", title), ("due_date", "2030-01-10")]);
        }
        rep.commit(&group).unwrap();
    }
    sync_at(&rep, &server.sync_url(), &world.token(world.rep)).await.unwrap();
    assert_eq!(rep.status().unwrap().unsent, 0);
    rep
}

fn create(id: RecordId, kind: &str, pairs: &[(&str, &str)]) -> GroupEdit {
    GroupEdit::Create { id, kind: crate::harness::kind(kind), edit: edit(kind, pairs) }
}

pub(crate) async fn run(world: &World, server: &ServerProcess, figures: &mut Figures) {
    figures.note("bootstrap of the S profile");
    let (mut engine, mut floor, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let token = world.token(world.manager);
    for round in 0..ROUNDS {
        let file = world.files.path().join(format!("fresh-{round}.db"));
        let output = Command::new(std::env::current_exe().unwrap())
            .args([CHILD, &server.sync_url(), &token, file.to_str().unwrap()])
            .arg(world.manager.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (micros, peak) = text.trim().split_once(' ').expect("the replica says two numbers");
        engine.push(Duration::from_micros(micros.parse().unwrap()));
        memory.push(peak.parse::<f64>().unwrap());
        floor.push(by_hand(&file, &world.files.path().join(format!("floor-{round}.db"))));
    }
    figures.against("bootstrap.s_profile", median(engine) * 1e3, "ms", median(floor) * 1e3);
    memory.sort_by(f64::total_cmp);
    figures.value("bootstrap.replica.memory", memory[ROUNDS / 2], "bytes");
}

/// The replica that begins: prints the time in microseconds and the most memory it held.
pub(crate) async fn child(args: &[String]) {
    let [url, token, file, user] = args else { panic!("expected URL TOKEN FILE USER") };
    let device = Client::open(Path::new(file), Some(UserId(user.parse().unwrap()))).unwrap();
    let started = Instant::now();
    sync_at(&device, url, token).await.unwrap();
    let took = started.elapsed();
    let records: usize = sync_core::crm::schema()
        .document_kinds()
        .map(|kind| device.list(kind, &Default::default()).unwrap().rows.len())
        .sum();
    assert!(records > 16_000, "only {records} records arrived");
    println!("{} {}", took.as_micros(), peak_memory(std::process::id()));
}

/// The same rows and blobs put into the same tables, in durable transactions of the same size.
fn by_hand(from: &Path, to: &Path) -> Duration {
    let source = Connection::open(from).unwrap();
    let target = Connection::open(to).unwrap();
    target.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    target.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON").unwrap();
    let mut made =
        source.prepare("SELECT sql FROM sqlite_schema WHERE sql NOT LIKE '%sqlite_%' AND name NOT LIKE 'search_%'").unwrap();
    let mut rows = made.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        target.execute_batch(&row.get::<_, String>(0).unwrap()).unwrap();
    }
    let schema = sync_core::crm::schema();
    let tables = schema.document_kinds().map(|kind| kind.table);
    let contents: Vec<(&str, Vec<Vec<Value>>)> = std::iter::once("documents")
        .chain(tables)
        .map(|table| (table, everything(&source, table)))
        .collect();
    let started = Instant::now();
    for (table, rows) in &contents {
        let Some(first) = rows.first() else { continue };
        let sql = format!("INSERT INTO {table} VALUES ({})", vec!["?"; first.len()].join(", "));
        for batch in rows.chunks(BATCH) {
            let tx = target.unchecked_transaction().unwrap();
            let mut statement = tx.prepare_cached(&sql).unwrap();
            for row in batch {
                statement.execute(rusqlite::params_from_iter(row)).unwrap();
            }
            drop(statement);
            tx.commit().unwrap();
        }
    }
    started.elapsed()
}

fn everything(db: &Connection, table: &str) -> Vec<Vec<Value>> {
    let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let width = statement.column_count();
    let rows = statement
        .query_map([], |row| (0..width).map(|i| row.get::<_, Value>(i)).collect())
        .unwrap();
    rows.map(Result::unwrap).collect()
}

/// A replica that has everything says hello: one round trip.
pub(crate) async fn idle(
    world: &World,
    server: &ServerProcess,
    rep: &mut Client,
    figures: &mut Figures,
) {
    let token = world.token(world.rep);
    sync_at(rep, &server.sync_url(), &token).await.unwrap();
    let started = Instant::now();
    let summary = sync_at(rep, &server.sync_url(), &token).await.unwrap();
    let took = started.elapsed();
    // A request and its answer; and the token and the cursor, which nothing can spare.
    figures.against("idle.frames", summary.frames as f64, "frames", 2.0);
    figures.against("idle.bytes", summary.bytes as f64, "bytes", (token.len() + 32) as f64);
    figures.value("idle.time", took.as_secs_f64() * 1e3, "ms");
}
