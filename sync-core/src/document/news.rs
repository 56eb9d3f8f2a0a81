//! What of an edit a record does not say yet.

use serde_json::Value as Json;

use super::edit::{FieldChange, RecordEdit};
use super::hydrate::{FieldState, Hydrated};
use super::value::Value;
use crate::schema::{Field, FieldType, Rule};

/// What of an edit is news to a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// The places of its changes in the edit, in their order.
    pub changes: Vec<usize>,
    /// Fields that are written once, and say something else in the record than in the edit.
    pub fixed: Vec<String>,
}

/// What of an edit a record does not say already, and what of it is written once and stays.
pub fn news(now: &Hydrated, edit: &RecordEdit) -> News {
    let mut news = News::default();
    for (place, (field, change)) in edit.changes.iter().enumerate() {
        let stands = *now.value(field.name) != Value::Null;
        if field.rule == Rule::Immutable || field.rule == Rule::Once && stands {
            if says_another(field, change, now) {
                news.fixed.push(field.name.to_owned());
            }
        } else if is_news(now, field, change) {
            news.changes.push(place);
        }
    }
    news
}

fn is_news(now: &Hydrated, field: &Field, change: &FieldChange) -> bool {
    match (change, field.ty) {
        (FieldChange::Append(data), FieldType::Log(log)) => {
            let shown = now.log(field.name).and_then(|events| log.state(events, None).shown);
            let same = shown.is_some_and(|event| {
                data.iter().all(|(part, value)| event.data.get(part) == Some(value))
            });
            let reopens = data.get("action").and_then(Json::as_str) == Some("reopen");
            !(same || reopens && shown.is_none())
        }
        (FieldChange::Set(_) | FieldChange::Parts(_), _) => says_another(field, change, now),
        (FieldChange::Add(key), _) => match now.field(field.name) {
            Some(FieldState::Keys(keys)) => !keys.contains(key),
            _ => true,
        },
        (FieldChange::Text(text), _) => match now.field(field.name) {
            Some(FieldState::Text(said)) => said != text,
            _ => true,
        },
        (FieldChange::Entry(key, text), _) => match now.field(field.name) {
            Some(FieldState::Map(map)) => map.get(key) != text.as_ref(),
            _ => true,
        },
        _ => true,
    }
}

/// Whether a change of one value would make the record say something else.
fn says_another(field: &Field, change: &FieldChange, now: &Hydrated) -> bool {
    match (change, now.value(field.name)) {
        (FieldChange::Set(value), said) => value != said,
        (FieldChange::Parts(parts), Value::Parts(said)) => {
            parts.iter().any(|(part, value)| said.get(part).unwrap_or(&Json::Null) != value)
        }
        _ => true,
    }
}
