//! Queries that are kept up to date, as they stand.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::list::retype;
use super::store::{QueryError, Stored, Table};
use crate::schema::Kind;

/// A subscription's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SubscriptionId(pub u64);

/// The subscriptions of a replica.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    pub(super) last: u64,
    pub(super) all: BTreeMap<SubscriptionId, Subscription>,
}

/// One query that is kept up to date.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) sql: String,
    pub(super) params: Vec<Json>,
    /// The kind whose types the cells have, of a list.
    pub(super) kind: Option<Kind>,
    pub(super) reads: BTreeSet<String>,
    /// The column by which rows are known.
    pub(super) key: usize,
    pub(super) rows: Vec<Vec<Json>>,
}

impl Subscription {
    pub(super) fn run(&self, stored: Stored<'_>) -> Result<Table, QueryError> {
        let mut table = stored.select(&self.sql, &self.params)?;
        if let Some(kind) = &self.kind {
            retype(&mut table.rows, kind);
        }
        Ok(table)
    }
}
