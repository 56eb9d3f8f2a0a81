//! Reading back from a record's document what single changes did: to make them again, or to say it in
//! words.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use automerge::{Automerge, Change};
use serde_json::Value as Json;

use super::error::ReplicaError;
use super::store::{From, OwnChange, Silent, SilentChange, Stored, Work};
use crate::document::{Hydrated, difference, hydrate, unsaid};
use crate::ids::{ChangeHash, GroupId, RecordId};
use crate::schema::Kind;
use crate::time::UnixMs;

/// What a record said before and after a change.
#[derive(Debug)]
pub(super) struct States {
    pub(super) before: Hydrated,
    pub(super) after: Hydrated,
    /// When the change claims to have been made.
    pub(super) claimed: UnixMs,
    /// What the change wrote to fields that this app does not have, or has no use for any more, as
    /// parts of an edit's JSON.
    pub(super) unsaid: Vec<Json>,
}

impl States {
    /// What the change did, as an edit's JSON.
    pub(super) fn in_words(&self) -> String {
        let mut said = difference(&self.before, &self.after, &self.before).to_json();
        if let Json::Array(parts) = &mut said {
            parts.extend(self.unsaid.iter().cloned());
        }
        said.to_string()
    }

    /// Whether the change began the record. A step of its genesis builds on no beginning, and is
    /// none.
    pub(super) fn begins(&self) -> bool {
        self.before.id.is_none() && self.after.id.is_some()
    }
}

/// A record's document with its history, used to find out what each change did.
#[derive(Debug)]
pub(super) struct History {
    record: RecordId,
    kind: Kind,
    whole: Automerge,
    extent: Extent,
    /// The record as the last change left it, and what it said: mostly what the next builds on.
    last: Option<(Automerge, Hydrated)>,
}

/// Which changes a history has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extent {
    /// Those of an open document: accepted ones, and those that waited when it was opened.
    Open,
    /// Every one in the file that applies, refused ones too.
    Everything,
}

impl History {
    /// The history of a record; none of one that is not here or of a kind that this app does not
    /// know. The document leaves the cache.
    fn of(work: &mut Work<'_>, record: RecordId) -> Result<Option<Self>, ReplicaError> {
        // Opening it anew is most of the cost, and what is open has all that waits.
        if let Some(open) = work.take_open(record) {
            let (kind, whole) = (open.kind, open.doc);
            return Ok(Some(Self { record, kind, whole, extent: Extent::Open, last: None }));
        }
        Self::everything(work.stored(), record)
    }

    /// The history of a record with every change in the file; none of one that is not here.
    pub(super) fn everything(
        stored: Stored<'_>,
        record: RecordId,
    ) -> Result<Option<Self>, ReplicaError> {
        let found = stored.everything(record)?;
        let extent = Extent::Everything;
        Ok(found.map(|(kind, whole)| Self { record, kind, whole, extent, last: None }))
    }

    /// What the record said before and after an edit; none when that cannot be read any more. The
    /// changes of one edit are a chain.
    pub(super) fn states(
        &mut self,
        stored: Stored<'_>,
        edit: &[&[u8]],
    ) -> Result<Option<States>, ReplicaError> {
        if let Some(states) = self.try_states(edit) {
            return Ok(Some(states));
        }
        if self.extent == Extent::Open
            && let Some((_, whole)) = stored.everything(self.record)?
        {
            (self.whole, self.extent, self.last) = (whole, Extent::Everything, None);
            return Ok(self.try_states(edit));
        }
        Ok(None)
    }

    fn try_states(&mut self, edit: &[&[u8]]) -> Option<States> {
        let read = |bytes: &&[u8]| Change::from_bytes(bytes.to_vec()).ok();
        self.states_of(edit.iter().map(read).collect::<Option<_>>()?)
    }

