//! Taking in what the server sends: one SQLite transaction a batch.

use automerge::{Change, ReadDoc};
use rusqlite::Connection;

use super::cache::{self, DocumentCache, OpenDocument};
use super::edit::{load_open, write_record};
use super::session::{Effect, SessionFault, State};
use super::store::{self, ChangeState, NewChange};
use super::{Env, Replica, ReplicaError, draw};
use crate::document::{self, hydrate};
use crate::ids::{Actor, ChangeHash, GroupId, RecordId, ScopeId};
use crate::projection::Stamp;
use crate::protocol::{AccessNotice, ClientMessage, FeedAck, FeedBatch, FeedItem};
use crate::schema::{self, Kind, Storage};
use crate::time::UnixMs;

/// Accepted changes beside a snapshot after which they are folded into it.
const FOLD_AFTER: usize = 24;

/// What became of a feed item.
enum Taken {
    /// Stored.
    Stored,
    /// The replica lacks what the changes build on: it needs the snapshot.
    Lacking,
}

impl Replica {
    /// Erases every record, because the user may no longer sign in. Unsent and refused edits stay,
    /// to be handed in should that change; then everything else comes again.
    pub(super) fn erase_everything(&mut self) -> Result<(), SessionFault> {
        cache::write(&self.db, &mut self.cache, |tx, cache| {
            for scope in store::scopes(tx)? {
                erase_scope(tx, cache, scope)?;
            }
            for kind in schema::KINDS.iter().filter(|kind| kind.storage == Storage::ServerRow) {
                store::empty_table(tx, kind)?;
            }
            store::drop_meta(tx, "cursor")?;
            store::set_meta(tx, SCRUB, &true)?;
            Ok::<_, SessionFault>(())
        })?;
        scrub(&self.db);
        Ok(())
    }

    pub(super) fn handle_feed(
        &mut self,
        batch: FeedBatch,
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        if !matches!(self.session.state, State::Open(_)) {
            return Err(SessionFault::OutOfTurn("feed"));
        }
        let now = env.now();
        let group = GroupId::mint(now, draw(env));
        let (tables, evicted, lacking) = cache::write(&self.db, &mut self.cache, |tx, cache| {
            let mut tables: Vec<&'static str> = Vec::new();
            let evicted = evict(tx, &batch, cache)?;
            let mut lacking: Vec<RecordId> = Vec::new();
            for item in &batch.items {
                // A kind of a newer server: its records wait on the server for a newer app.
                let Some(kind) = schema::kind(&item.kind) else { continue };
                if !tables.contains(&kind.table) {
                    tables.push(kind.table);
                }
                match take_item(tx, kind, item, cache, group, now)? {
                    Taken::Stored => {}
                    Taken::Lacking => lacking.push(item.record),
                }
            }
            store::set_meta(tx, "cursor", &batch.cursor.0)?;
            store::set_meta(tx, "last_sync", &now.0)?;
            if !evicted.is_empty() {
                store::set_meta(tx, SCRUB, &true)?;
            }
            Ok::<_, SessionFault>((tables, evicted, lacking))
        })?;
        scrub(&self.db);
        let mut effects =
            vec![Effect::Send(ClientMessage::FeedAck(FeedAck { batches: 1 }).to_bytes())];
        if !lacking.is_empty() {
            let fetch = self.fetch(lacking);
            effects.push(fetch);
        }
        if let State::Open(session) = &mut self.session.state {
            session.live_at = batch.live.then_some(batch.head);
            session.answered = batch.fetches;
            if session.live() {
                effects.push(Effect::Live);
            }
        }
        if !evicted.is_empty() {
            effects.push(Effect::Evicted(evicted));
        }
        effects.push(Effect::Changed(tables));
        effects.push(Effect::Remaining(batch.remaining));
        Ok(effects)
    }
}

/// Set while words of erased records may still stand in the search index or the journal.
const SCRUB: &str = "scrub";

/// Wipes what erasing left behind: SQLite overwrites freed pages, but the search index only marks
/// its entries, and the journal keeps old pages until it is emptied.
///
/// Another process at work or a full disk can be in the way. That keeps nobody from working: the
/// next feed batch or the next opening tries again.
pub(super) fn scrub(db: &Connection) {
    // Without waiting for others: nobody's edit should hang on this.
    let _ = db.busy_timeout(std::time::Duration::ZERO);
    let _ = try_scrub(db);
    let _ = db.busy_timeout(super::open::BUSY_TIMEOUT);
}

