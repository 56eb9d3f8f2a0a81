//! One session's feed: what the user may see and the replica does not have, in order.
//!
//! Each batch is read in a transaction of its own, as the user, under the policies. The clock read
//! there bounds the batch: since commits happen one after the other, every position up to it is
//! visible, and none is missed.
//!
//! **Invariant**: nothing is sent that was not read as the user.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection as _, Executor};
use sync_core::ids::{ChangeHash, FeedPosition, RecordId, ScopeId, ServerEpoch, UserId};
use sync_core::limits;
use sync_core::projection::Row;
use sync_core::protocol::{AccessNotice, Blob, Cursor, FeedBatch, FeedItem};
use sync_core::schema::Schema;
use uuid::Uuid;

use crate::store::feed::Listed;
use crate::store::{self, Access};

/// Own changes remembered so as not to send them back; beyond that they are sent back.
const OWN_CHANGES: usize = 100_000;
/// A position before every document.
const BEFORE_ALL: i64 = -1;

/// Where a session's feed stands.
#[derive(Debug)]
pub struct Feed {
    schema: Arc<Schema>,
    user: UserId,
    /// Of what was listed at the last look, everything up to here is on the replica.
    cursor: i64,
    /// Everything up to here is on the replica, whatever was listed since. While a list is being
    /// sent, a record late in it may have changes, or its very beginning, between here and the
    /// cursor, and these must go with it.
    base: i64,
    /// Access events up to here were dealt with.
    access_seen: i64,
    /// The clock at the last look.
    head: i64,
    /// The clock when the feed was last read, with a look or amid a list.
    clock: i64,
    /// Whether the last batch said that more is to come.
    owing: bool,
    epoch: Uuid,
    active: bool,
    /// Changed documents still to be sent, by position.
    changed: VecDeque<Listed>,
    /// Documents to be sent whole, whatever their position: newly granted, or asked for.
    whole: VecDeque<Listed>,
    /// Records that the replica asked for, not yet looked up.
    asked: Vec<Uuid>,
    /// How often it asked.
    fetches: u64,
    /// Positions of changes that this very connection brought.
    own: Vec<i64>,
}

/// The cursor as a replica keeps it: the life of the database, the position, and the base.
fn cursor_bytes(epoch: Uuid, position: i64, base: i64) -> Cursor {
    let mut bytes = epoch.as_bytes().to_vec();
    bytes.extend_from_slice(&position.to_be_bytes());
    bytes.extend_from_slice(&base.to_be_bytes());
    Blob(bytes)
}

/// Position and base of a cursor of this life.
fn cursor_position(epoch: Uuid, cursor: &Cursor) -> Option<(i64, i64)> {
    let (life, rest) = cursor.0.split_at_checked(16)?;
    let (position, base) = rest.split_at_checked(8)?;
    let position = i64::from_be_bytes(position.try_into().ok()?);
    let base = i64::from_be_bytes(base.try_into().ok()?);
    (life == epoch.as_bytes() && (0..=position).contains(&base)).then_some((position, base))
}

