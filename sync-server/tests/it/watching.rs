//! `pantry sync --watch` amid bad luck: it is killed, or its disk is full.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::json;

use crate::harness::{GENEROUS, World, create, pantry, pantry_program, until};

/// A device that watches, with what it says on standard error.
struct Watcher {
    child: Child,
    said: mpsc::Receiver<String>,
}

impl Watcher {
    /// Starts one and waits until it is live.
    async fn live(world: &World, db: &Path) -> Self {
        pantry(db, &["init", "--user", &world.rep.to_string()]);
        // What cannot be written is an error to it, as on a full disk, and no signal.
        let script = "trap '' XFSZ; exec \"$@\"";
        let mut child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(pantry_program())
            .arg("--db")
            .arg(db)
            .args(["sync", "--watch", "--server", &world.server.sync_url()])
            .env("PANTRY_TOKEN", world.token(world.rep))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, said) = mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        let watcher = Self { child, said };
        until("it is live", async || pantry(db, &["status"]).starts_with("live")).await;
        watcher
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Whoever asks hears at once that nobody watches any more, and not when its word has run out.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_was_killed_is_not_said_to_be_live() {
    let world = World::new().await;
    let db = world.files.path().join("rosa.db");
    Watcher::live(&world, &db).await.kill();
    let status = pantry(&db, &["status"]);
    assert!(status.starts_with("offline"), "{status}");
    let left = world.files.path().read_dir().unwrap().map(|one| one.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().ends_with("-link")).collect();
    assert!(left.is_empty(), "{left:?}");
    world.end().await;
}

/// The disk is full while something comes: the watcher says so and waits, others read on, and once there
/// is room it goes on by itself.
#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn a_watcher_whose_disk_is_full_waits_and_goes_on_by_itself() {
    let world = World::new().await;
    let db = world.files.path().join("rosa.db");
    let mut rosa = world.device("other.db", world.rep);
    create(&mut rosa, "organization", &[("name", "Early Diner")]);
    world.sync(&mut rosa).await;
    let watcher = Watcher::live(&world, &db).await;
    let names =
        || pantry(&db, &["query", "SELECT name FROM organizations ORDER BY name", "--json"]);
    let early = json!({"name": "Early Diner"}).to_string();
    until("the first account is there", async || names().trim() == early).await;

    may_write(&watcher.child, Some(0));
    create(&mut rosa, "organization", &[("name", "Late Diner")]);
    world.sync(&mut rosa).await;
    let waits = |line: &String| line.contains("trying again");
    let said = std::iter::from_fn(|| watcher.said.recv_timeout(GENEROUS).ok()).find(waits).unwrap();
    assert!(said.contains("could not be written"), "{said}");
    assert_eq!(names().trim(), early, "reading goes on");

    may_write(&watcher.child, None);
    let both = [early, json!({"name": "Late Diner"}).to_string()].join("\n");
    until("the second account has come", async || names().trim() == both).await;
    watcher.kill();
    world.end().await;
}

/// How far into a file a process may write; none for as far as it likes.
#[cfg(target_os = "linux")]
fn may_write(child: &Child, bytes: Option<u64>) {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let maximum = getrlimit(Resource::Fsize).maximum;
    let limit = Rlimit { current: bytes.or(maximum), maximum };
    prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit).unwrap();
}
