//! Opening a replica's file, and what is left of one that is damaged.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};

use super::store::{self, Db};
use super::{Env, Replica, draw};
use crate::ids::{Actor, ReplicaId, UserId};
use crate::schema::Schema;

/// How to open a replica.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The kinds of records that it is to hold.
    pub schema: Arc<Schema>,
    /// Whose records these are; needed when the file is new, and checked when it is not.
    pub user: Option<UserId>,
}

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

/// An edit that no server has confirmed, as it stands in a file.
#[derive(Clone, Debug)]
pub struct PendingEdit {
    /// The record.
    pub record: crate::ids::RecordId,
    /// Its kind.
    pub kind: String,
    /// The plain change.
    pub bytes: Vec<u8>,
}

impl Replica {
    /// Opens the replica in a connection, creating its tables when the file is new.
    ///
    /// # Errors
    /// When the file is damaged, of a newer version, another user's, or cannot be used.
    pub fn open(
        db: Connection,
        options: OpenOptions,
        env: &mut dyn Env,
    ) -> Result<Self, OpenError> {
        prepare(&db)?;
        let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version > store::FILE_VERSION {
            return Err(OpenError::TooNew { found: version, known: store::FILE_VERSION });
        }
        if version == 0 {
            let user = options.user.ok_or(OpenError::NoUser)?;
            begin(&db, &options.schema, ReplicaId::mint(env.now(), draw(env)), user)?;
        }
        if (1..store::FILE_VERSION).contains(&version) {
            let tx = rusqlite::Transaction::new_unchecked(
                &db,
                rusqlite::TransactionBehavior::Immediate,
            )?;
            // Another process may have been first.
            let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            store::upgrade(&Db::new(&tx, &options.schema), version)?;
            tx.commit()?;
        }
        let file = Db::new(&db, &options.schema);
        let id = required(&file, "replica")?.map(ReplicaId);
        let user = required(&file, "user")?.map(UserId);
        let (Some(id), Some(user)) = (id, user) else {
            return Err(OpenError::Damaged("its identity is missing".into()));
        };
        if options.user.is_some_and(|wanted| wanted != user) {
            return Err(OpenError::WrongUser(user));
        }
        super::feed::scrub(&file);
        let last_fault = store::meta::<Option<String>>(&file, "last_fault")?.flatten();
        Ok(Self {
            db,
            schema: options.schema,
            id,
            user,
            actor: Actor(draw(env)),
            cache: super::cache::DocumentCache::new(),
            session: super::session::Session::default(),
            last_fault,
        })
    }
}

/// How long a write waits for another process's.
pub(super) const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

fn prepare(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    // WAL with FULL: a confirmed edit survives a power cut, and readers never wait for writers.
    // In memory the journal mode stays what it is, hence no check of the answer.
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;",
    )?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(())
}

fn begin(db: &Connection, schema: &Schema, id: ReplicaId, user: UserId) -> rusqlite::Result<()> {
    let tx = db.unchecked_transaction()?;
    // Another process may have been first.
    let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        let file = Db::new(&tx, schema);
        store::create_tables(&file)?;
        store::set_meta(&file, "replica", &id.as_bytes())?;
        store::set_meta(&file, "user", &user.as_bytes())?;
    }
    tx.commit()
}

fn required(db: &Db<'_>, key: &str) -> rusqlite::Result<Option<uuid::Uuid>> {
    Ok(store::meta::<[u8; 16]>(db, key)?.map(uuid::Uuid::from_bytes))
}

/// Reads the unsent and quarantined edits out of a file that may be damaged: as many as can be read.
///
/// # Errors
/// When not even the table of changes can be opened.
pub fn rescue(db: &Connection) -> rusqlite::Result<Vec<PendingEdit>> {
    let mut found = Vec::new();
    let mut after = -1_i64;
    // By key rather than in one scan: a damaged page costs the edits on it and no others.
    let last: i64 =
        db.query_row("SELECT coalesce(max(seq), 0) FROM changes", [], |row| row.get(0))?;
    while after < last {
        let next = db.query_row(
            "SELECT seq, record, kind, bytes, state FROM changes NOT INDEXED
             WHERE seq > ?1 ORDER BY seq LIMIT 1",
            [after],
            |row| {
                let edit = PendingEdit {
                    record: crate::ids::RecordId(uuid::Uuid::from_bytes(row.get(1)?)),
                    kind: row.get(2)?,
                    bytes: row.get(3)?,
                };
                Ok((row.get::<_, i64>(0)?, edit, row.get::<_, i64>(4)?))
            },
        );
        match next {
            Ok((seq, edit, state)) => {
                after = seq;
                if state > 0 {
                    found.push(edit);
                }
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => break,
            Err(_) => after += 1,
        }
    }
    Ok(found)
}
