//! The sync engine without sockets, clock or randomness.
//!
//! A record is an Automerge document. Devices keep it in SQLite and edit it offline; a server merges
//! what they send and keeps it in PostgreSQL. Everything that both must agree on is here, and both
//! ends are here too, as state machines: time, entropy, frames and rows are arguments, and what is to
//! be done is returned. `docs/ARCHITECTURE.md` follows one edit through the files.
//!
//! # A tour
//!
//! **What a record is.** [`schema`] has the words that kinds of records are declared in, and [`crm`]
//! declares the trade's. A [`schema::Schema`] is a value: replicas and servers are given one.
//! [`document`] makes and reads documents of a kind, [`merge`] and [`schema::Log`] say which of
//! several concurrent values is shown, and [`projection`] makes the row that both databases hold.
//!
//! ```
//! use sync_core::crm;
//! use sync_core::document::{self, Pen, PenRole, RecordEdit, hydrate};
//! use sync_core::ids::{Actor, EventId, RecordId, UserId};
//! use sync_core::time::UnixMs;
//! use uuid::Uuid;
//!
//! let schema = crm::schema();
//! let kind = schema.kind("organization").unwrap();
//! let id = RecordId(Uuid::from_u128(1));
//! let rosa = Pen {
//!     actor: Actor([1; 16]),
//!     author: UserId(Uuid::from_u128(7)),
//!     now: UnixMs(1_790_000_000_000),
//!     role: PenRole::Device,
//! };
//! let mia = Pen { actor: Actor([2; 16]), author: UserId(Uuid::from_u128(8)), ..rosa };
//! let mut mint = || EventId(Uuid::from_u128(9));
//!
//! let edit = RecordEdit::parse(kind, [("name", "Café Zoë"), ("priority_level", "C")])?;
//! let (mut ours, _) = document::create(kind, id, &edit, &rosa, &mut mint)?;
//! let mut theirs = ours.fork();
//!
//! // Both edit without hearing of each other. Of contested priorities the higher is shown.
//! for (doc, pen, level) in [(&mut ours, rosa, "A"), (&mut theirs, mia, "B")] {
//!     let edit = RecordEdit::parse(kind, [("priority_level", level)])?;
//!     let now = hydrate(doc, kind);
//!     document::edit(doc, &now, &edit, &pen, &mut mint)?;
//! }
//! ours.merge(&mut theirs)?;
//! let record = hydrate(&ours, kind);
//! assert_eq!(record.text("priority_level"), Some("A"));
//! assert_eq!(record.conflicts[0].values, ["A", "B"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **What may enter.** Bytes of a stranger pass [`guard`]: it counts before it decodes, judges each
//! operation against the declaration, and proves that the merged document saves and loads.
//! [`protocol`] has every message and the frames around them.
//!
//! **The device's end** (feature `replica`). `replica::Replica` is the file: edits in one transaction,
//! queries, search, live queries, quarantine. `replica::Link` is the driver: when to connect, send,
//! renew a token, give up. `client_sdk::Client` is its host on a desktop or phone.
//!
//! **The server's end** (feature `hub`). `hub::Commit` judges a batch of pushes and asks its host for
//! rows to be read and written; `hub::Session` talks with one device, and `hub::Feed` brings what
//! happened. `sync_server` is its host over PostgreSQL.
//!
//! **Both ends in one process** (feature `testing`). `testing` has a seeded network, a model of the
//! store, and faults, for tests of your own: `docs/TESTING.md` shows how.
//!
//! Where to look next: [`error`] has every reason for which an edit is refused, [`limits`] every limit
//! with its arithmetic, and the [`ids`] are types of their own.

mod calendar;
pub mod cell;
pub mod crm;
pub mod csv;
pub mod document;
pub mod error;
pub mod event;
pub mod guard;
mod hex;
#[cfg(feature = "hub")]
pub mod hub;
pub mod ids;
pub mod import;
pub mod limits;
pub mod merge;
mod nul;
#[cfg(any(feature = "replica", feature = "hub"))]
mod pace;
pub mod printable;
pub mod projection;
pub mod protocol;
pub mod random;
#[cfg(feature = "replica")]
pub mod replica;
pub mod role;
pub mod schema;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod words;
