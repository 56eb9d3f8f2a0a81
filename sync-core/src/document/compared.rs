//! What became of a record from one state to another, field by field, as people are told it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::hydrate::{FieldState, Hydrated};
use crate::schema::{ColumnType, Field, FieldType, Initial, Log, Rule, Use};

/// Characters of a long text that are told.
const EXCERPT: usize = 160;
/// Characters before and after what changed in it.
const CONTEXT: usize = 24;

/// One field, before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Altered {
    /// The field's name. Of custom fields, theirs with a full stop and the entry's; of a log, that of the
    /// column that followed.
    pub field: String,
    /// What it said: a value as edits have it, all keys of a set, or a part of a long text.
    pub before: Json,
    /// What it says.
    pub after: Json,
}

/// The fields that differ. What follows from who began a record and when is not told again.
pub fn compared(before: &Hydrated, after: &Hydrated) -> Vec<Altered> {
    let begins = before.id.is_none() && after.id.is_some();
    let mut all = Vec::new();
    for (index, field) in after.kind.fields.iter().enumerate() {
        let noted = field.initial == Initial::Author
            || field.initial == Initial::Now && field.rule == Rule::Immutable;
        if begins && noted || field.usage == Use::Retired {
            continue;
        }
        let (old, new) = (&before.fields[index], &after.fields[index]);
        let from = all.len();
        match (field.ty, old, new) {
            (FieldType::Log(log), FieldState::Log(_), FieldState::Log(_)) if old != new => {
                all.extend(of_log(field, log, (before, old), (after, new)));
            }
            _ => all.extend(of_states(field, old, new)),
        }
        if begins {
            // Of a record that was not there nothing was shown, defaults included.
            all[from..].iter_mut().for_each(|one| one.before = Json::Null);
        }
    }
    all
}

fn of_states(field: &Field, before: &FieldState, after: &FieldState) -> Vec<Altered> {
    let one = |before, after| vec![Altered { field: field.name.to_owned(), before, after }];
    match (before, after) {
        (FieldState::Value(old), FieldState::Value(new)) if old != new => {
            one(old.to_json(), new.to_json())
        }
        (FieldState::Text(old), FieldState::Text(new)) if old != new => {
            let (old, new) = excerpts(old, new);
            one(old, new)
        }
        (FieldState::Keys(old), FieldState::Keys(new)) if old != new => one(json!(old), json!(new)),
        (FieldState::Map(old), FieldState::Map(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let differing = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
            let one = |name: &String| Altered {
                field: format!("{}.{name}", field.name),
                before: json!(old.get(name)),
                after: json!(new.get(name)),
            };
            differing.map(one).collect()
        }
        _ => Vec::new(),
    }
}

/// The columns of a log that show something else; moments are those of its events. Where nothing shows,
/// the events themselves.
fn of_log(
    field: &Field,
    log: &Log,
    (before, old): (&Hydrated, &FieldState),
    (after, new): (&Hydrated, &FieldState),
) -> Vec<Altered> {
    let (FieldState::Log(old), FieldState::Log(new)) = (old, new) else { return Vec::new() };
    let (was, is) = (log.project(old, before), log.project(new, after));
    let columns = log.columns.iter().zip(was.iter().zip(&is));
    let shown =
        columns.filter(|(column, (was, is))| was != is && column.ty != ColumnType::Timestamp);
    let told: Vec<Altered> = shown
        .map(|(column, (was, is))| Altered {
            field: column.name.to_owned(),
            before: json!(was),
            after: json!(is),
        })
        .collect();
    if !told.is_empty() {
        return told;
    }
    let fresh = new.iter().filter(|(id, _)| !old.contains_key(id));
    let one = |data| Altered { field: field.name.to_owned(), before: Json::Null, after: data };
    fresh.map(|(_, event)| one(json!(event.data))).collect()
}

/// Of two long texts what differs, with a little around it; nothing of an empty one.
fn excerpts(old: &str, new: &str) -> (Json, Json) {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let same = |(a, b): &(&char, &char)| a == b;
    let start = old.iter().zip(&new).take_while(same).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(same).count();
    let start = start.saturating_sub(CONTEXT);
    let end = end.saturating_sub(CONTEXT);
    (excerpt(&old, start, end), excerpt(&new, start, end))
}

fn excerpt(text: &[char], start: usize, end: usize) -> Json {
    if text.is_empty() {
        return Json::Null;
    }
    let part = &text[start..text.len() - end];
    let (part, end) = match part.split_at_checked(EXCERPT) {
        Some((part, rest)) => (part, end + rest.len()),
        None => (part, end),
    };
    let mut said = String::new();
    if start > 0 {
        said.push('…');
    }
    said.extend(part);
    if end > 0 {
        said.push('…');
    }
    Json::from(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_only_what_differs_is_told() {
        let old = format!("{}Monday{}", "a ".repeat(200), " b".repeat(200));
        let new = old.replace("Monday", "Tuesday");
        let (old, new) = excerpts(&old, &new);
        let (old, new) = (old.as_str().unwrap_or_default(), new.as_str().unwrap_or_default());
        assert!(old.contains("Monday") && new.contains("Tuesday"), "{old} | {new}");
        assert!(old.starts_with('…') && old.ends_with('…') && old.chars().count() < 70, "{old}");
        assert_eq!(excerpts("", "Ring twice"), (Json::Null, Json::from("Ring twice")));
        let long = "x".repeat(1000);
        let (_, all) = excerpts("", &long);
        assert_eq!(all.as_str().map(|text| text.chars().count()), Some(EXCERPT + 1));
    }
}
