//! What became of a record, change by change, as people are told it: the history that a screen shows.
//!
//! A change is what somebody did at once to one record, in however many pieces it was written. Steps of the
//! genesis are nobody's.
//!
//! **Invariant**: a change stands after those that it builds on, whatever the clocks of their writers said,
//! and every device tells the same order.

use std::collections::{BTreeSet, HashMap};

use automerge::Change;
use serde_json::Value as Json;

use super::device::Replica;
use super::error::ReplicaError;
use super::history::History;
use super::store::{OwnChange, Quarantined, Stored};
use crate::document::{Altered, Hydrated, compared};
use crate::error::Refusal;
use crate::ids::{Actor, ChangeHash, RecordId, UserId};
use crate::limits;
use crate::projection::Stamp;
use crate::schema::{Kind, LIFE, LifeEvent, is_step_actor};
use crate::time::UnixMs;

/// What somebody did to a record.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// Its name: that of its last piece.
    pub hash: ChangeHash,
    /// When it was made, by the clock of its writer.
    pub at: UnixMs,
    /// Who made it.
    pub author: Option<UserId>,
    /// Their name, where this device knows it.
    pub name: Option<String>,
    /// What became of it.
    pub standing: Standing,
    /// What it did to the record as a whole.
    pub did: Did,
    /// The fields that it changed.
    pub fields: Vec<Altered>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The server has it.
    Accepted,
    /// It is on this device alone.
    Unsent,
    /// The server refused it.
    Refused(Refusal),
}

impl Standing {
    /// Its word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unsent => "unsent",
            Self::Refused(_) => "refused",
        }
    }
}

/// What a change did to its record as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Did {
    /// The record began with it.
    Began,
    /// It changed fields.
    Changed,
    /// It deleted the record.
    Deleted,
    /// It took a deletion back.
    Restored,
}

impl Did {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }

    fn of(before: &Hydrated, after: &Hydrated) -> Self {
        let begins = before.id.is_none() && after.id.is_some();
        match (begins, is_deleted(before), is_deleted(after)) {
            (true, ..) => Self::Began,
            (_, false, true) => Self::Deleted,
            (_, true, false) => Self::Restored,
            _ => Self::Changed,
        }
    }
}

/// Whether a record is deleted.
pub(super) fn is_deleted(said: &Hydrated) -> bool {
    let events = said.kind.life().and_then(|life| said.log(life.name));
    let shown = events.and_then(|events| LIFE.state(events, Some(said)).shown);
    shown.is_some_and(|event| event.data == LifeEvent::Delete.data())
}

/// A change of a record with its pieces, in the order in which they were written.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) pieces: Vec<Change>,
    pub(super) author: Option<UserId>,
    pub(super) at: UnixMs,
    pub(super) standing: Standing,
    /// When it was made or what it builds on was, how many changes lie below it, and its name: the order.
    order: (UnixMs, usize, ChangeHash),
    /// What it did in words, where nothing else is left of it.
    words: Json,
}

impl Made {
    pub(super) fn hash(&self) -> ChangeHash {
        self.order.2
    }

    /// Whether a change of this name is one of its pieces.
    pub(super) fn has(&self, hash: ChangeHash) -> bool {
        self.pieces.iter().any(|piece| ChangeHash::from(piece.hash()) == hash)
            || self.hash() == hash
    }
}

impl Replica {
    /// What became of a record, newest first: each change with who made it and when, and what the fields
    /// said before and after. Changes that the server refused stand among them. At most so many are told.
    ///
    /// # Errors
    /// When the record is not on this device or its document is damaged.
    pub fn history(
        &mut self,
        id: RecordId,
        most: usize,
    ) -> Result<Vec<HistoryEntry>, ReplicaError> {
        self.file.look_for_foreign_writes()?;
        let stored = self.file.stored();
        let (kind, mut all) = made(stored, id, self.user())?;
        let skipped = all.len().saturating_sub(most);
        let mut history =
            History::everything(stored, id)?.ok_or(ReplicaError::UnknownRecord(id))?;
        let mut told = Vec::with_capacity(all.len() - skipped);
        for one in all.drain(skipped..) {
            told.push(entry(stored, &kind, &mut history, one)?);
        }
        told.reverse();
        Ok(told)
    }
}

fn entry(
    stored: Stored<'_>,
    kind: &Kind,
    history: &mut History,
    one: Made,
) -> Result<HistoryEntry, ReplicaError> {
    let states = history.states_of(one.pieces.clone());
    let (did, mut fields) = match &states {
        Some(states) => {
            let (did, mut fields) = tell_changed(&states.before, &states.after);
            fields.extend(states.unsaid.iter().filter_map(in_words));
            (did, fields)
        }
        None => {
            let words = one.words.as_array().into_iter().flatten();
            (Did::Changed, words.filter_map(in_words).collect())
        }
    };
    without_life(kind, &mut fields);
    let name = match one.author {
        Some(author) => stored.name_of(author)?,
        None => None,
    };
    Ok(HistoryEntry {
        hash: one.hash(),
        at: one.at,
        author: one.author,
        name,
        standing: one.standing,
        did,
        fields,
    })
}

/// What became of a record from one state to another, as a whole and field by field.
pub(super) fn tell_changed(before: &Hydrated, after: &Hydrated) -> (Did, Vec<Altered>) {
    let mut fields = compared(before, after);
    without_life(&after.kind, &mut fields);
    (Did::of(before, after), fields)
}

/// Leaves out what is told better by what became of the record as a whole.
fn without_life(kind: &Kind, fields: &mut Vec<Altered>) {
    let life = kind.life().map(|life| life.name);
    let columns = LIFE.columns.iter().map(|column| column.name).chain(life);
    fields.retain(|one| !columns.clone().any(|name| name == one.field));
}

