//! Edits that were saved from one file, put into another one.
//!
//! **Invariant**: what is put back are the very changes that were saved, so that one that a server has
//! accepted meanwhile is known there as the same one; and edits that were made together are put back
//! together, or not at all.

use std::collections::{BTreeMap, HashMap};

use automerge::{Automerge, Change, ReadDoc};

use super::device::Replica;
use super::error::ReplicaError;
use super::store::{ChangeState, NewChange, OpenDocument, Origin, PendingEdit, Rescued, Work};
use crate::document::hydrate;
use crate::ids::{Actor, ChangeHash, GroupId, RecordId};
use crate::projection::Stamp;
use crate::schema::Kind;

/// What became of edits that were to be put back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BroughtBack {
    /// Edits that wait to be sent again.
    pub unsent: u64,
    /// Edits that are here already.
    pub there: u64,
    /// Edits that could not be put back.
    pub left: Vec<LeftOut>,
}

/// An edit that could not be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its record.
    pub record: RecordId,
    /// The record's kind.
    pub kind: String,
    /// Why not.
    pub reason: String,
}

/// A record as it is with what is put back.
type Opened = BTreeMap<RecordId, (Kind, Automerge)>;

impl Replica {
    /// The edits that no server has confirmed, refused ones with them, for a copy outside of the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rescued(&self) -> rusqlite::Result<Rescued> {
        self.file.rescued()
    }

    /// Puts edits that were saved from a damaged file into this one, to be sent: those whose records are as
    /// they were made on. What they build on may still have to come from the server: sync first.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing was.
    pub fn bring_back(&mut self, edits: &[PendingEdit]) -> Result<BroughtBack, ReplicaError> {
        self.file.write(|work| {
            let (mut back, mut opened) = (BroughtBack::default(), Opened::new());
            let mut groups: Vec<Vec<&PendingEdit>> = Vec::new();
            let mut places: HashMap<GroupId, usize> = HashMap::new();
            for edit in edits {
                let place = *places.entry(edit.group).or_insert(groups.len());
                if place == groups.len() {
                    groups.push(Vec::new());
                }
                groups[place].push(edit);
            }
            for group in groups {
                bring_group(work, &group, &mut opened, &mut back)?;
            }
            for (record, (kind, doc)) in opened {
                let (hydrated, stamp) = (hydrate(&doc, &kind), Stamp::of_document(&doc));
                let stamp = stamp.filter(|stamp| stamp.by.is_some());
                let open = OpenDocument { kind, doc, stamp, hydrated };
                work.put_record(record, &open, open.scope(record))?;
                work.keep(record, open);
            }
            Ok(back)
        })
    }
}

fn bring_group(
    work: &mut Work<'_>,
    group: &[&PendingEdit],
    opened: &mut Opened,
    back: &mut BroughtBack,
) -> Result<(), ReplicaError> {
    let (mut trial, mut fresh, mut there) = (Opened::new(), Vec::new(), 0);
    for edit in group {
        match place(work, edit, opened, &mut trial)? {
            Place::Fits(change) => fresh.push((edit, change)),
            Place::There => there += u64::from(!edit.step),
            Place::Nowhere(reason) => {
                let left = group.iter().filter(|edit| !edit.step).map(|edit| LeftOut {
                    record: edit.record,
                    kind: edit.kind.clone(),
                    reason: reason.clone(),
                });
                back.left.extend(left);
                return Ok(());
            }
        }
    }
    for (edit, change) in fresh {
        let origin =
            Origin { group: edit.group, made_at: edit.made_at, seen: edit.seen, again: None };
        work.add_change(&NewChange {
            record: edit.record,
            kind: &edit.kind,
            hash: change.hash().into(),
            bytes: &edit.bytes,
            state: ChangeState::Pending,
            actor: Actor::from_slice(change.actor_id().to_bytes()).unwrap_or(Actor([0; 16])),
            step: edit.step,
            receipt: None,
            origin: &origin,
        })?;
        back.unsent += u64::from(!edit.step);
    }
    back.there += there;
    opened.append(&mut trial);
    Ok(())
}

/// Where an edit goes.
enum Place {
    Fits(Box<Change>),
    There,
    Nowhere(String),
}

fn place(
    work: &mut Work<'_>,
    edit: &PendingEdit,
    opened: &Opened,
    trial: &mut Opened,
) -> Result<Place, ReplicaError> {
    let nowhere = |reason: &str| Ok(Place::Nowhere(reason.to_owned()));
    let Ok(change) = Change::from_bytes(edit.bytes.clone()) else {
        return nowhere("it is damaged itself");
    };
    if work.stored().change_state(ChangeHash(change.hash().0))?.is_some() {
        return Ok(Place::There);
    }
    let Some(kind) = work.schema().kind(&edit.kind).cloned() else {
        return nowhere("this version of the app does not know its kind");
    };
    let stands = work.stored().kind_name(edit.record)?;
    if stands.is_some_and(|name| name != edit.kind) {
        return nowhere("its record is of another kind here");
    }
    let known = trial.get(&edit.record).or_else(|| opened.get(&edit.record));
    let mut doc = match known {
        Some((_, doc)) => doc.clone(),
        None => match work.open(edit.record)? {
            Some(open) => {
                let doc = open.doc.clone();
                work.keep(edit.record, open);
                doc
            }
            None => kind.genesis().doc.clone(),
        },
    };
    if doc.get_change_by_hash(&change.hash()).is_some() {
        return Ok(Place::There);
    }
    if !change.deps().iter().all(|dep| doc.get_change_by_hash(dep).is_some()) {
        return nowhere("what it was made on is not here; sync first, and try again");
    }
    if doc.apply_changes([change.clone()]).is_err() {
        return nowhere("another edit stands in its place");
    }
    trial.insert(edit.record, (kind, doc));
    Ok(Place::Fits(Box::new(change)))
}
