//! What a store's tables hold, as rules read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cell::Row;
use crate::ids::{FeedPosition, RecordId, ScopeId, UserId};
use crate::schema::{Kind, RowView, Schema};

/// The rows of every kind, and who lost sight of what.
#[derive(Clone, Debug)]
pub struct Records {
    schema: Arc<Schema>,
    rows: BTreeMap<(usize, RecordId), Arc<Row>>,
    lost: BTreeMap<(UserId, ScopeId), FeedPosition>,
}

impl Records {
    pub(super) fn new(schema: Arc<Schema>) -> Self {
        Self { schema, rows: BTreeMap::new(), lost: BTreeMap::new() }
    }

    /// Which kinds there are.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// A kind by its name.
    ///
    /// # Panics
    /// When there is none of the name.
    pub fn kind(&self, name: &str) -> &Kind {
        self.schema.kind(name).unwrap_or_else(|| panic!("the schema has no kind {name}"))
    }

    /// One row.
    pub fn row(&self, kind: &str, id: RecordId) -> Option<RowView<'_>> {
        self.row_of(self.kind(kind), id)
    }

    pub(super) fn row_of<'a>(&'a self, kind: &'a Kind, id: RecordId) -> Option<RowView<'a>> {
        let row = self.rows.get(&(kind.index(), id))?;
        Some(RowView::new(kind.columns(), row))
    }

    pub(super) fn cells(&self, kind: &Kind, id: RecordId) -> Option<&Arc<Row>> {
        self.rows.get(&(kind.index(), id))
    }

    /// All rows of a kind, by id.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = (RecordId, RowView<'_>)> {
        let kind = self.kind(kind);
        let least = RecordId(uuid::Uuid::nil());
        let most = RecordId(uuid::Uuid::max());
        let rows = self.rows.range((kind.index(), least)..=(kind.index(), most));
        rows.map(|((_, id), row)| (*id, RowView::new(kind.columns(), row)))
    }

    /// Whether a user saw a scope until after a device of theirs had last heard. One that says nothing
    /// of what it had heard claims nothing.
    pub fn lost_unheard(&self, user: UserId, scope: ScopeId, seen: Option<FeedPosition>) -> bool {
        let lost = self.lost.get(&(user, scope));
        lost.zip(seen).is_some_and(|(lost, seen)| *lost > seen)
    }

    pub(super) fn put(&mut self, kind: &Kind, id: RecordId, row: Arc<Row>) -> Option<Arc<Row>> {
        self.rows.insert((kind.index(), id), row)
    }

    pub(super) fn note_loss(&mut self, user: UserId, scope: ScopeId, at: FeedPosition) {
        self.lost.insert((user, scope), at);
    }

    pub(super) fn forget_losses(&mut self, user: UserId) {
        self.lost.retain(|(loser, _), _| *loser != user);
    }
}
