//! The server: merges what replicas push, commits it to Postgres under Row Level Security, feeds
//! replicas and answers reports.
//!
//! The path of a push: `http.rs` takes the socket, `session.rs` parses the changes,
//! `committer.rs` judges, merges and commits them in one transaction, and `feed.rs` brings them to
//! the other replicas. All SQL of that path is in `store/`.
//!
//! **Invariant**: nothing here decides who may see or write a record; the policies in `migrations/`
//! do.

pub mod app;
pub mod committer;
pub mod config;
pub mod feed;
pub mod http;
pub mod ops;
pub mod revocation;
pub mod session;
pub mod store;
pub mod telemetry;

use std::io::Write;

/// Writes a line to standard output; a closed pipe is no error.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
