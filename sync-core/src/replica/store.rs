//! The replica's SQLite file: what stands in it, and the only ways to write to it.
//!
//! [`Stored`] reads. [`Work`] is one write transaction, and its methods are the only statements that
//! write. [`File`] opens the file and begins both. Nothing outside of this folder names a connection.
//!
//! The tables of the kinds and the search index are a cache of the documents: `Tables` lays them
//! out from the schema, and a file that was laid out by another schema is laid out anew when it is
//! opened.

mod cache;
mod changes;
mod document;
mod file;
mod functions;
mod imports;
mod numbers;
mod open;
mod outbox;
mod place;
mod presence;
mod progress;
mod quarantined;
mod records;
mod rescue;
mod scrub;
mod select;
mod server_rows;
mod stored;
mod tables;
mod work;

pub(super) use changes::{ChangeState, Lost, NewChange, Stood};
pub(super) use document::OpenDocument;
pub(super) use file::File;
pub(super) use functions::Facts;
pub(super) use numbers::typed_number;
pub(super) use outbox::{From, Origin, OwnChange, Silent, SilentChange};
pub(super) use presence::{Presence, Present};
pub(super) use stored::Stored;
pub(super) use work::{Owner, Work};

pub(super) use imports::MadeRow;

pub use cache::Foreign;
pub use imports::{Import, ImportState};
pub use open::OpenError;
pub use quarantined::Quarantined;
pub use rescue::{PendingEdit, Rescued, Unreadable, rescue};
pub use select::{QueryError, Table};
