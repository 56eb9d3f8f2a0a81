//! Local edits: from what a person changed to one Automerge change.

use std::collections::BTreeMap;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{Author, Automerge, ObjId, ROOT, ReadDoc};

use super::hydrate::FieldState;
use super::text;
use super::typed::{self, Habits};
use super::value::{Value, ValueError, allowed, normalise_key};
use super::{Hydrated, hydrate};
use crate::event::{Event, EventData};
use crate::ids::{Actor, ChangeHash, EventId, RecordId, UserId};
use crate::limits;
use crate::nul::{NUL_PROBLEM, holds_nul, json_holds_nul};
use crate::schema::{Field, FieldType, ID_KEY, Initial, Kind, Presence, Rule, SetOf, Writer};
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
            | Self::Add(_)
            | Self::Entry(_, Some(_))
            | Self::Append(_) => false,
        }
    }

    /// Whether it would write U+0000 anywhere.
    fn holds_nul(&self) -> bool {
        let in_parts = |parts: &BTreeMap<String, serde_json::Value>| {
            parts.iter().any(|(name, value)| holds_nul(name) || json_holds_nul(value))
        };
        match self {
            Self::Set(Value::Str(text)) | Self::Text(text) | Self::Add(text) => holds_nul(text),
            Self::Set(Value::Parts(parts)) | Self::Parts(parts) | Self::Append(parts) => {
                in_parts(parts)
            }
            Self::Entry(name, text) => holds_nul(name) || text.as_deref().is_some_and(holds_nul),
            Self::Set(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Instant(_))
            | Self::Remove(_) => false,
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
    /// The kind has no such field; the message lists those it has.
    #[error("{kind} has no field \"{field}\"; it has {known}")]
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
        let field = kind.field(name).ok_or_else(|| unknown_field(kind, name))?;
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
                self.changes.push((field.clone(), FieldChange::Entry(key, value)));
            }
            (FieldType::Parts(parts), Some(part)) => {
                // One part by itself: complete only when merged with the others in this edit.
                let part = parts.iter().find(|p| p.name == part);
                let part = part.ok_or_else(|| unknown_field(kind, name))?;
                self.push_part(field, part.name, typed::part(part, text, habits))?;
            }
            (_, None) => {
                let value = typed::read_value(field, text, habits)?;
                self.changes.push((field.clone(), FieldChange::Set(value)));
            }
            (_, Some(_)) => return Err(unknown_field(kind, name)),
        }
        Ok(())
    }

    /// Operations on long texts that the edit is written as.
    pub fn text_ops(&self, now: Option<&Hydrated>) -> usize {
        let texts = self.changes.iter().filter_map(|(field, change)| match change {
            FieldChange::Text(text) => Some(text::splices(old_text(now, field), text)),
            _ => None,
        });
        texts.flatten().map(|splice| splice.ops()).sum()
    }

    /// The same edit in several, each changing no more text than one change may. The first has
    /// everything else.
    pub fn in_steps(&self, now: Option<&Hydrated>) -> Vec<Self> {
        let mut first = Self { changes: Vec::new() };
        let mut later = Vec::new();
        for (field, change) in &self.changes {
            match change {
                FieldChange::Text(text) => {
                    later.extend(text::steps(old_text(now, field), text).into_iter().map(|step| {
                        Self { changes: vec![(field.clone(), FieldChange::Text(step))] }
                    }))
                }
                _ => first.changes.push((field.clone(), change.clone())),
            }
        }
        later.insert(0, first);
        later
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

fn old_text<'a>(now: Option<&'a Hydrated>, field: &Field) -> &'a str {
    match now.and_then(|now| now.field(field.name)) {
        Some(FieldState::Text(text)) => text,
        _ => "",
    }
}

fn unknown_field(kind: &Kind, name: &str) -> EditError {
    let known: Vec<&str> = kind.fields.iter().map(|field| field.name).collect();
    EditError::UnknownField {
        kind: kind.name,
        field: super::value::clip(name),
        known: known.join(", "),
    }
}

