//! Records from a file, and the batches that they make.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use client_sdk::Client;
use client_sdk::core::document::{DayOrder, Decimal};
use client_sdk::core::printable::line;
use client_sdk::core::replica::{GroupEdit, ImportState, Table, counted, private};
use client_sdk::import::{
    Encoding, ImportOptions, ImportPlan, Loss, Mode, OnAlike, OnMatch, Outcome, Remark, Rest,
    SheetOptions, Word, report,
};
use serde_json::{Value, json};

use crate::failure::{Failure, failure};
use crate::output::{Output, cannot_write, inline};
use crate::records::note_missing;

/// An import that did not take everything.
const NOT_ALL: u8 = 7;
/// Remarks that are printed; a report has all.
const PRINTED: usize = 200;

/// Read records from a table in a file: CSV or the like, as Excel, Google, HubSpot, Salesforce and others
/// write it.
///
/// How it is written, which line is its heading, and where each column goes is found out and shown;
/// --preview shows it and writes nothing. No column, row or cell is left out without being named. Records
/// that are there already are found by another program's id, or by what --match says; a file that is
/// imported again adds nothing. `pantry imports` lists what was imported, and undoes it.
///
/// Exit codes: 0 everything was taken, or was there; 7 something was not: rows or cells are named, or there
/// was nothing to take; 1 to 4 as everywhere.
///
/// Examples:
///   pantry import companies.csv --preview
///   pantry import deals.csv --kind opportunity --dates mdy --create-accounts
///   pantry import clients.csv --map name=Firma --map notes=Hinweis --match emails --on-match update
///   pantry import deals.csv --value "stage: Tasting booked=qualification"
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ImportArgs {
    file: PathBuf,
    /// The kind of the records; guessed from the headings when not given.
    #[arg(long)]
    kind: Option<String>,
    /// FIELD=COLUMN, or FIELD=COLUMN+COLUMN to join several; a column without a name goes by its number,
    /// as #3. Added to what is guessed.
    #[arg(long, value_name = "FIELD=COLUMN")]
    map: Vec<String>,
    /// Only show what would be read.
    #[arg(long)]
    pub(crate) preview: bool,
    /// Which comes first in 3/11/2026, day or month.
    #[arg(long, value_enum)]
    dates: Option<Dates>,
    /// What stands before decimals; found out when not given.
    #[arg(long, value_enum)]
    decimal: Option<DecimalSign>,
    /// The currency of amounts that name none, as USD.
    #[arg(long)]
    currency: Option<String>,
    /// utf-8, utf-16 or windows-1252; found out when not given.
    #[arg(long)]
    encoding: Option<String>,
    /// What parts the cells, as ";" or tab; found out when not given.
    #[arg(long)]
    delimiter: Option<String>,
    /// The line of the heading; found out when not given.
    #[arg(long, value_name = "LINE")]
    heading: Option<u64>,
    /// Create the accounts that rows name and that are not there.
    #[arg(long)]
    create_accounts: bool,
    /// The field by which a record that is there is found, such as source_id, name or emails.
    #[arg(long = "match", value_name = "FIELD")]
    matching: Option<String>,
    /// What becomes of a row whose record is there.
    #[arg(long, value_enum, default_value_t = Matched::Skip)]
    on_match: Matched,
    /// What becomes of a row whose account is probably there already, by its telephone number or by its name
    /// and city.
    #[arg(long, value_enum, default_value_t = AlikeRows::Take)]
    alike: AlikeRows,
    /// What a word of the file means: "stage: Tasting booked=qualification".
    #[arg(long, value_name = "FIELD: WORD=VALUE")]
    value: Vec<String>,
    /// What becomes of columns that nothing is known of.
    #[arg(long, value_enum, default_value_t = RestOf::Leave)]
    rest: RestOf,
    /// Import although not all of your records have come to this device: rows whose records are only
    /// missing here are created a second time.
    #[arg(long)]
    incomplete: bool,
    /// Write all that is said of rows and cells into a file of CSV.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dates {
    /// 31/12/2026
    Dmy,
    /// 12/31/2026
    Mdy,
}

#[derive(Clone, Copy, ValueEnum)]
enum DecimalSign {
    /// 1,200.50
    Point,
    /// 1.200,50
    Comma,
}

#[derive(Clone, Copy, ValueEnum)]
enum Matched {
    /// Leave the record as it is.
    Skip,
    /// Write to it what the row says.
    Update,
    /// Create another one.
    Create,
}

#[derive(Clone, Copy, ValueEnum)]
enum AlikeRows {
    /// Take it, and name it.
    Take,
    /// Leave it out, and name it.
    Leave,
}

