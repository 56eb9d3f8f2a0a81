//! What a feed asks of a store, and what a store answers, all of it seen as the user.

use std::collections::BTreeMap;

use crate::cell::{Cell, Row};
use crate::ids::{ChangeHash, FeedPosition, Receipt, RecordId, ScopeId, ServerEpoch};

/// A question of a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FeedRequest {
    /// Take a new snapshot of the store and read its clock. The questions that follow are about the
    /// same snapshot, until the clock is asked for again.
    Clock,
    /// What happened after a position?
    News {
        /// Rows of the server and documents that changed after this.
        after: FeedPosition,
        /// Changes of access after this.
        access_after: FeedPosition,
    },
    /// Every scope that the user sees.
    Scopes,
    /// Which documents are there? Those of some scopes, then those of some ids.
    List {
        /// The scopes.
        scopes: Vec<ScopeId>,
        /// The ids.
        records: Vec<RecordId>,
    },
    /// Documents, as far as the user sees them.
    Documents {
        /// The ids.
        records: Vec<RecordId>,
        /// How much of each.
        since: Since,
    },
}

/// How much of a document is to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Since {
    /// The whole.
    Beginning,
    /// The whole if it began after a position, else its changes after that, oldest first. What stands
    /// at a position of the reader's own counts for nothing.
    Position {
        /// The position.
        after: FeedPosition,
        /// The reader's own positions.
        own: Vec<FeedPosition>,
        /// Changes whose positions, if they have any, are the reader's own too.
        in_flight: Vec<ChangeHash>,
    },
}

/// The answer to a question of a feed.
#[derive(Debug)]
pub enum FeedAnswer {
    /// To [`FeedRequest::Clock`].
    Clock(Clock),
    /// To [`FeedRequest::News`].
    News(News),
    /// To [`FeedRequest::Scopes`].
    Scopes(Vec<ScopeId>),
    /// To [`FeedRequest::List`].
    Listed(Vec<Listed>),
    /// To [`FeedRequest::Documents`], in any order.
    Documents(Vec<FeedDocument>),
}

/// The store's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    /// The last position.
    pub head: FeedPosition,
    /// The store's present life.
    pub epoch: ServerEpoch,
    /// Whether the user may still sign in.
    pub active: bool,
}

/// What happened since a feed looked last.
#[derive(Debug, Default)]
pub struct News {
    /// Rows that only the server writes, in any order.
    pub server_rows: Vec<ServerRow>,
    /// Changes of the user's access, the last of each scope.
    pub access: Vec<AccessEvent>,
    /// Records that left a scope the user sees, and that the user sees nowhere else.
    pub moved_away: Vec<RecordId>,
    /// Documents that changed, by position.
    pub changed: Vec<Listed>,
}

/// A row that only the server writes.
#[derive(Debug)]
pub struct ServerRow {
    /// Position of its last change.
    pub position: FeedPosition,
    /// The record.
    pub record: RecordId,
    /// Its kind's name.
    pub kind: String,
    /// Its cells by the names of their columns, so that a device of another schema finds its own.
    pub fields: BTreeMap<String, Cell>,
}

/// A change of the user's access.
#[derive(Debug)]
pub struct AccessEvent {
    /// What it is about; none for everything.
    pub scope: Option<ScopeId>,
    /// Why, for a person.
    pub reason: String,
}

/// A document that a replica is to get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Position of its last change.
    pub position: FeedPosition,
    /// The record.
    pub record: RecordId,
    /// Its size as saved.
    pub bytes: usize,
}

/// A document as a feed sends it.
#[derive(Debug)]
pub struct FeedDocument {
    /// The record.
    pub record: RecordId,
    /// Its kind's name.
    pub kind: String,
    /// Its scope.
    pub scope: ScopeId,
    /// As much of it as was asked for.
    pub content: Content,
}

/// As much of a document as was asked for.
#[derive(Debug)]
pub enum Content {
    /// All of it.
    Whole {
        /// The merged document.
        snapshot: Vec<u8>,
        /// A receipt for each of its heads, in the order of their hashes.
        receipts: Vec<Receipt>,
        /// Its row.
        row: Option<Row>,
    },
    /// Changes with their receipts, oldest first.
    Changes(Vec<(Vec<u8>, Receipt)>),
}
