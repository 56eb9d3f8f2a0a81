//! The status whenever it becomes another one.

use std::sync::Arc;

use sync_core::replica::Status;
use tokio::sync::watch;

use crate::shared::{Shared, Watcher};

/// The status now, and whenever it becomes another one. What was passed while nobody looked is left
/// out.
#[derive(Debug)]
pub struct StatusStream {
    last: Option<Status>,
    versions: watch::Receiver<u64>,
    watcher: Watcher,
}

impl StatusStream {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Self {
        let mut versions = shared.versions();
        versions.mark_changed();
        Self { last: None, versions, watcher: shared.watch() }
    }

    /// The next status: the first time the present one, at once.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn next(&mut self) -> rusqlite::Result<Status> {
        loop {
            if self.versions.changed().await.is_err() {
                // The counter lives as long as this does.
                std::future::pending::<()>().await;
            }
            let status = self.watcher.0.status()?;
            if self.last.as_ref() != Some(&status) {
                self.last = Some(status.clone());
                return Ok(status);
            }
        }
    }
}
