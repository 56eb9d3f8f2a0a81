//! Stories over real sockets, real SQLite files and a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod access;
mod agreement;
mod caller;
mod harness;
mod kill;
mod matrix;
mod oracle;
mod pool;
mod refresh;
mod refusals;
mod revocation;
mod secrecy;
mod signer;
mod thread;
mod tokens;
