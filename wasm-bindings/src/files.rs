//! Where a replica's file is: in the browser's private file system, one folder a replica.

use rusqlite::Connection;

use crate::failure::Failure;

/// The database's name in its pool. It never changes: another name would be another database.
#[cfg(target_family = "wasm")]
const FILE: &str = "/pantry.db";
/// Files of a pool: the database, its journal, and some for SQLite's own use. A pool does not grow, since
/// a worker that dies meanwhile would leave a file without a name.
#[cfg(target_family = "wasm")]
const FILES: usize = 8;

/// A database with the pool of files it lies in.
pub struct Opened {
    pub db: Connection,
    pub files: Files,
}

/// What must be let go before another worker can open the database, or its files can be removed.
#[cfg(target_family = "wasm")]
pub struct Files(sqlite_wasm_vfs::sahpool::OpfsSAHPoolUtil);
/// There is no such file system elsewhere.
#[cfg(not(target_family = "wasm"))]
pub struct Files;

impl Files {
    /// Gives the files free. The database must be closed.
    ///
    /// # Errors
    /// When something has them in use.
    pub fn free(&self) -> Result<(), Failure> {
        #[cfg(target_family = "wasm")]
        self.0.pause().map_err(|error| Failure::new("storage", error.to_string()))?;
        Ok(())
    }
}

/// Opens the database in this folder; there is one worker that may.
#[cfg(target_family = "wasm")]
pub async fn open(folder: &str) -> Result<Opened, Failure> {
    use crate::env::WorkerEnv;
    use sqlite_wasm_vfs::sahpool::{OpfsSAHPoolCfgBuilder, install};

    let pool = OpfsSAHPoolCfgBuilder::new()
        .vfs_name("pantry")
        .directory(folder)
        .initial_capacity(FILES)
        .build();
    let files = install::<WorkerEnv>(&pool, true).await.map_err(refused)?;
    // A pool that was given free in this worker stays so, and SQLite would take its own memory for the file.
    files.resume().await.map_err(refused)?;
    Ok(Opened { db: Connection::open(FILE)?, files: Files(files) })
}

/// What it means that the files cannot be had.
#[cfg(target_family = "wasm")]
fn refused(error: sqlite_wasm_vfs::sahpool::OpfsSAHError) -> Failure {
    use sqlite_wasm_vfs::sahpool::OpfsSAHError as Error;

    let name = |value: &wasm_bindgen::JsValue| {
        js_sys::Reflect::get(value, &"name".into()).ok().and_then(|name| name.as_string())
    };
    let code = match &error {
        Error::NotSupported => "no_storage",
        Error::InvalidHeader { .. } | Error::DuplicateFilename(_) => "damaged",
        Error::Opfs { value, .. } => match name(value).as_deref() {
            Some("SecurityError" | "NotAllowedError") => "no_storage",
            Some("QuotaExceededError") => "storage_full",
            // The handles of a worker that just died are free a little later.
            _ => "storage_busy",
        },
        _ => "storage_busy",
    };
    Failure::new(code, error.to_string())
}

/// There is no such file system elsewhere.
#[cfg(not(target_family = "wasm"))]
pub async fn open(_: &str) -> Result<Opened, Failure> {
    Err(Failure::new("no_storage", "only browsers have a private file system"))
}
