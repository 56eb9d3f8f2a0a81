//! Records from a CSV file: the rows that fit, and a list of those that do not.

use std::path::Path;

use client_sdk::Client;
use client_sdk::core::document::RecordEdit;
use client_sdk::core::printable;
use client_sdk::core::replica::{GroupEdit, Table};
use client_sdk::core::schema::{FieldType, Kind};
use serde_json::json;

use crate::failure::{Failure, failure};
use crate::output::Output;

/// A field and the columns that it is read from.
struct Mapping {
    field: String,
    columns: Vec<usize>,
}

pub(crate) fn run(
    client: &Client,
    file: &Path,
    kind: &Kind,
    map: &[String],
    preview: bool,
    out: &Output,
) -> Result<(), Failure> {
    let mut reader = csv::ReaderBuilder::new()
        .from_path(file)
        .map_err(|error| failure(1, format!("{}: {error}", file.display())))?;
    let headers: Vec<String> = reader.headers()?.iter().map(|h| h.trim().to_owned()).collect();
    let mappings = if map.is_empty() { guess(kind, &headers) } else { given(map, &headers)? };
    if mappings.is_empty() {
        let text = format!(
            "none of the columns {} is known; map some with --map FIELD=COLUMN",
            headers.join(", ")
        );
        return Err(failure(1, text));
    }
    if !out.json {
        for mapping in &mappings {
            let columns: Vec<&str> = mapping.columns.iter().map(|c| headers[*c].as_str()).collect();
            out.note(&printable::line(&format!("{} <- {}", mapping.field, columns.join(" + "))));
        }
    }
    let (good, bad) = read(&mut reader, kind, &mappings);
    for (line, reason) in &bad {
        out.note(&printable::line(&format!("line {line}: {reason}")));
    }
    let imported = if preview {
        let columns = mappings.iter().map(|m| m.field.clone()).collect();
        let rows = good.iter().take(10).map(|row| row.values.iter().map(|v| json!(v)).collect());
        out.table(&Table { columns, rows: rows.collect() });
        0
    } else {
        write(client, kind, good.as_slice(), out)?
    };
    let verb = if preview { "would be read" } else { "read" };
    let count = if preview { good.len() } else { imported };
    let rejected: Vec<_> =
        bad.iter().map(|(line, reason)| json!({"line": line, "reason": reason})).collect();
    out.value(
        &json!({"imported": imported, "good": good.len(), "rejected": rejected}),
        &format!("{count} records {verb}, {} rows left out", bad.len()),
    );
    Ok(())
}

struct GoodRow {
    values: Vec<String>,
    edit: RecordEdit,
}

fn read(
    reader: &mut csv::Reader<std::fs::File>,
    kind: &Kind,
    mappings: &[Mapping],
) -> (Vec<GoodRow>, Vec<(u64, String)>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                bad.push((line, error.to_string()));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let values: Vec<String> = mappings
            .iter()
            .map(|mapping| {
                let cells = mapping.columns.iter().filter_map(|column| record.get(*column));
                let words: Vec<&str> = cells.flat_map(str::split_whitespace).collect();
                words.join(" ")
            })
            .collect();
        let pairs = mappings.iter().zip(&values).filter(|(_, value)| !value.is_empty());
        let pairs = pairs.map(|(mapping, value)| (mapping.field.as_str(), value.as_str()));
        match RecordEdit::parse(kind, pairs)
            .map_err(|e| e.to_string())
            .and_then(|edit| complete(kind, edit))
        {
            Ok(edit) => good.push(GoodRow { values, edit }),
            Err(reason) => bad.push((line, reason)),
        }
    }
    (good, bad)
}

