//! A whole world in one process: devices, a network, a server, and time that is only counted.

mod committing;
mod devices;
mod faults;
mod files;
mod happen;
mod healing;
mod links;
mod restoring;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::bug::Bug;
use super::connection::{Connection, ConnectionId};
use super::device::{Device, DeviceId};
use super::files::Directory;
use super::happening::Happening;
use super::journal::Entry;
use super::rules::Rules;
use super::server::Server;
use super::store::ModelStore;
use super::timeline::Timeline;
use crate::hub::PushJob;
use crate::ids::UserId;
use crate::random::Random;
use crate::schema::Schema;
use crate::time::UnixMs;

/// The time of day at which every world begins.
const BEGINNING: UnixMs = UnixMs(1_790_000_000_000);

/// A world: a server, devices, and a network between them, in virtual time.
///
/// Everything that is random comes from the seed, so that the same calls do the same thing again.
#[derive(Debug)]
pub struct World {
    pub(super) seed: u64,
    pub(super) random: Random,
    /// Milliseconds since the world began.
    pub(super) now: u64,
    pub(super) ahead: Timeline<Happening>,
    pub(super) server: Server,
    /// How far the server's clock is off.
    pub(super) server_skew_ms: i64,
    /// Until when the server is down.
    pub(super) down_until: Option<u64>,
    pub(super) devices: Vec<Device>,
    pub(super) connections: Vec<Connection>,
    /// Pushes that wait to be committed, with where their verdicts go.
    pub(super) jobs: Vec<(ConnectionId, u64, PushJob)>,
    /// Whether a commit is due.
    pub(super) commit_due: bool,
    pub(super) journal: Vec<Entry>,
    /// Older copies of files, with how much of the journal they know.
    pub(super) backups: BTreeMap<PathBuf, (PathBuf, usize)>,
    /// Files whose devices have not been connected since the server's database was put back.
    pub(super) unaware: BTreeSet<PathBuf>,
    pub(super) directory: Directory,
    pub(super) log: Vec<String>,
    /// What must never happen and did.
    pub(super) wrong: Vec<String>,
    pub(super) counts: BTreeMap<&'static str, u64>,
}

impl World {
    /// A world whose server has a schema and rules.
    ///
    /// # Panics
    /// When there is no place for files.
    pub fn new(schema: Arc<Schema>, rules: impl Rules + 'static, seed: u64) -> Self {
        Self::with_rules(schema, Rc::new(rules), seed)
    }

    pub(super) fn with_rules(schema: Arc<Schema>, rules: Rc<dyn Rules>, seed: u64) -> Self {
        Self {
            seed,
            random: Random::of(seed, &[1]),
            now: 0,
            ahead: Timeline::default(),
            server: Server::new(schema, rules),
            server_skew_ms: 0,
            down_until: None,
            devices: Vec::new(),
            connections: Vec::new(),
            jobs: Vec::new(),
            commit_due: false,
            journal: Vec::new(),
            backups: BTreeMap::new(),
            unaware: BTreeSet::new(),
            directory: Directory::new(),
            log: Vec::new(),
            wrong: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Has the world be wrong in one way, on purpose.
    pub fn with_bug(mut self, bug: Bug) -> Self {
        self.server.bug = Some(bug);
        self
    }

    /// What the server holds.
    pub fn store(&self) -> &ModelStore {
        &self.server.store
    }

    /// Everybody who has an account.
    pub fn people(&self) -> Vec<UserId> {
        self.store().rules().people(self.store().contents().records())
    }

    /// What happened so far, one line each; the same for the same calls.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Lets time pass, with everything that happens in it.
    pub fn run_for(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some((at, what)) = self.ahead.next_until(until) {
            self.now = self.now.max(at);
            self.happen(what);
        }
        self.now = until;
    }

    pub(super) fn server_wall(&self) -> UnixMs {
        UnixMs(self.wall().0 + self.server_skew_ms)
    }

    /// The time of day.
    pub(super) fn wall(&self) -> UnixMs {
        UnixMs(BEGINNING.0 + i64::try_from(self.now).unwrap_or(i64::MAX))
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        let line = format!("{} {}", self.now, what());
        self.log.push(line);
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(super) fn after(&mut self, least: u64, most: u64, what: Happening) {
        let at = self.now + self.random.between(least, most);
        self.ahead.put(at, what);
    }

    pub(super) fn device_at(&mut self, id: DeviceId) -> &mut Device {
        &mut self.devices[id.0]
    }

    pub(super) fn connection_at(&mut self, id: ConnectionId) -> &mut Connection {
        &mut self.connections[id.0]
    }
}
