//! Document → values, totally: whatever a document holds, the result is a value and a list of what
//! was odd about it.

use std::collections::BTreeMap;

use automerge::{Automerge, ObjId, ROOT, ReadDoc, ScalarValue, Value as AutoValue, ValueRef};
use serde_json::Value as Json;

use super::reading::read_scalar;
use super::value::{Value, clip};
use crate::event::{Event, Events};
use crate::ids::{self, EventId, RecordId};
use crate::merge;
use crate::nul::{NUL_PROBLEM, holds_nul};
use crate::schema::{Field, FieldType, ID_KEY, Kind, Presence, SetOf, Use};

/// What a document says, in the order of the kind's fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Hydrated {
    /// The kind it was read as.
    pub kind: Kind,
    /// The record, when the creating change is there.
    pub id: Option<RecordId>,
    /// One entry a declared field, in declaration order.
    pub fields: Vec<FieldState>,
    /// Registers with more than one distinct value.
    pub conflicts: Vec<Conflict>,
    /// Values that do not fit the declaration; they project as NULL.
    pub violations: Vec<Violation>,
}

/// What a document holds for one field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldState {
    /// A register or `Whole`; `Value::Null` when absent.
    Value(Value),
    /// Long text.
    Text(String),
    /// Keys of a set, sorted.
    Keys(Vec<String>),
    /// Custom fields by name.
    Map(BTreeMap<String, String>),
    /// Events of a log, by id.
    Log(Events),
}

/// A register, or an entry of a map, that several people wrote at once: all the distinct values, the shown one first.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The field's name; of an entry of a map the map's, a full stop and the entry's.
    pub field: String,
    /// All values, the shown one first, the rest in the order Automerge gives.
    pub values: Vec<Json>,
}

/// A value that does not fit its declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The field's name.
    pub field: String,
    /// What is wrong.
    pub problem: String,
}

impl Hydrated {
    /// The state of a field by name.
    pub fn field(&self, name: &str) -> Option<&FieldState> {
        let index = self.kind.fields.iter().position(|field| field.name == name)?;
        self.fields.get(index)
    }

    /// The value of a register by name; `Null` for anything else.
    pub fn value(&self, name: &str) -> &Value {
        match self.field(name) {
            Some(FieldState::Value(value)) => value,
            _ => &Value::Null,
        }
    }

    /// The value of a register as JSON; `null` when it is absent.
    pub fn json(&self, name: &str) -> Json {
        match self.value(name) {
            Value::Null => Json::Null,
            value => value.to_json(),
        }
    }

    /// The text of a register by name.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The events of a log by name; none for anything else.
    pub fn log(&self, name: &str) -> Option<&Events> {
        match self.field(name) {
            Some(FieldState::Log(events)) => Some(events),
            _ => None,
        }
    }
}

/// Reads a document as a record of a kind. Never fails: see [`Hydrated::violations`].
pub fn hydrate(doc: &Automerge, kind: &Kind) -> Hydrated {
    let genesis = kind.genesis();
    let mut out = Hydrated {
        kind: kind.clone(),
        id: None,
        fields: vec![FieldState::Value(Value::Null); kind.fields.len()],
        conflicts: Vec::new(),
        violations: Vec::new(),
    };
    read_root(doc, kind, &mut out);
    for (index, field) in kind.fields.iter().enumerate() {
        if field.usage == Use::Retired {
            continue;
        }
        if field.ty.is_container() {
            let container = out.id.and_then(|id| genesis.container(id, field.name));
            let container = container.or_else(|| genesis.containers.get(field.name).cloned());
            out.fields[index] = read_container(doc, field, container, &mut out);
        } else if out.fields[index] == FieldState::Value(Value::Null) {
            default_or_missing(field, index, &mut out);
        }
    }
    // Containers are read after registers; who lists conflicts wants one order.
    out.conflicts.sort_by(|one, other| one.field.cmp(&other.field));
    out
}

fn read_root(doc: &Automerge, kind: &Kind, out: &mut Hydrated) {
    for item in doc.map_range(ROOT, ..) {
        if item.key == ID_KEY {
            if let ValueRef::Scalar(scalar) = &item.value {
                out.id = ScalarValue::from(scalar.clone()).as_str().and_then(|id| id.parse().ok());
            }
            continue;
        }
        let Some(index) =
            kind.fields.iter().position(|f| f.name == item.key && f.usage == Use::InUse)
        else {
            continue;
        };
        let field = &kind.fields[index];
        if field.ty.is_container() {
            continue;
        }
        let value = if item.conflict {
            contested(doc, field, out)
        } else if let ValueRef::Scalar(scalar) = item.value {
            accept(field, &ScalarValue::from(scalar), &mut out.violations)
        } else {
            violation(&mut out.violations, field, "holds a container");
            None
        };
        out.fields[index] = FieldState::Value(value.unwrap_or(Value::Null));
    }
}

fn accept(field: &Field, scalar: &ScalarValue, odd: &mut Vec<Violation>) -> Option<Value> {
    match read_scalar(field, scalar) {
        Ok(value) => Some(value),
        Err(problem) => {
            violation(odd, field, &problem);
            None
        }
    }
}

