//! Why a command failed, and with which exit code.

use std::error::Error;

use client_sdk::core::replica::{ReplicaError, ResubmitError, SettleError, UndoError};
use rusqlite::ErrorCode;

/// An error with its exit code: 1 the data or command, 3 the server or network, 4 a damaged file. (2
/// is a command line that does not parse; 5 and 6 are answers of `pantry check`; 7 is an import that did
/// not take everything; 8 is a rescue that did not save everything, or not put everything back; 9 is a database that was
/// replaced or removed while it was in use.)
pub(crate) struct Failure(pub(crate) u8, pub(crate) String);

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        if is_damage(&error) {
            damaged(&error)
        } else if is_replaced(&error) {
            Self(REPLACED, error.to_string())
        } else {
            Self(1, error.to_string())
        }
    }
}

/// What to do about a file of which some page cannot be read any more, whichever command met it.
pub(crate) fn damaged(error: &dyn Error) -> Failure {
    failure(
        4,
        format!(
            "{error}. `pantry rescue --out edits.jsonl` saves the unsent edits; then begin a new database, and `pantry rescue --back edits.jsonl` puts them into it"
        ),
    )
}

/// Where the database was, another file stands, or none.
pub(crate) const REPLACED: u8 = 9;

fn is_replaced(error: &(dyn Error + 'static)) -> bool {
    matches!(in_the_file(error), Some(ReplicaError::Replaced))
        || error.source().is_some_and(is_replaced)
}

/// What was the matter with the file.
fn in_the_file<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e ReplicaError> {
    if let Some(ResubmitError::Replica(inner)) = error.downcast_ref() {
        return Some(inner);
    }
    if let Some(SettleError::Replica(inner)) = error.downcast_ref() {
        return Some(inner);
    }
    if let Some(UndoError::Replica(inner)) = error.downcast_ref() {
        return Some(inner);
    }
    error.downcast_ref()
}

/// Whether SQLite found the file damaged, or a stored document or change is.
fn is_damage(error: &(dyn Error + 'static)) -> bool {
    let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || in_the_file(error).is_some_and(ReplicaError::is_damage)
        || error.source().is_some_and(is_damage)
}

pub(crate) fn failure(code: u8, text: impl std::fmt::Display) -> Failure {
    Failure(code, text.to_string())
}
