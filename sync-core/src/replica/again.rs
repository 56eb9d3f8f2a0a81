//! Making edits again whose changes cannot stand: the one way in which that is done.
//!
//! A change builds on all its writer knew. It falls with a refused one before it, and for its form
//! alone, through no fault of whoever made the edit: its writer or its number was used elsewhere (by
//! a copy of the file, or by somebody who stole the writer's name), or it builds on what the server
//! does not have. Nor is it a fault when a clock was wrong. The replica then reads back what the change did, takes it out of the outbox, and
//! makes the edit again on what the record is by then, as another writer.
//!
//! **Invariant**: an edit is made again once at most for its form; refused for it again, it goes
//! into quarantine. So nothing goes round in circles, however odd a server is.
//! **Invariant**: an edit that cannot be made again is in quarantine, in words where they can be read.

use std::collections::{BTreeMap, HashMap};

use automerge::Automerge;
use sha2::{Digest, Sha256};

use super::clock::{let_nothing_lie_ahead, redated};
use super::error::ReplicaError;
use super::history::{Histories, States, edits_of, put_words};
use super::redated::Redated;
use super::store::{From, OpenDocument, OwnChange, Owner, Stored, Work};
use super::writing::Writing;
use crate::document::{Pen, PenRole, difference, hydrate};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, ChangeHash, EventId, RecordId};
use crate::schema::Kind;
use crate::time::UnixMs;

/// The writer that makes an edit again, and all that it draws: derived from the change whose place
/// it takes, so that two copies of a file, or an old backup, make the same change of the same edit.
/// The replica's id is in it, so that the bytes of the change alone do not lead a thief to its name.
#[derive(Clone, Copy, Debug)]
struct Substitute {
    seed: [u8; 32],
    pen: Pen,
}

impl Substitute {
    fn of(hash: ChangeHash, owner: Owner, now: UnixMs) -> Self {
        let mut digest = Sha256::new_with_prefix("kitchen-pantry/anew/1");
        digest.update(owner.replica.as_bytes());
        digest.update(hash.0);
        let seed = digest.finalize().into();
        let actor = Actor(derived(seed, 0));
        Self { seed, pen: Pen { actor, author: owner.user, now, role: PenRole::Device } }
    }

    /// Whether it has written to a document: then the edit is in there.
    fn wrote_to(&self, doc: &Automerge) -> bool {
        doc.get_author_for_actor(&self.pen.actor.automerge()).is_some()
    }

