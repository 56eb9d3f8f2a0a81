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

mod anew;
mod cache;
mod edit;
mod feed;
mod history;
mod open;
mod quarantine;
mod query;
mod question;
mod session;
mod status;
mod store;
mod verdicts;

pub use edit::{Committed, GroupEdit, ReplicaError};
pub use open::{OpenError, OpenOptions, PendingEdit, rescue};
pub use quarantine::{Quarantined, ResubmitError};
pub use query::{Deleted, ListOptions, QueryError, SearchHit, Table};
pub use question::{Asked, Culprit, Question, WouldBe};
pub use session::{Effect, SessionFault};
pub use status::{LinkState, Status};

use std::sync::Arc;

use crate::ids::{Actor, ReplicaId, UserId};
use crate::schema::Schema;
use crate::time::UnixMs;

/// What a replica needs of the world, as arguments.
pub trait Env {
    /// The wall clock.
    fn now(&mut self) -> UnixMs;
    /// Random bytes.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// A ten-byte draw, as ids take.
pub(crate) fn draw<const N: usize>(env: &mut dyn Env) -> [u8; N] {
    let mut bytes = [0; N];
    env.fill(&mut bytes);
    bytes
}

/// One device's copy of the user's records.
#[derive(Debug)]
pub struct Replica {
    db: rusqlite::Connection,
    schema: Arc<Schema>,
    id: ReplicaId,
    user: UserId,
    /// Fresh at every open, and after every refusal: two processes on one file, a restored copy, or
    /// edits before and after a refused one, are two writers.
    actor: Actor,
    cache: cache::DocumentCache,
    session: session::Session,
    last_fault: Option<String>,
}

impl Replica {
    /// The kinds of records that it holds.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn file(&self) -> store::Db<'_> {
        store::Db::new(&self.db, &self.schema)
    }

    /// This copy's id.
    pub fn id(&self) -> ReplicaId {
        self.id
    }

    /// Whose records these are.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The writer that this open stands for.
    pub fn actor(&self) -> Actor {
        self.actor
    }
}