/// A part of an edit in words, of which is not known what was there before.
pub(super) fn in_words(part: &Json) -> Option<Altered> {
    let field = part.get("field")?.as_str()?;
    let altered = |field: &str, after: &Json| Altered {
        field: field.to_owned(),
        before: Json::Null,
        after: after.clone(),
    };
    if let Some([key, value]) = part.get("entry").and_then(Json::as_array).map(Vec::as_slice) {
        return Some(altered(&format!("{field}.{}", key.as_str()?), value));
    }
    let said = ["set", "text", "append", "parts"].iter().find_map(|name| part.get(*name));
    let keys = || {
        let one = |name: &str| part.get(name).map(|key| serde_json::json!({ name: [key] }));
        one("add").or_else(|| one("remove"))
    };
    said.cloned().or_else(keys).map(|after| altered(field, &after))
}

/// The changes of a record, oldest first, refused ones among them.
pub(super) fn made(
    stored: Stored<'_>,
    id: RecordId,
    user: UserId,
) -> Result<(Kind, Vec<Made>), ReplicaError> {
    let open = stored.open(id)?.ok_or(ReplicaError::UnknownRecord(id))?;
    let waiting = stored.waiting_from(id, i64::MIN)?.into_iter();
    let waiting: HashMap<ChangeHash, OwnChange> = waiting.map(|one| (one.hash, one)).collect();
    let mut all = Vec::new();
    let mut orders: HashMap<automerge::ChangeHash, (UnixMs, usize)> = HashMap::new();
    // The change whose last piece has this name.
    let mut ends: HashMap<automerge::ChangeHash, usize> = HashMap::new();
    for change in open.doc.get_changes(&[]) {
        let hash = change.hash();
        let claimed = UnixMs::from_seconds(change.timestamp());
        let mark = waiting.get(&hash.into());
        let order = order_of(claimed, change.deps(), &orders);
        orders.insert(hash, order);
        let actor = Actor::from_slice(change.actor_id().to_bytes());
        let is_step = actor.is_some_and(is_step_actor);
        if is_step || ChangeHash::from(hash) == open.kind.genesis().hash {
            continue;
        }
        let place = match change.deps() {
            [before] => {
                ends.remove(before).filter(|place| goes_on(&all[*place], &change, &waiting))
            }
            _ => None,
        };
        let order = (order.0, order.1, ChangeHash::from(hash));
        match place {
            Some(place) => {
                let made: &mut Made = &mut all[place];
                made.order = order;
                made.pieces.push(change);
                ends.insert(hash, place);
            }
            None => {
                ends.insert(hash, all.len());
                all.push(Made {
                    author: Stamp::of(&change, &open.doc).by,
                    at: mark.map_or(claimed, |mark| mark.origin.made_at),
                    standing: mark.map_or(Standing::Accepted, |_| Standing::Unsent),
                    order,
                    words: Json::Null,
                    pieces: vec![change],
                });
            }
        }
    }
    refused(stored, (id, user), &orders, &mut all)?;
    all.sort_by_key(|one| one.order);
    Ok((open.kind, all))
}

/// Where a change stands: at its moment, or after what it builds on.
fn order_of(
    at: UnixMs,
    deps: &[automerge::ChangeHash],
    orders: &HashMap<automerge::ChangeHash, (UnixMs, usize)>,
) -> (UnixMs, usize) {
    let below = deps.iter().filter_map(|dep| orders.get(dep));
    below.fold((at, 0), |(at, depth), (then, deep)| (at.max(*then), depth.max(deep + 1)))
}

/// Whether a change that builds on another alone is a further piece of the same edit: they were put into
/// the outbox together, or, where that is not known any more, one writer made them in one second, and both
/// would not have gone into one.
fn goes_on(before: &Made, change: &Change, waiting: &HashMap<ChangeHash, OwnChange>) -> bool {
    let Some(last) = before.pieces.last() else { return false };
    let group = |change: &Change| waiting.get(&change.hash().into()).map(|one| one.origin.group);
    let alike = last.actor_id() == change.actor_id() && last.timestamp() == change.timestamp();
    match (group(last), group(change)) {
        (Some(one), Some(other)) => one == other,
        _ => alike && last.len() + change.len() >= limits::TEXT_STEP,
    }
}

/// Adds what the server refused.
fn refused(
    stored: Stored<'_>,
    (id, user): (RecordId, UserId),
    orders: &HashMap<automerge::ChangeHash, (UnixMs, usize)>,
    all: &mut Vec<Made>,
) -> Result<(), ReplicaError> {
    let edits: Vec<Quarantined> = stored.refused_of(id)?;
    let bytes: HashMap<ChangeHash, Vec<u8>> = match edits.is_empty() {
        true => HashMap::new(),
        false => stored.refused_bytes(id)?.into_iter().collect(),
    };
    // The same edit may stand again under another name.
    let standing: BTreeSet<ChangeHash> =
        all.iter().flat_map(|one| &one.pieces).map(|piece| piece.hash().into()).collect();
    for edit in edits.into_iter().filter(|edit| !standing.contains(&edit.hash)) {
        let read = |hash: &ChangeHash| Change::from_bytes(bytes.get(hash)?.clone()).ok();
        let pieces: Vec<Change> = edit.changes.iter().filter_map(read).collect();
        let deps = pieces.first().map(|piece| piece.deps().to_vec()).unwrap_or_default();
        let (at, depth) = order_of(UnixMs::from_seconds(edit.made_at.seconds()), &deps, orders);
        all.push(Made {
            author: Some(user),
            at: edit.made_at,
            standing: Standing::Refused(edit.refusal),
            order: (at, depth, edit.hash),
            words: edit.edit,
            pieces,
        });
    }
    Ok(())
}
