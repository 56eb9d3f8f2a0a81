//! The unsent edits of a damaged database: saved, and put into another one.

use std::path::{Path, PathBuf};

use clap::Args;
use client_sdk::Client;
use client_sdk::core::printable::line;
use client_sdk::core::replica::{Unreadable, counted, private};
use client_sdk::rescue::{RescueError, from_lines, rescue, to_lines};
use serde_json::json;

use crate::failure::{Failure, failure};
use crate::output::Output;

/// Something could not be saved, or not be put back.
const NOT_ALL: u8 = 8;

/// Save the unsent edits of a damaged database as JSON lines, and put them into another one.
///
/// Begin the other database with `pantry init`, sync it, and put them back there: they are unsent again,
/// and `pantry sync` sends them. An edit that the server has meanwhile is not made twice.
///
/// Exit codes: 0 all of them; 8 some could not be read, or not be put back, and how many is said; 4 not
/// even the edits can be read; 1 to 4 as everywhere.
///
/// Examples:
///   pantry rescue --out edits.jsonl
///   pantry --db new.db rescue --back edits.jsonl
#[derive(Args)]
#[command(verbatim_doc_comment)]
#[group(required = true, multiple = false)]
pub(crate) struct RescueArgs {
    /// Save them into this file, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Put the edits of this file into the database.
    #[arg(long, value_name = "FILE")]
    pub(crate) back: Option<PathBuf>,
}

/// Saves the unsent edits of a damaged database.
pub(crate) fn save(db: &Path, file: &Path, out: &Output) -> Result<(), Failure> {
    let rescued = rescue(db).map_err(|error| failure(4, error))?;
    private::write_new(file, to_lines(&rescued).as_bytes()).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                "it is there already, and may hold the only copy of other edits; name another file"
                    .to_owned()
            }
            _ => format!("{error}; nothing was written"),
        };
        failure(1, format!("cannot write {}: {why}", file.display()))
    })?;
    let count = rescued.edits.iter().filter(|edit| !edit.step).count();
    let saved = format!("{} written to {}", counted(count as u64, "unsent edit"), file.display());
    let (lost, known) = match rescued.unreadable {
        Unreadable::Nothing => (String::new(), json!(0)),
        Unreadable::Edits(lost) => {
            (format!("{} could not be read", counted(lost, "edit")), json!(lost))
        }
        Unreadable::Unknown => (
            "others could not be read, and nothing in the file tells how many".to_owned(),
            json!(null),
        ),
    };
    let text = if lost.is_empty() { saved } else { format!("{saved}; {lost}") };
    out.value(&json!({"edits": count, "unreadable": known, "file": file}), &text);
    if lost.is_empty() { Ok(()) } else { Err(Failure(NOT_ALL, String::new())) }
}

/// Puts edits that were saved into this database.
pub(crate) fn back(client: &Client, file: &Path, out: &Output) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| failure(1, format!("cannot read {}: {error}", file.display())))?;
    let edits = from_lines(&text, client.user()).map_err(|error: RescueError| {
        failure(1, format!("{}: {error}; nothing was put back", file.display()))
    })?;
    let done = client.bring_back(&edits)?;
    for left in &done.left {
        let text = format!("{} {}: {}", left.kind, left.record, left.reason);
        out.note_each(&[line(&text).into_owned()]);
    }
    let mut text = format!("{} unsent again", counted(done.unsent, "edit"));
    if done.there > 0 {
        text.push_str(&format!(", {} here already", done.there));
    }
    if !done.left.is_empty() {
        text.push_str(&format!(
            ", {} not put back; {} keeps them",
            done.left.len(),
            file.display()
        ));
    }
    let left: Vec<_> = done
        .left
        .iter()
        .map(|left| json!({"record": left.record.to_string(), "kind": left.kind, "reason": left.reason}))
        .collect();
    out.value(&json!({"unsent": done.unsent, "there": done.there, "left": left}), &text);
    if done.left.is_empty() { Ok(()) } else { Err(Failure(NOT_ALL, String::new())) }
}
