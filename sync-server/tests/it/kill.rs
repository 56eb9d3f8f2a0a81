//! Processes killed at any moment lose nothing that was acknowledged and double nothing.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::harness::{ServerProcess, World, create, pantry_program, set};

const ACCOUNTS: usize = 200;
const EDITS: usize = 5000;
const KILLS: usize = 50;
/// Edits acknowledged before a kill, at most: more than one push has.
const PROGRESS: usize = 600;

/// `pantry sync` as a process of its own, killed without warning when dropped.
struct Pantry(Child);

impl Pantry {
    fn sync(file: &Path, url: &str, token: &str) -> Self {
        let child = Command::new(pantry_program())
            .arg("--db")
            .arg(file)
            .args(["sync", "--server", url])
            .env("PANTRY_TOKEN", token)
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

/// The rep's device or the server, or both, are killed again and again while the edits of weeks go
/// up. What the device was told is accepted is on the server, at every moment; in the end every edit
/// is there once, and tables, documents and device agree.
#[tokio::test(flavor = "multi_thread")]
async fn killing_server_and_device_at_random_moments_loses_and_doubles_nothing() {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::new().await;
    let file = world.files.path().join("rep.db");
    let mut rep = world.device("rep.db", world.rep);
    let accounts: Vec<RecordId> = (0..ACCOUNTS)
        .map(|n| create(&mut rep, "organization", &[("name", format!("Account {n}").as_str())]))
        .collect();
    let mut made = 0;
    edit(&mut rep, &accounts, &mut made, EDITS);
    drop(rep);
    let mut all = pending(&file);
    assert_eq!(all.len(), ACCOUNTS + EDITS);
    let token = world.token(world.rep);
    let mut moments = 0;
    for _ in 0..KILLS {
        let before = unsent(&file);
        let server = ServerProcess::start(&world.config).await;
        let device = Pantry::sync(&file, &server.sync_url(), &token);
        // The moment is one of the upload's progress and not of the clock: a kill falls once so many
        // edits more were acknowledged, from none at all, which is during the greeting, up to a few
        // pushes.
        let progress = random.random_range(0..PROGRESS);
        until(|| before.saturating_sub(unsent(&file)) >= progress.min(before)).await;
        match random.random_range(0..3) {
            0 => drop(server),
            1 => drop(device),
            _ => drop((server, device)),
        }
        let waiting = pending(&file);
        let stored = stored(&world).await;
        let acknowledged: HashSet<_> = all.difference(&waiting).collect();
        let lost = acknowledged.iter().filter(|hash| !stored.contains(**hash)).count();
        assert_eq!(lost, 0, "edits acknowledged and not stored; seed {seed}");
        moments += usize::from(!acknowledged.is_empty() && !waiting.is_empty());
        if waiting.is_empty() {
            // It all went up early: more to do, so that the later kills hit something too.
            let mut rep = Client::open(&file, None).unwrap();
            edit(&mut rep, &accounts, &mut made, EDITS / 5);
            drop(rep);
            all.extend(pending(&file));
        }
    }
    println!("{moments} kills amid the upload");
    assert!(moments > 5, "only {moments} kills came amid the upload; seed {seed}");
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

/// Waits for a condition, for as long as anything may take on a slow machine.
async fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..12_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the upload did not get on within a minute");
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

/// How many edits wait in a device's outbox.
fn unsent(file: &Path) -> usize {
    let db = rusqlite::Connection::open(file).unwrap();
    let count = "SELECT count(*) FROM changes WHERE state = 1";
    let unsent: i64 = db.query_row(count, [], |row| row.get(0)).unwrap();
    unsent.try_into().unwrap()
}

async fn stored(world: &World) -> HashSet<Vec<u8>> {
    let hashes: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT hash FROM sync.changes").fetch_all(&world.owner).await.unwrap();
    hashes.into_iter().collect()
}