#[derive(Clone, Copy, ValueEnum)]
enum RestOf {
    /// Name them, and leave them out.
    Leave,
    /// Make them custom fields.
    Custom,
}

#[derive(Subcommand)]
pub(crate) enum ImportsCommand {
    /// List them. This is what happens without a word, too.
    List,
    /// Take one back: delete what began with it, and write back what it changed. Records on which somebody
    /// worked since stay, and are named.
    Undo {
        /// Characters of the end of its id.
        id: String,
    },
}

fn options(args: &ImportArgs) -> Result<ImportOptions, Failure> {
    let mut map = Vec::new();
    for one in &args.map {
        let (target, columns) = one
            .split_once('=')
            .ok_or_else(|| failure(1, format!("--map {one}: not FIELD=COLUMN")))?;
        let columns = columns.split('+').map(|name| name.trim().to_owned()).collect();
        map.push((target.trim().to_owned(), columns));
    }
    let mut words = Vec::new();
    for one in &args.value {
        let parts = one.split_once(':').and_then(|(target, rest)| {
            let (said, meant) = rest.rsplit_once('=')?;
            Some([target, said, meant].map(|part| part.trim().to_owned()))
        });
        let [target, said, meant] =
            parts.ok_or_else(|| failure(1, format!("--value {one}: not FIELD: WORD=VALUE")))?;
        words.push(Word { target, said, meant });
    }
    let encoding = match &args.encoding {
        None => None,
        Some(name) => Some(Encoding::named(name).ok_or_else(|| {
            failure(1, format!("no encoding \"{name}\"; there are utf-8, utf-16 and windows-1252"))
        })?),
    };
    let delimiter = match args.delimiter.as_deref() {
        None => None,
        Some("tab" | "\\t") => Some('\t'),
        Some(sign) if sign.chars().count() == 1 => sign.chars().next(),
        Some(sign) => return Err(failure(1, format!("--delimiter {sign}: not one sign"))),
    };
    let currency = args.currency.as_ref().map(|code| code.trim().to_ascii_uppercase());
    Ok(ImportOptions {
        kind: args.kind.clone(),
        sheet: SheetOptions { encoding, delimiter, heading_line: args.heading },
        map,
        leave_out: Vec::new(),
        days: match args.dates {
            None => DayOrder::Unknown,
            Some(Dates::Dmy) => DayOrder::DayFirst,
            Some(Dates::Mdy) => DayOrder::MonthFirst,
        },
        decimal: args.decimal.map(|sign| match sign {
            DecimalSign::Point => Decimal::Point,
            DecimalSign::Comma => Decimal::Comma,
        }),
        currency,
        create_accounts: args.create_accounts,
        rest: match args.rest {
            RestOf::Leave => Rest::LeftOut,
            RestOf::Custom => Rest::Custom,
        },
        matching: args.matching.clone(),
        on_match: match args.on_match {
            Matched::Skip => OnMatch::Skip,
            Matched::Update => OnMatch::Update,
            Matched::Create => OnMatch::Create,
        },
        on_alike: match args.alike {
            AlikeRows::Take => OnAlike::Take,
            AlikeRows::Leave => OnAlike::LeaveOut,
        },
        prospects_only: false,
        words,
        into_incomplete: args.incomplete,
    })
}

/// Takes a file in, or shows what would become of it.
pub(crate) fn run(client: &Client, args: ImportArgs, out: &Output) -> Result<(), Failure> {
    let plan = client.plan_import(&args.file, options(&args)?)?;
    if !out.json {
        show_plan(&plan, args.preview, out);
    }
    if args.preview {
        note_missing(client, out)?;
    }
    let mode = if args.preview { Mode::Preview } else { Mode::Write };
    if let Some(file) = &args.report {
        // What cannot be opened is better known before anything is written.
        private::begin(file).map_err(|error| cannot_write(file, &error))?;
    }
    let bar = out.progress(if args.preview { "reading" } else { "importing" });
    bar.set_length(plan.rows);
    let outcome = client.import(&plan, mode, |done| bar.set_position(done));
    bar.finish_and_clear();
    let outcome = outcome?;
    if let Some(file) = &args.report {
        let report = report(&outcome.remarks);
        let written =
            private::write(file, report.as_bytes()).map_err(|error| cannot_write(file, &error));
        if let Err(Failure(code, text)) = written {
            let done = match mode {
                Mode::Preview => "",
                Mode::Write => ". The import itself is done and stands: do not repeat it",
            };
            show_outcome(&plan, &outcome, mode, out);
            return Err(Failure(code, format!("{text}{done}")));
        }
    }
    if args.preview {
        show_examples(&outcome, out);
    }
    show_outcome(&plan, &outcome, mode, out);
    if outcome.is_whole() && (mode == Mode::Write || plan.asks.is_empty()) {
        Ok(())
    } else {
        Err(Failure(NOT_ALL, String::new()))
    }
}

