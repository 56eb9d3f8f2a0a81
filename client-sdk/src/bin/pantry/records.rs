//! Records: created, changed, found and shown.

use std::path::Path;

use client_sdk::Client;
use client_sdk::core::crm;
use client_sdk::core::document::{FieldChange, FieldState, RecordEdit, Value};
use client_sdk::core::ids::RecordId;
use client_sdk::core::printable::line;
use client_sdk::core::replica::{GroupEdit, ListOptions, SearchHit, Table};
use client_sdk::core::schema::{FieldType, Kind, SetOf, Use};
use serde_json::json;

use crate::failure::{Failure, failure};
use crate::output::{self, Output};

/// Creates a record.
pub(crate) fn create(
    client: &Client,
    kind: &str,
    values: &[String],
    out: &Output,
) -> Result<(), Failure> {
    let kind = kind_named(kind)?;
    let edit = client.read_edit(&kind, pairs(values)?)?;
    let read = read_as(client, &edit, values);
    let alike = duplicates(client, &kind, &edit)?;
    let id = client.create(&kind, edit)?;
    for one in alike {
        out.warning(&one);
    }
    out.note_each(&read);
    out.value(&json!({"id": id.to_string()}), &id.to_string());
    Ok(())
}

/// The records that are likely to be the same as one that is about to be made, in words.
fn duplicates(client: &Client, kind: &Kind, edit: &RecordEdit) -> Result<Vec<String>, Failure> {
    const NAMED: usize = 3;
    let Some(likeness) = client.likeness(kind, edit) else { return Ok(Vec::new()) };
    let alike = client.duplicates(kind, &likeness, NAMED)?;
    let said = alike.into_iter().filter(|one| one.is_likely()).map(|one| {
        let of = match one.subtitle.is_empty() {
            true => String::new(),
            false => format!(" in {}", one.subtitle),
        };
        let why: Vec<&str> = one.why.iter().map(|why| why.said()).collect();
        format!("there is \"{}\"{of} already, {}: {}", one.title, one.id, why.join(", "))
    });
    Ok(said.collect())
}

/// Changes a record.
pub(crate) fn set(
    client: &Client,
    id: &str,
    values: &[String],
    out: &Output,
) -> Result<(), Failure> {
    let id = find(client, id)?;
    let kind = client.kind_of(id)?.ok_or_else(|| unknown(&id.to_string()))?;
    let edit = client.read_edit(&kind, pairs(values)?)?;
    let read = read_as(client, &edit, values);
    let done = client.edit(id, edit)?;
    out.note_each(&read);
    let text = if done.changes.is_empty() { "nothing to change" } else { "changed" };
    out.value(&json!({"id": id.to_string(), "changed": !done.changes.is_empty()}), text);
    Ok(())
}

/// What was read where something else was typed: times in the zone of this device, days and numbers in
/// their one form.
fn read_as(client: &Client, edit: &RecordEdit, values: &[String]) -> Vec<String> {
    let typed = |text: &str| values.iter().any(|value| value.ends_with(&format!("={text}")));
    let said = edit.changes.iter().filter_map(|(field, change)| match change {
        FieldChange::Set(Value::Instant(at)) => {
            Some(format!("{}: {} ({at})", field.name, client.local(*at)))
        }
        FieldChange::Set(Value::Null) | FieldChange::Set(Value::Bool(_)) => None,
        FieldChange::Set(value) => {
            let text = output::inline(&value.to_json());
            (!typed(&text)).then(|| format!("{}: {text}", field.name))
        }
        FieldChange::Add(key) if matches!(field.ty, FieldType::Set(SetOf::Phones)) => {
            Some(format!("{}: {key}", field.name))
        }
        _ => None,
    });
    said.collect()
}

/// Says that an answer has only what has come to this device so far, where that is so.
pub(crate) fn note_missing(client: &Client, out: &Output) -> Result<(), Failure> {
    if let Some(incomplete) = client.incomplete()? {
        out.warning(&format!("{incomplete}; `pantry sync` brings the others"));
    }
    Ok(())
}

