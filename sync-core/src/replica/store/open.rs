//! Opening a replica's file: its identity, its version, and the tables that the schema asks for.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, ffi};
use uuid::Uuid;

use super::cache::DocumentCache;
use super::file::{File, Noticed};
use super::place::Place;
use super::scrub::BUSY_TIMEOUT;
use super::stored::Stored;
use super::tables::{FILE_VERSION, Tables, create_own};
use super::work::{Owner, Work};
use crate::ids::{ReplicaId, UserId};
use crate::replica::moments::ReplicaMoments;
use crate::replica::private::{NotPrivate, check_database, tighten_database};
use crate::schema::Schema;

/// Why a replica's file could not be opened. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is damaged. Keep it, save its unsent edits with `rescue`, and begin a new replica.
    #[error("the local database is damaged ({0}); it was left as it is")]
    Damaged(String),
    /// The file was written by a newer version of the app. Update the app.
    #[error("the local database is of version {found}, this app reads up to {known}")]
    TooNew {
        /// The file's version.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// The file is new and no user was named.
    #[error("the local database is new: say whose records it will hold")]
    NoUser,
    /// The file holds another user's records. Choose another file.
    #[error("the local database belongs to user {0}")]
    WrongUser(UserId),
    /// The file is another program's. Choose another file; this one was not touched.
    #[error("the file is a database of another program; nothing was written to it")]
    Foreign,
    /// The file, or one beside it, is somebody else's or no file: remove it, or choose another place.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// SQLite could not read or write the file: disk, permissions, a lock.
    #[error("the local database cannot be used: {0}")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Sqlite(error),
        }
    }
}

impl File {
    /// Opens the file in a connection, creating its tables when it is new. `mint` names a new
    /// replica.
    pub(in crate::replica) fn open(
        db: Connection,
        schema: Arc<Schema>,
        user: Option<UserId>,
        mint: impl FnOnce() -> ReplicaId,
    ) -> Result<Self, OpenError> {
        db.busy_timeout(BUSY_TIMEOUT)?;
        check_database(Path::new(db.path().unwrap_or_default()))?;
        match is_foreign(&db) {
            Ok(true) => return Err(OpenError::Foreign),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                return Err(error.into());
            }
            // What is the matter with a file that cannot be looked into, preparing it says better.
            Ok(false) | Err(_) => {}
        }
        let db = prepare(db)?;
        let version = version(&db)?;
        if version > FILE_VERSION {
            return Err(OpenError::TooNew { found: version, known: FILE_VERSION });
        }
        if version == 0 {
            begin(&db, mint(), user.ok_or(OpenError::NoUser)?)?;
        }
        let owner = owner(Stored::new(&db, &schema))?;
        if user.is_some_and(|wanted| wanted != owner.user) {
            return Err(OpenError::WrongUser(owner.user));
        }
        let (tables, mut cache) = (Tables::new(schema), DocumentCache::new());
        lay_out(&db, &tables, &mut cache, owner)?;
        cache.refresh(Stored::new(&db, tables.schema()))?;
        let place = Place::of(&db);
        let file = Self {
            db,
            tables,
            owner,
            cache,
            touched: Noticed::default(),
            redated: Vec::new(),
            moments: ReplicaMoments::default(),
            place,
        };
        file.scrub();
        Ok(file)
    }
}

fn prepare(db: Connection) -> rusqlite::Result<Connection> {
    tighten_database(db.path().unwrap_or_default());
    let db = match begin_journal(&db) {
        Ok(()) => db,
        Err(error) if lacks_room(&error) => alone(db)?,
        Err(error) => return Err(error),
    };
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -10000;",
    )?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(db)
}

/// WAL with FULL: a confirmed edit survives a power cut, and readers never wait for writers.
fn begin_journal(db: &Connection) -> rusqlite::Result<()> {
    // A browser has no memory that processes share, and one worker alone has the file.
    if cfg!(target_family = "wasm") {
        db.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    }
    // In memory the journal mode stays what it is, hence no check of the answer.
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
}

/// Whether there is no room for the memory, on the file's disk, by which processes share its journal.
fn lacks_room(error: &rusqlite::Error) -> bool {
    let shared = [ffi::SQLITE_IOERR_SHMOPEN, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_SHMMAP];
    error.sqlite_error().is_some_and(|error| shared.contains(&error.extended_code))
}

/// The same file for one process alone, which needs no such memory: it can be read until somebody makes
/// room, and edits are refused meanwhile.
fn alone(db: Connection) -> rusqlite::Result<Connection> {
    let path = db.path().unwrap_or_default().to_owned();
    drop(db);
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    begin_journal(&db)?;
    Ok(db)
}

/// Whether the file has tables and none of ours.
fn is_foreign(db: &Connection) -> rusqlite::Result<bool> {
    // In a browser a file is the app's own, and is not to be read before its journal is set up.
    if cfg!(target_family = "wasm") {
        return Ok(false);
    }
    let sql = "SELECT count(*), sum(type = 'table' AND name IN ('meta', 'documents', 'changes'))
               FROM sqlite_schema";
    let (all, ours): (i64, Option<i64>) =
        db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(all > 0 && ours != Some(3))
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn begin(db: &Connection, replica: ReplicaId, user: UserId) -> rusqlite::Result<()> {
    let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    // Another process may have been first.
    if version(&tx)? == 0 {
        create_own(&tx)?;
        let put = "INSERT INTO meta (key, value) VALUES ('replica', ?1), ('user', ?2)";
        tx.execute(put, [replica.as_bytes(), user.as_bytes()])?;
    }
    tx.commit()
}

fn owner(stored: Stored<'_>) -> Result<Owner, OpenError> {
    let id = |key| stored.meta::<[u8; 16]>(key).map(|id| id.map(Uuid::from_bytes));
    match (id("user")?, id("replica")?) {
        (Some(user), Some(replica)) => {
            Ok(Owner { user: UserId(user), replica: ReplicaId(replica) })
        }
        _ => Err(OpenError::Damaged("its identity is missing".into())),
    }
}

/// Lays the tables of the kinds out anew when another schema did last. They are empty then, and are
/// filled in steps; opening does not wait for that.
fn lay_out(
    db: &Connection,
    tables: &Tables,
    cache: &mut DocumentCache,
    owner: Owner,
) -> rusqlite::Result<()> {
    let fits = |stored: Stored<'_>| {
        let laid_out: Option<Vec<u8>> = stored.meta("fingerprint")?;
        Ok::<_, rusqlite::Error>(laid_out.as_deref() == Some(tables.fingerprint()))
    };
    if fits(Stored::new(db, tables.schema()))? {
        return Ok(());
    }
    let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    let untold = ReplicaMoments::default();
    let mut work = Work::new(tx, tables, cache, owner, &untold);
    // Another process may have been first.
    if fits(work.stored())? {
        return Ok(());
    }
    let before: Option<String> = work.stored().meta("tables")?;
    let before: Vec<String> =
        before.and_then(|names| serde_json::from_str(&names).ok()).unwrap_or_default();
    tables.lay_out(&work.tx, &before)?;
    let names = serde_json::to_string(&tables.names()).expect("BUG: strings serialise");
    work.set_meta("tables", &names)?;
    work.set_meta("fingerprint", &tables.fingerprint())?;
    work.fill_from_the_start()?;
    work.commit().map(drop)
}
