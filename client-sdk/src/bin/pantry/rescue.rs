//! The unsent edits of a damaged database: saved, and put into another one.

use std::path::{Path, PathBuf};

use clap::Args;
use client_sdk::Client;
use client_sdk::core::printable::line;
use client_sdk::core::replica::{RecordPreview, Unreadable, counted, private};
use client_sdk::rescue::{RescueError, from_lines, rescue, to_lines};
use serde_json::{Value, json};

use crate::failure::{Failure, failure};
use crate::output::{Answer, Output, altered};

/// Something could not be saved, or not be put back.
const NOT_ALL: u8 = 8;

/// Save the unsent edits of a damaged database as JSON lines, and put them into another one.
///
/// Begin the other database with `pantry init`, sync it, and put them back there: they are unsent again,
/// and `pantry sync` sends them. An edit that the server has meanwhile is not made twice.
///
/// They are sent in your name, whoever wrote the file. So `--back` lists first what they would change,
/// field by field, and asks. Without a terminal it lists that and does nothing, unless told `--yes`.
///
/// Exit codes: 0 all of them; 1 nothing was put back, since nobody said yes; 8 some could not be read, or
/// not be put back, and how many is said; 4 not even the edits can be read; 1 to 4 as everywhere.
///
/// Examples:
///   pantry rescue --out edits.jsonl
///   pantry --db new.db rescue --back edits.jsonl
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct RescueArgs {
    /// Save them into this file, which must not be there yet.
    #[arg(long, value_name = "FILE", required_unless_present = "back", conflicts_with = "back")]
    pub(crate) out: Option<PathBuf>,
    /// Put the edits of this file into the database, after asking.
    #[arg(long, value_name = "FILE")]
    pub(crate) back: Option<PathBuf>,
    /// Put them back without asking.
    #[arg(long, requires = "back")]
    pub(crate) yes: bool,
}

/// Whether somebody agreed beforehand to whatever a file's edits do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// They are to be asked.
    Asked,
    /// They said so.
    Given,
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

/// Puts edits that were saved into this database, if whoever runs the command has seen what they do.
pub(crate) fn back(
    client: &Client,
    file: &Path,
    consent: Consent,
    out: &Output,
) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| failure(1, format!("cannot read {}: {error}", file.display())))?;
    let edits = from_lines(&text, client.user()).map_err(|error: RescueError| {
        failure(1, format!("{}: {error}; nothing was put back", file.display()))
    })?;
    let preview = client.preview_bring_back(&edits)?;
    let unsent = preview.done.unsent;
    let listed: Vec<String> = preview.records.iter().map(in_words).collect();
    out.note_each(&listed);
    let records: Vec<Value> = preview.records.iter().map(RecordPreview::to_json).collect();
    if unsent > 0 && consent == Consent::Asked {
        let edits = counted(unsent, "edit");
        let agreed = out.ask(&format!("Put {edits} into this database, to be sent in your name?"));
        if agreed != Some(Answer::Yes) {
            if out.json {
                out.value(&json!({"would": records, "unsent": unsent}), "");
            }
            let how = match agreed {
                None => "; look at what they do, and add --yes if it is right",
                Some(_) => "",
            };
            return Err(failure(
                1,
                format!("nothing was put back: {edits} would be sent in your name{how}"),
            ));
        }
    }
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
    out.value(
        &json!({"unsent": done.unsent, "there": done.there, "left": left, "records": records}),
        &text,
    );
    if done.left.is_empty() { Ok(()) } else { Err(Failure(NOT_ALL, String::new())) }
}

/// What would become of a record, for people.
fn in_words(one: &RecordPreview) -> String {
    let (title, did) = (line(&one.title), one.did.as_str());
    let mut text = format!("{} {title} ({}): {did}", one.kind, one.record);
    one.fields.iter().for_each(|field| text.push_str(&altered(field)));
    text
}
