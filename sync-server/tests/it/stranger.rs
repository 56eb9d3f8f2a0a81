//! A client that shares no line with this engine, written in JavaScript from `docs/PROTOCOL.md`, against
//! a real server.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use serde_json::Value as Json;
use sync_core::schema::ColumnType;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::harness::{ServerProcess, World, create, set, sync_at};

/// Long enough for any step.
const PATIENCE: Duration = Duration::from_secs(90);

fn tour() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sync-core/tests/js/client/tour.mjs")
}

/// The tour as a process that is told when to go on.
struct Tour {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it printed, for whoever looks why it failed.
    said: String,
}

impl Tour {
    fn start(url: &str, user: &str, token: &str) -> Self {
        let mut child = Command::new("node")
            .arg(tour())
            .args([url, user, token])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is there: `make setup` says how");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, lines: BufReader::new(output).lines(), said: String::new() }
    }

    /// Reads on to a line that begins so; returns the rest of it.
    async fn until(&mut self, beginning: &str) -> String {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("{}\nnot in time: {beginning}", self.said));
            let Some(line) = line.unwrap() else {
                panic!("{}\nthe tour ended before: {beginning}", self.said);
            };
            self.said.push_str(&line);
            self.said.push('\n');
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    }

    /// Waits until the tour waits for this; returns what it tells.
    async fn waits_for(&mut self, what: &str) -> Json {
        let told = self.until(&format!("wait: {what} ")).await;
        serde_json::from_str(&told).unwrap()
    }

    async fn go_on(&mut self, with: &str) {
        self.input.write_all(format!("{with}\n").as_bytes()).await.unwrap();
    }
}

fn id(told: &Json, name: &str) -> RecordId {
    told[name].as_str().unwrap().parse().unwrap()
}

/// Cells as JSON of one form: the server has maps as text, and JavaScript has one sort of number.
fn of_one_form(ty: ColumnType, cell: &Json) -> Json {
    match (ty, cell) {
        (ColumnType::Json, Json::String(text)) => serde_json::from_str(text).unwrap(),
        (ColumnType::Float, Json::Number(number)) => Json::from(number.as_f64()),
        _ => cell.clone(),
    }
}

/// The rows that the JavaScript client holds are those that its user sees on the server.
async fn assert_agrees(world: &World, rows: &Json) {
    for kind in world.server.app.schema.document_kinds() {
        let form = |row: &[Json]| -> Vec<Json> {
            let cells = row.iter().zip(kind.columns());
            cells.map(|(cell, column)| of_one_form(column.ty, cell)).collect()
        };
        let there = world.rows_of(world.rep, kind.table).await;
        let there: Vec<Vec<Json>> = there.iter().map(|row| form(row)).collect();
        let here = rows[kind.name].as_array().unwrap().iter();
        let here: Vec<Vec<Json>> = here.map(|row| form(row.as_array().unwrap())).collect();
        assert_eq!(here, there, "{}", kind.table);
    }
}

/// It greets, bootstraps, edits by every merge rule, is contested and refused, asks, is evicted and
/// resumes; and a device of this engine sees what it wrote.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_written_from_the_page_alone_holds_what_the_server_has() {
    let world = World::new().await;
    let process = ServerProcess::start(&world.config).await;
    let url = process.sync_url();
    let token = world.token(world.rep);
    let sync = async |device: &Client| {
        sync_at(device, &url, &world.token(device.user().0)).await.unwrap();
    };

    // What is there before it comes: an account of its user's, and one that its user does not see.
    let mut rosa = world.device("rosa.db", world.rep);
    let theirs = create(&mut rosa, "organization", &[("name", "Made by another device")]);
    set(&mut rosa, theirs, "organization", &[("cuisine", "French"), ("notes", "Zurück bis zehn")]);
    sync(&rosa).await;
    let mut omar = world.device("omar.db", world.other_rep);
    let foreign = create(&mut omar, "organization", &[("name", "Omar's")]);
    sync(&omar).await;

    let mut tour = Tour::start(&url, &world.rep.to_string(), &token);
    let told = tour.waits_for("contest").await;
    sync(&rosa).await;
    let account = id(&told, "account");
    set(&mut rosa, account, "organization", &[("priority_level", "A"), ("cuisine", "Lao")]);
    let deal = [("budget_confirmed", "no"), ("estimated_value", "minor=125000, currency=USD")];
    set(&mut rosa, id(&told, "deal"), "opportunity", &deal);
    set(&mut rosa, id(&told, "task"), "task", &[("due_date", "2026-03-05")]);
    set(&mut rosa, id(&told, "contact"), "contact", &[("do_not_contact", "yes")]);
    sync(&rosa).await;
    tour.go_on("").await;

    tour.waits_for("foreign").await;
    tour.go_on(&foreign.to_string()).await;

    let told = tour.waits_for("evict").await;
    // Everything it wrote, as this engine reads it, before it is taken away.
    sync(&rosa).await;
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.assign(id(&told, "account"), world.other_rep).await;
    tour.go_on("").await;

    tour.waits_for("resume").await;
    sync(&rosa).await;
    set(&mut rosa, theirs, "organization", &[("cuisine", "Lao")]);
    sync(&rosa).await;
    tour.go_on("").await;

    let rows = tour.until("rows: ").await;
    println!("{}", tour.said);
    assert_agrees(&world, &serde_json::from_str(&rows).unwrap()).await;
    assert!(tour.child.wait().await.unwrap().success());
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    drop(process);
    world.end().await;
}
