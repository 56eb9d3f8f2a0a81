//! Edits that stand, in changes that cannot: written anew by another writer.
//!
//! A change can fall for its form alone, through no fault of whoever made the edit: its writer or
//! its number was used elsewhere (by a copy of the file, or by somebody who stole the writer's
//! name), or it builds on what the server does not have. The replica then reads back what it did
//! and makes it again, together with what was made after it and with the rest of its group, in the
//! order in which all of it was made.
//!
//! **Invariant**: an edit is written anew once at most; refused for its form again, it goes into
//! quarantine. So nothing goes round in circles, however odd a server is.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::store::Db;
use automerge::Automerge;
use sha2::{Digest, Sha256};

use super::cache::{DocumentCache, OpenDocument};
use super::edit::{ReplicaError, load_open, write_record};
use super::history::{History, States};
use super::store::{self, ChangeState, NewChange, Origin, Waiting};
use crate::document::{self, LocalChange, Pen, PenRole, difference, hydrate};
use crate::error::RefusalCode;
use crate::ids::{Actor, ChangeHash, EventId, RecordId, ReplicaId, UserId};
use crate::projection::Stamp;
use crate::schema::Rule;
use crate::time::UnixMs;

/// Whether a refusal is of a change's form, so that its edit may be made again.
pub(super) fn of_form(code: RefusalCode) -> bool {
    match code {
        RefusalCode::ForeignActor
        | RefusalCode::MissingDependency
        | RefusalCode::SequenceGap
        | RefusalCode::OpCounter => true,
        RefusalCode::Malformed
        | RefusalCode::TooLarge
        | RefusalCode::TooManyOps
        | RefusalCode::ForeignAuthor
        | RefusalCode::BadReference
        | RefusalCode::BadValue
        | RefusalCode::Immutable
        | RefusalCode::ServerOnly
        | RefusalCode::WrongKind
        | RefusalCode::WrongRecord
        | RefusalCode::Rule
        | RefusalCode::EngineFault
        | RefusalCode::DocumentQuarantined
        | RefusalCode::Denied
        | RefusalCode::Constraint
        | RefusalCode::GroupRefused
        | RefusalCode::DependsOnRefused
        | RefusalCode::FutureTime
        | RefusalCode::Internal => false,
    }
}

/// The writer of a change that takes another's place, and all that it draws: derived from that
/// change, so that two copies of a file, or an old backup, make the same change of the same edit.
/// The replica's id is in it, so that the bytes of the change alone do not lead a thief to its name.
#[derive(Debug)]
pub(super) struct Heir {
    seed: [u8; 32],
    pen: Pen,
}

/// Whose edits are made again, and in which file or its copies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) user: UserId,
    pub(super) replica: ReplicaId,
}

impl Heir {
    pub(super) fn of(hash: ChangeHash, owner: Owner, now: UnixMs) -> Self {
        let mut digest = Sha256::new_with_prefix("kitchen-pantry/anew/1");
        digest.update(owner.replica.as_bytes());
        digest.update(hash.0);
        let seed = digest.finalize().into();
        let actor = Actor(derived(seed, 0));
        Self { seed, pen: Pen { actor, author: owner.user, now, role: PenRole::Device } }
    }

    pub(super) fn pen(&self) -> Pen {
        self.pen
    }

    /// Whether it has written to a document: then the edit is in there.
    pub(super) fn was_here(&self, doc: &Automerge) -> bool {
        doc.get_author_for_actor(&self.pen.actor.automerge()).is_some()
    }

    /// Stores what it wrote to a record; it comes from where the change does whose place it takes.
    pub(super) fn store(
        &self,
        tx: &Db<'_>,
        record: RecordId,
        open: &mut OpenDocument,
        local: &LocalChange,
        origin: &Origin,
    ) -> rusqlite::Result<()> {
        open.hydrated = hydrate(&open.doc, &open.kind);
        let new = NewChange {
            record,
            kind: open.kind.clone(),
            hash: local.hash,
            bytes: &local.bytes,
            state: ChangeState::Pending,
            actor: self.pen.actor,
            origin,
        };
        store::insert_change(tx, &new)
    }

    /// Its event ids, each another.
    pub(super) fn mint(&self) -> impl FnMut() -> EventId + use<> {
        let (seed, now, mut count) = (self.seed, self.pen.now, 0);
        move || {
            count += 1;
            EventId::mint(now, derived(seed, count))
        }
    }
}

fn derived<const N: usize>(seed: [u8; 32], count: u64) -> [u8; N] {
    let digest = Sha256::new_with_prefix(seed).chain_update(count.to_be_bytes()).finalize();
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest[..N]);
    bytes
}

