//! The server's end without sockets or database: judge what replicas push, merge it, say what is to
//! be stored, and feed it to those who may see it.
//!
//! Two machines, each asking its host for what it needs by values:
//!
//! - [`Commit`] judges a batch of pushes within one transaction of a store, and [`Trials`] decides
//!   what to commit next when that fails;
//! - [`Session`] talks with one replica, and its [`Feed`] brings what happened.
//!
//! The database decides who may; the hub asks for rows to be written as the pushing user and is told
//! what the rules said. Whether the store is Postgres or a map in memory it cannot tell.
//!
//! **Invariant**: nothing here reads a clock, draws randomness, or waits.

mod admission;
mod cache;
mod commit;
mod cursor;
mod fallen;
mod feed;
mod judged;
mod keeping;
mod known;
mod moments;
mod places;
mod push;
mod reading;
mod receipts;
mod session;
mod settle;
mod stand_ins;
mod trials;
mod usage;
mod veil;
mod workspace;

pub use cache::DocumentCache;
pub use commit::{Commit, Sight, Step};
pub use feed::{Feed, Next, TooManyAskedFor};
pub use judged::{Counts, DocumentToStore, Durable, Judged, RefusedWork, ToStore};
pub use keeping::RefusedChange;
pub use known::{DocumentHead, Inquiry, Known, KnownChange};
pub use moments::{Moment, Moments};
pub use places::Placed;
pub use push::{PushJob, PushedChange, PushedGroup, parse, room_for};
pub use reading::{
    AccessEvent, Clock, Content, FeedAnswer, FeedDocument, FeedRequest, Listed, News, ServerRow,
    Since,
};
pub use receipts::{ReceiptKey, ReceiptKeys};
pub use session::{
    DeviceNoted, Effect, Event, Now, PING_EVERY, SILENT_FOR, Secret, Session, SignedIn, garbled,
};
pub use settle::{Care, Culprits, Purpose, WriteRows, Writer, Wrote};
pub use stand_ins::StandIns;
pub use trials::{Answered, Ended, PutOff, Trials, Unavailable};
pub use usage::Usage;
pub use workspace::{
    Candidate, CandidateGroup, Effort, HubDocument, Judgement, Merged, Projected, Standing,
    StoredChange, Workspace, group_refused, open, project_document,
};
