//! Failures as JavaScript gets them: an `Error` with a `code`.

use sync_core::replica::{
    OpenError, QueryError, ReplicaError, ReportError, ResubmitError, SettleError, UndoError,
};
use wasm_bindgen::prelude::*;

/// Why a call failed: a word for programs, a sentence for people.
pub struct Failure {
    code: &'static str,
    message: String,
}

/// What a call answers.
pub type Answer = Result<serde_json::Value, Failure>;

impl Failure {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A call that this version does not know, or whose arguments do not fit.
    pub fn call(message: impl Into<String>) -> Self {
        Self::new("bad_call", message)
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let error = js_sys::Error::new(&failure.message);
        // An error object takes any property.
        let _ = js_sys::Reflect::set(&error, &"code".into(), &failure.code.into());
        error.into()
    }
}

/// SQLite's word for a disk, or a quota, that is full.
fn sqlite(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => "storage_full",
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => "damaged",
        _ => "storage",
    }
}

impl From<ReplicaError> for Failure {
    fn from(error: ReplicaError) -> Self {
        let code = match &error {
            ReplicaError::Edit(_) => "bad_edit",
            ReplicaError::UnknownRecord(_) => "unknown_record",
            ReplicaError::ServerKind(_) => "server_kind",
            ReplicaError::TooLarge(_) => "too_large",
            ReplicaError::OtherVersion => "other_version",
            ReplicaError::Replaced => "replaced",
            ReplicaError::Document(_) => "damaged",
            ReplicaError::Sqlite(error) => sqlite(error),
        };
        Self::new(code, error.to_string())
    }
}

impl From<ResubmitError> for Failure {
    fn from(error: ResubmitError) -> Self {
        let code = match error {
            ResubmitError::Unknown(_) => "unknown_edit",
            ResubmitError::Nothing => "nothing_to_do",
            ResubmitError::NoRecord => "unknown_record",
            ResubmitError::Replica(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}

impl From<SettleError> for Failure {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Nothing(_) => Self::new("nothing_to_do", error.to_string()),
            SettleError::Replica(error) => error.into(),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Unknown { .. } => Self::call(error.to_string()),
            ReportError::Query(error) => error.into(),
        }
    }
}

impl From<UndoError> for Failure {
    fn from(error: UndoError) -> Self {
        let code = match error {
            UndoError::Unknown(_) => "unknown_edit",
            UndoError::Refused | UndoError::Begun | UndoError::Nothing(_) => "nothing_to_do",
            UndoError::Replica(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::new("bad_query", error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::Damaged(_) => "damaged",
            OpenError::TooNew { .. } => "too_new",
            OpenError::NoUser => "no_user",
            OpenError::WrongUser(_) => "wrong_user",
            OpenError::Foreign | OpenError::NotPrivate(_) => "foreign",
            OpenError::Sqlite(error) => sqlite(error),
        };
        Self::new(code, error.to_string())
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(sqlite(&error), error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::call(error.to_string())
    }
}