    /// What the record said before and after a chain of changes, as far as this history has them.
    pub(super) fn states_of(&mut self, changes: Vec<Change>) -> Option<States> {
        let (first, hash) = (changes.first()?, changes.last()?.hash());
        let (claimed, deps) = (UnixMs::from_seconds(first.timestamp()), first.deps().to_vec());
        let (mut doc, before) = match self.last.take() {
            Some((doc, said)) if doc.get_heads() == deps => (doc, said),
            _ => {
                let doc = self.whole.fork_at(&deps).ok()?;
                let said = hydrate(&doc, &self.kind);
                (doc, said)
            }
        };
        doc.apply_changes(changes).ok()?;
        let after = hydrate(&doc, &self.kind);
        let unsaid = unsaid(&doc, &deps, hash, &self.kind);
        self.last = Some((doc, after.clone()));
        Some(States { before, after, claimed, unsaid })
    }

    /// Writes down in words what changes did of which that is not said yet.
    pub(super) fn keep_words(
        &mut self,
        work: &mut Work<'_>,
        which: Silent,
    ) -> Result<(), ReplicaError> {
        let silent = work.stored().silent(self.record, which)?;
        for edit in edits_of(&silent) {
            let bytes: Vec<&[u8]> = edit.iter().map(|one| one.bytes.as_slice()).collect();
            if let Some(states) = self.states(work.stored(), &bytes)? {
                put_words(work, edit.iter().map(|one| one.hash), &states.in_words())?;
            }
        }
        Ok(())
    }
}

/// A change as it is told from others of its edit.
pub(super) trait Piece {
    /// Where it belongs: group and record.
    fn place(&self) -> (GroupId, RecordId);
    /// Whether it is a step of the record's genesis, which is no part of an edit.
    fn is_step(&self) -> bool;
    /// The plain chunk.
    fn bytes(&self) -> &[u8];
}

/// Changes in pieces that were one edit each: a long text is written in several, each of which builds on
/// the one before and on nothing else.
pub(super) fn edits_of<T: Piece>(changes: &[T]) -> impl Iterator<Item = &[T]> {
    changes.chunk_by(|one, next| {
        let alike = one.place() == next.place() && !one.is_step() && !next.is_step();
        let hash = |bytes: &[u8]| Some(Change::from_bytes(bytes.to_vec()).ok()?.hash());
        let deps = |bytes: &[u8]| Some(Change::from_bytes(bytes.to_vec()).ok()?.deps().to_vec());
        alike && hash(one.bytes()).is_some_and(|hash| deps(next.bytes()) == Some(vec![hash]))
    })
}

/// Writes down what an edit did, at its first change; the others have nothing to add.
pub(super) fn put_words(
    work: &mut Work<'_>,
    edit: impl IntoIterator<Item = ChangeHash>,
    words: &str,
) -> rusqlite::Result<()> {
    let said = std::iter::once(words).chain(std::iter::repeat("[]"));
    edit.into_iter().zip(said).try_for_each(|(hash, words)| work.put_edit(hash, words))
}

/// Histories of several records, each opened once.
#[derive(Debug, Default)]
pub(super) struct Histories {
    open: HashMap<RecordId, History>,
}

impl Histories {
    pub(super) fn of(
        &mut self,
        work: &mut Work<'_>,
        record: RecordId,
    ) -> Result<Option<&mut History>, ReplicaError> {
        Ok(match self.open.entry(record) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => History::of(work, record)?.map(|history| place.insert(history)),
        })
    }
}

/// Writes down in words what the unsent and refused changes of a record did, while the record is
/// there to read it from.
pub(super) fn keep_words(work: &mut Work<'_>, record: RecordId) -> Result<(), ReplicaError> {
    if !work.stored().silent(record, Silent::All)?.is_empty()
        && let Some(mut history) = History::of(work, record)?
    {
        history.keep_words(work, Silent::All)?;
    }
    Ok(())
}

impl Piece for OwnChange {
    fn place(&self) -> (GroupId, RecordId) {
        (self.origin.group, self.record)
    }
    fn is_step(&self) -> bool {
        self.step || self.from != From::Here
    }
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Piece for SilentChange {
    fn place(&self) -> (GroupId, RecordId) {
        (self.group, self.record)
    }
    fn is_step(&self) -> bool {
        self.step
    }
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
