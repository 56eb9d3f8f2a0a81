//! Taking in what the server sends: one SQLite transaction a batch.

use super::store::Db;
use automerge::{Automerge, Change, ReadDoc};

use super::anew::{Displaced, Hand, Owner};
use super::cache::{self, DocumentCache, OpenDocument};
use super::edit::{load_open, write_record};
use super::session::{Effect, SessionFault, State};
use super::store::{self, ChangeState, NewChange, Origin, Waiting};
use super::{Env, Replica, ReplicaError, draw};
use crate::document::{self, hydrate};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, ChangeHash, FeedPosition, GroupId, RecordId, ScopeId};
use crate::projection::Stamp;
use crate::protocol::{AccessNotice, ClientMessage, FeedAck, FeedBatch, FeedItem};
use crate::schema::{Kind, Storage};

/// Accepted changes beside a snapshot after which they are folded into it.
const FOLD_AFTER: usize = 24;

/// What to tell the user about what they see from now on, and what no longer.
#[derive(Default)]
struct Notices {
    granted: Vec<String>,
    evicted: Vec<String>,
}

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
        cache::write(&self.db, &self.schema, &mut self.cache, |tx, cache| {
            for scope in store::scopes(tx)? {
                erase_scope(tx, cache, scope)?;
            }
            for kind in tx.schema.server_kinds() {
                store::empty_table(tx, kind)?;
            }
            store::drop_meta(tx, "cursor")?;
            store::set_meta(tx, SCRUB, &true)?;
            Ok::<_, SessionFault>(())
        })?;
        scrub(&self.file());
        Ok(())
    }

    pub(super) fn handle_feed(
        &mut self,
        batch: FeedBatch,
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        let State::Open(session) = &self.session.state else {
            return Err(SessionFault::OutOfTurn("feed"));
        };
        let stood = session.cursor.clone();
        let waits_for_nothing = session.answered == session.fetches;
        let all_came = batch.live && batch.fetches == session.fetches;
        let asked = if all_came { session.asked.clone() } else { Vec::new() };
        let now = env.now();
        let group = GroupId::mint(now, draw(env));
        let owner = Owner { user: self.user, replica: self.id };
        let outcome = cache::write(&self.db, &self.schema, &mut self.cache, |tx, cache| {
            let mut hand = Hand { owner, tables: Vec::new() };
            let mut tables: Vec<&'static str> = Vec::new();
            let stands: Option<Vec<u8>> = store::meta(tx, "cursor")?;
            if stands != stood {
                // Taken in by another process on this file. What came before that must not be put
                // over it: a record might come back that was erased since.
                return if stands.as_ref() == Some(&batch.cursor.0) && waits_for_nothing {
                    Ok((tables, Vec::new(), Notices::default(), Vec::new()))
                } else {
                    Err(SessionFault::OutOfStep)
                };
            }
            let granted = granted(tx, &batch.grant)?;
            let evicted = evict(tx, &batch, cache)?;
            let came = Origin::now(tx, group, now)?;
            let mut lacking: Vec<RecordId> = Vec::new();
            for item in &batch.items {
                // A kind of a newer server: its records wait on the server for a newer app.
                let Some(kind) = tx.schema.kind(&item.kind) else { continue };
                if !tables.contains(&kind.table) {
                    tables.push(kind.table);
                }
                match take_item(tx, kind, item, cache, &came, &mut hand)? {
                    Taken::Stored => {}
                    Taken::Lacking => lacking.push(item.record),
                }
            }
            store::want_no_more(tx, &asked)?;
            store::want(tx, &lacking)?;
            store::set_meta(tx, "cursor", &batch.cursor.0)?;
            // With a look of the server's come the evictions of everything that it saw.
            if batch.head > FeedPosition(0) {
                store::set_meta(tx, "seen", &batch.head.0)?;
            }
            store::set_meta(tx, "last_sync", &now.0)?;
            if !evicted.is_empty() {
                store::set_meta(tx, SCRUB, &true)?;
            }
            Ok::<_, SessionFault>((tables, hand.tables, Notices { granted, evicted }, lacking))
        });
        let (mut tables, anew, notices, lacking) = outcome?;
        if !anew.is_empty() {
            // Somebody else's change bears the name of this writer.
            self.actor = Actor(draw(env));
            tables.extend(anew);
        }
        scrub(&self.file());
        if all_came && let State::Open(session) = &mut self.session.state {
            session.asked.clear();
        }
        let mut effects =
            vec![Effect::Send(ClientMessage::FeedAck(FeedAck { batches: 1 }).to_bytes())];
        if !lacking.is_empty() {
            let fetch = self.fetch(lacking);
            effects.push(fetch);
        }
        if let State::Open(session) = &mut self.session.state {
            session.cursor = Some(batch.cursor.0);
            session.live_at = batch.live.then_some(batch.head);
            session.answered = batch.fetches;
            if session.live() {
                effects.push(Effect::Live);
            }
        }
        if !notices.evicted.is_empty() {
            effects.push(Effect::Evicted(notices.evicted));
        }
        if !notices.granted.is_empty() {
            effects.push(Effect::Granted(notices.granted));
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
pub(super) fn scrub(db: &Db<'_>) {
    // Without waiting for others: nobody's edit should hang on this.
    let _ = db.busy_timeout(std::time::Duration::ZERO);
    let _ = try_scrub(db);
    let _ = db.busy_timeout(super::open::BUSY_TIMEOUT);
}

fn try_scrub(db: &Db<'_>) -> rusqlite::Result<()> {
    if store::meta::<bool>(db, SCRUB)? != Some(true) {
        return Ok(());
    }
    db.execute("INSERT INTO search (search) VALUES ('optimize')", [])?;
    let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy { Ok(()) } else { store::set_meta(db, SCRUB, &false) }
}

/// Why the user sees scopes of which nothing is here yet.
fn granted(tx: &Db<'_>, grants: &[AccessNotice]) -> rusqlite::Result<Vec<String>> {
    let mut reasons = Vec::new();
    for notice in grants {
        if store::records_of(tx, notice.scope)?.is_empty() {
            reasons.push(notice.reason.clone());
        }
    }
    Ok(reasons)
}

/// Erases what the user no longer sees; returns the reasons.
fn evict(
    tx: &Db<'_>,
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
        super::history::keep_words(tx, *record)?;
        if store::erase_record(tx, *record)? {
            cache.forget(*record);
            reasons.push("A record moved to where you do not see it.".to_owned());
        }
    }
    Ok(reasons)
}

/// Erases what hangs from a scope; returns how many records.
fn erase_scope(
    tx: &Db<'_>,
    cache: &mut DocumentCache,
    scope: ScopeId,
) -> Result<usize, ReplicaError> {
    let records = store::records_of(tx, scope)?;
    for record in &records {
        super::history::keep_words(tx, *record)?;
        store::erase_record(tx, *record)?;
        cache.forget(*record);
    }
    Ok(records.len())
}

fn take_item(
    tx: &Db<'_>,
    kind: &Kind,
    item: &FeedItem,
    cache: &mut DocumentCache,
    came: &Origin,
    hand: &mut Hand,
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
            take_snapshot(tx, kind, item, cache, &snapshot.0, hand)?;
            Ok(Taken::Stored)
        }
        None => take_changes(tx, kind, item, cache, came, hand),
    }
}