/// Changes taken out of the outbox, each with what its record said before and after it.
#[derive(Debug)]
pub(super) struct Displaced {
    changes: Vec<(Waiting, States)>,
}

/// With which edits are made again.
#[derive(Debug)]
pub(super) struct Hand {
    pub(super) owner: Owner,
    /// Tables of the records that were written anew.
    pub(super) tables: Vec<&'static str>,
}

impl Displaced {
    /// Takes out these changes, whatever was made after them, and the rest of their groups. What is
    /// left of the records is what the server confirmed and what was made before. None when what
    /// one of them did cannot be read any more; then all stand where they stood.
    pub(super) fn take(
        tx: &Db<'_>,
        cache: &mut DocumentCache,
        hashes: &[ChangeHash],
        why: Option<RefusalCode>,
    ) -> Result<Option<Self>, ReplicaError> {
        let mut histories: HashMap<RecordId, History> = HashMap::new();
        let mut changes = Vec::new();
        for mut change in entangled(tx, hashes)? {
            let history = match histories.entry(change.record) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let history = History::of(tx, change.record, None)?;
                    let Some(history) = history else { return Ok(None) };
                    place.insert(history)
                }
            };
            let Some(states) = history.states(&change.bytes) else { return Ok(None) };
            let anew = &mut change.origin.anew;
            *anew = why.map(|code| code.as_str().to_owned()).or(anew.take());
            changes.push((change, states));
        }
        for (change, _) in &changes {
            cache.forget(change.record);
            store::drop_change(tx, change.hash)?;
        }
        Ok(Some(Self { changes }))
    }

    /// Makes the edits again on what the records are by now.
    pub(super) fn make_again(
        self,
        tx: &Db<'_>,
        cache: &mut DocumentCache,
        hand: &mut Hand,
    ) -> Result<(), ReplicaError> {
        let mut open: BTreeMap<RecordId, OpenDocument> = BTreeMap::new();
        for (change, states) in &self.changes {
            let document = match open.remove(&change.record) {
                Some(document) => Some(document),
                None => load_open(tx, change.record)?,
            };
            open.insert(change.record, make_one_again(tx, change, states, document, hand)?);
        }
        for (record, mut document) in open {
            document.stamp = Stamp::of_document(&document.doc);
            write_record(tx, cache, record, &document)?;
            if !hand.tables.contains(&document.kind.table) {
                hand.tables.push(document.kind.table);
            }
            cache.put(record, document);
        }
        Ok(())
    }
}

fn make_one_again(
    tx: &Db<'_>,
    change: &Waiting,
    (before, after, claimed): &States,
    open: Option<OpenDocument>,
    hand: &mut Hand,
) -> Result<OpenDocument, ReplicaError> {
    let (now, kind) = (*claimed, change.kind.clone());
    let heir = Heir::of(change.hash, hand.owner, now);
    let (pen, mut mint) = (heir.pen(), heir.mint());
    let (mut open, local) = match open {
        Some(open) if heir.was_here(&open.doc) => return Ok(open),
        Some(mut open) => {
            let mut edit = difference(before, after, &open.hydrated);
            // It began the record, which is there by now: the rest of it is an edit.
            edit.changes.retain(|(field, _)| field.rule != Rule::Immutable);
            let local = document::edit(&mut open.doc, &open.hydrated, &edit, &pen, &mut mint)?;
            (open, local)
        }
        None => {
            let edit = difference(before, after, &hydrate(&kind.genesis().doc, &kind));
            let (doc, local) = document::create(&kind, change.record, &edit, &pen, &mut mint)?;
            let hydrated = hydrate(&doc, &kind);
            (OpenDocument { kind, doc, stamp: None, hydrated }, Some(local))
        }
    };
    // An edit that says what the record says already is in it.
    if let Some(local) = local {
        heir.store(tx, change.record, &mut open, &local, &change.origin)?;
    }
    Ok(open)
}

/// These changes, what was made after them on their records, the rest of the groups of all those,
/// what was made after that, and so on: none of it can stand without the others.
pub(super) fn entangled(tx: &Db<'_>, hashes: &[ChangeHash]) -> rusqlite::Result<Vec<Waiting>> {
    let mut found: BTreeMap<i64, Waiting> = BTreeMap::new();
    let mut first: HashMap<RecordId, i64> = HashMap::new();
    let mut next: Vec<(RecordId, i64)> = store::places(tx, hashes)?;
    while let Some((record, seq)) = next.pop() {
        if first.get(&record).is_some_and(|known| *known <= seq) {
            continue;
        }
        first.insert(record, seq);
        for change in store::waiting_from(tx, record, seq)? {
            next.extend(store::group_places(tx, change.origin.group)?);
            found.insert(change.seq, change);
        }
    }
    Ok(found.into_values().collect())
}
