//! One device: a process on a file, with its replica and its link.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::fault::{FaultPoint, Trap};
use crate::ids::UserId;
use crate::random::Random;
use crate::replica::{
    Env, Link, LinkOptions, LinkStatus, OpenError, OpenOptions, Replica, ReplicaMoments, SteadyMs,
    Timing, Tokens,
};
use crate::schema::Schema;
use crate::time::UnixMs;

/// Pages that a full disk still has.
const PAGES_LEFT: i64 = 3;

/// Which device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceId(pub usize);

/// A device's clock and entropy.
#[derive(Debug)]
pub(super) struct DeviceEnv {
    pub(super) now: UnixMs,
    random: Random,
}

impl Env for DeviceEnv {
    fn now(&mut self) -> UnixMs {
        self.now
    }
    fn fill(&mut self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }
}

/// A process that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) replica: Replica,
    pub(super) link: Link,
    /// Tells this run from those before it.
    pub(super) life: u64,
    pub(super) wake: Option<SteadyMs>,
    pub(super) status: Option<LinkStatus>,
}

/// How much room the disk has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Disk {
    Roomy,
    Full,
}

/// How good a line is; usually as good as can be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineQuality {
    /// How many bytes it carries in a second, each way.
    pub(super) bytes_per_s: Option<u64>,
    /// How long connections last on average.
    pub(super) cut_every_ms: Option<u64>,
}

/// One device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) user: UserId,
    pub(super) schema: Arc<Schema>,
    /// Which file it works on; two processes may share one.
    pub(super) path: PathBuf,
    pub(super) env: DeviceEnv,
    /// How far its clock is off.
    pub(super) skew_ms: i64,
    pub(super) disk: Disk,
    /// Whether its app wants a connection.
    pub(super) online: bool,
    /// How good its line is.
    pub(super) line: LineQuality,
    /// Until when no connection can be made.
    pub(super) partitioned_until: u64,
    pub(super) trap: Trap,
    pub(super) running: Option<Running>,
    pub(super) lives: u64,
    /// Whether erasing leaves words behind: a bug made on purpose.
    pub(super) keeps_words: bool,
}

impl Device {
    pub(super) fn new(user: UserId, schema: Arc<Schema>, path: PathBuf, random: Random) -> Self {
        Self {
            user,
            schema,
            path,
            env: DeviceEnv { now: UnixMs(0), random },
            skew_ms: 0,
            disk: Disk::Roomy,
            online: false,
            line: LineQuality::default(),
            partitioned_until: 0,
            trap: Trap::default(),
            running: None,
            lives: 0,
            keeps_words: false,
        }
    }

    /// Starts the process.
    pub(super) fn open(&mut self) -> Result<(), OpenError> {
        let db = Connection::open(&self.path)?;
        let trap = self.trap.clone();
        db.commit_hook(Some(move || trap.commit_fails()))?;
        if self.disk == Disk::Full {
            let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let sql = format!("PRAGMA max_page_count = {}", pages + PAGES_LEFT);
            db.query_row(&sql, [], |_| Ok(()))?;
        }
        let options = OpenOptions { schema: self.schema.clone(), user: Some(self.user) };
        let mut replica = Replica::open(db, options, &mut self.env)?;
        let trap = self.trap.clone();
        let moments = ReplicaMoments::told_to(move |moment| trap.reach(FaultPoint::from(moment)));
        replica.tell_moments(if self.keeps_words { moments.keeping_words() } else { moments });
        let link = Link::new(LinkOptions {
            app: "simulation".into(),
            server: "ws://simulated".into(),
            tokens: Tokens::Renewable,
            timing: Timing::default(),
        });
        self.lives += 1;
        let life = self.lives;
        self.running = Some(Running { replica, link, life, wake: None, status: None });
        Ok(())
    }
}
