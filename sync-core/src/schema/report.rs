//! Reports: statements over the tables of the kinds, run by the server and by devices.

/// A report.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub about: &'static str,
    /// The statement, in SQL that PostgreSQL and SQLite understand alike.
    pub sql: &'static str,
    /// Named queries before it that stand on a device for what the server has views of; empty when the
    /// statement needs none.
    pub on_device: &'static str,
}
