//! A replica in a file, with the system's clock and entropy.

use std::path::Path;

use rusqlite::Connection;
use sync_core::ids::UserId;
use sync_core::replica::{Env, OpenError, OpenOptions, Replica};
use sync_core::time::UnixMs;

/// The system's clock and entropy.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnv;

impl Env for SystemEnv {
    fn now(&mut self) -> UnixMs {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        UnixMs(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("BUG: the operating system gives random bytes");
    }
}

/// A device's copy of its user's records.
///
/// Editing and reading go through [`Client::replica`]; they never wait for the network.
#[derive(Debug)]
pub struct Client {
    /// The replica itself.
    pub replica: Replica,
    /// Clock and entropy, as its calls take them.
    pub env: SystemEnv,
}

impl Client {
    /// Opens a file, creating it when a user is named.
    ///
    /// # Errors
    /// When the file is damaged, another user's, or cannot be used.
    pub fn open(path: &Path, user: Option<UserId>) -> Result<Self, OpenError> {
        let mut env = SystemEnv;
        let db = Connection::open(path)?;
        let replica =
            Replica::open(db, OpenOptions { schema: sync_core::crm::schema(), user }, &mut env)?;
        Ok(Self { replica, env })
    }
}