/// How the file is read, and where its columns go.
fn show_plan(plan: &ImportPlan, preview: bool, out: &Output) {
    let sheet = &plan.sheet;
    let sign = match sheet.delimiter {
        ',' => "comma",
        ';' => "semicolon",
        '\t' => "tab",
        '|' => "pipe",
        _ => "its own sign",
    };
    let guessed = if plan.kind_guessed { " (guessed; --kind says otherwise)" } else { "" };
    out.note(&format!(
        "{} · {}, parted by {sign} · heading on line {} · {}",
        line(&sheet.source.place()),
        sheet.bytes.encoding,
        sheet.heading_line,
        counted(plan.rows, "row")
    ));
    let matching = plan.matching.as_ref().map(|name| format!(" · matched by {name}"));
    out.note(&line(&format!("kind: {}{guessed}{}", plan.kind.name, matching.unwrap_or_default())));
    let days = match plan.habits.days {
        DayOrder::DayFirst => "days as 31/12/2026",
        DayOrder::MonthFirst => "days as 12/31/2026",
        DayOrder::Unknown => "days as 2026-12-31",
    };
    let numbers = match plan.habits.decimal {
        Decimal::Point => "numbers as 1,200.50",
        Decimal::Comma => "numbers as 1.200,50",
    };
    let zone = plan.habits.zone.as_ref().and_then(|zone| zone.iana_name()).unwrap_or("not known");
    out.note(&format!("{days} · {numbers} · time zone {zone}"));
    for above in &sheet.above {
        out.note(&format!("line {above}: above the heading, left out"));
    }
    for (below, said) in &sheet.below {
        out.note(&line(&format!("line {below}: below the table, left out: {said}")));
    }
    for column in &plan.columns {
        let samples: Vec<String> = column.samples.iter().map(|s| format!("\"{s}\"")).collect();
        let cells = counted(column.filled, "cell");
        let samples = if preview && !samples.is_empty() {
            format!(", as {}", samples.join(", "))
        } else {
            String::new()
        };
        let text = match (&column.target, column.why_not) {
            (Some(target), _) => format!("{target} <- {} ({cells}{samples})", column.heading),
            // An empty column has nothing to lose.
            (None, _) if column.filled == 0 => continue,
            (None, why) => format!(
                "not imported: {} ({cells}{samples}): {}",
                column.heading,
                why.map(|why| why.to_string()).unwrap_or_default()
            ),
        };
        out.note(&line(&text));
    }
    let empty = plan.columns.iter().filter(|c| c.target.is_none() && c.filled == 0);
    let empty: Vec<&str> = empty.map(|column| column.heading.as_str()).collect();
    if !empty.is_empty() {
        out.note(&line(&format!("empty, and not imported: {}", empty.join(", "))));
    }
    for ask in &plan.asks {
        out.note(&line(&format!("to be said first: {ask}")));
    }
}

