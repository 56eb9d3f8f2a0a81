//! How a replica stands, in one line that a person can read.

use std::fmt;

use super::session::State;
use super::{Replica, store};
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
    /// Records on this device.
    pub records: u64,
    /// When the server was last heard.
    pub last_sync: Option<UnixMs>,
    /// Why the last session ended or failed.
    pub last_fault: Option<String>,
}

/// Whether a replica talks to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// No session.
    Offline,
    /// Greeting, or still receiving what it missed.
    CatchingUp,
    /// It has everything there was.
    Live,
}

impl Replica {
    /// How the replica stands.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn status(&self) -> rusqlite::Result<Status> {
        let count = |sql: &str| self.db.query_row(sql, [], |row| row.get::<_, i64>(0));
        let mut conflicts = 0;
        for kind in self.schema.document_kinds() {
            let sql = format!("SELECT count(*) FROM {} WHERE conflict_count > 0", kind.table);
            conflicts += count(&sql)?;
        }
        let oldest: Option<i64> =
            self.db.query_row("SELECT min(made_at) FROM changes WHERE state = 1", [], |row| {
                row.get(0)
            })?;
        Ok(Status {
            link: match &self.session.state {
                State::Offline => LinkState::Offline,
                State::Greeting { .. } => LinkState::CatchingUp,
                State::Open(session) if session.live() => LinkState::Live,
                State::Open(_) => LinkState::CatchingUp,
            },
            unsent: unsigned(count("SELECT count(*) FROM changes WHERE state = 1")?),
            oldest_unsent: oldest.map(UnixMs),
            conflicts: unsigned(conflicts),
            refused: unsigned(count("SELECT count(*) FROM changes WHERE state = 2")?),
            records: unsigned(count("SELECT count(*) FROM documents")?),
            last_sync: store::meta::<i64>(&self.file(), "last_sync")?.map(UnixMs),
            last_fault: self.last_fault.clone(),
        })
    }
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
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

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.link)?;
        match (self.unsent, self.oldest_unsent) {
            (0, _) => write!(f, " · everything is sent")?,
            (n, Some(oldest)) => {
                write!(f, " · {n} edits only on this device, the oldest from {oldest}")?;
            }
            (n, None) => write!(f, " · {n} edits only on this device")?,
        }
        if self.conflicts > 0 {
            write!(f, " · {} records with conflicts", self.conflicts)?;
        }
        if self.refused > 0 {
            write!(f, " · {} edits refused", self.refused)?;
        }
        if let Some(fault) = &self.last_fault {
            write!(f, " · last time: {fault}")?;
        }
        Ok(())
    }
}
