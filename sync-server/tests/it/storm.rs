//! Devices and servers as processes of their own, on networks of their own, and everything goes wrong:
//! they die at named points, are killed and stand still; their lines are cut off, fall silent, break and
//! are slow. Afterwards nothing is lost, nothing is there twice, and nobody is stuck.
//!
//! `make storm RUNS=200` does many runs; each is drawn from its seed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use client_sdk::Client;
use client_sdk::core::ids::{ChangeHash, RecordId};
use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use sync_core::testing::{DIES_AT, Doom, FaultPoint};
use sync_server::config::Config;
use sync_server::store::Patience;
use uuid::Uuid;

use crate::harness::{ServerProcess, World, create, edit, pantry_program, sync_at};
use crate::relay::Relay;

/// Runs of one test; `RUNS` says otherwise.
const RUNS: u64 = 4;
/// Runs beside each other.
const AT_ONCE: usize = 4;
/// Faults of a run.
const FAULTS: usize = 6;
const ACCOUNTS: usize = 8;
/// How long it may take to come to rest: silence is noticed within 45 seconds, and the next try may be
/// 30 seconds later.
const REST_WITHIN: Duration = Duration::from_secs(300);

const OF_DEVICES: [FaultPoint; 4] = [
    FaultPoint::DeviceBeforePush,
    FaultPoint::DeviceBeforeCommit,
    FaultPoint::DeviceAfterCommit,
    FaultPoint::DeviceMidFeed,
];
const OF_SERVERS: [FaultPoint; 5] = [
    FaultPoint::ServerMidJudging,
    FaultPoint::ServerBeforeCommit,
    FaultPoint::ServerAfterCommit,
    FaultPoint::ServerBeforeVerdict,
    FaultPoint::ServerMidFeed,
];

/// `pantry sync --watch`, killed without warning when dropped.
struct Watching {
    child: Child,
    doomed: Doomed,
}

/// Whether a process has its end before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doomed {
    Yes,
    No,
}

impl Watching {
    fn start(phone: &Phone, token: &str, dies_at: Option<String>) -> Self {
        let said = std::fs::File::create(phone.file.with_extension("said")).unwrap();
        let doomed = if dies_at.is_some() { Doomed::Yes } else { Doomed::No };
        let child = Command::new(pantry_program())
            .arg("--db")
            .arg(&phone.file)
            .args(["sync", "--watch", "--server", &phone.relay.sync_url()])
            .env("PANTRY_TOKEN", token)
            .envs(dies_at.map(|at| (DIES_AT, at)))
            .stdout(Stdio::null())
            .stderr(Stdio::from(said))
            .spawn()
            .unwrap();
        Self { child, doomed }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A device with its way to the server.
struct Phone {
    file: PathBuf,
    relay: Relay,
}

/// One run.
struct Storm {
    world: Arc<World>,
    config: Config,
    seed: u64,
    random: StdRng,
    rep: Uuid,
    token: String,
    accounts: Vec<RecordId>,
    phones: Vec<Phone>,
    watching: Vec<Watching>,
    server: ServerProcess,
    server_is: Doomed,
    /// Every edit that was confirmed.
    made: HashSet<ChangeHash>,
}

impl Storm {
    async fn begin(world: Arc<World>, seed: u64) -> Self {
        let rep = world.person(&format!("rep{seed}"), "sales_rep", Some(world.manager), None).await;
        let token = world.token(rep);
        let config =
            Config { patience: Patience::of(Duration::from_secs(8)), ..world.config.clone() };
        let server = ServerProcess::dying(&config, None).await;
        let mut phones = Vec::new();
        for name in ["one", "two"] {
            let file = world.files.path().join(format!("{seed}-{name}.db"));
            phones.push(Phone { file, relay: Relay::to(&server.address().to_string()).await });
        }
        let mut accounts = Vec::new();
        for phone in &phones {
            let mut client =
                Client::open(&phone.file, Some(client_sdk::core::ids::UserId(rep))).unwrap();
            for number in 0..ACCOUNTS / phones.len() {
                accounts.push(create(
                    &mut client,
                    "organization",
                    &[("name", &format!("Kitchen {number}"))],
                ));
            }
            sync_at(&client, &world.server.sync_url(), &token).await.unwrap();
        }
        let first = Client::open(&phones[0].file, None).unwrap();
        sync_at(&first, &world.server.sync_url(), &token).await.unwrap();
        drop(first);
        let watching = phones.iter().map(|phone| Watching::start(phone, &token, None)).collect();
        let (random, made) = (StdRng::seed_from_u64(seed), HashSet::new());
        let server_is = Doomed::No;
        Self {
            world,
            config,
            seed,
            random,
            rep,
            token,
            accounts,
            phones,
            watching,
            server,
            server_is,
            made,
        }
    }

    /// Edits on both devices, beside the processes that sync their files.
    fn edit(&mut self) {
        for n in 0..self.phones.len() {
            let client = Client::open(&self.phones[n].file, None).unwrap();
            for _ in 0..self.random.random_range(1..30) {
                let account = *self.accounts.choose(&mut self.random).unwrap();
                let note = format!("{} by {n} of {}", self.random.random::<u64>(), self.seed);
                let edit = edit("organization", &[("notes", &note)]);
                let committed = client.edit(account, edit).unwrap();
                self.made.extend(committed.changes.into_iter().map(|(_, hash)| hash));
            }
        }
    }

    async fn start_server(&mut self, dies_at: Option<String>) {
        self.server_is = if dies_at.is_some() { Doomed::Yes } else { Doomed::No };
        self.server = ServerProcess::dying(&self.config, dies_at).await;
        for phone in &self.phones {
            phone.relay.aim(self.server.address().to_string());
        }
    }

    fn start_device(&mut self, n: usize, dies_at: Option<String>) {
        // The old one is killed first: as it is, it would be one device too many.
        let _ = self.watching[n].child.kill();
        self.watching[n] = Watching::start(&self.phones[n], &self.token, dies_at);
    }

    fn tell_server(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.server.child), signal);
    }

