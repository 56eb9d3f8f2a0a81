//! Processes killed at named points lose nothing that was acknowledged and double nothing.

use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sync_core::testing::{DIES_AT, Doom, FaultPoint};

use crate::harness::{ServerProcess, World, create, pantry_program, set};

const ACCOUNTS: usize = 200;
/// Edits that wait when a round begins: more than two pushes hold, so that each point is come to as
/// often as it is drawn, whatever is committed together.
const WAITING: usize = 1100;
/// How often a side dies at each point.
const ROUNDS: usize = 6;
/// How long a process may take to come to its point, on a slow machine.
const GENEROUS: Duration = Duration::from_secs(180);

/// Points on the way of an upload, and how often each is come to at least.
const POINTS: [(FaultPoint, u64); 8] = [
    (FaultPoint::DeviceBeforePush, 2),
    (FaultPoint::DeviceBeforeCommit, 3),
    (FaultPoint::DeviceAfterCommit, 3),
    (FaultPoint::ServerMidJudging, 600),
    (FaultPoint::ServerBeforeCommit, 1),
    (FaultPoint::ServerAfterCommit, 1),
    (FaultPoint::ServerBeforeVerdict, 2),
    (FaultPoint::ServerMidFeed, 3),
];

/// `pantry sync` as a process of its own, killed without warning when dropped.
struct Pantry(Child);

impl Pantry {
    fn sync(file: &Path, url: &str, token: &str, dies_at: Option<String>) -> Self {
        let child = Command::new(pantry_program())
            .arg("--db")
            .arg(file)
            .args(["sync", "--server", url])
            .env("PANTRY_TOKEN", token)
            .envs(dies_at.map(|at| (DIES_AT, at)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Pantry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The rep's device and the server die at each point of an upload in turn, and whoever did not is killed
/// as well, while the edits of weeks go up. What the device was told is accepted is on the server, after
/// every death; in the end every edit is there once, and tables, documents and device agree.
#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_point_of_an_upload_loses_and_doubles_nothing() {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::new().await;
    let file = world.files.path().join("rep.db");
    let mut rep = world.device("rep.db", world.rep);
    let accounts: Vec<RecordId> = (0..ACCOUNTS)
        .map(|n| create(&mut rep, "organization", &[("name", format!("Account {n}").as_str())]))
        .collect();
    drop(rep);
    let mut made = 0;
    let mut all = pending(&file);
    let token = world.token(world.rep);
    for round in 0..POINTS.len() * ROUNDS {
        let missing = WAITING.saturating_sub(pending(&file).len());
        let mut rep = Client::open(&file, None).unwrap();
        edit(&mut rep, &accounts, &mut made, missing);
        drop(rep);
        all.extend(pending(&file));
        let (point, most) = POINTS[round % POINTS.len()];
        let nth = random.random_range(1..=most);
        die(&world, &file, &token, point, nth).await;
        let waiting = pending(&file);
        let stored = stored(&world).await;
        let lost = all.difference(&waiting).filter(|hash| !stored.contains(*hash)).count();
        assert_eq!(lost, 0, "edits acknowledged and not stored, at {point}:{nth}; seed {seed}");
    }
    let mut rep = Client::open(&file, None).unwrap();
    world.sync(&mut rep).await;
    let status = rep.status().unwrap();
    assert_eq!((status.unsent, status.refused), (0, 0), "seed {seed}");
    assert_eq!(stored(&world).await, all, "every edit is there, and nothing else; seed {seed}");
    let outcome = world.assert_projected().await;
    assert_eq!((outcome.records, outcome.changes), (ACCOUNTS as u64, all.len() as u64));
    world.assert_agrees(&rep).await;
    world.end().await;
}

/// Has the device upload until one side dies at a point, and then kills the other.
async fn die(world: &World, file: &Path, token: &str, point: FaultPoint, nth: u64) {
    let dies_at = Some(Doom::in_words(point, nth));
    let (of_device, of_server) =
        if point.is_of_device() { (dies_at, None) } else { (None, dies_at) };
    let mut server = ServerProcess::dying(&world.config, of_server).await;
    let mut device = Pantry::sync(file, &server.sync_url(), token, of_device);
    let dying = if point.is_of_device() { &mut device.0 } else { &mut server.child };
    let dead = async {
        loop {
            if let Some(status) = dying.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let dead = tokio::time::timeout(GENEROUS, dead).await;
    let dead = dead.unwrap_or_else(|_| panic!("nobody ever came to {point}:{nth}"));
    assert!(
        dead.signal().is_some(),
        "ended with {dead} instead of at {point}:{nth}; are both programs built with --all-features?"
    );
}

fn edit(rep: &mut Client, accounts: &[RecordId], made: &mut usize, count: usize) {
    for _ in 0..count {
        let account = accounts[*made % accounts.len()];
        *made += 1;
        let value = made.to_string();
        set(rep, account, "organization", &[("employee_count", value.as_str())]);
    }
}

/// Names of the edits that wait in a device's outbox, read from its file by nobody's code but SQLite's.
fn pending(file: &Path) -> HashSet<Vec<u8>> {
    let db = rusqlite::Connection::open(file).unwrap();
    let mut statement = db.prepare("SELECT hash FROM changes WHERE state = 1").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

async fn stored(world: &World) -> HashSet<Vec<u8>> {
    let hashes: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT hash FROM sync.changes").fetch_all(&world.owner).await.unwrap();
    hashes.into_iter().collect()
}
