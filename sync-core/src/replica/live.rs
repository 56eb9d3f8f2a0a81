//! Live queries: first the rows, then what was added, changed and removed.
//!
//! Which tables a statement reads is known from SQLite itself. A subscription is run again only when
//! one of them was written to: by an edit, by what the server sent, or by another process.

use serde_json::Value as Json;

use super::device::Replica;
use super::difference::Difference;
use super::error::ReplicaError;
use super::list::{ListOptions, list_sql};
use super::store::{QueryError, Table};
use super::subscriptions::{Subscription, SubscriptionId};
use crate::schema::Kind;

/// What is subscribed to.
#[derive(Clone, Debug)]
pub enum LiveQuery {
    /// One SQL statement that reads.
    Sql(String),
    /// One that reads, with a value for each `?` in it.
    SqlWith(String, Vec<Json>),
    /// The records of a kind, as [`Replica::list`] lists them.
    List {
        /// The kind.
        kind: Kind,
        /// Which of them.
        options: ListOptions,
    },
}

impl Replica {
    /// Subscribes to a query: its rows, and from then on what [`Replica::poll_live`] tells.
    ///
    /// # Errors
    /// When the statement would write, or SQLite cannot make sense of it.
    pub fn subscribe(&mut self, query: LiveQuery) -> Result<(SubscriptionId, Table), QueryError> {
        let (sql, params, kind) = match query {
            LiveQuery::Sql(sql) => (sql, Vec::new(), None),
            LiveQuery::SqlWith(sql, params) => (sql, params, None),
            LiveQuery::List { kind, options } => {
                (list_sql(&kind, &options), Vec::new(), Some(kind))
            }
        };
        let stored = self.file.stored();
        let reads = stored.tables_read(&sql)?;
        let mut subscription = Subscription { sql, params, kind, reads, key: 0, rows: Vec::new() };
        let table = subscription.run(stored)?;
        subscription.key = table.columns.iter().position(|name| name == "id").unwrap_or(0);
        subscription.rows.clone_from(&table.rows);
        let live = &mut self.subscriptions;
        live.last += 1;
        let id = SubscriptionId(live.last);
        live.all.insert(id, subscription);
        Ok((id, table))
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        self.subscriptions.all.remove(&id);
    }

    /// What changed in the rows of subscriptions since this was last asked. Cheap when nothing was
    /// written.
    ///
    /// # Errors
    /// When the file cannot be read, or another version of the app uses it.
    pub fn poll_live(&mut self) -> Result<Vec<(SubscriptionId, Difference)>, ReplicaError> {
        self.file.look_for_foreign_writes()?;
        let touched = self.file.take_touched_for_live();
        let mut differences = Vec::new();
        if touched.is_empty() {
            return Ok(differences);
        }
        for (id, subscription) in &mut self.subscriptions.all {
            if !subscription.reads.iter().any(|table| touched.contains(table.as_str())) {
                continue;
            }
            let rows = subscription.run(self.file.stored()).map_err(unreadable)?.rows;
            let difference = Difference::between(&subscription.rows, &rows, subscription.key);
            subscription.rows = rows;
            if !difference.is_empty() {
                differences.push((*id, difference));
            }
        }
        Ok(differences)
    }
}

fn unreadable(error: QueryError) -> ReplicaError {
    match error {
        QueryError::Sqlite(error) => ReplicaError::Sqlite(error),
        QueryError::NotReadOnly => unreachable!("BUG: a statement that was subscribed to reads"),
    }
}
