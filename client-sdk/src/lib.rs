//! The native client: a [`Replica`](sync_core::replica::Replica) driven over a WebSocket by tokio.
//!
//! [`Client`] opens a file, edits and reads it at once and without a network, and exchanges changes
//! with a server when asked. What the replica does is decided in `sync-core`; here are only the
//! clock, the entropy, the socket and when to try again.

mod ask;
mod client;
mod driver;
mod error;
mod token;

pub use client::{Client, SystemEnv};
pub use driver::{Backoff, SyncSummary};
pub use error::{Fault, SyncError};
pub use sync_core as core;
pub use token::{TokenError, TokenFile, TokenSource, read_claims};
