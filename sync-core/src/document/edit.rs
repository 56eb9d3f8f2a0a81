//! What a person changes on a record, in words and as an edit. `write` makes a change of it.

use std::collections::BTreeMap;

use automerge::{Automerge, ROOT, ReadDoc};

use super::fit::{self, normalise_key};
use super::hydrate::{FieldState, Hydrated};
use super::text::{self, Splice};
use super::typed::{self, Habits};
use super::value::{Value, ValueError};
use crate::event::EventData;
use crate::ids::{Actor, ChangeHash, UserId};
use crate::limits;
use crate::schema::{Field, FieldType, Kind, Rule, SetOf, Use, Writer};
use crate::time::UnixMs;

/// One change to one field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldChange {
    /// Writes a register or `Whole`.
    Set(Value),
    /// Writes some parts of a `Whole` and keeps the others as they are shown; `null` removes one.
    Parts(BTreeMap<String, serde_json::Value>),
    /// Replaces a long text; only the difference is recorded.
    Text(String),
    /// Changes a long text at these places: a part of a longer edit, for those that are too long for one
    /// change.
    Splices(Vec<Splice>),
    /// Adds a key to a set.
    Add(String),
    /// Removes a key from a set.
    Remove(String),
    /// Writes a custom field; `None` removes it.
    Entry(String, Option<String>),
    /// Appends an event to a log; it supersedes what stands there.
    Append(EventData),
}

impl FieldChange {
    /// Whether it takes something away, which needs no place to put it.
    pub fn takes_away(&self) -> bool {
        match self {
            Self::Remove(_) | Self::Entry(_, None) => true,
            Self::Text(text) => text.is_empty(),
            Self::Set(_)
            | Self::Parts(_)
            | Self::Splices(_)
            | Self::Add(_)
            | Self::Entry(_, Some(_))
            | Self::Append(_) => false,
        }
    }
}

/// What a person changed on one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordEdit {
    /// The changes, by field.
    pub changes: Vec<(Field, FieldChange)>,
}

/// Why an edit was not made. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The kind has no such field; the message lists those that can be set.
    #[error("{kind} has no field \"{field}\" that can be set; these can: {known}")]
    UnknownField {
        /// The kind.
        kind: &'static str,
        /// The name given.
        field: String,
        /// The names there are.
        known: String,
    },
    /// The value does not fit the field.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// The field was written when the record was created and stays as it is.
    #[error("{field} is written once, when the record is created")]
    Immutable {
        /// The field.
        field: &'static str,
    },
    /// The field is written once, and somebody wrote it: it stays as it is.
    #[error("{field} was written already and stays as it is")]
    Written {
        /// The field.
        field: &'static str,
    },
    /// Only the server writes this field; ask a manager.
    #[error("{field} is written by the server only; ask a manager to change it")]
    ServerOnly {
        /// The field.
        field: &'static str,
    },
    /// A field that every such record needs is missing or would be cleared.
    #[error("{kind} needs {field}")]
    Missing {
        /// The kind.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// Automerge refused; a fault of ours.
    #[error("the document refused the edit: {0}")]
    Document(String),
}

/// Who edits, as whom, and when: all given by the host.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    /// The actor of this open writer.
    pub actor: Actor,
    /// The signed-in user.
    pub author: UserId,
    /// The device's clock.
    pub now: UnixMs,
    /// Whether this is the server's own pen.
    pub role: PenRole,
}

/// Whose pen it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PenRole {
    /// A device's: fields of the server are closed to it.
    Device,
    /// The server's.
    Server,
}

/// A change made here: its name and its plain bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalChange {
    /// Its name.
    pub hash: ChangeHash,
    /// The uncompressed chunk, as it is pushed.
    pub bytes: Vec<u8>,
    /// Its operations.
    pub ops: usize,
    /// Its writer.
    pub actor: Actor,
}

impl RecordEdit {
    /// Reads `name=value` pairs as a person gives them. A log's events go by the column they lead
    /// to: `stage=closed-won`, `status=cancelled`, `completed=yes`. Sets take `+key` and `-key`, or
    /// a bare list of keys to add, separated by commas. `custom_fields.NAME=value` writes one entry.
    ///
    /// # Errors
    /// Names the field and what it takes.
    pub fn parse<'a>(
        kind: &Kind,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, EditError> {
        Self::parse_with(kind, pairs, &Habits::default())
    }