/// The first records as they would be.
fn show_examples(outcome: &Outcome, out: &Output) {
    let mut columns: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<(String, Value)>> = Vec::new();
    for example in &outcome.examples {
        let GroupEdit::Create { edit, .. } = example else { continue };
        let mut row: Vec<(String, Value)> = Vec::new();
        for change in edit.to_json().as_array().into_iter().flatten() {
            let name = inline(&change["field"]);
            let value = ["set", "text", "parts", "add", "entry", "append"]
                .iter()
                .find_map(|word| change.get(word).cloned())
                .unwrap_or_default();
            match row.iter_mut().find(|(known, _)| *known == name) {
                Some((_, before)) => {
                    *before = json!(format!("{}, {}", inline(before), inline(&value)))
                }
                None => row.push((name, value)),
            }
        }
        for (name, _) in &row {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        rows.push(row);
    }
    let cells = |row: Vec<(String, Value)>| {
        let cell =
            |name: &String| row.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
        columns.iter().map(|name| cell(name).unwrap_or_default()).collect()
    };
    let rows = rows.into_iter().map(cells).collect();
    out.table(&Table { columns: columns.clone(), rows });
}

fn show_outcome(plan: &ImportPlan, outcome: &Outcome, mode: Mode, out: &Output) {
    for remark in outcome.remarks.iter().take(PRINTED) {
        if !out.json {
            out.note(&line(&said(remark)));
        }
    }
    let more = outcome.remarks.len().saturating_sub(PRINTED);
    if more > 0 && !out.json {
        out.note(&format!("and {more} remarks more; --report FILE has them all"));
    }
    if !outcome.accounts.is_empty() && !out.json {
        let names: Vec<&str> = outcome.accounts.iter().take(20).map(String::as_str).collect();
        let count = counted(outcome.accounts.len() as u64, "account");
        out.note(&line(&format!("{count} created because they are named: {}", names.join(", "))));
    }
    let verb = if mode == Mode::Preview { "would be " } else { "" };
    let mut text = format!(
        "{} {verb}created, {} {verb}changed, {} there already, {} left out, {} not taken",
        counted(outcome.created, "record"),
        outcome.changed,
        outcome.there,
        counted(outcome.left_out, "row"),
        counted(outcome.cells_lost, "cell")
    );
    if let Some(import) = outcome.import {
        text.push_str(&format!(
            "; `pantry imports undo {}` takes it back",
            short(&import.to_string())
        ));
    }
    let remarks: Vec<Value> = outcome.remarks.iter().map(as_json).collect();
    let columns: Vec<Value> = plan.columns.iter().map(|column| {
        json!({"column": column.heading, "field": column.target, "why_not": column.why_not.map(|why| why.to_string()), "cells": column.filled, "samples": column.samples})
    }).collect();
    out.value(
        &json!({
            "import": outcome.import.map(|import| import.to_string()), "kind": plan.kind.name,
            "encoding": plan.sheet.bytes.encoding.to_string(), "delimiter": plan.sheet.delimiter,
            "heading_line": plan.sheet.heading_line, "columns": columns, "asks": plan.asks.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "rows": outcome.rows, "imported": outcome.created, "changed": outcome.changed,
            "there": outcome.there, "left_out": outcome.left_out, "cells_lost": outcome.cells_lost,
            "accounts": outcome.accounts, "remarks": remarks,
        }),
        &text,
    );
}

/// `line 3, Class "A+": …; left out`
fn said(remark: &Remark) -> String {
    let cell: String = remark.cell.chars().take(60).collect();
    let place = match (remark.column.is_empty(), cell.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!(", \"{cell}\""),
        (false, _) => format!(", {} \"{cell}\"", remark.column),
    };
    let lost = match remark.loss {
        Loss::Nothing => "",
        Loss::Cell => "; the cell is left out",
        Loss::Row => "; the row is left out",
    };
    format!("line {}{place}: {}{lost}", remark.line, remark.said())
}

fn as_json(remark: &Remark) -> Value {
    json!({"line": remark.line, "column": remark.column, "cell": remark.cell, "reason": remark.said(), "lost": remark.loss.code()})
}

/// The end of an id, which differs.
fn short(id: &str) -> &str {
    &id[id.len() - 8..]
}

pub(crate) fn imports(
    client: &Client,
    command: ImportsCommand,
    out: &Output,
) -> Result<(), Failure> {
    let all = client.imports()?;
    match command {
        ImportsCommand::List => {
            let rows = all.iter().map(|one| {
                let id = one.id.to_string();
                let id = if out.json { id.as_str() } else { short(&id) };
                vec![
                    json!(id),
                    json!(one.source),
                    json!(one.kind),
                    json!(client.local(one.begun_at)),
                    json!(one.state.to_string()),
                    json!(one.created),
                    json!(one.changed),
                ]
            });
            let columns = ["import", "file", "kind", "begun", "state", "created", "changed"];
            out.table(&Table {
                columns: columns.map(str::to_owned).to_vec(),
                rows: rows.collect(),
            });
            Ok(())
        }
        ImportsCommand::Undo { id } => {
            let wanted = id.to_ascii_lowercase();
            let named = |one: &&_| {
                let one: &client_sdk::core::replica::Import = one;
                one.state != ImportState::Undone && one.id.to_string().ends_with(&wanted)
            };
            let found: Vec<_> = all.iter().filter(named).collect();
            let [one] = found.as_slice() else {
                let text = match found.len() {
                    0 => format!("no import {id} that stands; `pantry imports` lists them"),
                    count => format!("{count} imports end with {id}; give more of it"),
                };
                return Err(failure(1, text));
            };
            let undone = client.undo_import(one.id)?.unwrap_or_default();
            let kept: Vec<String> = undone.kept.iter().map(ToString::to_string).collect();
            let mut text = format!(
                "{} deleted, {} changed back",
                counted(undone.deleted, "record"),
                undone.restored
            );
            if !kept.is_empty() {
                text.push_str(&format!(
                    "; kept, since somebody worked on them after the import: {}",
                    kept.join(", ")
                ));
            }
            out.value(
                &json!({"deleted": undone.deleted, "restored": undone.restored, "kept": kept}),
                &text,
            );
            if kept.is_empty() { Ok(()) } else { Err(Failure(NOT_ALL, String::new())) }
        }
    }
}
