//! From an edit to one Automerge change: what [`super::fit`] does not take is not written.

use std::collections::BTreeMap;

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{
    Author, Automerge, AutomergeError, ObjId, ROOT, ReadDoc, ScalarValueRef, ValueRef,
};

use super::edit::{EditError, FieldChange, LocalChange, Pen, PenRole, RecordEdit, stands};
use super::fit;
use super::form::allowed;
use super::hydrate::{FieldState, Hydrated, hydrate};
use super::text::{self, Splice};
use super::value::{Value, ValueError};
use crate::event::{Event, EventData};
use crate::ids::{EventId, RecordId};
use crate::schema::{Field, FieldType, ID_KEY, Initial, Kind, Log, Presence, Rule, Writer};

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
        let given = |name: &str| edit.changes.iter().any(|(known, _)| known.name == name);
        let value = match field.initial {
            Initial::NowUnless(other) if given(other) => continue,
            Initial::Now | Initial::NowUnless(_) => Value::Instant(pen.now),
            Initial::Author => Value::Str(pen.author.to_string()),
            Initial::Nothing => continue,
        };
        if !given(field.name) {
            edit.changes.push((field.clone(), FieldChange::Set(value)));
        }
    }
    for field in kind.fields.iter().filter(|field| field.required == Presence::Required) {
        if !edit.changes.iter().any(|(given, _)| given == field) {
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
    let immutable = |(field, _): &&(Field, FieldChange)| field.rule == Rule::Immutable;
    if let Some((field, _)) = edit.changes.iter().find(immutable) {
        return Err(EditError::Immutable { field: field.name });
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
    let changes = edit.folded();
    for (field, _) in &changes {
        check_field(now.kind.declared(field.name), field, now, pen)?;
    }
    // A document without its id is one of a faulty app; its containers are those of the first step.
    let record = creating.or(now.id).unwrap_or(RecordId(uuid::Uuid::nil()));
    // The author first: setting another author draws a new actor, which the next line replaces.
    doc.set_author(Some(Author::from(pen.author.as_bytes().to_vec())));
    doc.set_actor(pen.actor.automerge());
    let mut tx = doc.transaction();
    let written = Writing { tx: &mut tx, now, record, pen }.write(creating, &changes, mint);
    if let Err(error) = written {
        tx.rollback();
        return Err(error);
    }
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(pen.now.seconds()));
    let Some(hash) = hash else { return Ok(None) };
    let change = doc.get_change_by_hash(&hash).expect("BUG: a change just committed is there");
    let bytes = change.raw_bytes().to_vec();
    Ok(Some(LocalChange { hash: hash.into(), bytes, ops: change.len(), actor: pen.actor }))
}

/// Whether the record has the field, and this pen writes it.
fn check_field(
    declared: Option<&Field>,
    field: &Field,
    now: &Hydrated,
    pen: &Pen,
) -> Result<(), EditError> {
    if declared.is_none_or(|declared| declared.ty != field.ty) {
        return Err(EditError::unknown_field(&now.kind, field.name));
    }
    if pen.role == PenRole::Device && field.writer == Writer::Server {
        return Err(EditError::ServerOnly { field: field.name });
    }
    Ok(())
}

struct Writing<'w, 'd> {
    tx: &'w mut Transaction<'d>,
    now: &'w Hydrated,
    record: RecordId,
    pen: &'w Pen,
}

impl Writing<'_, '_> {
    fn write(
        &mut self,
        creating: Option<RecordId>,
        changes: &[(Field, FieldChange)],
        mint: &mut dyn FnMut() -> EventId,
    ) -> Result<(), EditError> {
        if let Some(id) = creating {
            self.tx.put(ROOT, ID_KEY, id.to_string())?;
        }
        for (field, change) in changes {
            self.write_field(field, change, mint)?;
        }
        // At the end, so that the order in which entries come and go does not count.
        for (field, _) in changes {
            if let Some(id) = self.container(field)
                && !matches!(field.ty, FieldType::Text)
            {
                fit::count(field, self.tx.length(&id))?;
            }
        }
        Ok(())
    }

    fn container(&self, field: &Field) -> Option<ObjId> {
        let id = self.now.kind.genesis().container(self.record, field.name)?;
        self.tx.object_type(&id).is_ok().then_some(id)
    }

    fn write_field(
        &mut self,
        field: &Field,
        change: &FieldChange,
        mint: &mut dyn FnMut() -> EventId,
    ) -> Result<(), EditError> {
        let container = self.container(field);
        match (field.ty, change, container) {
            (ty, FieldChange::Set(value), _) if !ty.is_container() => {
                self.set(field, value.plain(field))
            }
            (FieldType::Parts(_), FieldChange::Parts(some), _) => {
                let mut whole = match self.now.value(field.name) {
                    Value::Parts(parts) => parts.clone(),
                    _ => BTreeMap::new(),
                };
                whole.extend(some.iter().map(|(name, value)| (name.clone(), value.clone())));
                self.set(field, Value::Parts(whole).plain(field))
            }
            (FieldType::Text, FieldChange::Text(text), Some(id)) => {
                fit::text(field, text)?;
                let splices = text::splices(&self.tx.text(&id)?, text);
                self.splice(&id, &splices)
            }
            (FieldType::Text, FieldChange::Splices(splices), Some(id)) => {
                splices.iter().try_for_each(|splice| fit::text(field, &splice.come))?;
                self.splice(&id, splices)
            }
            (FieldType::Set(_), FieldChange::Add(key), Some(id)) => {
                let key = fit::normalise_key(field, key)?;
                if self.tx.get(&id, key.as_str())?.is_none() {
                    self.tx.put(&id, key.as_str(), true)?;
                }
                Ok(())
            }
            (FieldType::Set(_), FieldChange::Remove(key), Some(id)) => self.remove(&id, key),
            (FieldType::Fields, FieldChange::Entry(key, Some(text)), Some(id)) => {
                let key = fit::normalise_key(field, key)?;
                fit::entry(field, &key, text)?;
                self.tx.put(&id, key.as_str(), text.as_str())?;
                Ok(())
            }
            (FieldType::Fields, FieldChange::Entry(key, None), Some(id)) => self.remove(&id, key),
            (FieldType::Log(log), FieldChange::Append(data), Some(id)) => {
                self.append(field, log, &id, data, mint())
            }
            // Its container comes with a later step of the genesis, and nobody wrote to it yet.
            (FieldType::Set(_), FieldChange::Remove(_), None)
            | (FieldType::Fields, FieldChange::Entry(_, None), None) => Ok(()),
            (FieldType::Text, FieldChange::Text(text), None) if text.is_empty() => Ok(()),
            _ => {
                let allowed = allowed(field);
                Err(ValueError::new(field.name, "is not written like that", allowed).into())
            }
        }
    }

    fn splice(&mut self, id: &ObjId, splices: &[Splice]) -> Result<(), EditError> {
        for splice in splices {
            let gone = isize::try_from(splice.gone).unwrap_or(isize::MAX);
            self.tx.splice_text(id, splice.at, gone, &splice.come)?;
        }
        Ok(())
    }

    fn remove(&mut self, id: &ObjId, key: &str) -> Result<(), EditError> {
        if self.tx.get(id, key)?.is_some() {
            self.tx.delete(id, key)?;
        }
        Ok(())
    }

    fn set(&mut self, field: &Field, value: Value) -> Result<(), EditError> {
        if field.required == Presence::Required && value == Value::Null {
            return Err(EditError::Missing { kind: self.now.kind.name, field: field.name });
        }
        if field.rule == Rule::Once {
            let stands = stands(&*self.tx, field);
            // To say it again is no edit, and neither is to say nothing where nothing was said.
            let same = if stands { self.now.value(field.name) } else { &Value::Null };
            if value == *same {
                return Ok(());
            }
            if stands {
                return Err(EditError::Written { field: field.name });
            }
        }
        fit::value(field, &value, (&self.now.kind, self.record))?;
        fit::claim(field, &value, self.pen.author, self.pen.now).map_err(ValueError::from)?;
        let contested = self.now.conflicts.iter().any(|conflict| conflict.field == field.name);
        let defaulted = field.default.is_some() && self.tx.get(ROOT, field.name)?.is_none();
        // Writing what stands is no edit, unless it settles a conflict or fixes a default.
        if value != *self.now.value(field.name) || contested || defaulted {
            self.tx.put(ROOT, field.name, value.to_scalar())?;
        }
        Ok(())
    }

    fn append(
        &mut self,
        field: &Field,
        log: &Log,
        container: &ObjId,
        data: &EventData,
        id: EventId,
    ) -> Result<(), EditError> {
        if self.pen.role == PenRole::Device
            && let Some(part) = log.server_part(data)
        {
            return Err(EditError::ServerOnly { field: part });
        }
        let supersedes = match self.now.field(field.name) {
            Some(FieldState::Log(events)) => log.superseded(events),
            _ => Vec::new(),
        };
        let event = Event { at: self.pen.now, by: self.pen.author, supersedes, data: data.clone() };
        let text = event.to_text();
        // A part that is called as one of the event's own would be read as that.
        if fit::event(field, log, id, &text)? != event {
            let problem = "a part has a name that every event uses";
            return Err(ValueError::new(field.name, problem, allowed(field)).into());
        }
        let texts: Vec<String> = {
            let items = self.tx.map_range(container, ..);
            let texts = items.filter_map(|item| match item.value {
                ValueRef::Scalar(ScalarValueRef::Str(text)) => Some(text.to_string()),
                _ => None,
            });
            texts.collect()
        };
        fit::share(field, self.pen.author, texts.iter().map(String::as_str))?;
        self.tx.put(container, id.to_string(), text)?;
        Ok(())
    }
}

impl From<AutomergeError> for EditError {
    fn from(error: AutomergeError) -> Self {
        Self::Document(error.to_string())
    }
}