fn try_scrub(db: &Connection) -> rusqlite::Result<()> {
    if store::meta::<bool>(db, SCRUB)? != Some(true) {
        return Ok(());
    }
    db.execute("INSERT INTO search (search) VALUES ('optimize')", [])?;
    let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy { Ok(()) } else { store::set_meta(db, SCRUB, &false) }
}

/// Erases what the user no longer sees; returns the reasons.
fn evict(
    tx: &Connection,
    batch: &FeedBatch,
    cache: &mut DocumentCache,
) -> Result<Vec<String>, ReplicaError> {
    let mut gone: Vec<AccessNotice> = batch.evict.clone();
    if let Some(keep) = &batch.keep_only {
        let reason = "Your access was changed.";
        for scope in store::scopes(tx)?.into_iter().filter(|scope| !keep.contains(scope)) {
            // The server cannot list an account that it has not heard of yet.
            if !store::is_unsent(tx, RecordId(scope.0))? {
                gone.push(AccessNotice { scope, reason: reason.to_owned() });
            }
        }
    }
    let mut reasons = Vec::new();
    for notice in gone {
        if erase_scope(tx, cache, notice.scope)? > 0 {
            reasons.push(notice.reason);
        }
    }
    for record in &batch.evict_records {
        super::quarantine::keep_words(tx, *record)?;
        if store::erase_record(tx, *record)? {
            cache.forget(*record);
            reasons.push("A record moved to an account that you do not see.".to_owned());
        }
    }
    Ok(reasons)
}

/// Erases what hangs from a scope; returns how many records.
fn erase_scope(
    tx: &Connection,
    cache: &mut DocumentCache,
    scope: ScopeId,
) -> Result<usize, ReplicaError> {
    let records = store::records_of(tx, scope)?;
    for record in &records {
        super::quarantine::keep_words(tx, *record)?;
        store::erase_record(tx, *record)?;
        cache.forget(*record);
    }
    Ok(records.len())
}

fn take_item(
    tx: &Connection,
    kind: &'static Kind,
    item: &FeedItem,
    cache: &mut DocumentCache,
    group: GroupId,
    now: UnixMs,
) -> Result<Taken, ReplicaError> {
    if kind.storage == Storage::ServerRow {
        if let Some(row) = &item.row
            && row.len() == kind.columns().len()
        {
            store::put_row(tx, kind, row)?;
        }
        return Ok(Taken::Stored);
    }
    match &item.snapshot {
        Some(snapshot) => {
            cache.forget(item.record);
            take_snapshot(tx, kind, item, cache, &snapshot.0)?;
            Ok(Taken::Stored)
        }
        None => take_changes(tx, kind, item, cache, group, now),
    }
}

/// A whole document. Without local edits its row comes with it, and Automerge need not run.
fn take_snapshot(
    tx: &Connection,
    kind: &'static Kind,
    item: &FeedItem,
    cache: &mut DocumentCache,
    snapshot: &[u8],
) -> Result<(), ReplicaError> {
    let n = store::put_snapshot(tx, item.record, kind, item.scope, snapshot)?;
    store::drop_accepted_changes(tx, item.record)?;
    let pending = pending_hashes(tx, item.record)?;
    if pending.is_empty()
        && let Some(row) = item.row.as_ref().filter(|row| row.len() == kind.columns().len())
    {
        cache.put_row(tx, kind, n, row)?;
        return Ok(());
    }
    let doc = document::load(snapshot, &[])?;
    for hash in pending {
        // The server has it: the verdict was lost on the way.
        if doc.get_change_by_hash(&automerge::ChangeHash(hash.0)).is_some() {
            store::drop_change(tx, hash)?;
        }
    }
    rebuild(tx, cache, &[item.record]).map(drop)
}

fn pending_hashes(tx: &Connection, record: RecordId) -> rusqlite::Result<Vec<ChangeHash>> {
    let mut statement =
        tx.prepare_cached("SELECT hash FROM changes WHERE record = ?1 AND state = 1 ORDER BY seq")?;
    let rows = statement.query_map([record.as_bytes()], |row| row.get::<_, [u8; 32]>(0))?;
    rows.map(|hash| hash.map(ChangeHash)).collect()
}