/// A whole document. Without local edits its row comes with it, and Automerge need not run.
fn take_snapshot(
    tx: &Db<'_>,
    kind: &Kind,
    item: &FeedItem,
    cache: &mut DocumentCache,
    snapshot: &[u8],
    hand: &mut Hand,
) -> Result<(), ReplicaError> {
    let pending = store::waiting_from(tx, item.record, 0)?;
    if pending.is_empty() {
        let n = store::put_snapshot(tx, item.record, kind, item.scope, snapshot)?;
        store::drop_accepted_changes(tx, item.record)?;
        return match item.row.as_ref().filter(|row| row.len() == kind.columns().len()) {
            Some(row) => Ok(cache.put_row(tx, kind, n, row)?),
            None => rebuild(tx, cache, &[item.record]).map(drop),
        };
    }
    let (there, misfits) = against(document::load(snapshot, &[])?, &pending)?;
    // Before anything is replaced: what they did is read from what is here.
    let displaced = displace(tx, cache, &misfits)?;
    store::put_snapshot(tx, item.record, kind, item.scope, snapshot)?;
    store::drop_accepted_changes(tx, item.record)?;
    for hash in there {
        store::drop_change(tx, hash)?;
    }
    rebuild(tx, cache, &[item.record])?;
    displaced.map_or(Ok(()), |displaced| displaced.make_again(tx, cache, hand))
}

