//! Edits that the server refused: look at them, take them out, make them again, or let them go.

use std::path::PathBuf;

use clap::Subcommand;
use client_sdk::Client;
use client_sdk::core::ids::ChangeHash;
use client_sdk::core::printable::{json, line};
use client_sdk::core::replica::{Quarantined, Table, counted};
use serde_json::{Value, json};

use crate::failure::{Failure, failure};
use crate::output::{Output, inline, write_file};
use crate::records::{kind_named, pairs};

#[derive(Subcommand)]
pub(crate) enum QuarantineCommand {
    /// List them with the server's reasons. This is what happens without a word, too.
    List,
    /// Show what a refused edit did.
    Show {
        /// The first characters of its name.
        edit: String,
    },
    /// Write all of them as JSON lines, with everything that is needed to make them by hand.
    Export {
        /// The file; standard output when not given.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Make a refused edit again on the record as it is now, with corrections: field=value …
    Resubmit {
        /// The first characters of its name.
        edit: String,
        #[arg(allow_hyphen_values = true)]
        corrections: Vec<String>,
    },
    /// Throw refused edits away for good.
    Discard {
        /// The first characters of their names.
        #[arg(required = true)]
        edits: Vec<String>,
    },
}

pub(crate) fn run(
    client: &Client,
    command: QuarantineCommand,
    out: &Output,
) -> Result<(), Failure> {
    match command {
        QuarantineCommand::List => list(client, out),
        QuarantineCommand::Show { edit } => {
            let one = find(client, &edit)?;
            let lines: Vec<String> = one.edit.as_array().into_iter().flatten().map(said).collect();
            let text = format!(
                "{} {} of {}\n{}\nrefused: {}",
                line(&one.kind),
                one.record,
                one.made_at,
                lines.join("\n"),
                line(&one.refusal.to_string())
            );
            out.value(&as_json(&one), &text);
            Ok(())
        }
        QuarantineCommand::Export { out: file } => {
            let all = client.quarantine()?;
            let all: Vec<Value> = all.iter().map(as_json).collect();
            match file {
                None => out.json_lines(&all),
                Some(file) => {
                    let lines = all.iter().map(|one| format!("{}\n", json(&one.to_string())));
                    write_file(&file, lines.collect::<String>())?;
                    let count = counted(all.len() as u64, "edit");
                    let text = format!("{count} written to {}", file.display());
                    out.value(&json!({"edits": all.len(), "file": file}), &text);
                }
            }
            Ok(())
        }
        QuarantineCommand::Resubmit { edit, corrections } => {
            let one = find(client, &edit)?;
            let kind = kind_named(&one.kind)?;
            let corrections = client.read_edit(&kind, pairs(&corrections)?)?;
            client.resubmit(one.hash, corrections)?;
            let text = "made again; it goes up with the next sync";
            out.value(&json!({"resubmitted": one.hash.to_string()}), text);
            Ok(())
        }
        QuarantineCommand::Discard { edits } => {
            // All are looked up first, so that a mistyped one discards nothing.
            let all = edits.iter().map(|edit| find(client, edit)).collect::<Result<Vec<_>, _>>()?;
            for one in &all {
                client.discard(one.hash)?;
            }
            out.value(&json!({"discarded": all.len()}), &format!("{} discarded", all.len()));
            Ok(())
        }
    }
}

fn list(client: &Client, out: &Output) -> Result<(), Failure> {
    let rows = client.quarantine()?.into_iter().map(|one| {
        vec![
            json!(one.hash.to_string()[..8]),
            json!(one.record.to_string()),
            json!(one.kind),
            json!(one.made_at.to_string()),
            json!(one.refusal.code),
            json!(one.refusal.policy),
            json!(one.refusal.sentence),
        ]
    });
    let columns = ["edit", "record", "kind", "made_at", "code", "policy", "reason"];
    out.table(&Table { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect() });
    Ok(())
}

/// The one refused edit whose name begins like this.
fn find(client: &Client, name: &str) -> Result<Quarantined, Failure> {
    let begins = |hash: &ChangeHash| hash.to_string().starts_with(&name.to_lowercase());
    let mut found = client.quarantine()?.into_iter().filter(|one| begins(&one.hash));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(failure(
            1,
            format!("no refused edit {name}; `pantry quarantine list` shows those there are"),
        )),
        (Some(_), Some(_)) => Err(failure(1, format!("several refused edits begin with {name}"))),
    }
}

fn as_json(one: &Quarantined) -> Value {
    json!({
        "edit": one.hash.to_string(), "record": one.record.to_string(), "kind": one.kind,
        "made_at": one.made_at.to_string(), "code": one.refusal.code, "policy": one.refusal.policy,
        "reason": one.refusal.sentence, "changes": one.edit,
    })
}

/// One change as a line: `cuisine = Thai`.
fn said(change: &Value) -> String {
    let field = inline(&change["field"]);
    let part = |name: &str| change.get(name).map(inline);
    if let Some([key, value]) = change.get("entry").and_then(Value::as_array).map(Vec::as_slice) {
        return format!("  {field}.{} = {}", inline(key), inline(value));
    }
    match (part("add"), part("remove"), part("append")) {
        (Some(key), ..) => format!("  {field} + {key}"),
        (_, Some(key), _) => format!("  {field} - {key}"),
        (.., Some(event)) => format!("  {field} + {event}"),
        _ => {
            let value = part("set").or_else(|| part("text")).or_else(|| part("parts"));
            format!("  {field} = {}", value.unwrap_or_default())
        }
    }
}
