//! Files that nobody but their owner reads.
//!
//! A device's records are a company's, and a laptop may have other users. SQLite gives the files beside
//! a database (`-wal`, `-shm`, `-journal`) the permissions of the database itself, so that those of an
//! older version are all that is to be changed. Where a file system knows no permissions, or the file
//! is somebody else's, it stays as it is.

use std::io;
use std::path::Path;

/// What stands beside a database, by the end of its name.
#[cfg(unix)]
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Begins a file that only its owner reads; one that is there becomes one.
///
/// # Errors
/// When the file cannot be opened for writing.
pub fn begin(path: &Path) -> io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    tighten(path);
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
    let written = begin(beside)
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

/// Takes a database, and what stands beside it, from everybody but its owner.
pub(in crate::replica) fn tighten_database(path: &str) {
    #[cfg(unix)]
    if !path.is_empty() {
        for end in BESIDE {
            tighten(Path::new(&format!("{path}{end}")));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn tighten(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let Ok(found) = std::fs::metadata(path) else { return };
        let mode = found.permissions().mode();
        if found.is_file() && mode & 0o077 != 0 {
            let _ = std::fs::set_permissions(path, PermissionsExt::from_mode(mode & 0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}
