//! Storing the items of a feed batch.

use automerge::{Automerge, Change, ReadDoc};

use super::again::Again;
use super::error::ReplicaError;
use super::evict::erase;
use super::offer;
use super::refused::Fallout;
use super::state::Rows;
use super::store::{ChangeState, NewChange, OpenDocument, Origin, OwnChange, Work};
use crate::document::{self, LoadError, hydrate};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, ChangeHash, Receipt, RecordId};
use crate::projection::Stamp;
use crate::protocol::FeedItem;
use crate::schema::{Kind, Storage};

/// A change that is not here, with the receipt for it.
type Fresh = (Change, Option<Receipt>);

/// What came with a batch of items.
pub(super) struct Intake {
    pub(super) rows: Rows,
    pub(super) origin: Origin,
    /// Records whose changes build on what is not here: they are needed whole.
    pub(super) lacking: Vec<RecordId>,
    /// Unsent edits that gave way to what the server has.
    pub(super) displaced: usize,
    /// Those of them that could not be made again.
    pub(super) refused: Vec<(ChangeHash, Refusal)>,
}

impl Intake {
    pub(super) fn new(rows: Rows, origin: Origin) -> Self {
        Self { rows, origin, lacking: Vec::new(), displaced: 0, refused: Vec::new() }
    }

    pub(super) fn take(
        &mut self,
        work: &mut Work<'_>,
        item: &FeedItem,
    ) -> Result<(), ReplicaError> {
        if let Some(fields) = &item.fields {
            return Ok(work.put_server_row(&item.kind, item.record, fields)?);
        }
        if work.stored().kind_name(item.record)?.is_some_and(|name| name != item.kind) {
            self.give_way(work, item)?;
        }
        let kind = work.schema().kind(&item.kind).cloned();
        match (&item.snapshot, kind) {
            (Some(snapshot), kind) => self.take_snapshot(work, kind.as_ref(), item, &snapshot.0),
            // Rows of the server come by field name.
            (None, Some(kind)) if kind.storage == Storage::ServerRow => Ok(()),
            (None, Some(kind)) => self.take_changes(work, &kind, item),
            (None, None) => self.take_unknown(work, item),
        }
    }

    /// A whole document. Without local edits its row comes with it, and Automerge need not run.
    fn take_snapshot(
        &mut self,
        work: &mut Work<'_>,
        kind: Option<&Kind>,
        item: &FeedItem,
        snapshot: &[u8],
    ) -> Result<(), ReplicaError> {
        let (record, scope) = (item.record, item.scope);
        if work.stored().may_be_lost(record)? {
            offer::what_lacks(work, record, snapshot)?;
        }
        let pending = work.stored().waiting_from(record, i64::MIN)?;
        if pending.is_empty() {
            let n = work.put_snapshot(record, &item.kind, scope, snapshot, &item.receipts)?;
            let row = item.row.as_ref().filter(|_| self.rows == Rows::Agreed);
            return match (kind, row) {
                (Some(kind), Some(row)) if row.len() == kind.columns().len() => {
                    Ok(work.put_row(kind, record, n, row)?)
                }
                (Some(_), _) => {
                    let open = work.open(record)?;
                    // Where it hangs from the server has said.
                    open.map_or(Ok(()), |open| Ok(work.put_record(record, &open, scope)?))
                }
                (None, _) => Ok(()),
            };
        }
        let (there, misfits) = against(sent(snapshot)?, &pending)?;
        // Before anything is replaced: what they did is read from what is here.
        let displaced = match kind {
            Some(_) => self.displace(work, &misfits)?,
            None => None,
        };
        work.put_snapshot(record, &item.kind, scope, snapshot, &item.receipts)?;
        for hash in there {
            work.drop_change(hash)?;
        }
        work.refresh_record(record)?;
        self.make_again(work, displaced)
    }