impl Feed {
    /// Takes up a replica's feed where it ended.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(
        pool: &PgPool,
        schema: Arc<Schema>,
        user: UserId,
        cursor: Option<&Cursor>,
    ) -> sqlx::Result<Self> {
        let mut connection = pool.acquire().await?;
        let (head, epoch, _) = store::feed::clock(&mut connection).await?;
        let known = cursor.and_then(|cursor| cursor_position(epoch, cursor));
        // A cursor ahead of the clock is of a life that was restored: everything is sent again.
        let known = known.filter(|(position, _)| *position <= head);
        let (position, base) = known.unwrap_or((0, 0));
        Ok(Self {
            schema,
            user,
            cursor: position,
            base,
            // A replica that begins holds nothing to be taken away.
            access_seen: if known.is_some() { base } else { head },
            head: 0,
            clock: 0,
            owing: false,
            epoch,
            active: true,
            changed: VecDeque::new(),
            whole: VecDeque::new(),
            asked: Vec::new(),
            fetches: 0,
            own: Vec::new(),
        })
    }

    /// Whether the user might sign in when the feed was last read.
    pub fn user_is_active(&self) -> bool {
        self.active
    }

    /// The database's present life.
    pub fn epoch(&self) -> ServerEpoch {
        ServerEpoch(self.epoch)
    }

    /// Whether the next batch is there to be read without a new look.
    pub fn under_way(&self) -> bool {
        !(self.changed.is_empty() && self.whole.is_empty() && self.asked.is_empty())
    }

    /// Remembers a change that this very connection brought, so as not to send it back.
    pub fn note_own(&mut self, position: FeedPosition) {
        if self.own.len() < OWN_CHANGES {
            self.own.push(position.0);
        }
    }

    /// Sends these records whole, as far as the user sees them.
    pub fn fetch(&mut self, records: impl IntoIterator<Item = RecordId>) {
        self.fetches += 1;
        self.asked.extend(records.into_iter().map(|record| record.0));
    }

    /// The next batch; `None` when the replica has everything there is. What this very connection is
    /// about to hear verdicts of is not sent back, though it may be stored by now.
    ///
    /// # Errors
    /// When the database cannot be reached; the feed stands where it stood.
    pub async fn next(
        &mut self,
        pool: &PgPool,
        in_flight: &[ChangeHash],
    ) -> sqlx::Result<Option<FeedBatch>> {
        loop {
            let batch = self.read(pool, in_flight).await?;
            // A list that is being sent keeps the feed from looking, and who commits wakes it but once.
            let behind = self.clock > self.head.max(self.cursor);
            if batch.is_some() || !(self.under_way() || behind) {
                return Ok(batch);
            }
        }
    }

    /// Reads what fits one batch; `None` when the replica need not hear of it.
    async fn read(
        &mut self,
        pool: &PgPool,
        in_flight: &[ChangeHash],
    ) -> sqlx::Result<Option<FeedBatch>> {
        let mut connection = pool.acquire().await?;
        let mut tx = connection.begin().await?;
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        store::become_user(&mut tx, self.user, Access::Read).await?;
        let (head, _, active) = store::feed::clock(&mut tx).await?;
        (self.active, self.clock) = (active, head);
        let mut batch = FeedBatch::default();
        // A replica that pushed, or asked for records, waits to hear that it is past that.
        let mut awaited = false;
        if self.changed.is_empty() && head > self.head.max(self.cursor) {
            self.look(&mut tx, head, &mut batch).await?;
        }
        let asked = std::mem::take(&mut self.asked);
        if !asked.is_empty() {
            // Answered even when none of them is visible.
            awaited = true;
            self.whole.extend(store::feed::of_ids(&mut tx, &asked).await?);
        }
        let whole = next_of(&mut self.whole);
        if whole.is_empty() {
            self.send_changed(&mut tx, &mut batch, in_flight).await?;
        } else {
            let ids: Vec<Uuid> = whole.iter().map(|listed| listed.id).collect();
            let documents = store::feed::documents(&mut tx, &ids, BEFORE_ALL, &[]).await?;
            batch.items.extend(self.snapshots(&mut tx, documents).await?);
        }
        tx.commit().await?;
        if self.changed.is_empty() && self.whole.is_empty() {
            self.cursor = self.cursor.max(self.head);
            self.base = self.cursor;
            awaited |= self.own.iter().any(|position| *position <= self.base);
            self.own.retain(|position| *position > self.base);
            // What happened since the list was made may have woken nobody but its reader.
            batch.live = head <= self.cursor;
            // One that was told of more waits to hear that there is no more.
            awaited |= self.owing && batch.live;
        }
        batch.head = FeedPosition(self.head);
        batch.fetches = self.fetches;
        batch.cursor = cursor_bytes(self.epoch, self.cursor, self.base);
        batch.remaining = (self.changed.len() + self.whole.len()) as u64;
        let silent = !awaited
            && batch.items.is_empty()
            && batch.evict.is_empty()
            && batch.evict_records.is_empty()
            && batch.keep_only.is_none()
            && whole.is_empty();
        if silent {
            return Ok(None);
        }
        self.owing = !batch.live;
        Ok(Some(batch))
    }

    /// Looks for what happened since the last look.
    async fn look(
        &mut self,
        tx: &mut PgConnection,
        head: i64,
        batch: &mut FeedBatch,
    ) -> sqlx::Result<()> {
        let after = self.cursor;
        for kind in self.schema.clone().server_kinds() {
            let names = kind.columns().iter().map(|column| column.name.to_string());
            for (id, row) in store::rows::server_rows_after(tx, kind, after).await? {
                batch.items.push(FeedItem {
                    record: RecordId(id),
                    kind: kind.name.to_owned(),
                    scope: ScopeId::EVERYONE,
                    snapshot: None,
                    changes: Vec::new(),
                    row: None,
                    fields: Some(names.clone().zip(row).collect()),
                });
            }
        }
        let events = store::feed::access_events(tx, self.user.0, self.access_seen).await?;
        if !events.is_empty() {
            self.follow_access(tx, events, batch).await?;
        }
        let moved = store::feed::moved_away(tx, self.access_seen).await?;
        batch.evict_records = moved.into_iter().map(RecordId).collect();
        self.changed = store::feed::changed_after(tx, after).await?.into();
        self.access_seen = head;
        self.head = head;
        Ok(())
    }

    /// Turns changes of access into evictions, and into documents to be sent whole.
    async fn follow_access(
        &mut self,
        tx: &mut PgConnection,
        events: Vec<(Option<Uuid>, String)>,
        batch: &mut FeedBatch,
    ) -> sqlx::Result<()> {
        let visible: HashSet<Uuid> = store::feed::visible_scopes(tx).await?.into_iter().collect();
        let everything = events.iter().any(|(scope, _)| scope.is_none());
        let of_scopes = events.into_iter().filter_map(|(scope, reason)| Some((scope?, reason)));
        let notice = |(scope, reason)| AccessNotice { scope: ScopeId(scope), reason };
        let (seen, lost): (Vec<_>, Vec<_>) =
            of_scopes.partition(|(scope, _)| visible.contains(scope));
        let mut granted: Vec<Uuid> = seen.iter().map(|(scope, _)| *scope).collect();
        batch.grant = seen.into_iter().map(notice).collect();
        if everything {
            batch.keep_only = Some(visible.iter().map(|scope| ScopeId(*scope)).collect());
            granted = visible.into_iter().collect();
        } else {
            batch.evict = lost.into_iter().map(notice).collect();
        }
        // Whole, also what changed since: the replica may hold none of it.
        self.whole.extend(store::feed::of_scopes(tx, &granted).await?);
        Ok(())
    }

    /// Sends the next changed documents: whole when the replica cannot have them, else what is new.
    async fn send_changed(
        &mut self,
        tx: &mut PgConnection,
        batch: &mut FeedBatch,
        in_flight: &[ChangeHash],
    ) -> sqlx::Result<()> {
        let next = next_of(&mut self.changed);
        let Some(last) = next.last() else { return Ok(()) };
        let ids: Vec<Uuid> = next.iter().map(|listed| listed.id).collect();
        let mut own = self.own.clone();
        if !in_flight.is_empty() {
            own.extend(store::feed::positions(tx, in_flight).await?);
        }
        let documents = store::feed::documents(tx, &ids, self.base, &own).await?;
        let (fresh, known): (Vec<_>, Vec<_>) =
            documents.into_iter().partition(|document| document.snapshot.is_some());
        let mut items: HashMap<Uuid, FeedItem> = HashMap::new();
        for item in self.snapshots(tx, fresh).await? {
            items.insert(item.record.0, item);
        }
        let known_ids: Vec<Uuid> = known.iter().map(|document| document.id).collect();
        let mut changes: HashMap<Uuid, Vec<Blob>> = HashMap::new();
        let others = store::feed::changes_after(tx, &known_ids, self.base, &own).await?;
        for (record, bytes) in others {
            changes.entry(record).or_default().push(Blob(bytes));
        }
        for document in known {
            if let Some(changes) = changes.remove(&document.id) {
                items.insert(document.id, item(&document, None, changes, None));
            }
        }
        batch.items.extend(ids.iter().filter_map(|id| items.remove(id)));
        self.cursor = last.position;
        Ok(())
    }

    /// Whole documents with their rows.
    async fn snapshots(
        &self,
        tx: &mut PgConnection,
        documents: Vec<store::feed::FeedDocument>,
    ) -> sqlx::Result<Vec<FeedItem>> {
        let mut by_kind: HashMap<&str, Vec<Uuid>> = HashMap::new();
        for document in &documents {
            by_kind.entry(document.kind.as_str()).or_default().push(document.id);
        }
        let mut rows: HashMap<Uuid, Row> = HashMap::new();
        for (kind, ids) in by_kind {
            if let Some(kind) = self.schema.kind(kind) {
                rows.extend(store::rows::by_id(tx, kind, &ids).await?);
            }
        }
        let with_rows = documents.into_iter().map(|mut document| {
            let row = rows.remove(&document.id);
            let snapshot = document.snapshot.take().map(Blob);
            item(&document, snapshot, Vec::new(), row)
        });
        Ok(with_rows.collect())
    }
}

/// Takes the next batch off a list: so many records, so many bytes, but one at least.
fn next_of(queue: &mut VecDeque<Listed>) -> Vec<Listed> {
    let mut bytes = 0;
    let fits = |listed: &&Listed| {
        let first = bytes == 0;
        bytes += listed.bytes;
        first || bytes <= limits::FEED_BATCH_BYTES
    };
    let count = queue.iter().take(limits::RECORDS_PER_FEED_BATCH).take_while(fits).count();
    queue.drain(..count).collect()
}

fn item(
    document: &store::feed::FeedDocument,
    snapshot: Option<Blob>,
    changes: Vec<Blob>,
    row: Option<Row>,
) -> FeedItem {
    FeedItem {
        record: RecordId(document.id),
        kind: document.kind.clone(),
        scope: ScopeId(document.scope),
        snapshot,
        changes,
        row,
        fields: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_life_counts_for_nothing() {
        let (life, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let cursor = cursor_bytes(life, 77, 5);
        assert_eq!(cursor_position(life, &cursor), Some((77, 5)));
        assert_eq!(cursor_position(other, &cursor), None);
        assert_eq!(cursor_position(life, &Blob(vec![1, 2, 3])), None);
    }
}
