//! Stories over real sockets, real SQLite files and a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod access;
mod agreement;
mod batches;
mod bounds;
mod caller;
// Chunks made by hand are described once, beside the guard.
#[path = "../../../sync-core/tests/it/chunk.rs"]
mod chunk;
mod conformance;
mod doors;
mod estimates;
mod extremes;
mod fault;
mod feed;
mod finance;
mod forgery;
mod grace;
mod handle;
mod hands;
mod harness;
mod healing;
mod heartbeat;
mod hostile;
mod kill;
mod lines;
mod lints;
mod matrix;
mod migrations;
mod operators;
mod oracle;
mod pool;
mod printed;
mod reach;
mod reassigned;
mod refresh;
mod refusals;
mod relay;
mod restore;
mod revocation;
mod secrecy;
mod settling;
mod side_tables;
mod signer;
mod stall;
mod stopping;
mod storm;
mod stranger;
mod thread;
mod tokens;
mod unseen;
mod versions;
mod versions_of_tables;
mod visits;
mod wire;
mod would_be;
