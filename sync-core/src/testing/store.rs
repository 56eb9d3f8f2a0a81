//! A server's database in memory: transactional, and with rules that are plain Rust.
//!
//! A transaction is a copy: [`ModelStore::begin`] gives one, everything is done to it, and
//! [`ModelStore::commit`] puts it in place. A copy that is dropped was rolled back.
//!
//! **Invariant**: who sees what is written down whenever it changes, in the transaction that changes
//! it, so that no feed passes that position without the event.

mod judging;
mod reading;
mod writing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use uuid::Uuid;

use super::records::Records;
use super::rules::{Rules, ServerRecord};
use crate::cell::{Cell, Row};
use crate::hub::{StoredChange, Usage};
use crate::ids::{
    Actor, ChangeHash, FeedPosition, Receipt, RecordId, ReplicaId, ScopeId, ServerEpoch, UserId,
};
use crate::schema::Schema;

/// The epoch of a store's first life. A restore counts on.
const FIRST_LIFE: u128 = 1;

/// An accepted change.
#[derive(Debug)]
pub struct Accepted {
    /// The change.
    pub change: StoredChange,
    /// Who pushed it.
    pub author: UserId,
    /// Where it stands.
    pub position: FeedPosition,
    /// The proof that it was accepted.
    pub receipt: Receipt,
}

/// A merged document.
#[derive(Clone, Debug)]
pub struct StoredDocument {
    /// Its kind's name.
    pub kind: &'static str,
    /// What it hangs from.
    pub scope: ScopeId,
    /// As Automerge saves it.
    pub snapshot: Vec<u8>,
    /// A receipt for each of its heads, in the order of their hashes.
    pub receipts: Vec<Receipt>,
    /// Position of its last change.
    pub position: FeedPosition,
    /// Where it began, to those who see its scope.
    pub began: FeedPosition,
    /// Why it takes no changes.
    pub closed: Option<String>,
}

/// A change of access.
#[derive(Clone, Debug)]
struct Access {
    position: FeedPosition,
    user: UserId,
    /// None for everything.
    scope: Option<ScopeId>,
    reason: &'static str,
}

/// A record that left a scope.
#[derive(Clone, Copy, Debug)]
struct Move {
    position: FeedPosition,
    record: RecordId,
    from: ScopeId,
}

/// What stands in the store.
#[derive(Clone, Debug)]
pub struct Contents {
    pub(super) head: FeedPosition,
    pub(super) epoch: ServerEpoch,
    pub(super) changes: BTreeMap<ChangeHash, Arc<Accepted>>,
    pub(super) documents: BTreeMap<RecordId, Arc<StoredDocument>>,
    pub(super) records: Records,
    owners: BTreeMap<Actor, UserId>,
    used: HashMap<UserId, Usage>,
    devices: BTreeMap<ReplicaId, UserId>,
    /// Where the rows stand that only the server writes.
    server_rows: BTreeMap<RecordId, (usize, FeedPosition)>,
    access: Arc<Vec<Access>>,
    moves: Arc<Vec<Move>>,
    /// Scopes that each active user sees.
    visible: BTreeMap<UserId, BTreeSet<ScopeId>>,
}

/// A server's database in memory.
#[derive(Debug)]
pub struct ModelStore {
    rules: Rc<dyn Rules>,
    contents: Contents,
    /// A copy of it, from before.
    kept: Option<Contents>,
}

/// A transaction: dropped, it leaves nothing.
#[derive(Debug)]
pub struct Transaction {
    rules: Rc<dyn Rules>,
    contents: Contents,
}

impl ModelStore {
    /// An empty store with the rows that its rules begin with.
    pub fn new(schema: Arc<Schema>, rules: Rc<dyn Rules>) -> Self {
        let contents = Contents {
            head: FeedPosition(0),
            epoch: ServerEpoch(Uuid::from_u128(FIRST_LIFE)),
            changes: BTreeMap::new(),
            documents: BTreeMap::new(),
            records: Records::new(schema),
            owners: BTreeMap::new(),
            used: HashMap::new(),
            devices: BTreeMap::new(),
            server_rows: BTreeMap::new(),
            access: Arc::default(),
            moves: Arc::default(),
            visible: BTreeMap::new(),
        };
        let mut store = Self { rules, contents, kept: None };
        let mut founding = store.begin();
        for row in store.rules.founding() {
            founding.put_server_record(&row);
        }
        store.commit(founding);
        store
    }

    /// Begins a transaction.
    pub fn begin(&self) -> Transaction {
        Transaction { rules: self.rules.clone(), contents: self.contents.clone() }
    }

    /// Makes a transaction's work stand.
    pub fn commit(&mut self, transaction: Transaction) {
        self.contents = transaction.contents;
    }

    /// Keeps a copy.
    pub fn keep(&mut self) {
        self.kept = Some(self.contents.clone());
    }

    /// Puts the copy that was kept last in place, as another life of the database; says whether there was
    /// one.
    pub fn restore(&mut self) -> bool {
        let Some(kept) = self.kept.clone() else { return false };
        let epoch = self.contents.epoch;
        self.contents = Contents { epoch, ..kept };
        self.begin_another_life();
        true
    }

    /// Begins another life of the database, as after a restore: cursors of before mean nothing in it.
    pub fn begin_another_life(&mut self) {
        self.contents.epoch = ServerEpoch(Uuid::from_u128(self.contents.epoch.0.as_u128() + 1));
    }

    /// What stands in it.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Its rules.
    pub fn rules(&self) -> &Rc<dyn Rules> {
        &self.rules
    }

    /// Whether somebody may sign in.
    pub fn is_active(&self, user: UserId) -> bool {
        self.rules.is_active(&self.contents.records, user)
    }
}

impl Contents {
    /// The rows.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The last position.
    pub fn head(&self) -> FeedPosition {
        self.head
    }

    /// Every document, by record.
    pub fn documents(&self) -> impl Iterator<Item = (RecordId, &StoredDocument)> {
        self.documents.iter().map(|(id, document)| (*id, &**document))
    }

    /// Every accepted change.
    pub fn changes(&self) -> impl Iterator<Item = &Accepted> {
        self.changes.values().map(|accepted| &**accepted)
    }

    /// Whether a user sees what hangs from a scope.
    pub fn sees(&self, user: UserId, scope: ScopeId) -> bool {
        self.visible.get(&user).is_some_and(|seen| seen.contains(&scope))
    }

    /// The cells of a server's row, in the order of its columns.
    fn server_row(&self, record: &ServerRecord) -> Row {
        let kind = self.records.kind(record.kind);
        let cell = |name: &str| record.cells.get(name).cloned().unwrap_or(Cell::Null);
        let columns = kind.columns().iter().skip(1);
        let id = Cell::Text(record.id.to_string());
        [id].into_iter().chain(columns.map(|column| cell(&column.name))).collect()
    }
}
