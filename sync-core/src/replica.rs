//! The device's end: records in SQLite, edits made at once and sent later.
//!
//! One state machine for phone, browser and simulation. It opens no socket and reads no clock: the
//! host passes time, entropy and frames in, and does what the returned [`Effect`]s ask.
//!
//! A local edit is one SQLite transaction: the pending change, the record's row and its words in
//! the search index. It never waits for the network.
//!
//! **Invariant**: a change that [`Replica::commit`] returned for is in the file until the server
//! accepted it, or in quarantine with the server's reason.
//!
//! The files, each using only those before it: `env`, `touched`, `moments`, `redated`, `error`; `store`, the SQLite file;
//! `clock`, `incomplete`; `history`, `writing`, `again`, `refused`: changes and how they are made; `opinion`, `effect`,
//! `state`: the session's words; `list`, `difference`, `subscriptions`; `device`, the replica itself;
//! and then what it does.

mod env;
mod error;
mod moments;
mod redated;
mod touched;

mod store;

mod clock;
mod incomplete;

mod again;
mod history;
mod refused;
mod writing;

mod effect;
mod opinion;
mod state;

mod difference;
mod list;
mod subscriptions;

mod device;

mod bring_back;
mod contested;
mod dating;
mod duplicates;
mod edit;
mod evict;
mod feed;
mod imports;
mod intake;
mod link;
mod live;
mod offer;
mod past;
pub mod private;
mod push;
mod quarantine;
mod query;
mod question;
mod rebuild;
mod report;
mod rescue_lines;
mod session;
mod status;
mod undo;
mod verdicts;

pub use crate::document::GroupEdit;
pub use crate::import::{ImportRow, NewImport};
pub use bring_back::{BringBackPreview, BroughtBack, LeftOut, RecordPreview};
pub use clock::ClockAhead;
pub use contested::{Contested, ContestedValue, SettleError};
pub use device::{OpenOptions, Replica};
pub use difference::{Added, Changed, Difference, Removed};
pub use duplicates::{Duplicate, Likeness, Why};
pub use edit::Committed;
pub use effect::{Effect, SessionFault};
pub use env::Env;
pub use error::ReplicaError;
pub use imports::{ImportMark, Imported, Undone};
pub use incomplete::Incomplete;
pub use link::{
    Dial, Lasts, Link, LinkEffect, LinkEvent, LinkFault, LinkOptions, LinkStatus, Notice, Outcome,
    QuestionId, SteadyMs, Timing, Tokens, Wanted, read_claims,
};
pub use list::{Deleted, ListOptions};
pub use live::LiveQuery;
pub use moments::{ReplicaMoment, ReplicaMoments};
pub use opinion::{Culprit, WouldBe};
pub use past::{Did, HistoryEntry, Standing};
pub use push::{Pushed, Rest};
pub use quarantine::ResubmitError;
pub use query::SearchHit;
pub use question::{Asked, Question};
pub use rebuild::Rebuilding;
pub use redated::Redated;
pub use report::{LocalTime, ReportError};
pub use rescue_lines::RescueLineError;
pub use status::{LinkState, Status, counted};
pub use store::{
    Foreign, Import, ImportState, OpenError, PendingEdit, Quarantined, QueryError, Rescued, Table,
    Unreadable, rescue,
};
pub use subscriptions::SubscriptionId;
pub use touched::Touched;
pub use undo::{UndoError, UndoneChange};