/// Which pending changes a whole document has already, since their verdict was lost on the way, and
/// which do not go with it: the first that builds on what is not there, and what comes after it.
fn against(
    mut doc: Automerge,
    pending: &[Waiting],
) -> Result<(Vec<ChangeHash>, Vec<ChangeHash>), ReplicaError> {
    let (mut there, mut misfits) = (Vec::new(), Vec::new());
    for one in pending {
        let change = Change::from_bytes(one.bytes.clone())
            .map_err(|error| document::LoadError::Change(error.to_string()))?;
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

/// Takes changes out of the outbox that do not go with what the server sent, to be made again on
/// that; or into quarantine, when what they did cannot be read any more.
fn displace(
    tx: &Db<'_>,
    cache: &mut DocumentCache,
    misfits: &[ChangeHash],
) -> Result<Option<Displaced>, ReplicaError> {
    if misfits.is_empty() {
        return Ok(None);
    }
    let displaced = Displaced::take(tx, cache, misfits, None)?;
    if displaced.is_none() {
        let sentence = "It does not go with the record as the server has it; make it again.";
        let refusal = Refusal::new(RefusalCode::MissingDependency, sentence);
        for hash in misfits {
            store::quarantine_change(tx, *hash, &refusal)?;
        }
    }
    Ok(displaced)
}

fn take_changes(
    tx: &Db<'_>,
    kind: &Kind,
    item: &FeedItem,
    cache: &mut DocumentCache,
    came: &Origin,
    hand: &mut Hand,
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
    // One that bears the name of an unsent change was made by a copy of this writer, or by whoever
    // stole its name. The server has that one, so that it is ours which gives way.
    let colliding = colliding(&store::waiting_from(tx, item.record, 0)?, &fresh);
    let displaced = displace(tx, cache, &colliding)?;
    if !colliding.is_empty() {
        let Some(left) = load_open(tx, item.record)? else { return Ok(Taken::Lacking) };
        open = left;
    }
    let lacking = !fresh.is_empty() && apply(tx, kind, item.record, &mut open, fresh, came)?;
    if !lacking {
        write_record(tx, cache, item.record, &open)?;
        fold(tx, item.record)?;
        cache.put(item.record, open);
    }
    if let Some(displaced) = displaced {
        displaced.make_again(tx, cache, hand)?;
    }
    Ok(if lacking { Taken::Lacking } else { Taken::Stored })
}

/// Pending changes that have writer and number in common with one of these.
fn colliding(pending: &[Waiting], fresh: &[Change]) -> Vec<ChangeHash> {
    let same = |own: &Change| {
        fresh.iter().any(|one| one.seq() == own.seq() && one.actor_id() == own.actor_id())
    };
    let taken = |one: &&Waiting| Change::from_bytes(one.bytes.clone()).is_ok_and(|own| same(&own));
    pending.iter().filter(taken).map(|one| one.hash).collect()
}

/// Applies changes and stores them as accepted; `true` when something they build on is missing, and
/// then nothing was stored.
fn apply(
    tx: &Db<'_>,
    kind: &Kind,
    record: RecordId,
    open: &mut OpenDocument,
    fresh: Vec<Change>,
    origin: &Origin,
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
            kind: kind.clone(),
            hash: change.hash().into(),
            bytes: change.raw_bytes(),
            state: ChangeState::Accepted,
            actor,
            origin,
        };
        store::insert_change(tx, &new)?;
    }
    open.hydrated = hydrate(&open.doc, kind);
    Ok(false)
}

/// Folds accepted changes into the snapshot once there are many, so that opening stays quick.
fn fold(tx: &Db<'_>, record: RecordId) -> Result<(), ReplicaError> {
    let count: i64 = tx
        .prepare_cached("SELECT count(*) FROM changes WHERE record = ?1 AND state = 0")?
        .query_row([record.as_bytes()], |row| row.get(0))?;
    if count < FOLD_AFTER as i64 {
        return Ok(());
    }
    let Some(row) = store::document(tx, record)? else { return Ok(()) };
    let mut doc = match &row.snapshot {
        Some(snapshot) => document::load(snapshot, &[])?,
        None => row.kind.genesis().doc.clone(),
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
    tx: &Db<'_>,
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
