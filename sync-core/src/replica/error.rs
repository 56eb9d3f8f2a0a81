//! Why an edit was not made.

use rusqlite::ErrorCode;

use crate::document::{EditError, LoadError};
use crate::ids::RecordId;

/// Why an edit was not made. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The edit itself is wrong; the message names the field and what is allowed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// There is no such record on this device.
    #[error("no record {0} on this device")]
    UnknownRecord(RecordId),
    /// Records of this kind are written by the server only.
    #[error("{0} records are written by the server only")]
    ServerKind(&'static str),
    /// The group has too many edits, or one that is too long; split it.
    #[error("{0}")]
    TooLarge(String),
    /// Another version of the app has opened the file meanwhile and laid its tables out anew; open
    /// the replica again.
    #[error("another version of the app uses the local database now; start this one again")]
    OtherVersion,
    /// Where the database was, there is another file, or none; start the app again.
    #[error(
        "the local database was replaced or removed while it was in use; nothing more is written to it. \
         Start again"
    )]
    Replaced,
    /// A stored document is damaged; fetch it again from the server.
    #[error(transparent)]
    Document(#[from] LoadError),
    /// SQLite could not write: a full disk, a lock, a damaged file.
    #[error("the local database could not be written: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl ReplicaError {
    /// Whether the edit itself is at fault, so that others may be made without it.
    pub fn is_of_the_edit(&self) -> bool {
        matches!(self, Self::Edit(_) | Self::TooLarge(_) | Self::UnknownRecord(_))
    }

    /// Whether what stands in the file is damaged, so that trying again is of no use.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Document(LoadError::Damaged(_) | LoadError::Change(_)) => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
            Self::Document(LoadError::Sent(_))
            | Self::Edit(_)
            | Self::UnknownRecord(_)
            | Self::ServerKind(_)
            | Self::TooLarge(_)
            | Self::OtherVersion
            | Self::Replaced => false,
        }
    }
}
