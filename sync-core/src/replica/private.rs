//! Files that nobody but their owner reads.
//!
//! A device's records are a company's, and a laptop may have other users, who can put a file of a name
//! that is expected into a directory that all share. SQLite gives the files beside a database (`-wal`,
//! `-shm`, `-journal`) the permissions of the database itself, so that those of an older version are all
//! that is to be changed. Where a file system knows no permissions, they stay as they are.
//!
//! **Invariant**: nothing is written to a file that belongs to somebody else, and nothing that is no plain
//! file stands in for one: a pipe would be waited for. What a command is told to write to may be a pipe.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What stands beside a database, by the end of its name.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", "-link"];

/// Why a file is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPrivate {
    /// It is a pipe, a directory, a device or a link to elsewhere: remove it.
    #[error(
        "{} is no file of its own but something else, such as a pipe or a link; remove it, or name another file", .0.display()
    )]
    NoFile(PathBuf),
    /// Somebody else made it, and could read what is written there: remove it, or choose another place.
    #[error(
        "{} belongs to another user of this system, who could read all that is written there; remove it, or name a file of your own", .0.display()
    )]
    SomebodyElses(PathBuf),
}

impl From<NotPrivate> for io::Error {
    fn from(error: NotPrivate) -> Self {
        Self::other(error)
    }
}

/// Begins a file that only its owner reads; one that is there becomes one. What is no file, such as a pipe
/// that somebody named on purpose, is opened as it is.
///
/// # Errors
/// When the file cannot be opened for writing, or is somebody else's.
pub fn begin(path: &Path) -> io::Result<File> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => OpenOptions::new().write(true).open(path),
        _ => begin_file(path, OpenOptions::new().write(true).create(true)),
    }
}

/// Begins a file that only its owner reads, and nothing but a file.
///
/// # Errors
/// As [`begin`], and when something else stands there.
pub(in crate::replica) fn begin_plain(path: &Path) -> io::Result<File> {
    begin_file(path, OpenOptions::new().write(true).create(true))
}

/// Opens a file to read it, and nothing but a file of one's own.
///
/// # Errors
/// When it cannot be opened, is somebody else's, or is something else.
pub(in crate::replica) fn open_plain(path: &Path) -> io::Result<File> {
    begin_file(path, OpenOptions::new().read(true))
}

fn begin_file(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a pipe would otherwise wait for whoever opens its other end.
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    check(path, &found)?;
    tighten(&file, &found);
    Ok(file)
}

/// Writes a file that only its owner reads, in the place of what stood there.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = begin(path)?;
    // A pipe has no length.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    io::Write::write_all(&mut file, contents)
}

/// Writes a file that only its owner reads, where none stands: beside it first, so that it is there whole
/// or not at all. What is no file, such as a pipe, is written to as it is.
///
/// # Errors
/// When there is a file of this name already, or it cannot be written.
pub fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => return write(path, contents),
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = Path::new(&beside);
    let written = begin_plain(beside)
        .and_then(|mut file| {
            file.set_len(0)?;
            io::Write::write_all(&mut file, contents)?;
            file.sync_all()
        })
        // Unlike a renaming, a link never takes another file's place.
        .and_then(|()| match std::fs::hard_link(beside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(_) => std::fs::rename(beside, path),
            Ok(()) => Ok(()),
        });
    let _ = std::fs::remove_file(beside);
    written
}

/// Whether a database may be used: it and all that stands beside it are files, and one's own. Nothing is
/// opened for that.
///
/// # Errors
/// Names what stands there instead.
pub fn check_database(path: &Path) -> Result<(), NotPrivate> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    // The database itself may stand elsewhere, and what is beside it then stands there too.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(found) = std::fs::metadata(&path) {
        check(&path, &found)?;
    }
    for end in BESIDE {
        let path = beside(&path, end);
        if let Ok(found) = std::fs::symlink_metadata(&path) {
            check(&path, &found)?;
        }
    }
    Ok(())
}

/// Takes a database, and what stands beside it, from everybody but its owner.
pub(in crate::replica) fn tighten_database(path: &str) {
    if path.is_empty() {
        return;
    }
    for end in std::iter::once("").chain(BESIDE) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = beside(Path::new(path), end);
            // Not by opening it: closing a file gives up the locks that SQLite has on it.
            let Ok(found) = std::fs::metadata(&path) else { continue };
            let mode = found.permissions().mode();
            if found.is_file() && mode & 0o077 != 0 {
                let _ = std::fs::set_permissions(&path, PermissionsExt::from_mode(mode & 0o700));
            }
        }
        #[cfg(not(unix))]
        let _ = end;
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn check(path: &Path, found: &Metadata) -> Result<(), NotPrivate> {
    if !found.is_file() {
        return Err(NotPrivate::NoFile(path.to_owned()));
    }
    #[cfg(unix)]
    check_owner(path, found, rustix::process::geteuid().as_raw())?;
    Ok(())
}

#[cfg(unix)]
fn check_owner(path: &Path, found: &Metadata, user: u32) -> Result<(), NotPrivate> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() == user { Ok(()) } else { Err(NotPrivate::SomebodyElses(path.to_owned())) }
}

fn tighten(file: &File, found: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = found.permissions().mode();
        if mode & 0o077 != 0 {
            let _ = file.set_permissions(PermissionsExt::from_mode(mode & 0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = (file, found);
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// Who runs the tests may be anybody, so that the user is told here and not asked of the system.
    #[test]
    fn a_file_that_somebody_else_made_is_not_used() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pantry.db");
        std::fs::write(&path, "").expect("a file");
        let found = std::fs::metadata(&path).expect("a file");
        let (own, other) = (found.uid(), found.uid().wrapping_add(1));
        assert_eq!(check_owner(&path, &found, own), Ok(()));
        let refused = check_owner(&path, &found, other);
        assert_eq!(refused, Err(NotPrivate::SomebodyElses(path)));
    }
}
