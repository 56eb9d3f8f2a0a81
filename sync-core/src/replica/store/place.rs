//! Whether a file's name still leads to the file that is open.
//!
//! A file that is renamed, removed or replaced stays open, and SQLite goes on writing to it where nobody
//! will look again; and what it keeps beside it, by name, is then the journal of another file.

use std::path::Path;

use rusqlite::Connection;

/// The file that a connection has open.
#[derive(Debug)]
pub(super) struct Place {
    path: String,
    file: Option<FileId>,
}

/// What tells a file from every other one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// That of an open file; none where files cannot be told apart.
    pub(super) fn of(file: &std::fs::File) -> std::io::Result<Option<Self>> {
        Ok(Self::told_by(&file.metadata()?))
    }

    /// That of the file which stands there.
    pub(super) fn at(path: &Path) -> std::io::Result<Option<Self>> {
        Ok(Self::told_by(&std::fs::metadata(path)?))
    }

    #[cfg(unix)]
    fn told_by(found: &std::fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self { device: found.dev(), inode: found.ino() })
    }

    #[cfg(not(unix))]
    fn told_by(_: &std::fs::Metadata) -> Option<Self> {
        None
    }
}

impl Place {
    pub(super) fn of(db: &Connection) -> Self {
        let path = db.path().unwrap_or_default().to_owned();
        let file = stands_at(&path).ok().flatten();
        Self { path, file }
    }

    /// Its name; empty of a database in memory.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the name leads to another file, or to none. Where files cannot be told apart, never.
    pub(super) fn is_lost(&self) -> bool {
        self.file.is_some() && stands_at(&self.path).is_ok_and(|there| there != self.file)
    }
}

fn stands_at(path: &str) -> std::io::Result<Option<FileId>> {
    if path.is_empty() {
        return Ok(None);
    }
    match FileId::at(Path::new(path)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        found => found,
    }
}