/// All concurrent values of a register; the rule picks the shown one, and the rest are a conflict.
fn contested(doc: &Automerge, field: &Field, out: &mut Hydrated) -> Option<Value> {
    let all = doc.get_all(ROOT, field.name).unwrap_or_default();
    let mut candidates: Vec<Value> = Vec::with_capacity(all.len());
    for (value, _) in all {
        match value {
            AutoValue::Scalar(scalar) => {
                candidates.extend(accept(field, &scalar, &mut out.violations));
            }
            AutoValue::Object(_) => violation(&mut out.violations, field, "holds a container"),
        }
    }
    let shown = merge::shown(field, &candidates)?.clone();
    let mut others: Vec<Json> = Vec::new();
    for value in candidates.iter().filter(|value| **value != shown) {
        let json = value.to_json();
        if !others.contains(&json) {
            others.push(json);
        }
    }
    if !others.is_empty() {
        others.insert(0, shown.to_json());
        out.conflicts.push(Conflict { field: field.name.to_owned(), values: others });
    }
    Some(shown)
}

fn read_container(
    doc: &Automerge,
    field: &Field,
    container: Option<ObjId>,
    out: &mut Hydrated,
) -> FieldState {
    // One of a later step is not there until it is first written to.
    let container = container.filter(|id| doc.object_type(id).is_ok());
    let Some(container) = &container else { return empty(field) };
    let odd = &mut out.violations;
    match field.ty {
        FieldType::Text => FieldState::Text(doc.text(container).unwrap_or_default()),
        FieldType::Fields => FieldState::Map(read_entries(doc, field, container, out)),
        FieldType::Log(log) => {
            let mut events = BTreeMap::new();
            for item in doc.map_range(container, ..) {
                let parsed = match &item.value {
                    ValueRef::Scalar(scalar) => {
                        let scalar = ScalarValue::from(scalar.clone());
                        let event = scalar.as_str().and_then(Event::parse);
                        event.filter(|event| log.problem(&event.data).is_none())
                    }
                    ValueRef::Object(_) => None,
                };
                match (item.key.parse::<EventId>(), parsed) {
                    (Ok(id), Some(event)) => {
                        events.insert(id, event);
                    }
                    _ => violation(odd, field, "holds an entry that is no event"),
                }
            }
            if let Some(word) = log.unknown_word(&events) {
                violation(odd, field, &format!("\"{}\" is not one of its words", clip(word)));
            }
            FieldState::Log(events)
        }
        _ => {
            let mut keys: Vec<String> =
                doc.map_range(container, ..).map(|item| item.key.into_owned()).collect();
            let ids = field.ty == FieldType::Set(SetOf::Ids);
            keys.retain(|key| {
                let fits = !holds_nul(key) && (!ids || ids::is_canonical(key));
                if !fits {
                    violation(odd, field, "holds an entry that cannot be stored");
                }
                fits
            });
            FieldState::Keys(keys)
        }
    }
}

/// Custom fields by name.
fn read_entries(
    doc: &Automerge,
    field: &Field,
    container: &ObjId,
    out: &mut Hydrated,
) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    for item in doc.map_range(container, ..) {
        let ValueRef::Scalar(scalar) = item.value else { continue };
        let scalar = ScalarValue::from(scalar);
        let Some(text) = scalar.as_str() else { continue };
        if holds_nul(&item.key) || holds_nul(text) {
            violation(&mut out.violations, field, NUL_PROBLEM);
            continue;
        }
        if item.conflict {
            out.conflicts.extend(contested_entry(doc, field, container, (&item.key, text)));
        }
        entries.insert(item.key.into_owned(), text.to_owned());
    }
    entries
}

/// What several people wrote to one entry at once, if it differs.
fn contested_entry(
    doc: &Automerge,
    field: &Field,
    container: &ObjId,
    (key, shown): (&str, &str),
) -> Option<Conflict> {
    let mut values = vec![Json::from(shown)];
    for (value, _) in doc.get_all(container, key).unwrap_or_default() {
        let text = value.as_str().filter(|text| !holds_nul(text)).map(Json::from);
        values.extend(text.filter(|text| !values.contains(text)));
    }
    (values.len() > 1).then(|| Conflict { field: format!("{}.{key}", field.name), values })
}

/// What a container holds that nobody wrote to.
fn empty(field: &Field) -> FieldState {
    match field.ty {
        FieldType::Text => FieldState::Text(String::new()),
        FieldType::Fields => FieldState::Map(BTreeMap::new()),
        FieldType::Log(_) => FieldState::Log(BTreeMap::new()),
        _ => FieldState::Keys(Vec::new()),
    }
}

/// A value that does not fit shows as nothing, and not as what nobody said.
fn default_or_missing(field: &Field, index: usize, out: &mut Hydrated) {
    if out.violations.iter().any(|violation| violation.field == field.name) {
        return;
    }
    if let Some(word) = field.default {
        out.fields[index] = FieldState::Value(Value::Str(word.to_owned()));
    } else if field.required == Presence::Required {
        violation(&mut out.violations, field, "is required and missing");
    }
}

/// Notes what is odd, in words that a table can hold: they may quote what the document holds.
fn violation(odd: &mut Vec<Violation>, field: &Field, problem: &str) {
    let problem = problem.replace('\0', "\u{fffd}");
    odd.push(Violation { field: field.name.to_owned(), problem });
}
