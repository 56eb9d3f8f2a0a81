//! Reading back from a record's document what single changes did: to make them again, or to say it in
//! words.

use super::store::Db;
use automerge::{Automerge, Change};

use super::edit::ReplicaError;
use super::store::{self, Silent};
use crate::document::{self, Hydrated, difference, hydrate};
use crate::ids::RecordId;
use crate::schema::Kind;
use crate::time::UnixMs;

/// Writes down in words what the unsent and refused changes of a record did, while the record is
/// there to read it from.
pub(super) fn keep_words(tx: &Db<'_>, record: RecordId) -> Result<(), ReplicaError> {
    if store::is_silent(tx, record)?
        && let Some(mut history) = History::of(tx, record, None)?
    {
        history.keep_words(tx, record, Silent::All)?;
    }
    Ok(())
}

/// A record's document with all that is in the file, from which what each change did is read back.
pub(super) struct History {
    kind: Kind,
    whole: Automerge,
    /// The record as the last change left it, and what it said: mostly what the next builds on.
    last: Option<(Automerge, Hydrated)>,
}

/// What a record said before and after a change, and when the change claims to have been made.
pub(super) type States = (Hydrated, Hydrated, UnixMs);

impl History {
    /// The history of a record, none of one that is not here. A document that is known to have
    /// everything that is still to be read back spares opening it anew, with every change that is in
    /// the file, refused ones too.
    pub(super) fn of(
        tx: &Db<'_>,
        record: RecordId,
        known: Option<Automerge>,
    ) -> Result<Option<Self>, ReplicaError> {
        let Some(row) = store::document(tx, record)? else { return Ok(None) };
        let whole = match known {
            Some(known) => known,
            None => everything(tx, record, &row.kind, row.snapshot.as_deref())?,
        };
        Ok(Some(Self { kind: row.kind, whole, last: None }))
    }

    /// What the record said before and after a change.
    pub(super) fn states(&mut self, bytes: &[u8]) -> Option<States> {
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
        doc.apply_changes([change]).ok()?;
        let after = hydrate(&doc, &self.kind);
        self.last = Some((doc, after.clone()));
        Some((before, after, claimed))
    }

    /// Writes down in words what changes did of which that is not said yet.
    pub(super) fn keep_words(
        &mut self,
        tx: &Db<'_>,
        record: RecordId,
        which: Silent,
    ) -> Result<(), ReplicaError> {
        for (hash, bytes) in store::silent(tx, record, which)? {
            if let Some(states) = self.states(&bytes) {
                store::put_edit(tx, hash, &in_words(&states))?;
            }
        }
        Ok(())
    }
}

/// What a change did, as an edit's JSON.
pub(super) fn in_words((before, after, _): &States) -> String {
    difference(before, after, before).to_json().to_string()
}

fn everything(
    tx: &Db<'_>,
    record: RecordId,
    kind: &Kind,
    snapshot: Option<&[u8]>,
) -> Result<Automerge, ReplicaError> {
    let mut doc = match snapshot {
        Some(snapshot) => document::load(snapshot, &[])?,
        None => kind.genesis().doc.clone(),
    };
    for bytes in store::all_changes(tx, record)? {
        // One that does not apply beside the others is kept all the same.
        if let Ok(change) = Change::from_bytes(bytes) {
            let _ = doc.apply_changes([change]);
        }
    }
    Ok(doc)
}