    /// Takes changes out of the outbox that do not go with what the server sent, to be made again on
    /// that; or into quarantine, when what they did cannot be read any more.
    fn displace(
        &mut self,
        work: &mut Work<'_>,
        misfits: &[ChangeHash],
    ) -> Result<Option<Again>, ReplicaError> {
        if misfits.is_empty() {
            return Ok(None);
        }
        let again = Again::read_entangled(work, misfits)?;
        if again.is_complete() {
            again.set_aside(work)?;
            self.displaced += misfits.len();
            return Ok(Some(again));
        }
        let sentence = "It does not go with the record as the server has it; make it again.";
        let refusal = Refusal::new(RefusalCode::MissingDependency, sentence);
        for hash in misfits {
            if work.quarantine_change(*hash, &refusal)?.is_some_and(|stood| !stood.step) {
                self.refused.push((*hash, refusal.clone()));
            }
        }
        Ok(None)
    }

    /// Clears the place of a record that the server has as another kind: what was begun here under its
    /// id goes into quarantine, with what was made together with it.
    fn give_way(&mut self, work: &mut Work<'_>, item: &FeedItem) -> Result<(), ReplicaError> {
        let record = item.record;
        let sentence = format!("Its place is taken by a record that is a {}.", item.kind);
        let refusal = Refusal::new(RefusalCode::WrongKind, sentence);
        let pending = work.stored().waiting_from(record, i64::MIN)?;
        let mut fallout = Fallout::default();
        for change in &pending {
            fallout.refuse_group(work, change, &refusal)?;
        }
        fallout.settle(work)?;
        fallout.show(work)?;
        erase(work, record)?;
        self.displaced += pending.len();
        self.refused.extend(fallout.refused);
        self.lacking.extend(fallout.misplaced);
        Ok(())
    }

    fn make_again(
        &mut self,
        work: &mut Work<'_>,
        displaced: Option<Again>,
    ) -> Result<(), ReplicaError> {
        if let Some(again) = displaced {
            self.refused.extend(again.make(work)?);
        }
        Ok(())
    }

    /// Changes of a record that is here.
    fn take_changes(
        &mut self,
        work: &mut Work<'_>,
        kind: &Kind,
        item: &FeedItem,
    ) -> Result<(), ReplicaError> {
        let record = item.record;
        let Some(mut open) = work.open(record)? else {
            self.lacking.push(record);
            return Ok(());
        };
        let fresh = self.fresh(work, &open.doc, item)?;
        // One that bears the name of an unsent change was made by a copy of this writer, or by whoever
        // stole its name. The server has that one, so that it is ours which gives way.
        let pending = work.stored().waiting_from(record, i64::MIN)?;
        let colliding = colliding(&pending, &fresh);
        let displaced = self.displace(work, &colliding)?;
        if !colliding.is_empty() {
            let Some(left) = work.open(record)? else {
                self.lacking.push(record);
                return self.make_again(work, displaced);
            };
            open = left;
        }
        let stood = open.doc.get_heads();
        if self.apply(work, item, &mut open.doc, &fresh)? {
            if open.doc.get_heads() != stood {
                open.hydrated = hydrate(&open.doc, kind);
                let newest = fresh.iter().map(|(change, _)| Stamp::of(change, &open.doc)).max();
                open.stamp = open.stamp.max(newest);
            }
            self.show(work, item, open, &pending)?;
        }
        self.make_again(work, displaced)
    }

    /// Writes what a record says after changes of the server came.
    fn show(
        &self,
        work: &mut Work<'_>,
        item: &FeedItem,
        open: OpenDocument,
        pending: &[OwnChange],
    ) -> Result<(), ReplicaError> {
        let record = item.record;
        // The server says what it hangs from, but for what an unsent edit makes of that.
        let scope = if pending.is_empty() { item.scope } else { open.scope(record) };
        work.put_record(record, &open, scope)?;
        work.fold(record)?;
        work.keep(record, open);
        Ok(())
    }

    /// Changes of a record of a kind that this app does not know: stored for one that does.
    fn take_unknown(&mut self, work: &mut Work<'_>, item: &FeedItem) -> Result<(), ReplicaError> {
        let Some(mut doc) = work.stored().confirmed(item.record)? else {
            self.lacking.push(item.record);
            return Ok(());
        };
        let fresh = self.fresh(work, &doc, item)?;
        if self.apply(work, item, &mut doc, &fresh)? {
            work.put_scope(item.record, &item.kind, item.scope)?;
            work.fold(item.record)?;
        }
        Ok(())
    }

