//! Reports on the device: the same statements that the server runs, over the records that are here.
//!
//! What a device cannot know, such as when other people last synced, is NULL.

use super::device::Replica;
use super::store::{Facts, QueryError, Table};
use crate::schema::Report;
use crate::time::UnixMs;

/// What a report needs to know of time: the moment, and where people are.
#[derive(Clone, Copy, Debug)]
pub struct LocalTime {
    /// The moment.
    pub now: UnixMs,
    /// How far a zone is ahead of UTC at a moment, in seconds; none for one that the host does not know,
    /// which then counts as UTC.
    pub offset_s: fn(&str, UnixMs) -> Option<i32>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is none of this name; the message lists those there are.
    #[error("no report \"{name}\"; there are {known}")]
    Unknown {
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Replica {
    /// The reports that can be asked for.
    pub fn reports(&self) -> &'static [Report] {
        self.schema().reports()
    }

    /// The rows of a report, over the records that are on this device.
    ///
    /// # Errors
    /// When there is no such report or the file cannot be read.
    pub fn report(&self, name: &str, time: LocalTime) -> Result<Table, ReportError> {
        let report = self.reports().iter().find(|report| report.name == name);
        let report = report.ok_or_else(|| {
            let known: Vec<&str> = self.reports().iter().map(|report| report.name).collect();
            ReportError::Unknown { name: name.to_owned(), known: known.join(", ") }
        })?;
        let stored = self.file.stored();
        let facts = Facts {
            user: self.user(),
            last_sync: stored.meta::<i64>("last_sync").map_err(QueryError::from)?.map(UnixMs),
            now: time.now,
            offset_s: time.offset_s,
        };
        stored.add_functions(facts).map_err(QueryError::from)?;
        Ok(stored.select(&self.statement(report), &[])?)
    }

    /// The statement behind those queries that a device has in the place of the server's views.
    fn statement(&self, report: &Report) -> String {
        if report.on_device.is_empty() {
            return report.sql.to_owned();
        }
        let sum = |column: &str| {
            let kinds = self.schema().document_kinds();
            let each = kinds.map(|kind| format!("SELECT sum({column}) AS n FROM {}", kind.table));
            format!(
                "SELECT coalesce(sum(n), 0) AS n FROM ({})",
                each.collect::<Vec<_>>().join(" UNION ALL ")
            )
        };
        format!(
            "WITH RECURSIVE open_conflicts AS ({}), open_violations AS ({}), {} {}",
            sum("conflict_count"),
            sum("violation_count"),
            report.on_device,
            report.sql
        )
    }
}
