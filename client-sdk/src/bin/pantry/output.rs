//! What is printed, for people or as JSON: the only place that prints, so that nobody's text reaches a
//! terminal as something that it obeys.

use std::cell::RefCell;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use client_sdk::core::csv::csv;
use client_sdk::core::document::Altered;
use client_sdk::core::printable::{json, line, lines};
use client_sdk::core::replica::{Table, private};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::failure::{Failure, failure};

/// Where and how to print. What cannot be written is kept until the end, and is an error then; a pipe
/// that somebody closed, such as `head`, is none.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) json: bool,
    lost: RefCell<Option<std::io::Error>>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, lost: RefCell::default() }
    }

    /// Everything that was printed is written, or this is why not.
    pub(crate) fn finish(&self) -> Result<(), std::io::Error> {
        self.keep(std::io::stdout().flush());
        match self.lost.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Prints a line; after one that could not be written, nothing more.
    fn print(&self, text: impl std::fmt::Display) {
        if self.lost.borrow().is_none() {
            self.keep(writeln!(std::io::stdout(), "{text}"));
        }
    }

    fn keep(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            self.lost.borrow_mut().get_or_insert(error);
        }
    }

    fn print_json(&self, value: &Value) {
        self.print(json(&value.to_string()));
    }

    pub(crate) fn value(&self, value: &Value, text: &str) {
        if self.json { self.print_json(value) } else { self.print(lines(text)) }
    }

    pub(crate) fn table(&self, table: &Table) {
        if self.json {
            for row in &table.rows {
                let object: serde_json::Map<String, Value> =
                    table.columns.iter().cloned().zip(row.iter().cloned()).collect();
                self.print_json(&Value::Object(object));
            }
            return;
        }
        let mut printed = comfy_table::Table::new();
        printed.load_style(comfy_table::presets::ASCII_FULL_CONDENSED);
        printed.set_header(table.columns.iter().map(|name| line(name).into_owned()));
        for row in &table.rows {
            printed.add_row(row.iter().map(|cell| line(&plain(cell)).into_owned()));
        }
        self.print(format_args!("{printed}\n{} rows", table.rows.len()));
    }

    /// Prints CSV.
    pub(crate) fn csv(&self, table: &Table) {
        self.print(csv(&table.columns, &table.rows).trim_end());
    }

    /// Prints JSON, for people and programs alike.
    pub(crate) fn json_lines(&self, values: &[Value]) {
        values.iter().for_each(|value| self.print_json(value));
    }

    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{}", lines(text));
    }

    /// What is worth saying beside an answer, for people.
    pub(crate) fn note_each(&self, texts: &[String]) {
        if !self.json {
            texts.iter().for_each(|text| self.note(text));
        }
    }

    pub(crate) fn error(&self, text: &str) {
        self.beside("error", text);
    }

    /// What an answer is not to be read without, for people and programs alike.
    pub(crate) fn warning(&self, text: &str) {
        self.beside("warning", text);
    }

    fn beside(&self, what: &str, text: &str) {
        let mut err = std::io::stderr();
        let _ = if self.json {
            writeln!(err, "{}", json(&json!({what: text}).to_string()))
        } else {
            writeln!(err, "{what}: {}", line(text))
        };
    }

    /// Asks a person on a terminal, who says no unless they say yes; none where there is no terminal.
    pub(crate) fn ask(&self, question: &str) -> Option<Answer> {
        if self.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        let mut err = std::io::stderr();
        let _ = write!(err, "{} [y/N] ", line(question));
        let _ = err.flush();
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        let agreed = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
        Some(if read.is_ok() && agreed { Answer::Yes } else { Answer::No })
    }

    /// A bar on a terminal, nothing elsewhere.
    pub(crate) fn progress(&self, what: &'static str) -> ProgressBar {
        let shown = std::io::stderr().is_terminal() && !self.json;
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        bar
    }
}

/// What a person said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Yes,
    No,
}

/// Writes what a command was asked to write, for nobody but the file's owner to read, and names the
/// file that cannot be written.
pub(crate) fn write_file(file: &Path, contents: impl AsRef<[u8]>) -> Result<(), Failure> {
    private::write(file, contents.as_ref()).map_err(|error| cannot_write(file, &error))
}

/// Names a file that cannot be written.
pub(crate) fn cannot_write(file: &Path, error: &std::io::Error) -> Failure {
    failure(1, format!("cannot write {}: {error}", file.display()))
}

/// A value as text, which is not fit to be printed yet.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value on a line of other text.
pub(crate) fn inline(value: &Value) -> String {
    line(&plain(value)).into_owned()
}

/// A value of several lines under its name: further lines stand further in than any name does.
pub(crate) fn indented(value: &Value) -> String {
    lines(&plain(value)).replace('\n', "\n      ")
}

/// A field that says something else, on a line of its own under its record's.
pub(crate) fn altered(field: &Altered) -> String {
    let shown = |value: &Value| if value.is_null() { "–".to_owned() } else { inline(value) };
    format!("\n    {}: {} → {}", line(&field.field), shown(&field.before), shown(&field.after))
}
