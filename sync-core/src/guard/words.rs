//! What a change would write, in words, for whoever is to see work that was refused before it became part
//! of any document.

use automerge::ScalarValue;
use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use serde_json::{Value as Json, json};

use super::parsed::ParsedChange;
use crate::schema::{FieldType, ID_KEY, Kind};
use crate::time::UnixMs;

/// Words of one change; more is told in the change itself.
const WORDS: usize = 64;
/// Characters of one value.
const CHARS: usize = 2_000;

/// What a change would write, as JSON in the form of an edit's. Nothing was checked of it, so that it may
/// be nonsense; but it has room wherever JSON has.
pub fn words(parsed: &ParsedChange, kind: &Kind) -> Json {
    let mut said: Vec<Json> = Vec::new();
    let mut texts: Vec<(&'static str, String)> = Vec::new();
    for op in &parsed.operations() {
        if said.len() >= WORDS {
            break;
        }
        match &op.obj {
            ObjectId::Root => said.extend(at_root(op)),
            ObjectId::Id(OpId(counter, actor)) => {
                let genesis = kind.genesis();
                let own = actor.to_bytes() == genesis.actor.0;
                let name = genesis.by_counter.get(counter).copied().filter(|_| own);
                let Some(field) = name.and_then(|name| kind.declared(name)) else { continue };
                match (&op.key, &op.action) {
                    (Key::Seq(_), OpType::Put(ScalarValue::Str(character))) => {
                        match texts.iter_mut().find(|(name, _)| *name == field.name) {
                            Some((_, text)) => text.push_str(character),
                            None => texts.push((field.name, character.to_string())),
                        }
                    }
                    (Key::Map(key), OpType::Put(value)) => {
                        let key = clip(key);
                        said.push(match field.ty {
                            FieldType::Set(_) => json!({"field": field.name, "add": key}),
                            FieldType::Log(_) => {
                                json!({"field": field.name, "append": plain(value)})
                            }
                            _ => json!({"field": field.name, "entry": [key, plain(value)]}),
                        });
                    }
                    (Key::Map(key), OpType::Delete) => {
                        said.push(json!({"field": field.name, "remove": clip(key)}));
                    }
                    _ => {}
                }
            }
        }
    }
    let texts = texts.iter().map(|(name, text)| json!({"field": name, "text": clip(text)}));
    said.into_iter().chain(texts).collect()
}

fn at_root(op: &Op) -> Option<Json> {
    match (&op.key, &op.action) {
        (Key::Map(key), OpType::Put(value)) if key.as_str() != ID_KEY => {
            Some(json!({"field": clip(key), "set": plain(value)}))
        }
        _ => None,
    }
}

fn plain(value: &ScalarValue) -> Json {
    match value {
        ScalarValue::Str(text) => json!(clip(text)),
        ScalarValue::Int(number) => json!(number),
        ScalarValue::Uint(number) => json!(number),
        ScalarValue::F64(number) => json!(number),
        ScalarValue::Boolean(flag) => json!(flag),
        ScalarValue::Timestamp(ms) => json!(UnixMs(*ms).to_string()),
        ScalarValue::Null => Json::Null,
        ScalarValue::Bytes(_) | ScalarValue::Counter(_) | ScalarValue::Unknown { .. } => {
            json!("(neither text nor number)")
        }
    }
}

fn clip(text: &str) -> String {
    text.chars().take(CHARS).map(|c| if c == '\0' { '\u{fffd}' } else { c }).collect()
}
