//! Edits that were saved from one file, put into another one.
//!
//! **Invariant**: what is put back are the very changes that were saved, so that one that a server has
//! accepted meanwhile is known there as the same one; edits that were made together are put back together,
//! or not at all; and whoever puts them back can see before what they do, by the same code.

use std::collections::{BTreeMap, HashMap};

use automerge::{Automerge, Change, ReadDoc};
use serde_json::{Value as Json, json};

use super::device::Replica;
use super::error::ReplicaError;
use super::past::{Did, in_words, tell_changed};
use super::store::{ChangeState, NewChange, OpenDocument, Origin, PendingEdit, Rescued, Work};
use crate::document::{Altered, Hydrated, hydrate, unsaid};
use crate::guard::{self, ParsedChange};
use crate::ids::{GroupId, RecordId};
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

/// What putting edits back would come to, for a person to see before it is done: a file of edits may be
/// anybody's making, and what is in it is sent in the name of whoever takes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BringBackPreview {
    /// What would become of the edits.
    pub done: BroughtBack,
    /// The records that would change.
    pub records: Vec<RecordPreview>,
}

/// What edits that are put back would do to one record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordPreview {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// What it would be called.
    pub title: String,
    /// What would become of it as a whole.
    pub did: Did,
    /// Each field that would say something else, with what it says and what it would say.
    pub fields: Vec<Altered>,
}

impl RecordPreview {
    /// The same as programs read it.
    pub fn to_json(&self) -> Json {
        json!({
            "record": self.record, "kind": self.kind, "title": self.title,
            "did": self.did.as_str(), "fields": self.fields,
        })
    }
}

/// A record as it is with what is put back.
#[derive(Clone)]
struct Opened {
    kind: Kind,
    doc: Automerge,
    before: Hydrated,
    /// What was written to fields that this app does not have.
    unsaid: Vec<Json>,
}

type AllOpened = BTreeMap<RecordId, Opened>;

impl Replica {
    /// The edits that no server has confirmed, refused ones with them, for a copy outside of the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rescued(&self) -> rusqlite::Result<Rescued> {
        self.file.rescued()
    }

    /// What [`Replica::bring_back`] would do. Nothing is written.
    ///
    /// # Errors
    /// When the file cannot be read or is in use for long.
    pub fn preview_bring_back(
        &self,
        edits: &[PendingEdit],
    ) -> Result<BringBackPreview, ReplicaError> {
        self.file.try_out(|work| bring(work, edits))
    }

    /// Puts edits that were saved from a damaged file into this one, to be sent: those whose records are as
    /// they were made on. What they build on may still have to come from the server: sync first. They are
    /// sent in this user's name: show what [`Replica::preview_bring_back`] finds in them before.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing was.
    pub fn bring_back(&mut self, edits: &[PendingEdit]) -> Result<BroughtBack, ReplicaError> {
        self.file.write(|work| Ok(bring(work, edits)?.done))
    }
}

fn bring(work: &mut Work<'_>, edits: &[PendingEdit]) -> Result<BringBackPreview, ReplicaError> {
    let (mut done, mut opened) = (BroughtBack::default(), AllOpened::new());
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
        bring_group(work, &group, &mut opened, &mut done)?;
    }
    let mut records = Vec::with_capacity(opened.len());
    for (record, one) in opened {
        let Opened { kind, doc, before, unsaid } = one;
        let (hydrated, stamp) = (hydrate(&doc, &kind), Stamp::of_document(&doc));
        let stamp = stamp.filter(|stamp| stamp.by.is_some());
        let (did, mut fields) = tell_changed(&before, &hydrated);
        fields.extend(unsaid.iter().filter_map(in_words));
        let open = OpenDocument { kind, doc, stamp, hydrated };
        work.put_record(record, &open, open.scope(record))?;
        let title = match open.kind.title {
            Some(column) => work.stored().text_of(open.kind.table, column, record)?,
            None => String::new(),
        };
        let kind = open.kind.name.to_owned();
        work.keep(record, open);
        records.push(RecordPreview { record, kind, title, did, fields });
    }
    Ok(BringBackPreview { done, records })
}

fn bring_group(
    work: &mut Work<'_>,
    group: &[&PendingEdit],
    opened: &mut AllOpened,
    back: &mut BroughtBack,
) -> Result<(), ReplicaError> {
    let (mut trial, mut fresh, mut there) = (AllOpened::new(), Vec::new(), 0);
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
            hash: change.hash(),
            bytes: &edit.bytes,
            state: ChangeState::Pending,
            actor: change.actor(),
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
    Fits(Box<ParsedChange>),
    There,
    Nowhere(String),
}

fn place(
    work: &mut Work<'_>,
    edit: &PendingEdit,
    opened: &AllOpened,
    trial: &mut AllOpened,
) -> Result<Place, ReplicaError> {
    let nowhere = |reason: &str| Ok(Place::Nowhere(reason.to_owned()));
    // The file may be anybody's making: its bytes are read as a stranger's are.
    let Ok(parsed) = guard::parse(&edit.bytes) else {
        return nowhere("it is damaged itself");
    };
    if parsed.author().is_some_and(|author| author != work.owner().user) {
        return nowhere("somebody else wrote it");
    }
    if work.stored().change_state(parsed.hash())?.is_some() {
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
    let mut one = match known {
        Some(one) => one.clone(),
        None => open(work, edit.record, kind)?,
    };
    let Ok(change) = Change::from_bytes(edit.bytes.clone()) else {
        return nowhere("it is damaged itself");
    };
    let hash = change.hash();
    if one.doc.get_change_by_hash(&hash).is_some() {
        return Ok(Place::There);
    }
    let deps = change.deps().to_vec();
    if !deps.iter().all(|dep| one.doc.get_change_by_hash(dep).is_some()) {
        return nowhere("what it was made on is not here; sync first, and try again");
    }
    if one.doc.apply_changes([change]).is_err() {
        return nowhere("another edit stands in its place");
    }
    for part in unsaid(&one.doc, &deps, hash, &one.kind) {
        if !one.unsaid.contains(&part) {
            one.unsaid.push(part);
        }
    }
    trial.insert(edit.record, one);
    Ok(Place::Fits(Box::new(parsed)))
}

/// A record as it is here, or as it is before it begins.
fn open(work: &mut Work<'_>, record: RecordId, kind: Kind) -> Result<Opened, ReplicaError> {
    let (doc, before) = match work.open(record)? {
        Some(open) => {
            let copies = (open.doc.clone(), open.hydrated.clone());
            work.keep(record, open);
            copies
        }
        None => {
            let doc = kind.genesis().doc.clone();
            let before = hydrate(&doc, &kind);
            (doc, before)
        }
    };
    Ok(Opened { kind, doc, before, unsaid: Vec::new() })
}