    /// Its event ids, each another.
    fn mint(&self) -> impl FnMut() -> EventId + use<> {
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

/// Edits to be made again, in the order in which they were made.
#[derive(Debug)]
pub(super) struct Again {
    edits: Vec<OwnEdit>,
}

/// An edit with its changes, of which there is one at least.
#[derive(Debug)]
struct OwnEdit {
    changes: Vec<OwnChange>,
    states: Option<States>,
    /// When it claimed to have been made, if it was dated anew.
    claimed: Option<UnixMs>,
}

impl OwnEdit {
    fn first(&self) -> &OwnChange {
        &self.changes[0]
    }
}

impl Again {
    /// Reads what changes did. The documents of their records leave the cache.
    pub(super) fn read(
        work: &mut Work<'_>,
        changes: Vec<OwnChange>,
        histories: &mut Histories,
    ) -> Result<Self, ReplicaError> {
        let lengths: Vec<usize> = edits_of(&changes).map(<[OwnChange]>::len).collect();
        let mut changes = changes.into_iter();
        let mut edits = Vec::with_capacity(lengths.len());
        for length in lengths {
            let changes: Vec<OwnChange> = changes.by_ref().take(length).collect();
            let bytes: Vec<&[u8]> = changes.iter().map(|change| change.bytes.as_slice()).collect();
            let states = match histories.of(work, changes[0].record)? {
                Some(history) => history.states(work.stored(), &bytes)?,
                None => None,
            };
            edits.push(OwnEdit { changes, states, claimed: None });
        }
        Ok(Self { edits })
    }

    /// Reads what these changes did and what is entangled with them.
    pub(super) fn read_entangled(
        work: &mut Work<'_>,
        hashes: &[ChangeHash],
    ) -> Result<Self, ReplicaError> {
        let changes = entangled(work.stored(), hashes)?;
        Self::read(work, changes, &mut Histories::default())
    }

    /// Whether it can be read of each what it did.
    pub(super) fn is_complete(&self) -> bool {
        self.edits.iter().all(|edit| edit.states.is_some())
    }

    /// Whether all of them were made here, and no server has heard of them.
    pub(super) fn is_of_here(&self) -> bool {
        self.changes().all(|change| change.from == From::Here)
    }

    /// Dates those anew whose moments no server takes, of a clock that was off by so much.
    pub(super) fn redate(&mut self, shift_ms: i64, now: UnixMs) {
        for edit in &mut self.edits {
            for change in &mut edit.changes {
                let made_at = &mut change.origin.made_at;
                *made_at = redated(*made_at, shift_ms, now);
            }
            if let Some(states) = &mut edit.states {
                edit.claimed = Some(states.claimed);
                states.claimed = redated(states.claimed, shift_ms, now);
            }
        }
    }

    fn changes(&self) -> impl Iterator<Item = &OwnChange> {
        self.edits.iter().flat_map(|edit| &edit.changes)
    }

    /// Notes for what refusal they are made again.
    pub(super) fn because(&mut self, code: RefusalCode) {
        for change in self.edits.iter_mut().flat_map(|edit| &mut edit.changes) {
            change.origin.again = Some(code.as_str().to_owned());
        }
    }

    /// Takes the changes out of the outbox. What is left of their records is what the server
    /// confirmed and what was made before. Until they are made again they stand in quarantine.
    pub(super) fn set_aside(&self, work: &mut Work<'_>) -> Result<(), ReplicaError> {
        for change in self.changes() {
            work.forget(change.record);
            work.quarantine_change(change.hash, &Refusal::depends_on_refused())?;
        }
        Ok(())
    }

    /// Makes the edits again on what the records are by now; returns those for which that cannot be
    /// done, since their record is gone or what they did cannot be read. These stay in quarantine.
    pub(super) fn make(
        self,
        work: &mut Work<'_>,
    ) -> Result<Vec<(ChangeHash, Refusal)>, ReplicaError> {
        let mut open: BTreeMap<RecordId, OpenDocument> = BTreeMap::new();
        let mut lost = Vec::new();
        // What somebody else wrote is not made again under this user's name.
        let own = |edit: &&OwnEdit| edit.first().from != From::OthersAccepted;
        for edit in self.edits.iter().filter(own) {
            let (first, states) = (edit.first(), edit.states.as_ref());
            let document = match open.remove(&first.record) {
                Some(document) => Some(document),
                None => work.open(first.record)?,
            };
            let (document, made) = make_one(work, first, states, document)?;
            open.extend(document.map(|document| (first.record, document)));
            // What an app of another version wrote is made again by none that does not know it: it
            // stays in quarantine, and only the rest of the edit stands.
            let whole = states.is_some_and(|states| states.unsaid.is_empty());
            if made == Made::Again
                && let (Some(from), Some(states)) = (edit.claimed, states)
                && from != states.claimed
                && !first.step
            {
                work.redated.push(redating(first, None, from, states.claimed));
            }
            if made == Made::Again && (whole || first.step) {
                for change in &edit.changes {
                    work.drop_set_aside(change.hash)?;
                }
                continue;
            }
            if let Some(states) = states {
                let hashes = edit.changes.iter().map(|change| change.hash);
                put_words(work, hashes, &states.in_words())?;
            }
            if !first.step {
                lost.push((first.hash, Refusal::depends_on_refused()));
            }
        }
        for (record, document) in open {
            work.put_record(record, &document, document.scope(record))?;
            work.keep(record, document);
        }
        Ok(lost)
    }
}

/// What became of an edit that was to be made again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Made {
    /// The record says it.
    Again,
    /// It cannot be read, or there is no record that takes it.
    Not,
}

/// Makes an edit again on the record as it is; returns the record, if there is one.
fn make_one(
    work: &mut Work<'_>,
    change: &OwnChange,
    states: Option<&States>,
    document: Option<OpenDocument>,
) -> Result<(Option<OpenDocument>, Made), ReplicaError> {
    let Some(States { before, after, claimed, .. }) = states else {
        return Ok((document, Made::Not));
    };
    let writer = Substitute::of(change.hash, work.owner(), *claimed);
    let mut mint = writer.mint();
    let origin = change.origin.clone();
    let mut writing = Writing { pen: writer.pen, origin, mint: &mut mint };
    match document {
        Some(open) if writer.wrote_to(&open.doc) => Ok((Some(open), Made::Again)),
        Some(mut open) => {
            let mut edit = difference(before, after, &open.hydrated);
            // If it began the record, which is there by now, the rest of it is an edit. What others
            // wrote meanwhile that is written once stands.
            edit.leave_out_written(&open.doc);
            let moved = let_nothing_lie_ahead(&mut edit, writer.pen.now);
            // An edit that says what the record says already is in it.
            match writing.edit(work, change.record, &mut open, &edit) {
                Ok(_) => {
                    note_moved(work, change, moved, writer.pen.now);
                    Ok((Some(open), Made::Again))
                }
                // The record is odd, or does not take the edit any more; nothing was written, and the
                // edit is kept in words.
                Err(ReplicaError::Edit(_)) => {
                    work.forget(change.record);
                    Ok((work.open(change.record)?, Made::Not))
                }
                Err(error) => Err(error),
            }
        }
        None if states.is_some_and(States::begins) => {
            let kind: &Kind = &after.kind;
            let mut edit = difference(before, after, &hydrate(&kind.genesis().doc, kind));
            let moved = let_nothing_lie_ahead(&mut edit, writer.pen.now);
            match writing.begin(work, kind, change.record, &edit) {
                Ok((open, _)) => {
                    note_moved(work, change, moved, writer.pen.now);
                    Ok((Some(open), Made::Again))
                }
                Err(ReplicaError::Edit(_)) => Ok((None, Made::Not)),
                Err(error) => Err(error),
            }
        }
        None => Ok((None, Made::Not)),
    }
}

/// Notes which values of an edit say another moment than they said.
fn note_moved(
    work: &mut Work<'_>,
    change: &OwnChange,
    moved: Vec<(&'static str, UnixMs)>,
    to: UnixMs,
) {
    let moved = moved.into_iter().map(|(field, from)| redating(change, Some(field), from, to));
    work.redated.extend(moved);
}

fn redating(change: &OwnChange, field: Option<&str>, from: UnixMs, to: UnixMs) -> Redated {
    let field = field.map(str::to_owned);
    Redated { record: change.record, kind: change.kind.clone(), field, from, to }
}

/// These changes, what was made after them on their records, the rest of the groups of all those,
/// what was made after that, and so on: none of it can stand without the others.
pub(super) fn entangled(
    stored: Stored<'_>,
    hashes: &[ChangeHash],
) -> rusqlite::Result<Vec<OwnChange>> {
    let mut found: BTreeMap<i64, OwnChange> = BTreeMap::new();
    let mut first: HashMap<RecordId, i64> = HashMap::new();
    let mut next: Vec<(RecordId, i64)> = Vec::new();
    for hash in hashes {
        next.extend(stored.place(*hash)?);
    }
    while let Some((record, seq)) = next.pop() {
        if first.get(&record).is_some_and(|known| *known <= seq) {
            continue;
        }
        first.insert(record, seq);
        for change in stored.waiting_from(record, seq)? {
            next.extend(stored.group_places(change.origin.group)?);
            found.insert(change.seq, change);
        }
    }
    Ok(found.into_values().collect())
}
