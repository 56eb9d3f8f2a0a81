//! What became of a record, and undoing.

use client_sdk::Client;
use client_sdk::core::ids::ChangeHash;
use client_sdk::core::printable::line;
use client_sdk::core::replica::{HistoryEntry, Standing};
use serde_json::{Value, json};

use crate::failure::{Failure, failure};
use crate::output::{Output, altered};
use crate::records::find;

/// Characters of a change's name that are printed.
const SHORT: usize = 8;

/// Prints the changes of a record, newest first.
pub(crate) fn show(client: &Client, id: &str, limit: usize, out: &Output) -> Result<(), Failure> {
    let all = client.history(find(client, id)?, limit)?;
    if out.json {
        out.json_lines(&all.iter().map(as_json).collect::<Vec<_>>());
        return Ok(());
    }
    let text: Vec<String> = all.iter().map(|one| said(client, one)).collect();
    out.value(&Value::Null, &text.join("\n"));
    Ok(())
}

fn as_json(one: &HistoryEntry) -> Value {
    let refusal = match &one.standing {
        Standing::Refused(refusal) => json!(refusal),
        Standing::Accepted | Standing::Unsent => Value::Null,
    };
    json!({
        "change": one.hash.to_string(), "at": one.at.to_string(), "author": one.author,
        "name": one.name, "state": one.standing.as_str(), "refused": refusal,
        "did": one.did.as_str(), "fields": one.fields,
    })
}

fn said(client: &Client, one: &HistoryEntry) -> String {
    let who = one.name.clone().or_else(|| one.author.map(|author| author.to_string()));
    let mut text = format!(
        "{} {} {} {}",
        &one.hash.to_string()[..SHORT],
        client.local(one.at),
        line(&who.unwrap_or_else(|| "somebody".to_owned())),
        one.did.as_str()
    );
    match &one.standing {
        Standing::Accepted => {}
        Standing::Unsent => text.push_str(" (unsent)"),
        Standing::Refused(refusal) => {
            text.push_str(&format!(" (refused: {})", line(&refusal.to_string())));
        }
    }
    one.fields.iter().for_each(|field| text.push_str(&altered(field)));
    text
}

/// Undoes a change of a record, or its user's last one.
pub(crate) fn undo(
    client: &Client,
    id: &str,
    change: Option<&str>,
    out: &Output,
) -> Result<(), Failure> {
    let id = find(client, id)?;
    let all = client.history(id, usize::MAX)?;
    let hash = match change {
        Some(name) => named(&all, name)?,
        None => {
            let own = |one: &&HistoryEntry| {
                one.author == Some(client.user()) && !matches!(one.standing, Standing::Refused(_))
            };
            let last = all.iter().find(own).map(|one| one.hash);
            last.ok_or_else(|| failure(1, "the record has no change of yours"))?
        }
    };
    let done = client.undo(id, hash)?;
    let left: Vec<String> =
        done.left.iter().map(|one| format!("{}: {}", one.field, one.why)).collect();
    out.note_each(&left.iter().map(|one| format!("left as it is: {one}")).collect::<Vec<_>>());
    let text = format!(
        "undone: {}; `pantry undo {id} {}` takes that back",
        done.undone.join(", "),
        &done.hash.to_string()[..SHORT]
    );
    out.value(
        &json!({"change": done.hash.to_string(), "undone": done.undone, "left": done.left}),
        &text,
    );
    Ok(())
}

/// The one change whose name begins like this.
fn named(all: &[HistoryEntry], name: &str) -> Result<ChangeHash, Failure> {
    let begins = |one: &&HistoryEntry| one.hash.to_string().starts_with(&name.to_lowercase());
    let mut found = all.iter().filter(begins);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.hash),
        (None, _) => Err(failure(
            1,
            format!("the record has no change {name}; `pantry history` shows those there are"),
        )),
        (Some(_), Some(_)) => {
            Err(failure(1, format!("several changes begin with {name}; give more characters")))
        }
    }
}
