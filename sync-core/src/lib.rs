//! The sync engine without sockets, clock or randomness.
pub mod error;
pub mod ids;
pub mod limits;
pub mod schema;
pub mod time;
