//! What a document means, as JSON: what it holds for any reader of Automerge, and what it says as a
//! record of a kind.

use automerge::{Automerge, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};
use serde_json::{Map, Value as Json, json};
use sync_core::document::{self, FieldState, hydrate};
use sync_core::projection::{Stamp, project, scope_of};
use sync_core::schema::{Kind, Use};
use sync_core::time::UnixMs;

use super::json::hex;

/// What a kind makes of a document.
pub(crate) fn meaning(doc: &Automerge, kind: &Kind) -> Json {
    let hydrated = hydrate(doc, kind);
    let record = hydrated.id.unwrap();
    let mut fields = Map::new();
    for (field, state) in kind.fields.iter().zip(&hydrated.fields) {
        if field.usage == Use::InUse {
            fields.insert(field.name.to_owned(), value(state));
        }
    }
    let row = project(record, &hydrated, Stamp::of_document(doc));
    let cells = kind.columns().iter().zip(row);
    let row: Map<String, Json> =
        cells.map(|(column, cell)| (column.name.to_string(), json!(cell))).collect();
    let conflict = |one: &document::Conflict| json!({"field": one.field, "values": one.values});
    let odd = |one: &document::Violation| json!({"field": one.field, "problem": one.problem});
    json!({
        "fields": fields,
        "conflicts": hydrated.conflicts.iter().map(conflict).collect::<Vec<_>>(),
        "violations": hydrated.violations.iter().map(odd).collect::<Vec<_>>(),
        "row": row,
        "scope": scope_of(record, &hydrated).to_string(),
    })
}

fn value(state: &FieldState) -> Json {
    match state {
        FieldState::Value(document::Value::Null) => Json::Null,
        FieldState::Value(value) => value.to_json(),
        FieldState::Text(text) => json!(text),
        FieldState::Keys(keys) => json!(keys),
        FieldState::Map(map) => json!(map),
        FieldState::Log(events) => {
            let events = events.iter().map(|(id, event)| (id.to_string(), json!(event)));
            Json::Object(events.collect())
        }
    }
}

/// The changes of a document, oldest first, as any reader of Automerge finds them.
pub(crate) fn history(doc: &Automerge) -> Json {
    let changes = doc.get_changes(&[]);
    let one = |change: &automerge::Change| {
        let mut deps: Vec<String> = change.deps().iter().map(hex_of).collect();
        deps.sort_unstable();
        let mut one = json!({
            "hash": hex_of(&change.hash()),
            "actor": hex(change.actor_id().to_bytes()),
            "seq": change.seq(),
            "start_op": change.start_op().get(),
            "ops": change.len(),
            "time": change.timestamp(),
            "deps": deps,
        });
        if let Some(author) = change.author() {
            one["author"] = json!(hex(author.as_bytes()));
        }
        one
    };
    changes.iter().map(one).collect()
}

fn hex_of(hash: &automerge::ChangeHash) -> String {
    hex(hash.0)
}

/// The names of the newest changes.
pub(crate) fn heads(doc: &Automerge) -> Json {
    document::heads(doc).iter().map(|hash| json!(hex(hash.0))).collect()
}

/// Everything in the document: of a register all values that stand, sorted by their text; of a text
/// its characters; of a map its entries. Moments are ISO text.
pub(crate) fn holds(doc: &Automerge) -> Json {
    map(doc, &ROOT)
}

fn map(doc: &Automerge, object: &ObjId) -> Json {
    let mut out = Map::new();
    for key in doc.keys(object) {
        let all = doc.get_all(object, key.as_str()).unwrap();
        let held = match &all[..] {
            [(Value::Object(ObjType::Text), id)] => json!(doc.text(id).unwrap()),
            [(Value::Object(_), id)] => map(doc, id),
            scalars => {
                let mut values: Vec<Json> =
                    scalars.iter().filter_map(|(value, _)| value.as_scalar()).map(scalar).collect();
                values.sort_by_key(Json::to_string);
                values.dedup();
                Json::Array(values)
            }
        };
        out.insert(key, held);
    }
    Json::Object(out)
}

fn scalar(value: &ScalarValue) -> Json {
    match value {
        ScalarValue::Str(text) => json!(text.as_str()),
        ScalarValue::Int(number) => json!(number),
        ScalarValue::Uint(number) => json!(number),
        ScalarValue::F64(number) => json!(number),
        ScalarValue::Boolean(flag) => json!(flag),
        ScalarValue::Timestamp(ms) => json!(UnixMs(*ms).to_string()),
        ScalarValue::Bytes(bytes) => json!({ "bytes": hex(bytes) }),
        ScalarValue::Null => Json::Null,
        ScalarValue::Counter(_) | ScalarValue::Unknown { .. } => {
            unreachable!("no document of the corpus holds such a value")
        }
    }
}
