//! The sync engine without sockets, clock or randomness.

pub mod crm;
pub mod document;
pub mod error;
pub mod guard;
pub mod hub;
pub mod ids;
pub mod limits;
pub mod merge;
pub mod projection;
pub mod protocol;
pub mod replica;
pub mod schema;
pub mod time;
