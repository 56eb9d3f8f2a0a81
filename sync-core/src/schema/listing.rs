//! The declarations as `docs/fields.json` has them, for programs in other languages. What a log or a
//! derived column comes to is code, and stands in words in `docs/FIELDS.md`.

use serde_json::{Value as Json, json};

use super::columns::ColumnType;
use super::currency::CURRENCIES;
use super::field::{Field, FieldType, Initial, Part, PartType, SetOf, Use};
use super::kind::{Kind, Schema, Scope, Storage};
use super::log::{EventPart, EventPartType, Log};
use super::words::{Presence, Writer};
use crate::limits;

/// Every kind with its fields, containers and columns.
pub fn field_listing(schema: &Schema) -> String {
    let kinds: Vec<Json> = schema.kinds().iter().map(list_kind).collect();
    let listing = json!({ "kinds": kinds, "currencies": CURRENCIES });
    let mut text = serde_json::to_string_pretty(&listing).expect("BUG: a listing serialises");
    text.push('\n');
    text
}

fn list_kind(kind: &Kind) -> Json {
    let fields = kind.fields.iter().filter(|field| field.usage == Use::InUse);
    let scope = match kind.scope {
        Scope::Itself => json!("itself"),
        Scope::Everyone => json!("everyone"),
        Scope::Follows { column, or_user } => json!({ "column": column, "or_user": or_user }),
    };
    let is_document = kind.storage == Storage::Document;
    json!({
        "name": kind.name,
        "table": kind.table,
        "document": is_document,
        "scope": scope,
        "genesis": is_document.then(|| crate::hex::encode(&kind.genesis().hash.0)),
        "fields": fields.map(list_field).collect::<Vec<_>>(),
        "columns": kind.columns().iter().map(|column| &*column.name).collect::<Vec<_>>(),
        "column_types": kind.columns().iter().map(|column| type_of(column.ty)).collect::<Vec<_>>(),
        "doc": kind.doc,
    })
}

/// What a column holds, in one word.
fn type_of(column: ColumnType) -> &'static str {
    match column {
        ColumnType::Text | ColumnType::Enum(_) => "text",
        ColumnType::Int => "int",
        ColumnType::Float => "number",
        ColumnType::Bool => "bool",
        ColumnType::Date => "day",
        ColumnType::Timestamp => "moment",
        ColumnType::Uuid => "id",
        ColumnType::TextArray => "texts",
        ColumnType::UuidArray => "ids",
        ColumnType::Json => "map",
    }
}

fn list_field(field: &Field) -> Json {
    let mut listed = list_type(&field.ty);
    let rule = format!("{:?}", field.rule);
    let columns = field.columns();
    let columns: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
    listed["name"] = json!(field.name);
    listed["rule"] = json!(rule);
    listed["columns"] = json!(columns);
    let mut say = |name: &str, value: Json, is_said: bool| {
        if is_said {
            listed[name] = value;
        }
    };
    say("default", json!(field.default), field.default.is_some());
    say("required", json!(true), field.required == Presence::Required);
    say("server_only", json!(true), field.writer == Writer::Server);
    say("author", json!(true), field.initial == Initial::Author);
    say("now", json!(true), matches!(field.initial, Initial::Now | Initial::NowUnless(_)));
    say("doc", json!(field.doc), !field.doc.is_empty());
    say("step", json!(field.since), field.ty.is_container() && field.since > 1);
    listed
}

fn list_type(ty: &FieldType) -> Json {
    match ty {
        FieldType::Str { max } => json!({ "type": "text", "max": max }),
        FieldType::Choice { of, .. } => json!({ "type": "choice", "words": of }),
        FieldType::Int { min, max } => json!({ "type": "int", "min": min, "max": max }),
        FieldType::Bool => json!({ "type": "bool" }),
        FieldType::Date => json!({ "type": "day" }),
        FieldType::Instant => json!({ "type": "moment" }),
        FieldType::Ref { kind } => json!({ "type": "id", "of": kind }),
        FieldType::Text => json!({ "type": "long_text" }),
        FieldType::Set(of) => {
            let of = match of {
                SetOf::Words => "words",
                SetOf::Emails => "emails",
                SetOf::Phones => "phones",
                SetOf::Ids => "ids",
            };
            json!({ "type": "set", "of": of })
        }
        FieldType::Log(log) => list_log(log),
        FieldType::Fields => json!({ "type": "map" }),
        FieldType::Parts(parts) => {
            json!({ "type": "parts", "parts": parts.iter().map(list_part).collect::<Vec<_>>() })
        }
    }
}

fn list_part(part: &Part) -> Json {
    let mut listed = match part.ty {
        PartType::Str { max } => json!({ "type": "text", "max": max }),
        PartType::Int { min, max } => json!({ "type": "int", "min": min, "max": max }),
        PartType::Currency => json!({ "type": "currency" }),
        PartType::Float { min, max } => json!({ "type": "number", "min": min, "max": max }),
        PartType::Date => json!({ "type": "day" }),
        PartType::Moment => {
            json!({ "type": "int", "min": limits::FIRST_MOMENT_MS, "max": limits::LAST_MOMENT_MS, "has_come": true })
        }
        PartType::Choice(of) => json!({ "type": "choice", "words": of }),
    };
    listed["name"] = json!(part.name);
    listed
}

fn list_log(log: &Log) -> Json {
    let parts: Vec<Json> = log.parts.iter().map(list_event_part).collect();
    let typed = log.typed.map(|typed| typed.names).unwrap_or_default();
    json!({ "type": "log", "log": log.name, "parts": parts, "typed": typed })
}

fn list_event_part(part: &EventPart) -> Json {
    let mut listed = match part.ty {
        EventPartType::Word(words) => json!({ "type": "word", "words": words }),
        EventPartType::Text { max } => json!({ "type": "text", "max": max }),
        EventPartType::Day => json!({ "type": "day" }),
        EventPartType::Id => json!({ "type": "id" }),
    };
    listed["name"] = json!(part.name);
    if part.presence == Presence::Required {
        listed["required"] = json!(true);
    }
    if part.writer == Writer::Server {
        listed["server_only"] = json!(true);
    }
    listed
}
