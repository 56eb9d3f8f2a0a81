//! Edits as programs give them: one JSON object, a field of it for each field that changes.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::edit::{EditError, FieldChange, RecordEdit};
use super::fit::{self, normalise_key};
use super::hydrate::{FieldState, Hydrated};
use super::value::{Value, ValueError};
use crate::event::EventData;
use crate::schema::{Field, FieldType, Kind, Log};

impl RecordEdit {
    /// Reads an edit from JSON. A register takes its value, `null` clears it. A long text takes the whole
    /// text. A set takes `{"add": […], "remove": […]}`, or an array: all that it is to hold of what is
    /// shown now; what others add meanwhile stays. Custom fields take an object, in which `null` removes
    /// an entry. A log takes an event as an object, or, by the name of the column that it leads to, what a
    /// person would write.
    ///
    /// # Errors
    /// Names the field and what it takes.
    pub fn from_object(
        kind: &Kind,
        json: &Map<String, Json>,
        now: Option<&Hydrated>,
    ) -> Result<Self, EditError> {
        let mut edit = Self::default();
        for (name, value) in json {
            edit.push_json(kind, name, value, now)?;
        }
        Ok(edit)
    }

    fn push_json(
        &mut self,
        kind: &Kind,
        name: &str,
        json: &Json,
        now: Option<&Hydrated>,
    ) -> Result<(), EditError> {
        let Some(field) = kind.field(name) else {
            let (field, data) = typed_event(kind, name, json)?;
            self.changes.push((field, FieldChange::Append(data)));
            return Ok(());
        };
        let mut push = |change| self.changes.push((field.clone(), change));
        match field.ty {
            FieldType::Text => {
                let text = text_or_nothing(json).ok_or_else(|| wrong(field, json, "text"))?;
                fit::text(field, text)?;
                fit::length(field.name, text.chars().count())?;
                push(FieldChange::Text(text.to_owned()));
            }
            FieldType::Set(_) => set_changes(field, json, now)?.into_iter().for_each(push),
            FieldType::Fields => {
                let entries = json.as_object();
                let entries = entries.ok_or_else(|| wrong(field, json, "an object of texts"))?;
                for (key, value) in entries {
                    let key = normalise_key(field, key)?;
                    let text = text_or_nothing(value);
                    let text = text.ok_or_else(|| wrong(field, value, "text, or null"))?;
                    fit::entry(field, &key, text)?;
                    push(FieldChange::Entry(key, (!value.is_null()).then(|| text.to_owned())));
                }
            }
            FieldType::Log(log) => push(FieldChange::Append(event(field, log, json)?)),
            _ => push(FieldChange::Set(Value::from_json(field, json)?)),
        }
        Ok(())
    }
}

fn text_or_nothing(json: &Json) -> Option<&str> {
    if json.is_null() { Some("") } else { json.as_str() }
}

fn set_changes(
    field: &Field,
    json: &Json,
    now: Option<&Hydrated>,
) -> Result<Vec<FieldChange>, ValueError> {
    let keys = |list: &Json| -> Result<BTreeSet<String>, ValueError> {
        let entries = list.as_array().into_iter().flatten();
        let texts = entries.map(|key| key.as_str().ok_or_else(|| wrong(field, key, "text")));
        texts.map(|key| normalise_key(field, key?)).collect()
    };
    let (add, remove) = match json {
        Json::Null | Json::Array(_) => {
            let wanted = keys(json)?;
            let shown: BTreeSet<String> = match now.and_then(|now| now.field(field.name)) {
                Some(FieldState::Keys(shown)) => shown.iter().cloned().collect(),
                _ => BTreeSet::new(),
            };
            let gone = shown.difference(&wanted).cloned().collect();
            (wanted.difference(&shown).cloned().collect(), gone)
        }
        Json::Object(parts) if parts.keys().all(|part| part == "add" || part == "remove") => {
            let part = |name| parts.get(name).map_or(Ok(BTreeSet::new()), keys);
            (part("add")?, part("remove")?)
        }
        other => return Err(wrong(field, other, "an array, or {\"add\": […], \"remove\": […]}")),
    };
    let added = add.into_iter().map(FieldChange::Add);
    Ok(added.chain(remove.into_iter().map(FieldChange::Remove)).collect())
}

fn event(field: &Field, log: &Log, json: &Json) -> Result<EventData, ValueError> {
    let parts = json.as_object().ok_or_else(|| wrong(field, json, "an event's parts"))?;
    let data: EventData = parts.clone().into_iter().filter(|(_, part)| !part.is_null()).collect();
    match log.problem(&data) {
        None => Ok(data),
        Some(problem) => Err(ValueError::new(field.name, problem, "an event of its log")),
    }
}

/// The event that leads to a column of a log, as a person would write it.
fn typed_event(kind: &Kind, name: &str, json: &Json) -> Result<(Field, EventData), EditError> {
    for field in &kind.fields {
        if let FieldType::Log(log) = field.ty
            && let Some(typed) = log.typed
            && typed.names.contains(&name)
        {
            let data = match json {
                Json::Object(_) => event(field, log, json)?,
                _ => {
                    let text = match json {
                        Json::Bool(true) => "yes".to_owned(),
                        Json::Bool(false) => "no".to_owned(),
                        other => other.as_str().unwrap_or_default().to_owned(),
                    };
                    (typed.read)(&text).map_err(|allowed| wrong(field, json, &allowed))?
                }
            };
            return Ok((field.clone(), data));
        }
    }
    Err(EditError::unknown_field(kind, name))
}

fn wrong(field: &Field, json: &Json, allowed: &str) -> ValueError {
    let given = super::value::clip(&json.to_string());
    ValueError::new(field.name, format!("{given} does not fit"), allowed)
}
