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

/// Opens the database in this folder; there is one worker that may.
#[cfg(target_family = "wasm")]
pub async fn open(folder: &str) -> Result<Connection, Failure> {
    use crate::env::WorkerEnv;
    use sqlite_wasm_vfs::sahpool::{OpfsSAHPoolCfgBuilder, install};

    let pool = OpfsSAHPoolCfgBuilder::new()
        .vfs_name("pantry")
        .directory(folder)
        .initial_capacity(FILES)
        .build();
    // The handles of a worker that just died are free a little later: whoever hears this tries again.
    let installed = install::<WorkerEnv>(&pool, true).await;
    installed.map_err(|error| Failure::new("storage_busy", error.to_string()))?;
    Ok(Connection::open(FILE)?)
}

/// There is no such file system elsewhere.
#[cfg(not(target_family = "wasm"))]
pub async fn open(_: &str) -> Result<Connection, Failure> {
    Err(Failure::new("storage", "only browsers have a private file system"))
}
