//! Filling the tables anew after the schema changed, in steps beside other work.
//!
//! The tables are a cache of the documents. An app of another schema finds them empty when it opens
//! the file, and fills them step by step; what a step did is durable, so that a process that is
//! killed goes on where it was.

use super::device::Replica;
use super::error::ReplicaError;

/// How far the tables are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilding {
    /// Records and rows that are there again.
    pub done: u64,
    /// How many there were when it began.
    pub total: u64,
}

impl Replica {
    /// Whether the tables are being filled anew: lists and searches lack records until then, while
    /// every record can be opened and edited. None when everything is there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rebuilding(&self) -> rusqlite::Result<Option<Rebuilding>> {
        let progress = self.file.stored().progress()?;
        Ok(progress.map(|progress| Rebuilding { done: progress.done, total: progress.total }))
    }

    /// Fills in as many records more, in one transaction; none when everything is there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rebuild_some(&mut self, most: u32) -> Result<Option<Rebuilding>, ReplicaError> {
        let progress = self.file.write(|work| work.fill(most))?;
        Ok(progress.map(|progress| Rebuilding { done: progress.done, total: progress.total }))
    }
}