/// Answers an SQL query over the local tables.
pub(crate) fn query(client: &Client, sql: &str, out: &Output) -> Result<(), Failure> {
    note_missing(client, out)?;
    out.table(&client.query(sql)?);
    Ok(())
}

/// Lists records of a kind.
pub(crate) fn list(
    client: &Client,
    kind: &str,
    options: &ListOptions,
    out: &Output,
) -> Result<(), Failure> {
    let kind = kind_named(kind)?;
    note_missing(client, out)?;
    let table = client.list(&kind, options)?;
    out.table(&if out.json { table } else { brief(&table) });
    Ok(())
}

/// Finds records by words.
pub(crate) fn search(client: &Client, text: &str, limit: u32, out: &Output) -> Result<(), Failure> {
    note_missing(client, out)?;
    // One more than is shown tells whether there are more.
    let hits = client.search(text, limit.saturating_add(1))?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    if hits.len() > shown {
        out.warning(&format!(
            "the list is cut off after {limit}; search for more words, or say --limit"
        ));
    }
    let rows = hits.iter().take(shown).map(|hit| {
        vec![json!(hit.id.to_string()), json!(hit.kind), json!(hit.title), json!(hit.subtitle)]
    });
    let columns = ["id", "kind", "title", "of"].map(str::to_owned).to_vec();
    out.table(&Table { columns, rows: rows.collect() });
    Ok(())
}

/// Writes a record's whole document into a file.
pub(crate) fn export(client: &Client, id: &str, file: &Path, out: &Output) -> Result<(), Failure> {
    let bytes = client.save_document(find(client, id)?)?;
    output::write_file(file, &bytes)?;
    let text = format!("{} bytes written to {}", bytes.len(), file.display());
    out.value(&json!({"bytes": bytes.len(), "file": file}), &text);
    Ok(())
}

pub(crate) fn kind_named(name: &str) -> Result<Kind, Failure> {
    let schema = crm::schema();
    schema.kind(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = schema.kinds().iter().map(|kind| kind.name).collect();
        failure(1, format!("no kind \"{name}\"; there are {}", known.join(", ")))
    })
}

pub(crate) fn pairs(values: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let split =
        |value: &'_ String| value.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
    for value in values {
        if split(value).is_none() {
            return Err(failure(1, format!("\"{value}\" is not field=value")));
        }
    }
    Ok(values.iter().filter_map(|value| value.split_once('=')).collect())
}

pub(crate) fn unknown(id: &str) -> Failure {
    failure(1, format!("no record {id} on this device; `pantry search` finds records by words"))
}

/// A whole id, or characters of its end, or of its beginning, that only one record has.
pub(crate) fn find(client: &Client, id: &str) -> Result<RecordId, Failure> {
    if let Ok(id) = id.parse::<RecordId>() {
        return match client.kind_of(id)? {
            Some(_) => Ok(id),
            None => Err(unknown(&id.to_string())),
        };
    }
    let plain = id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if id.len() < 6 || !plain {
        return Err(failure(
            1,
            format!("\"{id}\" is not an id, nor six or more characters of the end of one"),
        ));
    }
    match client.named(id)?.as_slice() {
        [one] => Ok(one.id),
        [] => Err(unknown(id)),
        many => Err(failure(1, candidates(id, many))),
    }
}

/// Several records that an id may mean, each with the shortest end that only it has.
fn candidates(part: &str, many: &[SearchHit]) -> String {
    const LISTED: usize = 10;
    let ids: Vec<RecordId> = many.iter().map(|hit| hit.id).collect();
    let ends = client_sdk::short_ids(&ids);
    let mut text = format!("{} records have \"{part}\" in their id:", many.len());
    for (hit, end) in many.iter().zip(ends).take(LISTED) {
        text.push_str(&format!(" {end} ({} \"{}\"),", hit.kind, hit.title));
    }
    if many.len() > LISTED {
        text.push_str(&format!(" and {} more,", many.len() - LISTED));
    }
    text.pop();
    text.push_str("; give more characters of its end");
    text
}