fn take_changes(
    tx: &Connection,
    kind: &'static Kind,
    item: &FeedItem,
    cache: &mut DocumentCache,
    group: GroupId,
    now: UnixMs,
) -> Result<Taken, ReplicaError> {
    let open = match cache.take(item.record) {
        Some(open) => Some(open),
        None => load_open(tx, item.record)?,
    };
    let Some(mut open) = open else { return Ok(Taken::Lacking) };
    let mut fresh: Vec<Change> = Vec::new();
    for bytes in &item.changes {
        let change = Change::from_bytes(bytes.0.clone())
            .map_err(|error| document::LoadError::Change(error.to_string()))?;
        let hash = ChangeHash(change.hash().0);
        match store::change_state(tx, hash)? {
            Some(0) => {}
            // Our own change, whose verdict was lost on the way or is still to come.
            Some(_) => store::accept_change(tx, hash)?,
            None if open.doc.get_change_by_hash(&change.hash()).is_some() => {}
            None => fresh.push(change),
        }
    }
    if !fresh.is_empty() && apply(tx, kind, item.record, &mut open, fresh, group, now)? {
        return Ok(Taken::Lacking);
    }
    write_record(tx, cache, item.record, &open)?;
    fold(tx, item.record)?;
    cache.put(item.record, open);
    Ok(Taken::Stored)
}

/// Applies changes and stores them as accepted; `true` when something they build on is missing, and
/// then nothing was stored.
fn apply(
    tx: &Connection,
    kind: &'static Kind,
    record: RecordId,
    open: &mut OpenDocument,
    fresh: Vec<Change>,
    group: GroupId,
    made_at: UnixMs,
) -> Result<bool, ReplicaError> {
    open.doc
        .apply_changes(fresh.clone())
        .map_err(|error| document::LoadError::Change(error.to_string()))?;
    if !open.doc.get_missing_deps(&[]).is_empty() {
        return Ok(true);
    }
    for change in &fresh {
        open.stamp = open.stamp.max(Some(Stamp::of(change, &open.doc)));
        let actor = Actor::from_slice(change.actor_id().to_bytes()).unwrap_or(Actor([0; 16]));
        let new = NewChange {
            record,
            kind,
            hash: change.hash().into(),
            bytes: change.raw_bytes(),
            state: ChangeState::Accepted,
            group,
            actor,
            made_at,
        };
        store::insert_change(tx, &new)?;
    }
    open.hydrated = hydrate(&open.doc, kind);
    Ok(false)
}

/// Folds accepted changes into the snapshot once there are many, so that opening stays quick.
fn fold(tx: &Connection, record: RecordId) -> Result<(), ReplicaError> {
    let count: i64 = tx
        .prepare_cached("SELECT count(*) FROM changes WHERE record = ?1 AND state = 0")?
        .query_row([record.as_bytes()], |row| row.get(0))?;
    if count < FOLD_AFTER as i64 {
        return Ok(());
    }
    let Some(row) = store::document(tx, record)? else { return Ok(()) };
    let mut doc = match &row.snapshot {
        Some(snapshot) => document::load(snapshot, &[])?,
        None => document::genesis(row.kind).doc.clone(),
    };
    document::apply_stored(&mut doc, &row.accepted)?;
    tx.prepare_cached("UPDATE documents SET snapshot = ?2 WHERE id = ?1")?
        .execute(rusqlite::params![record.as_bytes(), doc.save()])?;
    store::drop_accepted_changes(tx, record)?;
    Ok(())
}

/// Projects records anew from what is accepted and still pending; a record of which nothing is left
/// disappears. Returns the tables touched.
pub(super) fn rebuild(
    tx: &Connection,
    cache: &mut DocumentCache,
    records: &[RecordId],
) -> Result<Vec<&'static str>, ReplicaError> {
    let mut tables: Vec<&'static str> = Vec::new();
    for record in records {
        let Some(row) = store::document(tx, *record)? else { continue };
        if !tables.contains(&row.kind.table) {
            tables.push(row.kind.table);
        }
        match load_open(tx, *record)? {
            Some(open) => write_record(tx, cache, *record, &open)?,
            None => store::erase_record(tx, *record).map(drop)?,
        }
    }
    Ok(tables)
}