    /// As [`RecordEdit::parse`], in the words of somebody with these habits.
    ///
    /// # Errors
    /// Names the field and what it takes.
    pub fn parse_with<'a>(
        kind: &Kind,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        habits: &Habits,
    ) -> Result<Self, EditError> {
        let mut edit = Self::default();
        for (name, text) in pairs {
            edit.push_text(kind, name, text, habits)?;
        }
        Ok(edit)
    }

    /// Writes a register.
    pub fn set(mut self, field: &Field, value: Value) -> Self {
        self.changes.push((field.clone(), FieldChange::Set(value)));
        self
    }

    fn push_text(
        &mut self,
        kind: &Kind,
        name: &str,
        text: &str,
        habits: &Habits,
    ) -> Result<(), EditError> {
        if let Some((field, data)) = event_from_text(kind, name, text)? {
            self.changes.push((field, FieldChange::Append(data)));
            return Ok(());
        }
        let (name, entry) = match name.split_once('.') {
            Some((name, entry)) => (name, Some(entry)),
            None => (name, None),
        };
        let field = kind.field(name).ok_or_else(|| EditError::unknown_field(kind, name))?;
        match (field.ty, entry) {
            (FieldType::Text, None) => {
                self.changes.push((field.clone(), FieldChange::Text(checked_text(field, text)?)));
            }
            (FieldType::Set(of), None) => {
                for key in typed::split_keys(of, text) {
                    self.changes.push((field.clone(), set_change(field, &key)?));
                }
            }
            (FieldType::Fields, Some(key)) => {
                let key = normalise_key(field, key)?;
                let value = (!text.is_empty()).then(|| text.to_owned());
                fit::entry(field, &key, text)?;
                self.changes.push((field.clone(), FieldChange::Entry(key, value)));
            }
            (FieldType::Parts(parts), Some(part)) => {
                // One part by itself: complete only when merged with the others in this edit.
                let part = parts.iter().find(|p| p.name == part);
                let part = part.ok_or_else(|| EditError::unknown_field(kind, name))?;
                self.push_part(field, part.name, typed::part(part, text, habits))?;
            }
            (_, None) => {
                let value = typed::read_value(field, text, habits)?;
                self.changes.push((field.clone(), FieldChange::Set(value)));
            }
            (_, Some(_)) => return Err(EditError::unknown_field(kind, name)),
        }
        Ok(())
    }

    /// The edit as one change, or as several when it rewrites more text than one change may hold.
    pub fn in_changes(&self, now: Option<&Hydrated>) -> Vec<Self> {
        if self.text_ops(now) <= limits::TEXT_STEP {
            return vec![self.clone()];
        }
        self.in_steps(now)
    }

    /// Leaves out what is written once and stands in the document: of an edit that was made on another
    /// state of it.
    pub fn leave_out_written(&mut self, doc: &Automerge) {
        self.changes.retain(|(field, _)| match field.rule {
            Rule::Immutable => false,
            Rule::Once => !stands(doc, field),
            _ => true,
        });
    }

    /// Operations on long texts that the edit is written as.
    fn text_ops(&self, now: Option<&Hydrated>) -> usize {
        let texts = self.changes.iter().filter_map(|(field, change)| match change {
            FieldChange::Text(text) => Some(text::splices(old_text(now, field), text)),
            _ => None,
        });
        texts.flatten().map(|splice| splice.ops()).sum()
    }

    /// The same edit in several, each changing no more text than one change may. The first has
    /// everything else.
    fn in_steps(&self, now: Option<&Hydrated>) -> Vec<Self> {
        let mut first = Self { changes: Vec::new() };
        let mut later = Vec::new();
        for (field, change) in &self.changes {
            match change {
                FieldChange::Text(text) => {
                    later.extend(text::steps(old_text(now, field), text).into_iter().map(|step| {
                        Self { changes: vec![(field.clone(), FieldChange::Splices(step))] }
                    }))
                }
                _ => first.changes.push((field.clone(), change.clone())),
            }
        }
        later.insert(0, first);
        later
    }

    /// The same with one change a register: of several the last one counts, and parts are put into the
    /// whole before them.
    pub(super) fn folded(&self) -> Vec<(Field, FieldChange)> {
        let mut folded: Vec<(Field, FieldChange)> = Vec::with_capacity(self.changes.len());
        for (field, change) in &self.changes {
            let before = folded.iter_mut().find(|(known, _)| known == field);
            match (before.map(|(_, before)| before), change) {
                (Some(FieldChange::Set(Value::Parts(whole))), FieldChange::Parts(some)) => {
                    whole.extend(some.clone());
                }
                (Some(FieldChange::Parts(some)), FieldChange::Parts(more)) => {
                    some.extend(more.clone());
                }
                (Some(before @ FieldChange::Set(_)), FieldChange::Parts(some)) => {
                    *before = FieldChange::Set(Value::Parts(some.clone()));
                }
                (
                    Some(before @ (FieldChange::Set(_) | FieldChange::Parts(_))),
                    FieldChange::Set(_),
                ) => *before = change.clone(),
                _ => folded.push((field.clone(), change.clone())),
            }
        }
        folded
    }

    fn push_part(
        &mut self,
        field: &Field,
        part: &str,
        json: serde_json::Value,
    ) -> Result<(), EditError> {
        // Checked as a value of that one part; the whole is put together when it is written.
        let json = if json.as_str() == Some("") { serde_json::Value::Null } else { json };
        let alone = serde_json::json!({ part: json });
        Value::from_json(field, &alone)?;
        let slot = self.changes.iter_mut().find_map(|(f, change)| match change {
            FieldChange::Parts(parts) if *f == *field => Some(parts),
            _ => None,
        });
        match slot {
            Some(parts) => {
                parts.insert(part.to_owned(), json);
            }
            None => {
                let parts = BTreeMap::from([(part.to_owned(), json)]);
                self.changes.push((field.clone(), FieldChange::Parts(parts)));
            }
        }
        Ok(())
    }
}