pub(crate) fn life(
    client: &Client,
    ids: &[String],
    out: &Output,
    make: fn(RecordId) -> GroupEdit,
) -> Result<(), Failure> {
    let edits: Vec<GroupEdit> =
        ids.iter().map(|id| find(client, id).map(make)).collect::<Result<_, _>>()?;
    let done = client.commit(&edits)?;
    out.value(&json!({"changed": done.changes.len()}), &format!("{} changed", done.changes.len()));
    Ok(())
}

pub(crate) fn show(client: &Client, id: &str, out: &Output) -> Result<(), Failure> {
    let id = find(client, id)?;
    let record = client.record(id)?.ok_or_else(|| unknown(&id.to_string()))?;
    let mut values = serde_json::Map::new();
    // What logs come to, by column.
    let mut shown = serde_json::Map::new();
    let mut told: Vec<(String, serde_json::Value)> = Vec::new();
    let fields = record.kind.fields.iter().zip(&record.fields);
    for (field, state) in fields.filter(|(field, _)| field.usage == Use::InUse) {
        let value = match state {
            FieldState::Value(Value::Instant(at)) if !out.json => json!(client.local(*at)),
            FieldState::Value(value) => value.to_json(),
            FieldState::Text(text) => json!(text),
            FieldState::Keys(keys) => json!(keys),
            FieldState::Map(map) => json!(map),
            FieldState::Log(events) => events
                .iter()
                .map(|(id, event)| json!({"id": id.to_string(), "event": event}))
                .collect(),
        };
        if let (FieldType::Log(log), FieldState::Log(events)) = (field.ty, state) {
            for (column, cell) in log.columns.iter().zip(log.project(events, &record)) {
                let cell = json!(cell);
                // What is not so is worth no line.
                if cell != json!(false) {
                    told.push((column.name.to_owned(), cell.clone()));
                }
                shown.insert(column.name.to_owned(), cell);
            }
        } else {
            told.push((field.name.to_owned(), value.clone()));
        }
        values.insert(field.name.to_owned(), value);
    }
    let conflicts: Vec<_> =
        record.conflicts.iter().map(|c| json!({"field": c.field, "values": c.values})).collect();
    let odd: Vec<_> =
        record.violations.iter().map(|v| json!({"field": v.field, "problem": v.problem})).collect();
    if out.json {
        out.value(&json!({"id": id.to_string(), "kind": record.kind.name, "values": values, "shown": shown, "conflicts": conflicts, "violations": odd}), "");
        return Ok(());
    }
    let mut text = format!("{} {id}", record.kind.name);
    if shown.get("is_deleted") == Some(&json!(true)) {
        text.push_str(" is deleted; `pantry restore` takes that back");
    }
    for (name, value) in &told {
        let empty = value.is_null()
            || value.as_str() == Some("")
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty);
        if !empty {
            text.push_str(&format!("\n  {name}: {}", output::indented(value)));
        }
    }
    for conflict in &record.conflicts {
        let all: Vec<String> = conflict.values.iter().map(output::inline).collect();
        text.push_str(&format!(
            "\n  conflict in {}: {} (shown), {}",
            line(&conflict.field),
            all[0],
            all[1..].join(", ")
        ));
    }
    for violation in &record.violations {
        text.push_str(&format!("\n  odd: {} {}", line(&violation.field), line(&violation.problem)));
    }
    out.value(&serde_json::Value::Null, &text);
    Ok(())
}

/// The columns that fit on a screen.
fn brief(table: &Table) -> Table {
    const SHOWN: &[&str] = &[
        "id",
        "name",
        "full_name",
        "title",
        "subject",
        "organization_type",
        "priority_level",
        "interaction_type",
        "stage",
        "status",
        "due_date",
        "is_completed",
        "cuisine",
        "credit_limit_minor",
        "credit_limit_currency",
        "payment_terms",
        "updated_at",
        "conflict_count",
    ];
    let indexes: Vec<usize> = (0..table.columns.len())
        .filter(|index| SHOWN.contains(&table.columns[*index].as_str()))
        .collect();
    let pick = |row: &Vec<serde_json::Value>| indexes.iter().map(|i| row[*i].clone()).collect();
    Table {
        columns: indexes.iter().map(|i| table.columns[*i].clone()).collect(),
        rows: table.rows.iter().map(pick).collect(),
    }
}
