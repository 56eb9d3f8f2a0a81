//! What several people gave different values at once: listed and settled.

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use client_sdk::core::printable::line;
use client_sdk::core::replica::Contested;
use client_sdk::core::words::yes_or_no;
use serde_json::{Value, json};

use crate::failure::{Failure, failure};
use crate::output::{Output, inline};
use crate::records::{find, unknown};

/// The field by which a contested deletion goes.
const DELETED: &str = "is_deleted";

/// Lists what is contested, of one record or of all.
pub(crate) fn list(client: &Client, id: Option<&str>, out: &Output) -> Result<(), Failure> {
    let all = match id {
        Some(id) => client.conflicts_of(find(client, id)?)?,
        None => client.conflicts()?,
    };
    if out.json {
        out.json_lines(&all.iter().map(as_json).collect::<Vec<_>>());
        return Ok(());
    }
    let mut text: Vec<String> = all.iter().map(|one| said(client, one)).collect();
    if text.is_empty() {
        text.push("nothing is contested".to_owned());
    }
    out.value(&Value::Null, &text.join("\n"));
    Ok(())
}

fn as_json(one: &Contested) -> Value {
    let values: Vec<Value> = one
        .values
        .iter()
        .map(|one| {
            json!({
                "value": one.value, "author": one.author, "name": one.name, "at": one.at.to_string(),
            })
        })
        .collect();
    json!({
        "kind": one.kind, "id": one.id, "title": one.title, "field": one.field, "base": one.base,
        "values": values,
    })
}

fn said(client: &Client, one: &Contested) -> String {
    let base = if one.base.is_null() { "nothing".to_owned() } else { inline(&one.base) };
    let mut text = format!(
        "{} {} \"{}\"\n  {} was {base}",
        one.kind,
        one.id,
        line(&one.title),
        line(&one.field)
    );
    for (place, value) in one.values.iter().enumerate() {
        let who = value.name.clone().or_else(|| value.author.map(|author| author.to_string()));
        text.push_str(&format!(
            "\n    {}. {}{}: {}, {}",
            place + 1,
            inline(&value.value),
            if place == 0 { " (shown)" } else { "" },
            line(&who.unwrap_or_else(|| "somebody".to_owned())),
            client.local(value.at)
        ));
    }
    text
}

/// Settles a contested field: by one of its values, or by another.
pub(crate) fn settle(
    client: &Client,
    id: &str,
    field: &str,
    keep: Option<usize>,
    out: &Output,
) -> Result<(), Failure> {
    let id = find(client, id)?;
    let (field, typed) = match field.split_once('=') {
        Some((field, typed)) => (field, Some(typed)),
        None => (field, None),
    };
    let contested = client.conflicts_of(id)?.into_iter().find(|one| one.field == field);
    let contested = contested.ok_or_else(|| {
        failure(1, format!("{field} is not contested; `pantry conflicts {id}` lists what is"))
    })?;
    match (keep, typed) {
        (Some(number), None) => {
            let value = number.checked_sub(1).and_then(|place| contested.values.get(place));
            let value = value.ok_or_else(|| {
                failure(1, format!("{field} has values 1 to {}", contested.values.len()))
            })?;
            client.settle(id, field, &value.value)?;
        }
        (None, Some(typed)) if field == DELETED => {
            let gone = yes_or_no(typed)
                .ok_or_else(|| failure(1, format!("{DELETED} takes yes or no, not \"{typed}\"")))?;
            client.settle(id, field, &json!(gone))?;
        }
        (None, Some(typed)) => write(client, id, field, typed)?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(failure(1, "give field=value, or field and --keep NUMBER"));
        }
    }
    out.value(&json!({"id": id.to_string(), "settled": field}), &format!("{field} is settled"));
    Ok(())
}

/// Writes a field again, in the words in which people write values.
fn write(client: &Client, id: RecordId, field: &str, typed: &str) -> Result<(), Failure> {
    let kind = client.kind_of(id)?.ok_or_else(|| unknown(&id.to_string()))?;
    client.edit(id, client.read_edit(&kind, [(field, typed)])?)?;
    Ok(())
}
