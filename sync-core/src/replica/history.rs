//! Reading back from a record's document what single changes did: to make them again, or to say it in
//! words.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use automerge::{Automerge, Change};
use serde_json::Value as Json;

use super::error::ReplicaError;
use super::store::{Silent, Stored, Work};
use crate::document::{Hydrated, difference, hydrate, unsaid};
use crate::ids::RecordId;
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
        let found = work.stored().everything(record)?;
        Ok(found.map(|(kind, whole)| {
            let extent = Extent::Everything;
            Self { record, kind, whole, extent, last: None }
        }))
    }

    /// What the record said before and after a change; none when that cannot be read any more.
    pub(super) fn states(
        &mut self,
        stored: Stored<'_>,
        bytes: &[u8],
    ) -> Result<Option<States>, ReplicaError> {
        if let Some(states) = self.try_states(bytes) {
            return Ok(Some(states));
        }
        if self.extent == Extent::Open
            && let Some((_, whole)) = stored.everything(self.record)?
        {
            (self.whole, self.extent, self.last) = (whole, Extent::Everything, None);
            return Ok(self.try_states(bytes));
        }
        Ok(None)
    }

    fn try_states(&mut self, bytes: &[u8]) -> Option<States> {
        let change = Change::from_bytes(bytes.to_vec()).ok()?;
        let claimed = UnixMs::from_seconds(change.timestamp());
        let (mut doc, before) = match self.last.take() {
            Some((doc, said)) if doc.get_heads() == change.deps() => (doc, said),
            _ => {
                let doc = self.whole.fork_at(change.deps()).ok()?;
                let said = hydrate(&doc, &self.kind);
                (doc, said)
            }
        };
        let (hash, deps) = (change.hash(), change.deps().to_vec());
        doc.apply_changes([change]).ok()?;
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
        for (hash, bytes) in work.stored().silent(self.record, which)? {
            if let Some(states) = self.states(work.stored(), &bytes)? {
                work.put_edit(hash, &states.in_words())?;
            }
        }
        Ok(())
    }
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
