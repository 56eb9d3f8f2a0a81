//! What a change wrote to fields that this version does not have in use: of a newer app, or retired.

use automerge::{
    Automerge, ChangeHash, Patch, PatchAction, Prop, ROOT, ReadDoc, ScalarValue, Value as AutoValue,
};
use serde_json::{Value as Json, json};

use super::{ID_KEY, KIND_KEY};
use crate::event::Event;
use crate::ids::EventId;
use crate::schema::Kind;
use crate::time::UnixMs;

/// What a change wrote that no field in use says, as parts of an edit's JSON: in the words in which an
/// app reads it that has the fields.
pub fn unsaid(doc: &Automerge, before: &[ChangeHash], after: ChangeHash, kind: &Kind) -> Vec<Json> {
    let mut parts: Vec<Json> = Vec::new();
    for patch in doc.diff(before, &[after]) {
        if let Some(part) = part_of(doc, after, &patch, kind)
            && !parts.contains(&part)
        {
            parts.push(part);
        }
    }
    parts
}

fn part_of(doc: &Automerge, after: ChangeHash, patch: &Patch, kind: &Kind) -> Option<Json> {
    let is_unsaid = |name: &str| name != ID_KEY && name != KIND_KEY && kind.field(name).is_none();
    if patch.obj == ROOT {
        return match &patch.action {
            PatchAction::PutMap { key, value: (AutoValue::Scalar(value), _), .. }
                if is_unsaid(key) =>
            {
                Some(json!({"field": key, "set": plain(value)}))
            }
            PatchAction::DeleteMap { key } if is_unsaid(key) => {
                Some(json!({"field": key, "set": null}))
            }
            _ => None,
        };
    }
    let Some((_, Prop::Map(name))) = patch.path.first() else { return None };
    if !is_unsaid(name) {
        return None;
    }
    match &patch.action {
        PatchAction::PutMap { key, value: (AutoValue::Scalar(value), _), .. } => {
            Some(entry(name, key, value))
        }
        PatchAction::DeleteMap { key } => Some(json!({"field": name, "remove": key})),
        PatchAction::SpliceText { .. } | PatchAction::DeleteSeq { .. } => {
            let text = doc.text_at(&patch.obj, &[after]).ok()?;
            Some(json!({"field": name, "text": text}))
        }
        _ => None,
    }
}

/// An entry of a container by what it looks like: of a set, of a log, or of a map.
fn entry(name: &str, key: &str, value: &ScalarValue) -> Json {
    let event = value.as_str().and_then(Event::parse).filter(|_| key.parse::<EventId>().is_ok());
    match (value, event) {
        (ScalarValue::Boolean(true), _) => json!({"field": name, "add": key}),
        (_, Some(event)) => json!({"field": name, "append": event.data}),
        (_, None) => json!({"field": name, "entry": [key, plain(value)]}),
    }
}

fn plain(value: &ScalarValue) -> Json {
    match value {
        ScalarValue::Str(text) => json!(text.as_str()),
        ScalarValue::Int(number) => json!(number),
        ScalarValue::Uint(number) => json!(number),
        ScalarValue::F64(number) => json!(number),
        ScalarValue::Boolean(yes) => json!(yes),
        ScalarValue::Timestamp(ms) => json!(UnixMs(*ms).to_string()),
        ScalarValue::Null => Json::Null,
        other => json!(other.to_string()),
    }
}
