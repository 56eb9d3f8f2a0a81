//! The sync engine without sockets, clock or randomness.

pub mod cell;
pub mod crm;
pub mod document;
pub mod error;
pub mod event;
pub mod guard;
#[cfg(feature = "hub")]
pub mod hub;
pub mod ids;
pub mod limits;
pub mod merge;
pub mod projection;
pub mod protocol;
#[cfg(feature = "replica")]
pub mod replica;
pub mod role;
pub mod schema;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
