//! Whether a process that said something of itself in the file still runs.
//!
//! It holds a lock on a file of its own beside the database, which the system takes back however the
//! process ends. Not on the database itself: SQLite has its locks there, and closing the file a second
//! time would give those up.
//!
//! **Invariant**: a process that was killed is taken for a running one by nobody. Where files cannot be
//! locked, what it said counts until its time is over.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::place::FileId;
use crate::replica::private;

/// What the name of the locked file ends with.
const END: &str = "-link";

/// Held by a process that runs.
#[derive(Debug)]
pub(in crate::replica) struct Presence {
    path: PathBuf,
    file: File,
}

/// Whether somebody holds one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::replica) enum Present {
    /// A process that runs.
    Somebody,
    /// None does.
    Nobody,
    /// The system does not say.
    Unknown,
}

fn beside(database: &str) -> Option<PathBuf> {
    (!database.is_empty()).then(|| PathBuf::from(format!("{database}{END}")))
}

/// Whether the file is still the one that stands there: whoever ends removes it.
fn stands(file: &File, path: &Path) -> bool {
    match (FileId::of(file), FileId::at(path)) {
        (Ok(open), Ok(there)) => open == there,
        _ => false,
    }
}

impl Presence {
    /// Tells other processes on a database that this one runs. None where it cannot be told, be it for
    /// the moment in which another process asks.
    pub(super) fn hold(database: &str) -> Option<Self> {
        let path = beside(database)?;
        let file = private::begin_plain(&path).ok()?;
        file.try_lock_shared().ok()?;
        stands(&file, &path).then_some(Self { path, file })
    }

    /// Whether a process on a database holds one.
    pub(super) fn of(database: &str) -> Present {
        let Some(path) = beside(database) else { return Present::Unknown };
        let file = match private::open_plain(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Present::Nobody,
            Err(_) => return Present::Unknown,
        };
        match file.try_lock() {
            Ok(()) => {
                // What a killed process left.
                remove(&file, &path);
                Present::Nobody
            }
            Err(TryLockError::WouldBlock) => Present::Somebody,
            Err(TryLockError::Error(_)) => Present::Unknown,
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // The last one who goes tidies up.
        if self.file.unlock().is_ok() && self.file.try_lock().is_ok() {
            remove(&self.file, &self.path);
        }
    }
}

/// Removes the file while nobody else can hold it.
fn remove(file: &File, path: &Path) {
    if stands(file, path) {
        let _ = std::fs::remove_file(path);
    }
}
