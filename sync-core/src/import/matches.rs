//! The records that are there already, by what the match key says of them.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::names;
use crate::ids::RecordId;
use crate::schema::{FieldType, Kind};

/// What a cell says, in the form in which keys are compared.
pub(super) fn match_key(target: &str, text: &str) -> String {
    match target {
        "name" | "full_name" | "last_name" | "first_name" | "title" | "subject" => names::key(text),
        _ => text.trim().to_owned(),
    }
}

/// The statement whose rows [`index`] reads.
pub(super) fn statement(kind: &Kind, target: &str) -> String {
    let column = match target.strip_prefix("custom_fields.") {
        Some(key) => {
            let path = format!("$.\"{}\"", key.replace('"', ""));
            format!("json_extract(custom_fields, '{}')", path.replace('\'', "''"))
        }
        None => target.replace('.', "_"),
    };
    format!("SELECT id, {column} FROM {} WHERE NOT is_deleted", kind.table)
}

/// The records of a kind by what a target says of them.
pub(super) fn index(
    kind: &Kind,
    target: &str,
    rows: &[Vec<Json>],
) -> HashMap<String, Vec<RecordId>> {
    let is_set = matches!(kind.field(target).map(|field| field.ty), Some(FieldType::Set(_)));
    let mut index: HashMap<String, Vec<RecordId>> = HashMap::new();
    for row in rows {
        let [id, said] = row.as_slice() else { continue };
        let Some(id) = id.as_str().and_then(|id| id.parse::<RecordId>().ok()) else { continue };
        let text = match said {
            Json::Null => continue,
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let keys: Vec<String> = match is_set {
            true => serde_json::from_str(&text).unwrap_or_default(),
            false => vec![match_key(target, &text)],
        };
        for key in keys.into_iter().filter(|key| !key.is_empty()) {
            index.entry(key).or_default().push(id);
        }
    }
    index
}
