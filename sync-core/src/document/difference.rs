//! What led from one state of a record to another, as a person's edit: to make an edit again on a
//! state it was not made on, to show it, and to keep it when the record is gone.

use serde_json::{Value as Json, json};

use super::edit::{FieldChange, RecordEdit};
use super::hydrate::{FieldState, Hydrated};
use super::text::{self, Splice};
use super::value::Value;
use crate::event::EventData;
use crate::schema::{Field, Kind};

/// The edit that leads from one state to another, to be made on a third. They are the same for
/// everything but long text, where what was put in and taken away is carried over by position.
pub fn difference(before: &Hydrated, after: &Hydrated, onto: &Hydrated) -> RecordEdit {
    let mut changes = Vec::new();
    for (index, field) in after.kind.fields.iter().enumerate() {
        let (before, after) = (&before.fields[index], &after.fields[index]);
        compare(field, before, after, &onto.fields[index], &mut changes);
    }
    RecordEdit { changes }
}

fn compare(
    field: &Field,
    before: &FieldState,
    after: &FieldState,
    onto: &FieldState,
    out: &mut Vec<(Field, FieldChange)>,
) {
    let mut push = |change| out.push((field.clone(), change));
    match (before, after) {
        (FieldState::Value(old), FieldState::Value(new)) if old != new => {
            push(FieldChange::Set(new.clone()));
        }
        (FieldState::Text(old), FieldState::Text(new)) if old != new => {
            let base = if let FieldState::Text(base) = onto { base } else { old };
            push(FieldChange::Text(text::carried(old, new, base)));
        }
        (FieldState::Keys(old), FieldState::Keys(new)) => {
            let missing = |from: &[String], key: &String| !from.contains(key);
            for key in old.iter().filter(|key| missing(new, key)) {
                push(FieldChange::Remove(key.clone()));
            }
            for key in new.iter().filter(|key| missing(old, key)) {
                push(FieldChange::Add(key.clone()));
            }
        }
        (FieldState::Map(old), FieldState::Map(new)) => {
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                push(FieldChange::Entry(name.clone(), None));
            }
            for (name, text) in new.iter().filter(|(name, text)| old.get(*name) != Some(text)) {
                push(FieldChange::Entry(name.clone(), Some(text.clone())));
            }
        }
        (FieldState::Log(old), FieldState::Log(new)) => {
            for (_, event) in new.iter().filter(|(id, _)| !old.contains_key(id)) {
                push(FieldChange::Append(event.data.clone()));
            }
        }
        _ => {}
    }
}

impl RecordEdit {
    /// The edit as JSON, one object a change: `{"field": …, "set" | "text" | "add" | "remove" |
    /// "entry" | "append": …}`.
    pub fn to_json(&self) -> Json {
        let one = |(field, change): &(Field, FieldChange)| {
            let name = field.name;
            match change {
                FieldChange::Set(value) => json!({"field": name, "set": value.to_json()}),
                FieldChange::Parts(parts) => json!({"field": name, "parts": parts}),
                FieldChange::Text(text) => json!({"field": name, "text": text}),
                FieldChange::Splices(splices) => {
                    let one = |splice: &Splice| json!([splice.at, splice.gone, splice.come]);
                    json!({"field": name, "splices": splices.iter().map(one).collect::<Vec<_>>()})
                }
                FieldChange::Add(key) => json!({"field": name, "add": key}),
                FieldChange::Remove(key) => json!({"field": name, "remove": key}),
                FieldChange::Entry(key, text) => json!({"field": name, "entry": [key, text]}),
                FieldChange::Append(data) => json!({"field": name, "append": data}),
            }
        };
        self.changes.iter().map(one).collect()
    }

    /// Reads what [`RecordEdit::to_json`] wrote; changes of fields that are not known any more, or
    /// whose values do not fit, are left out.
    pub fn from_json(kind: &Kind, json: &Json) -> Self {
        let each = json.as_array().map(Vec::as_slice).unwrap_or_default();
        let changes = each.iter().filter_map(|one| {
            let field = kind.field(one.get("field")?.as_str()?)?;
            Some((field.clone(), read(field, one)?))
        });
        Self { changes: changes.collect() }
    }
}

fn read(field: &Field, one: &Json) -> Option<FieldChange> {
    let text = |name: &str| one.get(name)?.as_str().map(str::to_owned);
    if let Some(value) = one.get("set") {
        return Value::from_json(field, value).ok().map(FieldChange::Set);
    }
    if let Some(parts) = one.get("parts").and_then(Json::as_object) {
        return Some(FieldChange::Parts(parts.clone().into_iter().collect()));
    }
    if let Some([key, value]) = one.get("entry").and_then(Json::as_array).map(Vec::as_slice) {
        let value = value.as_str().map(str::to_owned);
        return Some(FieldChange::Entry(key.as_str()?.to_owned(), value));
    }
    if let Some(data) = one.get("append") {
        return serde_json::from_value::<EventData>(data.clone()).ok().map(FieldChange::Append);
    }
    let word = text("text").map(FieldChange::Text);
    word.or_else(|| text("add").map(FieldChange::Add))
        .or_else(|| text("remove").map(FieldChange::Remove))
}