fn checked_text(field: &Field, text: &str) -> Result<String, ValueError> {
    if text.chars().count() > limits::LONG_TEXT_CHARS {
        return Err(ValueError::new(field.name, "too long", allowed(field)));
    }
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

/// Begins a record: the document with its creating change.
///
/// # Errors
/// When a required field is missing or a value does not fit.
pub fn create(
    kind: &Kind,
    id: RecordId,
    edit: &RecordEdit,
    pen: &Pen,
    mint: &mut dyn FnMut() -> EventId,
) -> Result<(Automerge, LocalChange), EditError> {
    let mut doc = kind.genesis().doc.clone();
    let mut edit = edit.clone();
    for field in &kind.fields {
        let given = edit.changes.iter().any(|(known, _)| known == field);
        let value = match field.initial {
            Initial::Now => Value::Instant(pen.now),
            Initial::Author => Value::Str(pen.author.to_string()),
            Initial::Nothing => continue,
        };
        if !given {
            edit.changes.push((field.clone(), FieldChange::Set(value)));
        }
    }
    for field in kind.fields.iter().filter(|field| field.required == Presence::Required) {
        let given = edit
            .changes
            .iter()
            .any(|(f, change)| *f == *field && !matches!(change, FieldChange::Set(Value::Null)));
        if !given {
            return Err(EditError::Missing { kind: kind.name, field: field.name });
        }
    }
    let now = hydrate(&doc, kind);
    let change = write(&mut doc, &now, Some(id), &edit, pen, mint)?;
    Ok((doc, change.expect("BUG: a creating change writes the id")))
}

/// Edits a document in place; `None` when nothing would change.
///
/// # Errors
/// When a value does not fit; the document is as it was.
pub fn edit(
    doc: &mut Automerge,
    now: &Hydrated,
    edit: &RecordEdit,
    pen: &Pen,
    mint: &mut dyn FnMut() -> EventId,
) -> Result<Option<LocalChange>, EditError> {
    for (field, change) in &edit.changes {
        if field.rule == Rule::Immutable {
            return Err(EditError::Immutable { field: field.name });
        }
        if field.required == Presence::Required && *change == FieldChange::Set(Value::Null) {
            return Err(EditError::Missing { kind: now.kind.name, field: field.name });
        }
    }
    write(doc, now, None, edit, pen, mint)
}

fn write(
    doc: &mut Automerge,
    now: &Hydrated,
    creating: Option<RecordId>,
    edit: &RecordEdit,
    pen: &Pen,
    mint: &mut dyn FnMut() -> EventId,
) -> Result<Option<LocalChange>, EditError> {
    if pen.role == PenRole::Device
        && let Some((field, _)) = edit.changes.iter().find(|(f, _)| f.writer == Writer::Server)
    {
        return Err(EditError::ServerOnly { field: field.name });
    }
    if let Some((field, _)) = edit.changes.iter().find(|(_, change)| change.holds_nul()) {
        return Err(ValueError::new(field.name, NUL_PROBLEM, allowed(field)).into());
    }
    // A document without its id is one of a faulty app; its containers are those of the first step.
    let record = creating.or(now.id).unwrap_or(RecordId(uuid::Uuid::nil()));
    // The author first: setting another author draws a new actor, which the next line replaces.
    doc.set_author(Some(Author::from(pen.author.as_bytes().to_vec())));
    doc.set_actor(pen.actor.automerge());
    let contested: Vec<&str> = now.conflicts.iter().map(|conflict| conflict.field).collect();
    let mut tx = doc.transaction();
    let result: Result<(), automerge::AutomergeError> = (|| {
        if let Some(id) = creating {
            tx.put(ROOT, ID_KEY, id.to_string())?;
        }
        for change in &edit.changes {
            let name = change.0.name;
            let container = now.kind.genesis().container(record, name);
            let container = container.filter(|id| tx.object_type(id).is_ok());
            let again = contested.contains(&name);
            write_field(&mut tx, now, change, container.as_ref(), again, pen, mint)?;
        }
        Ok(())
    })();
    if let Err(error) = result {
        tx.rollback();
        return Err(EditError::Document(error.to_string()));
    }
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(pen.now.seconds()));
    let Some(hash) = hash else { return Ok(None) };
    let change = doc.get_change_by_hash(&hash).expect("BUG: a change just committed is there");
    let bytes = change.raw_bytes().to_vec();
    Ok(Some(LocalChange { hash: hash.into(), bytes, ops: change.len(), actor: pen.actor }))
}

fn write_field(
    tx: &mut automerge::transaction::Transaction<'_>,
    now: &Hydrated,
    (field, change): &(Field, FieldChange),
    container: Option<&ObjId>,
    contested: bool,
    pen: &Pen,
    mint: &mut dyn FnMut() -> EventId,
) -> Result<(), automerge::AutomergeError> {
    match (change, container) {
        (FieldChange::Set(value), None) => {
            let shown = now.value(field.name);
            let defaulted = field.default.is_some() && tx.get(ROOT, field.name)?.is_none();
            // Writing what stands is no edit, unless it settles a conflict or fixes a default.
            if value != shown || contested || defaulted {
                tx.put(ROOT, field.name, value.to_scalar())?;
            }
        }
        (FieldChange::Parts(some), None) => {
            let shown = now.value(field.name);
            let mut whole = match shown {
                Value::Parts(parts) => parts.clone(),
                _ => BTreeMap::new(),
            };
            whole.extend(some.iter().map(|(name, value)| (name.clone(), value.clone())));
            whole.retain(|_, value| !value.is_null());
            let value = if whole.is_empty() { Value::Null } else { Value::Parts(whole) };
            if value != *shown || contested {
                tx.put(ROOT, field.name, value.to_scalar())?;
            }
        }
        (FieldChange::Text(text), Some(id)) => {
            for splice in text::splices(&tx.text(id)?, text) {
                let gone = isize::try_from(splice.gone).unwrap_or(isize::MAX);
                tx.splice_text(id, splice.at, gone, &splice.come)?;
            }
        }
        (FieldChange::Add(key), Some(id)) => {
            if tx.get(id, key.as_str())?.is_none() {
                tx.put(id, key.as_str(), true)?;
            }
        }
        (FieldChange::Remove(key), Some(id)) => {
            if tx.get(id, key.as_str())?.is_some() {
                tx.delete(id, key.as_str())?;
            }
        }
        (FieldChange::Entry(key, Some(text)), Some(id)) => {
            tx.put(id, key.as_str(), text.as_str())?
        }
        (FieldChange::Entry(key, None), Some(id)) => {
            if tx.get(id, key.as_str())?.is_some() {
                tx.delete(id, key.as_str())?;
            }
        }
        (FieldChange::Append(data), Some(id)) => {
            let before = match (now.field(field.name), field.ty) {
                (Some(FieldState::Log(events)), FieldType::Log(log)) => log.superseded(events),
                _ => Vec::new(),
            };
            let event =
                Event { at: pen.now, by: pen.author, supersedes: before, data: data.clone() };
            tx.put(id, mint().to_string(), event.to_text())?;
        }
        // Its container comes with a later step of the genesis, and nobody wrote to it yet.
        (change, None) if change.takes_away() => {}
        _ => {
            return Err(automerge::AutomergeError::InvalidOp(
                tx.object_type(container.unwrap_or(&ROOT))?,
            ));
        }
    }
    Ok(())
}