    /// Changes that a document does not have, with their receipts; ours among the others are accepted.
    fn fresh(
        &self,
        work: &mut Work<'_>,
        doc: &Automerge,
        item: &FeedItem,
    ) -> Result<Vec<Fresh>, ReplicaError> {
        let mut fresh = Vec::new();
        for (n, bytes) in item.changes.iter().enumerate() {
            let receipt = item.receipts.get(n).copied();
            let change = Change::from_bytes(bytes.0.clone())
                .map_err(|error| LoadError::Sent(error.to_string()))?;
            let hash = ChangeHash(change.hash().0);
            match work.stored().change_state(hash)? {
                // Our own change, whose verdict was lost on the way or is still to come.
                Some(1) => work.accept_change(hash, receipt)?,
                // Refused here, and yet accepted for somebody who pushed it too.
                Some(2) => {
                    work.drop_change(hash)?;
                    fresh.push((change, receipt));
                }
                Some(_) => {}
                None if doc.get_change_by_hash(&change.hash()).is_some() => {}
                None => fresh.push((change, receipt)),
            }
        }
        Ok(fresh)
    }

    /// Applies changes and stores them as accepted; `false` when something they build on is missing,
    /// and then nothing was stored and the record is noted as lacking.
    fn apply(
        &mut self,
        work: &mut Work<'_>,
        item: &FeedItem,
        doc: &mut Automerge,
        fresh: &[Fresh],
    ) -> Result<bool, ReplicaError> {
        if fresh.is_empty() {
            return Ok(true);
        }
        doc.apply_changes(fresh.iter().map(|(change, _)| change.clone()))
            .map_err(|error| LoadError::Sent(error.to_string()))?;
        if !doc.get_missing_deps(&[]).is_empty() {
            self.lacking.push(item.record);
            return Ok(false);
        }
        for (change, receipt) in fresh {
            work.add_change(&NewChange {
                record: item.record,
                kind: &item.kind,
                hash: change.hash().into(),
                bytes: change.raw_bytes(),
                state: ChangeState::Accepted,
                actor: Actor::from_slice(change.actor_id().to_bytes()).unwrap_or(Actor([0; 16])),
                step: false,
                receipt: *receipt,
                origin: &self.origin,
            })?;
        }
        Ok(true)
    }
}

fn sent(snapshot: &[u8]) -> Result<Automerge, LoadError> {
    document::load(snapshot, &[]).map_err(|error| LoadError::Sent(error.to_string()))
}

/// Which pending changes a whole document has already, since their verdict was lost on the way, and
/// which do not go with it: the first that builds on what is not there, and what comes after it.
fn against(
    mut doc: Automerge,
    pending: &[OwnChange],
) -> Result<(Vec<ChangeHash>, Vec<ChangeHash>), ReplicaError> {
    let (mut there, mut misfits) = (Vec::new(), Vec::new());
    for one in pending {
        let change = Change::from_bytes(one.bytes.clone())
            .map_err(|error| LoadError::Change(error.to_string()))?;
        if doc.get_change_by_hash(&change.hash()).is_some() {
            there.push(one.hash);
            continue;
        }
        let known = change.deps().iter().all(|dep| doc.get_change_by_hash(dep).is_some());
        let fits = misfits.is_empty() && known && doc.apply_changes([change]).is_ok();
        if !fits {
            misfits.push(one.hash);
        }
    }
    Ok((there, misfits))
}

/// Pending changes that have writer and number in common with one of these.
fn colliding(pending: &[OwnChange], fresh: &[Fresh]) -> Vec<ChangeHash> {
    let same = |own: &Change| {
        fresh.iter().any(|(one, _)| one.seq() == own.seq() && one.actor_id() == own.actor_id())
    };
    let taken =
        |one: &&OwnChange| Change::from_bytes(one.bytes.clone()).is_ok_and(|own| same(&own));
    pending.iter().filter(taken).map(|one| one.hash).collect()
}