/// Whether nothing is missing that only the row could give.
fn complete(kind: &Kind, edit: RecordEdit) -> Result<RecordEdit, String> {
    use client_sdk::core::schema::Presence;
    let own = ["created_at", "created_by", "user_id", "occurred_at"];
    let missing = kind.fields.iter().find(|field| {
        field.required == Presence::Required
            && !own.contains(&field.name)
            && !edit.changes.iter().any(|(given, _)| given.name == field.name)
    });
    missing.map_or(Ok(edit), |field| Err(format!("{} is missing", field.name)))
}

/// Rows that become durable together.
const ROWS_AT_ONCE: usize = 64;

/// Writes rows in transactions, each durable before the next begins.
fn write(client: &Client, kind: &Kind, rows: &[GoodRow], out: &Output) -> Result<usize, Failure> {
    let bar = out.progress("importing");
    bar.set_length(rows.len() as u64);
    let mut written = 0;
    for part in rows.chunks(ROWS_AT_ONCE) {
        let edits: Vec<[GroupEdit; 1]> = part
            .iter()
            .map(|row| {
                let id = client.mint_id();
                [GroupEdit::Create { id, kind: kind.clone(), edit: row.edit.clone() }]
            })
            .collect();
        // A group a row: one that the server refuses takes no other with it.
        let groups: Vec<&[GroupEdit]> = edits.iter().map(<[_; 1]>::as_slice).collect();
        client.commit_each(&groups).map_err(|error| {
            failure(1, format!("{error}; {written} records were written before that"))
        })?;
        written += part.len();
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    Ok(written)
}

fn given(map: &[String], headers: &[String]) -> Result<Vec<Mapping>, Failure> {
    let mut mappings = Vec::new();
    for one in map {
        let (field, columns) = one
            .split_once('=')
            .ok_or_else(|| failure(1, format!("--map {one}: not FIELD=COLUMN")))?;
        let columns = columns
            .split('+')
            .map(|name| {
                headers.iter().position(|h| h.eq_ignore_ascii_case(name.trim())).ok_or_else(|| {
                    failure(1, format!("no column \"{name}\"; the file has {}", headers.join(", ")))
                })
            })
            .collect::<Result<_, _>>()?;
        mappings.push(Mapping { field: field.trim().to_owned(), columns });
    }
    Ok(mappings)
}

/// Columns named like fields, and the usual names of places and people.
fn guess(kind: &Kind, headers: &[String]) -> Vec<Mapping> {
    const KNOWN: &[(&str, &[&str])] = &[
        ("billing_address.street", &["building", "street", "address"]),
        ("billing_address.city", &["city", "borough"]),
        ("billing_address.state", &["state"]),
        ("billing_address.postal_code", &["postal_code", "postcode", "zip", "zipcode"]),
        ("location.lat", &["latitude", "lat"]),
        ("location.lng", &["longitude", "lng", "lon"]),
        ("emails", &["email", "e-mail"]),
        ("phones", &["phone", "telephone"]),
        ("custom_fields.source_id", &["restaurant_id", "source_id", "external_id"]),
    ];
    let position = |name: &str| headers.iter().position(|h| h.eq_ignore_ascii_case(name));
    let single =
        |ty: FieldType| !matches!(ty, FieldType::Parts(_) | FieldType::Fields | FieldType::Log(_));
    let mut mappings: Vec<Mapping> = kind
        .fields
        .iter()
        .filter(|field| single(field.ty))
        .filter_map(|field| {
            Some(Mapping { field: field.name.to_owned(), columns: vec![position(field.name)?] })
        })
        .collect();
    for (field, names) in KNOWN {
        let stem = field.split('.').next().unwrap_or(field);
        let columns: Vec<usize> = names.iter().filter_map(|name| position(name)).collect();
        let taken = mappings.iter().any(|mapping| mapping.field == *field);
        if kind.field(stem).is_some() && !columns.is_empty() && !taken {
            // Street and house number belong together; of the other names, one is meant.
            let columns = if field.ends_with("street") { columns } else { columns[..1].to_vec() };
            mappings.push(Mapping { field: (*field).to_owned(), columns });
        }
    }
    mappings
}
