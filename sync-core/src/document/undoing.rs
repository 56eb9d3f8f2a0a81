//! The edit that puts back what a change changed, on a record that others may have edited since.

use automerge::transaction::Transactable;
use automerge::{Automerge, ChangeHash, ReadDoc};
use serde::Serialize;

use super::edit::{FieldChange, RecordEdit};
use super::hydrate::{FieldState, Hydrated};
use super::text;
use super::value::Value;
use crate::event::{EventData, Events};
use crate::schema::{Field, FieldType, Log, Presence, Use, Writer};

/// What a change did, and where the record stands by now.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// The record before the change.
    pub before: &'a Hydrated,
    /// The record after it.
    pub after: &'a Hydrated,
    /// The document as it is, with the change in it.
    pub doc: &'a Automerge,
    /// The change's name in it.
    pub hash: ChangeHash,
    /// What the document says.
    pub now: &'a Hydrated,
}

/// A field of which a change is not undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The field, as the history names it.
    pub field: String,
    /// Why it stays as it is.
    pub why: &'static str,
}

/// What undoing a change comes to.
#[derive(Clone, Debug, Default)]
pub struct Undoing {
    /// The edit.
    pub edit: RecordEdit,
    /// The fields that say again what they said.
    pub undone: Vec<String>,
    /// Those that stay.
    pub left: Vec<Left>,
}

const CHANGED: &str = "it was changed since";
const CONTESTED: &str = "it is contested; settle that instead";
const ONCE: &str = "it is written once and stays as it is";
const NEEDED: &str = "every such record needs it";
const SERVERS: &str = "it is written by the server only";
const NO_WAY_BACK: &str = "nothing leads back from it";

/// The edit that undoes a change, for the fields that still say what it wrote.
pub fn undoing(done: Done<'_>) -> Undoing {
    let mut all = Undoing::default();
    for (index, field) in done.after.kind.fields.iter().enumerate() {
        let (old, new) = (&done.before.fields[index], &done.after.fields[index]);
        if old == new || field.usage == Use::Retired {
            continue;
        }
        if field.writer == Writer::Server {
            all.leave(field.name, SERVERS);
        } else if field.rule.is_written_once() {
            all.leave(field.name, ONCE);
        } else {
            all.undo_field(field, (old, new, &done.now.fields[index]), done);
        }
    }
    all
}

impl Undoing {
    fn leave(&mut self, field: impl Into<String>, why: &'static str) {
        self.left.push(Left { field: field.into(), why });
    }

    fn put(&mut self, name: impl Into<String>, field: &Field, change: FieldChange) {
        let name = name.into();
        if !self.undone.contains(&name) {
            self.undone.push(name);
        }
        self.edit.changes.push((field.clone(), change));
    }

    fn undo_field(
        &mut self,
        field: &Field,
        states: (&FieldState, &FieldState, &FieldState),
        done: Done<'_>,
    ) {
        let contested = |name: &str| done.now.conflicts.iter().any(|one| one.field == name);
        match states {
            (FieldState::Value(old), FieldState::Value(new), FieldState::Value(now)) => {
                if contested(field.name) {
                    self.leave(field.name, CONTESTED);
                } else if now != new {
                    self.leave(field.name, CHANGED);
                } else if *old == Value::Null && field.required == Presence::Required {
                    self.leave(field.name, NEEDED);
                } else {
                    self.put(field.name, field, FieldChange::Set(old.clone()));
                }
            }
            (FieldState::Text(old), FieldState::Text(new), FieldState::Text(now)) => {
                match text_without(done, field, (old, new, now)) {
                    Some(text) => self.put(field.name, field, FieldChange::Text(text)),
                    None => self.leave(field.name, CHANGED),
                }
            }
            (FieldState::Keys(old), FieldState::Keys(new), FieldState::Keys(now)) => {
                self.undo_keys(field, (old, new, now));
            }
            (FieldState::Map(old), FieldState::Map(new), FieldState::Map(now)) => {
                let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
                for name in names.filter(|name| old.get(*name) != new.get(*name)) {
                    let told = format!("{}.{name}", field.name);
                    if contested(&told) {
                        self.leave(told, CONTESTED);
                    } else if now.get(name) != new.get(name) {
                        self.leave(told, CHANGED);
                    } else {
                        let change = FieldChange::Entry(name.clone(), old.get(name).cloned());
                        self.put(told, field, change);
                    }
                }
            }
            (FieldState::Log(old), FieldState::Log(new), FieldState::Log(now)) => {
                let FieldType::Log(log) = field.ty else { return };
                match way_back(log, (old, new, now), done) {
                    Ok(Some(event)) => self.put(field.name, field, FieldChange::Append(event)),
                    Ok(None) => {}
                    Err(why) => self.leave(field.name, why),
                }
            }
            _ => {}
        }
    }

    fn undo_keys(&mut self, field: &Field, (old, new, now): (&[String], &[String], &[String])) {
        let (gone, come): (Vec<_>, Vec<_>) = (
            old.iter().filter(|key| !new.contains(key)).collect(),
            new.iter().filter(|key| !old.contains(key)).collect(),
        );
        let mut changed = false;
        for key in come {
            match now.contains(key) {
                true => self.put(field.name, field, FieldChange::Remove(key.clone())),
                false => changed = true,
            }
        }
        for key in gone {
            match now.contains(key) {
                false => self.put(field.name, field, FieldChange::Add(key.clone())),
                true => changed = true,
            }
        }
        if changed && !self.undone.iter().any(|name| name == field.name) {
            self.leave(field.name, CHANGED);
        }
    }
}

/// The event that leads back over those that a change added; none when these changed nothing that is
/// shown.
fn way_back(
    log: &Log,
    (old, new, now): (&Events, &Events, &Events),
    done: Done<'_>,
) -> Result<Option<EventData>, &'static str> {
    let (was, is) = (log.project(old, done.before), log.project(new, done.after));
    if was == is {
        return Ok(None);
    }
    let standing = |events| {
        let standing = log.state(events, Some(done.now)).standing;
        standing.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    // A reopening leaves nothing standing: then what is shown decides.
    if log.project(now, done.now) != is || standing(now) != standing(new) {
        return Err(CHANGED);
    }
    let mut event = (log.back)(&log.state(old, Some(done.before))).ok_or(NO_WAY_BACK)?;
    event.retain(|name, _| {
        !log.parts.iter().any(|part| part.name == name && part.writer == Writer::Server)
    });
    Ok(Some(event))
}

/// A long text as it is without what a change did to it; none when of what the change put in something is
/// gone.
fn text_without(
    done: Done<'_>,
    field: &Field,
    (old, new, now): (&str, &str, &str),
) -> Option<String> {
    if new == now {
        return Some(old.to_owned());
    }
    // What undoes the change is made where the change left the text, and merged with what came after.
    let container = done.now.kind.genesis().container(done.now.id?, field.name)?;
    let mut then = done.doc.fork_at(&[done.hash]).ok()?;
    let splices = text::splices(new, old);
    let mut tx = then.transaction();
    for splice in &splices {
        let gone = isize::try_from(splice.gone).ok()?;
        tx.splice_text(&container, splice.at, gone, &splice.come).ok()?;
    }
    tx.commit();
    then.merge(&mut done.doc.clone()).ok()?;
    let merged = then.text(&container).ok()?;
    let length = |text: &str| text.chars().count();
    let gone: usize = splices.iter().map(|splice| splice.gone).sum();
    let come: usize = splices.iter().map(|splice| length(&splice.come)).sum();
    (length(&merged) + gone == length(now) + come).then_some(merged)
}
