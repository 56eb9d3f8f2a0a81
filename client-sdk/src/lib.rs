#![doc = include_str!("../README.md")]

mod client;
mod connection;
mod env;
pub mod import;
mod live;
mod mail;
mod record;
#[rustfmt::skip]
pub mod records;
pub mod rescue;
mod server;
mod shared;
mod short;
mod status;
mod summary;
mod task;
mod token;
mod zone;

pub use client::Client;
pub use env::SystemEnv;
pub use live::LiveRows;
pub use record::{Edit, FieldName, ListChange, LiveList, Record, RecordError, Records, Row};
pub use server::Server;
pub use shared::ClientEvent;
pub use short::short_ids;
pub use status::StatusStream;
pub use summary::SyncSummary;
pub use sync_core as core;
pub use sync_core::replica::{
    LinkFault, LinkState, LinkStatus, ListOptions, LiveQuery, Notice, Outcome, Redated, Status,
    Timing, Wanted, WouldBe, read_claims,
};
pub use token::{TokenError, TokenFile, TokenSource};
pub use zone::ZoneError;
