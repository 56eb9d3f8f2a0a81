//! The unsent edits of a damaged file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OpenFlags};
use sync_core::ids::UserId;
use sync_core::replica::private::NotPrivate;
use sync_core::replica::{PendingEdit, RescueLineError, Rescued, private, rescue as read};

/// Why edits could not be saved, or what was saved could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RescueError {
    /// Not even the table of edits can be read.
    #[error("not even the edits can be read: {0}")]
    Unreadable(#[from] rusqlite::Error),
    /// A file could not be copied, so as to be read with its beginning mended.
    #[error("the file could not be copied: {0}")]
    Copy(#[from] io::Error),
    /// The file, or one beside it, is somebody else's or no file.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// What was saved is none of this user's edits.
    #[error(transparent)]
    Line(#[from] RescueLineError),
}

/// Reads the unsent and refused edits out of a file that may be damaged. Nothing is written to it; where
/// its first bytes are damaged, by which SQLite knows a database, a copy of it is read with these mended.
///
/// # Errors
/// When not even the table of edits can be read.
pub fn rescue(db: &Path) -> Result<Rescued, RescueError> {
    private::check_database(db)?;
    let error = match read_at(db) {
        Ok(rescued) => return Ok(rescued),
        Err(error) => error,
    };
    let mut header = fs::read(db)?;
    if !mend(&mut header) {
        return Err(error.into());
    }
    let copy = Copy::of(db, &header)?;
    Ok(read_at(&copy.db)?)
}

/// Reads the edits as they stand; where the disk has no room for the memory that processes share to read
/// such a file together, alone.
fn read_at(db: &Path) -> rusqlite::Result<Rescued> {
    let together =
        Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|db| read(&db));
    together.or_else(|_| {
        let db = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
        read(&db)
    })
}

/// What each file of SQLite begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The pages of a replica's file are of SQLite's own size.
const PAGE: usize = 4096;

/// Writes the beginning of a file as it must have been; false when there is nothing to mend there.
fn mend(file: &mut [u8]) -> bool {
    if file.len() < PAGE {
        return false;
    }
    let before = file[..100].to_vec();
    file[..16].copy_from_slice(MAGIC);
    file[16..18].copy_from_slice(&(PAGE as u16).to_be_bytes());
    // A journal of its own (WAL); no bytes kept free in pages; fractions that never vary.
    file[18..24].copy_from_slice(&[2, 2, 0, 64, 32, 32]);
    // The newest format of a schema, and texts in UTF-8.
    file[44..48].copy_from_slice(&4_u32.to_be_bytes());
    file[56..60].copy_from_slice(&1_u32.to_be_bytes());
    file[..100] != before[..]
}

/// A copy of a database, with what stands in its journal, that goes when it is dropped.
struct Copy {
    folder: PathBuf,
    db: PathBuf,
}

impl Copy {
    fn of(db: &Path, contents: &[u8]) -> io::Result<Self> {
        let mut draw = [0; 8];
        getrandom::fill(&mut draw).map_err(io::Error::other)?;
        let folder = std::env::temp_dir().join(format!("pantry-{}", HEXLOWER.encode(&draw)));
        fs::create_dir(&folder)?;
        let copy = Self { db: folder.join("copy.db"), folder };
        private::write(&copy.db, contents)?;
        let beside = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push("-wal");
            PathBuf::from(name)
        };
        match fs::read(beside(db)) {
            Ok(journal) => private::write(&beside(&copy.db), &journal)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Edits as lines of JSON.
pub fn to_lines(rescued: &Rescued) -> String {
    rescued.to_lines()
}

/// The edits that such lines are.
///
/// # Errors
/// When a line is no edit, or an edit of another user.
pub fn from_lines(text: &str, user: UserId) -> Result<Vec<PendingEdit>, RescueError> {
    Ok(PendingEdit::from_lines(text, user)?)
}
