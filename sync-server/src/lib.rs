//! The server: merges what replicas push, commits it to Postgres under Row Level Security, feeds
//! replicas and answers reports.
//!
//! What is said to replicas and what becomes of their pushes is decided in `sync_core::hub`; here are
//! its sockets, tokens and transactions. The path of a push: `session.rs` carries the frame to the
//! hub, `committer.rs` has the hub judge and merge it within one transaction, and the other replicas'
//! sessions read it. All SQL of that path is in `store/`.
//!
//! **Invariant**: nothing here decides who may see or write a record; the policies in `migrations/`
//! do.

pub mod app;
pub mod clock;
pub mod committer;
pub mod config;
pub mod connection;
pub mod counted;
pub mod doors;
pub mod http;
pub mod listener;
pub mod ops;
pub mod places;
mod printing;
pub mod revocation;
pub mod server;
pub mod session;
pub mod start_error;
pub mod store;
pub mod telemetry;
pub mod traffic;

pub use printing::{all_said, say, say_json};