    /// One thing goes wrong, beside what went wrong before.
    async fn go_wrong(&mut self) -> &'static str {
        let n = self.random.random_range(0..self.phones.len());
        let nth = self.random.random_range(1..4);
        match self.random.random_range(0..11) {
            0 | 1 => {
                let point = *OF_DEVICES.choose(&mut self.random).unwrap();
                self.start_device(n, Some(Doom::in_words(point, nth)));
                "a device will die"
            }
            2 | 3 => {
                let point = *OF_SERVERS.choose(&mut self.random).unwrap();
                self.start_server(Some(Doom::in_words(point, nth))).await;
                "the server will die"
            }
            4 => {
                self.start_device(n, None);
                "a device is killed"
            }
            5 => {
                self.start_server(None).await;
                "the server is killed"
            }
            6 => {
                self.phones[n].relay.silence_open_connections();
                "a connection falls silent"
            }
            7 => {
                self.phones[n].relay.silence_all();
                "a device is cut off"
            }
            8 => {
                self.phones[n].relay.slow(self.random.random_range(500..5000));
                "a line is slow"
            }
            9 => {
                self.phones[n].relay.breaking(6000..30_000);
                self.start_device(n, None);
                "a line breaks all the time"
            }
            _ => {
                self.tell_server(Signal::STOP);
                "the server stands still"
            }
        }
    }

    /// Some progress is made, or none for as many looks.
    async fn go_on(&mut self) {
        let before = self.unsent();
        for _ in 0..self.random.random_range(5..60) {
            if self.unsent() < before / 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    fn unsent(&self) -> i64 {
        let count =
            |phone: &Phone| number(&phone.file, "SELECT count(*) FROM changes WHERE state = 1");
        self.phones.iter().map(|phone| count(phone).unwrap_or(0)).sum()
    }

    /// Ends all faults. What lives goes on, and has to notice by itself what became of its lines.
    async fn put_right(&mut self) {
        self.tell_server(Signal::CONT);
        let server_lives = self.server.child.try_wait().unwrap().is_none();
        if !server_lives || self.server_is == Doomed::Yes {
            self.start_server(None).await;
        }
        for n in 0..self.phones.len() {
            self.phones[n].relay.be_good();
            self.phones[n].relay.let_through();
            let watching = &mut self.watching[n];
            let lives = watching.child.try_wait().unwrap().is_none();
            if !lives || watching.doomed == Doomed::Yes {
                self.start_device(n, None);
            }
        }
    }

    /// Each device makes one edit more, and waits until it is sent and the other one's has come.
    async fn come_to_rest(&mut self) {
        let last = |n: usize| i64::try_from(100 + n).unwrap();
        for n in 0..self.phones.len() {
            let client = Client::open(&self.phones[n].file, None).unwrap();
            let edit = edit("organization", &[("employee_count", &last(n).to_string())]);
            let committed = client.edit(self.accounts[n], edit).unwrap();
            self.made.extend(committed.changes.into_iter().map(|(_, hash)| hash));
        }
        let heard = |phone: &Phone, n: usize| {
            let account = self.accounts[n];
            let sql = format!("SELECT employee_count FROM organizations WHERE id = '{account}'");
            number(&phone.file, &sql) == Some(last(n))
        };
        let rest = async {
            loop {
                let all = |phone: &Phone| (0..self.phones.len()).all(|n| heard(phone, n));
                if self.unsent() == 0 && self.phones.iter().all(all) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(REST_WITHIN, rest).await.is_err() {
            let said = |phone: &Phone| {
                std::fs::read_to_string(phone.file.with_extension("said")).unwrap_or_default()
            };
            let said: Vec<String> = self.phones.iter().map(said).collect();
            panic!("stuck, with {} unsent; seed {}: {said:#?}", self.unsent(), self.seed);
        }
    }

    /// Nothing is lost, nothing is there twice, and devices and tables agree.
    async fn check(self) {
        let Self { world, seed, rep, token, phones, watching, made, accounts, .. } = self;
        drop(watching);
        let sql = "SELECT hash FROM sync.changes WHERE author = $1";
        let stored: Vec<Vec<u8>> =
            sqlx::query_scalar(sql).bind(rep).fetch_all(&world.owner).await.unwrap();
        let stored: HashSet<Vec<u8>> = stored.into_iter().collect();
        let lost = made.iter().filter(|hash| !stored.contains(hash.0.as_slice())).count();
        assert_eq!(lost, 0, "lost of {}; seed {seed}", made.len());
        assert_eq!(stored.len(), made.len() + accounts.len(), "more than was made; seed {seed}");
        for phone in &phones {
            let client = Client::open(&phone.file, None).unwrap();
            sync_at(&client, &world.server.sync_url(), &token).await.unwrap();
            let status = client.status().unwrap();
            assert_eq!((status.unsent, status.refused), (0, 0), "seed {seed}");
            world.assert_agrees(&client).await;
        }
    }
}

/// A number in a device's file, read beside whoever works on it.
fn number(file: &Path, sql: &str) -> Option<i64> {
    let db = rusqlite::Connection::open(file).ok()?;
    db.busy_timeout(Duration::from_secs(10)).ok()?;
    db.query_row(sql, [], |row| row.get(0)).ok()
}

// How each run went is what whoever makes many of them reads.
#[allow(clippy::print_stdout)]
async fn run(world: Arc<World>, seed: u64) {
    let mut storm = Storm::begin(world, seed).await;
    let mut wrong = Vec::new();
    for _ in 0..FAULTS {
        wrong.push(storm.go_wrong().await);
        storm.edit();
        storm.go_on().await;
    }
    storm.put_right().await;
    let began = tokio::time::Instant::now();
    storm.come_to_rest().await;
    let (made, rest) = (storm.made.len(), began.elapsed().as_secs());
    storm.check().await;
    println!("seed {seed}: {made} edits, at rest after {rest} s: {}", wrong.join(", "));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_processes_and_networks_nothing_is_lost_and_nobody_is_stuck() {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let runs = read("RUNS").unwrap_or(RUNS);
    let from = read("SEED").unwrap_or_else(|| u64::from(rand::rng().random::<u32>()));
    println!("{runs} runs from seed {from}");
    let world = Arc::new(World::new().await);
    let all = futures_util::stream::iter(from..from + runs).map(|seed| {
        let world = world.clone();
        async move { tokio::spawn(run(world, seed)).await.unwrap() }
    });
    all.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    let world = Arc::into_inner(world).expect("every run is over");
    world.assert_projected().await;
    world.end().await;
}