/// Whether a document holds a value of a field, be it one that does not fit.
pub(super) fn stands(doc: &impl ReadDoc, field: &Field) -> bool {
    matches!(doc.get(ROOT, field.name), Ok(Some(_)))
}

fn old_text<'a>(now: Option<&'a Hydrated>, field: &Field) -> &'a str {
    match now.and_then(|now| now.field(field.name)) {
        Some(FieldState::Text(text)) => text,
        _ => "",
    }
}

impl EditError {
    pub(super) fn unknown_field(kind: &Kind, name: &str) -> Self {
        let known: Vec<&str> = kind.fields.iter().flat_map(names_to_write).copied().collect();
        let field = super::value::clip(name);
        Self::UnknownField { kind: kind.name, field, known: known.join(", ") }
    }
}

/// The names by which people write a field; none of one that is not theirs to write.
fn names_to_write(field: &Field) -> &[&'static str] {
    let open = field.writer == Writer::Anyone && field.usage == Use::InUse;
    match field.ty {
        FieldType::Log(log) => log.typed.map_or(&[][..], |typed| typed.names),
        // Whoever creates a record is its creator, at the moment when it is created.
        _ if open && !CREATION.contains(&field.name) => std::slice::from_ref(&field.name),
        _ => &[],
    }
}

/// What a record says of its beginning, by itself.
const CREATION: [&str; 2] = ["created_at", "created_by"];

fn checked_text(field: &Field, text: &str) -> Result<String, ValueError> {
    fit::text(field, text)?;
    fit::length(field.name, text.chars().count())?;
    Ok(text.to_owned())
}

fn set_change(field: &Field, key: &str) -> Result<FieldChange, ValueError> {
    // A telephone number begins with a plus of its own.
    let phones = field.ty == FieldType::Set(SetOf::Phones);
    Ok(match (key.strip_prefix('-'), key.strip_prefix('+')) {
        (Some(key), _) => FieldChange::Remove(normalise_key(field, key)?),
        (None, Some(key)) if !phones => FieldChange::Add(normalise_key(field, key)?),
        _ => FieldChange::Add(normalise_key(field, key)?),
    })
}

/// The event that a person wrote as `name=value`, when a log goes by that name.
fn event_from_text(
    kind: &Kind,
    name: &str,
    text: &str,
) -> Result<Option<(Field, EventData)>, EditError> {
    for field in &kind.fields {
        if let FieldType::Log(log) = field.ty
            && let Some(typed) = log.typed
            && typed.names.contains(&name)
        {
            let wrong = |allowed| {
                let problem = format!("no {name} \"{}\"", super::value::clip(text.trim()));
                EditError::from(ValueError::new(field.name, problem, allowed))
            };
            let data = (typed.read)(text.trim()).map_err(wrong)?;
            return Ok(Some((field.clone(), data)));
        }
    }
    Ok(None)
}
