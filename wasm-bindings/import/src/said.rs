//! Plans, steps and outcomes as JSON.

use std::fmt::Write;

use serde_json::{Value as Json, json};
use sync_core::document::{DayOrder, Decimal, FieldChange, GroupEdit};
use sync_core::import::{Alike, Ask, ImportPlan, Outcome, Remark, Step};

pub(crate) fn plan(plan: &ImportPlan) -> Json {
    let sheet = &plan.sheet;
    let named = plan.named();
    let columns: Vec<Json> = plan
        .columns
        .iter()
        .map(|column| {
            json!({
                "heading": column.heading,
                "field": column.target,
                "whyNot": column.why_not.map(|why| why.code()),
                "filled": column.filled,
                "samples": column.samples,
            })
        })
        .collect();
    let below: Vec<Json> =
        sheet.below.iter().map(|(line, text)| json!({ "line": line, "text": text })).collect();
    json!({
        "kind": plan.kind.name,
        "kindGuessed": plan.kind_guessed,
        "fields": plan.fields(),
        "encoding": sheet.bytes.encoding.name(),
        "delimiter": sheet.delimiter,
        "headingLine": sheet.heading_line,
        "above": sheet.above,
        "below": below,
        "rows": plan.rows,
        "columns": columns,
        "days": match plan.habits.days {
            DayOrder::DayFirst => Some("dmy"),
            DayOrder::MonthFirst => Some("mdy"),
            DayOrder::Unknown => None,
        },
        "decimal": match plan.habits.decimal {
            Decimal::Point => "point",
            Decimal::Comma => "comma",
        },
        "matching": plan.matching,
        "asks": plan.asks.iter().map(ask).collect::<Vec<_>>(),
        "file": { "source": named.source, "kind": named.kind, "digest": hex(&named.digest) },
    })
}

fn ask(ask: &Ask) -> Json {
    match ask {
        Ask::Days { column, samples } => {
            json!({ "code": "days", "column": column, "samples": samples })
        }
    }
}

pub(crate) fn step(step: &Step) -> Json {
    match step {
        Step::Read(statements) => json!({ "read": statements }),
        Step::Taken(digests) => {
            json!({ "taken": digests.iter().map(|digest| hex(digest)).collect::<Vec<_>>() })
        }
        Step::Compare { id, edit } => json!({ "compare": { "id": id, "edit": edit.to_json() } }),
        Step::Write(rows) => {
            let rows: Vec<Json> = rows
                .iter()
                .map(|row| {
                    let edits: Vec<Json> = row.edits.iter().map(edit).collect();
                    json!({ "line": row.line, "digest": hex(&row.digest), "edits": edits })
                })
                .collect();
            json!({ "write": rows })
        }
        Step::Judged(rows) => json!({ "judged": rows }),
        Step::Done => json!({ "done": true }),
    }
}

fn edit(edit: &GroupEdit) -> Json {
    match edit {
        GroupEdit::Create { id, kind, edit } => {
            json!({ "id": id, "kind": kind.name, "edit": edit.to_json() })
        }
        GroupEdit::Edit { id, edit } => json!({ "id": id, "edit": edit.to_json() }),
        // An import begins records and changes them; it takes none away.
        GroupEdit::Delete { id } | GroupEdit::Restore { id } => json!({ "id": id, "edit": [] }),
    }
}

pub(crate) fn outcome(outcome: &Outcome) -> Json {
    let remark = |remark: &Remark| {
        json!({
            "line": remark.line,
            "column": remark.column,
            "cell": remark.cell,
            "reason": remark.reason,
            "lost": remark.loss.code(),
            "hint": remark.hint.map(|hint| hint.code()),
        })
    };
    json!({
        "rows": outcome.rows,
        "created": outcome.created,
        "changed": outcome.changed,
        "there": outcome.there,
        "leftOut": outcome.left_out,
        "cellsLost": outcome.cells_lost,
        "accounts": outcome.accounts,
        "alike": outcome.alike.iter().map(alike).collect::<Vec<_>>(),
        "remarks": outcome.remarks.iter().map(remark).collect::<Vec<_>>(),
        "examples": outcome.examples.iter().filter_map(example).collect::<Vec<_>>(),
    })
}

fn alike(alike: &Alike) -> Json {
    json!({
        "line": alike.line,
        "name": alike.name,
        "id": alike.id,
        "other": alike.other,
        "by": alike.by.code(),
    })
}

/// The values of a record that would begin, by field.
fn example(edit: &GroupEdit) -> Option<Json> {
    let GroupEdit::Create { edit, .. } = edit else { return None };
    let mut values = serde_json::Map::new();
    for (field, change) in &edit.changes {
        let name = field.name.to_owned();
        match change {
            FieldChange::Set(value) => drop(values.insert(name, value.to_json())),
            FieldChange::Parts(parts) => drop(values.insert(name, json!(parts))),
            FieldChange::Text(text) => drop(values.insert(name, json!(text))),
            FieldChange::Add(key) => {
                let keys = values.entry(name).or_insert_with(|| json!([]));
                if let Some(keys) = keys.as_array_mut() {
                    keys.push(json!(key));
                }
            }
            FieldChange::Entry(key, text) => {
                let entries = values.entry(name).or_insert_with(|| json!({}));
                if let Some(entries) = entries.as_object_mut() {
                    entries.insert(key.clone(), json!(text));
                }
            }
            FieldChange::Append(data) => drop(values.insert(name, json!(data))),
            FieldChange::Splices(_) | FieldChange::Remove(_) => {}
        }
    }
    Some(Json::Object(values))
}

pub(crate) fn bytes(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
