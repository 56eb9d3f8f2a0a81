//! Rows that stay true.

use std::sync::Arc;

use serde_json::Value as Json;
use sync_core::replica::{Difference, LiveQuery, QueryError, SubscriptionId};
use tokio::sync::mpsc;

use crate::shared::{Shared, Watcher};

/// The rows of a query: first as they are, then what was added, changed and removed.
///
/// Nothing is polled: a local edit, what the server sent and what another process wrote each say
/// which tables they touched, and only the queries that read those are run again.
#[derive(Debug)]
pub struct LiveRows {
    columns: Vec<String>,
    rows: Vec<Vec<Json>>,
    differences: mpsc::UnboundedReceiver<Difference>,
    id: SubscriptionId,
    watcher: Watcher,
}

impl LiveRows {
    pub(crate) fn begin(shared: &Arc<Shared>, query: LiveQuery) -> Result<Self, QueryError> {
        let (subscriber, differences) = mpsc::unbounded_channel();
        let (id, table) = {
            let mut core = shared.lock();
            let (id, table) = core.replica.subscribe(query)?;
            core.subscribers.insert(id, subscriber);
            (id, table)
        };
        let watcher = shared.watch();
        Ok(Self { columns: table.columns, rows: table.rows, differences, id, watcher })
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, as of the last difference that was taken.
    pub fn rows(&self) -> &[Vec<Json>] {
        &self.rows
    }

    /// Waits for the next difference and applies it to the rows.
    pub async fn next(&mut self) -> Difference {
        match self.differences.recv().await {
            Some(difference) => self.apply(difference),
            // The sender lives as long as the subscription.
            None => std::future::pending().await,
        }
    }

    /// The next difference, if there is one already.
    pub fn try_next(&mut self) -> Option<Difference> {
        let difference = self.differences.try_recv().ok()?;
        Some(self.apply(difference))
    }

    fn apply(&mut self, difference: Difference) -> Difference {
        difference.apply(&mut self.rows);
        difference
    }
}

impl Drop for LiveRows {
    fn drop(&mut self) {
        let mut core = self.watcher.0.lock();
        core.subscribers.remove(&self.id);
        core.replica.unsubscribe(self.id);
    }
}
