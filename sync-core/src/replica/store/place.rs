//! Whether a file's name still leads to the file that is open.
//!
//! A file that is renamed, removed or replaced stays open, and SQLite goes on writing to it where nobody
//! will look again; and what it keeps beside it, by name, is then the journal of another file.

use rusqlite::Connection;

/// The file that a connection has open.
#[derive(Debug)]
pub(super) struct Place {
    path: String,
    file: Option<FileId>,
}

/// What tells a file from every other one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct FileId {
    device: u64,
    inode: u64,
}

impl Place {
    pub(super) fn of(db: &Connection) -> Self {
        let path = db.path().unwrap_or_default().to_owned();
        let file = stands_at(&path).ok().flatten();
        Self { path, file }
    }

    /// Whether the name leads to another file, or to none. Where files cannot be told apart, never.
    pub(super) fn is_lost(&self) -> bool {
        self.file.is_some() && stands_at(&self.path).is_ok_and(|there| there != self.file)
    }
}

#[cfg(unix)]
fn stands_at(path: &str) -> std::io::Result<Option<FileId>> {
    use std::os::unix::fs::MetadataExt;
    if path.is_empty() {
        return Ok(None);
    }
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some(FileId { device: found.dev(), inode: found.ino() })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn stands_at(_: &str) -> std::io::Result<Option<FileId>> {
    Ok(None)
}
