//! What the server's commands print: the only place that writes to standard output.

use std::io::{Error, ErrorKind, Write};
use std::sync::Mutex;

use sync_core::printable;

/// The first line that could not be written; nothing is printed after it.
static LOST: Mutex<Option<Error>> = Mutex::new(None);

/// Prints lines. Text of other people within them went through [`printable::line`] before, so that nobody
/// makes lines of their own.
pub fn say(text: impl std::fmt::Display) {
    print(&printable::lines(&text.to_string()));
}

/// Prints JSON, as one line.
pub fn say_json(value: &serde_json::Value) {
    print(&printable::json(&value.to_string()));
}

/// Whether everything that was said is written. A pipe that somebody closed, such as `head`, is no error.
///
/// # Errors
/// With why it is not.
pub fn all_said() -> Result<(), Error> {
    keep(std::io::stdout().flush());
    match lost().take() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn print(text: &str) {
    if lost().is_none() {
        keep(writeln!(std::io::stdout(), "{text}"));
    }
}

fn keep(written: std::io::Result<()>) {
    if let Err(error) = written {
        lost().get_or_insert(error);
    }
}

fn lost() -> std::sync::MutexGuard<'static, Option<Error>> {
    LOST.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
