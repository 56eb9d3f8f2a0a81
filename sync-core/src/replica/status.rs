//! How a replica stands, in one line that a person can read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::clock::ClockAhead;
use super::device::Replica;
use super::env::Env;
use super::error::ReplicaError;
use super::incomplete::Incomplete;
use super::rebuild::Rebuilding;
use super::state::{Holder, LINK, State};
use super::store::Present;
use crate::time::UnixMs;

/// How a replica stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it talks to a server.
    pub link: LinkState,
    /// Edits that exist on this device only.
    pub unsent: u64,
    /// When the oldest of them was made.
    pub oldest_unsent: Option<UnixMs>,
    /// Records with contested values.
    pub conflicts: u64,
    /// Edits in quarantine.
    pub refused: u64,
    /// Records of which a restored server may have lost something, until it is known what.
    pub comparing: u64,
    /// Records on this device.
    pub records: u64,
    /// What is missing in a copy that never had everything; none when it had.
    pub incomplete: Option<Incomplete>,
    /// How far the tables are filled after an update that changed the declarations; none when they
    /// are complete.
    pub rebuilding: Option<Rebuilding>,
    /// By how much the device's clock was ahead of the server's when that was last heard.
    pub clock: ClockAhead,
    /// When the server was last heard.
    pub last_sync: Option<UnixMs>,
    /// Why the last session ended or failed.
    pub last_fault: Option<String>,
}

/// Whether a replica talks to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// No session.
    Offline,
    /// Greeting, or still receiving what it missed.
    CatchingUp,
    /// It has everything there was.
    Live,
}

impl Replica {
    /// Whether this process talks to a server for the replica.
    pub fn link_state(&self) -> LinkState {
        match &self.session.state {
            State::Offline => LinkState::Offline,
            State::Greeting { .. } => LinkState::CatchingUp,
            State::Open(session) if session.live() => LinkState::Live,
            State::Open(_) => LinkState::CatchingUp,
        }
    }

    /// What is missing, when a server has begun to send everything and it has not come yet. A list or a
    /// search tells nothing of what is missing, and what is made here may be there already.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn incomplete(&self) -> rusqlite::Result<Option<Incomplete>> {
        Incomplete::of(self.file.stored())
    }

    /// How the replica stands, as far as this process knows; see [`Replica::status_at`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn status(&self) -> rusqlite::Result<Status> {
        let stored = self.file.stored();
        let mut conflicts = 0;
        for kind in stored.schema().document_kinds() {
            let sql = format!("SELECT count(*) FROM {} WHERE conflict_count > 0", kind.table);
            conflicts += stored.count(&sql)?;
        }
        Ok(Status {
            link: self.link_state(),
            unsent: stored.edits_in(1)?,
            oldest_unsent: stored.oldest_unsent()?,
            conflicts,
            refused: stored.edits_in(2)?,
            comparing: stored.count("SELECT count(*) FROM wanted WHERE offer = 1")?,
            records: stored.count("SELECT count(*) FROM documents")?,
            incomplete: self.incomplete()?,
            rebuilding: self.rebuilding()?,
            clock: ClockAhead::of(stored)?,
            last_sync: stored.meta::<i64>("last_sync")?.map(UnixMs),
            last_fault: self.last_fault.clone(),
        })
    }

    /// How the replica stands at this moment. When this process has no session, but another one on
    /// the file has, it says how that one's stands.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn status_at(&self, now: UnixMs) -> rusqlite::Result<Status> {
        let mut status = self.status()?;
        if status.link == LinkState::Offline
            && let Some(link) = self.file.stored().meta::<String>(LINK)?
            && let Ok(lease) = serde_json::from_str::<Lease>(&link)
            && lease.holds(now)
            && (!lease.present || self.file.somebody_present() != Present::Nobody)
        {
            status.link = lease.state;
            status.last_fault = None;
        }
        Ok(status)
    }

    /// Tells other processes on the file how this one's session stands. It counts for as long as this
    /// process runs, and until the given moment at most: say it again before then.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note_link(
        &mut self,
        state: LinkState,
        until: UnixMs,
        env: &mut dyn Env,
    ) -> Result<(), ReplicaError> {
        let presence = match std::mem::take(&mut self.session.lease) {
            Holder::Here(Some(presence)) => Some(presence),
            Holder::Here(None) | Holder::Elsewhere => self.file.be_present(),
        };
        let lease = Lease { state, since: env.now(), until, present: presence.is_some() };
        self.session.lease = Holder::Here(presence);
        let text = serde_json::to_string(&lease).expect("BUG: a lease serialises");
        self.file.write(|work| Ok::<_, ReplicaError>(work.set_meta(LINK, &text)?))
    }
}

/// What a process with a session leaves in the file.
#[derive(Serialize, Deserialize)]
struct Lease {
    state: LinkState,
    since: UnixMs,
    until: UnixMs,
    /// Whether it can be told that the process runs.
    present: bool,
}

impl Lease {
    /// Both moments are read from one machine's clock. Where that was set back meanwhile, nothing is
    /// known.
    fn holds(&self, now: UnixMs) -> bool {
        (self.since.0..self.until.0).contains(&now.0)
    }
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline => "offline",
            Self::CatchingUp => "catching up",
            Self::Live => "live",
        })
    }
}

impl Status {
    /// What is to be said of the edits on this device, whether or not it talks to a server.
    pub fn edits(&self) -> String {
        let incomplete = self.incomplete.map(|incomplete| format!("{incomplete} · "));
        let mut said = incomplete.unwrap_or_default();
        let unsent = match (self.unsent, self.oldest_unsent) {
            (0, _) if self.comparing > 0 => {
                let what = counted(self.comparing, "record");
                format!("the server was restored: {what} still to be compared with it")
            }
            (0, _) => "everything is sent".to_owned(),
            (n, None) => format!("{} only on this device", counted(n, "edit")),
            (1, Some(made)) => format!("1 edit only on this device, from {made}"),
            (n, Some(oldest)) => format!("{n} edits only on this device, the oldest from {oldest}"),
        };
        said.push_str(&unsent);
        if self.conflicts > 0 {
            said.push_str(&format!(" · {} with conflicts", counted(self.conflicts, "record")));
        }
        if self.refused > 0 {
            said.push_str(&format!(" · {} refused", counted(self.refused, "edit")));
        }
        if let Some(clock) = self.clock.said() {
            said.push_str(&format!(" · {clock}"));
        }
        said
    }
}

/// So many of something that is called so: `1 edit`, `2 edits`.
pub fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {}", self.link, self.edits())?;
        if let Some(fault) = &self.last_fault {
            write!(f, " · last time: {fault}")?;
        }
        Ok(())
    }
}
