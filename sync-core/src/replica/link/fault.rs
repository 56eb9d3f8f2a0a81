//! Why a link failed, and whether trying again is of use.

use serde::{Deserialize, Serialize};

use super::super::effect::SessionFault;
use super::super::error::ReplicaError;
use crate::protocol::{Goodbye, GoodbyeCode};

/// Why a session could not begin or go on. Every edit stays on the device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFault {
    /// No server answers at the address; check it, or try again with a network.
    #[error("no server answers at {server}: {reason}")]
    Unreachable {
        /// The address.
        server: String,
        /// The system's words.
        reason: String,
    },
    /// There is no token to sign in with; sign in again.
    #[error("there is no token: {0}")]
    NoToken(String),
    /// The source of tokens could not be reached; try again with a network.
    #[error("the token could not be fetched: {0}")]
    TokenUnavailable(String),
    /// The connection broke; try again.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The server ended the session and said why.
    #[error("{sentence}")]
    Goodbye {
        /// The server's code.
        code: String,
        /// Its sentence.
        sentence: String,
        /// When to try again; none when that is of no use.
        retry_after_ms: Option<u64>,
    },
    /// Another process on the same file took in what this session had not; connect again.
    #[error("another process syncs this file")]
    OutOfStep,
    /// The server said what it should not; update the app if it happens again.
    #[error("{0}")]
    Session(String),
    /// The local database could not be read or written: a full disk, a lock, a damaged file.
    #[error("{0}")]
    Store(String),
    /// What stands in the local database is damaged; save its unsent edits, and begin another one.
    #[error("{0}")]
    Damaged(String),
    /// Where the local database was, there is another file, or none; open it again.
    #[error("{0}")]
    Replaced(String),
    /// Another version of the app uses the local database now; open it again.
    #[error("{0}")]
    OtherVersion(String),
}

/// Whether trying again is of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lasts {
    /// It may pass by itself.
    Passing,
    /// Another token may help.
    UntilSignedIn,
    /// Somebody must do something first: update the app, ask an administrator.
    Lasting,
}

impl LinkFault {
    /// Whether trying again is of use.
    pub fn lasts(&self) -> Lasts {
        match self {
            Self::Unreachable { .. }
            | Self::TokenUnavailable(_)
            | Self::Broken(_)
            | Self::OutOfStep
            | Self::Store(_) => Lasts::Passing,
            Self::NoToken(_)
            | Self::Session(_)
            | Self::Damaged(_)
            | Self::Replaced(_)
            | Self::OtherVersion(_) => Lasts::Lasting,
            Self::Goodbye { code, .. } => match GoodbyeCode::parse(code) {
                Some(
                    GoodbyeCode::Unavailable | GoodbyeCode::RateLimited | GoodbyeCode::Replaced,
                )
                | None => Lasts::Passing,
                Some(GoodbyeCode::BadToken | GoodbyeCode::ExpiredToken) => Lasts::UntilSignedIn,
                Some(
                    GoodbyeCode::Disabled
                    | GoodbyeCode::TooOld
                    | GoodbyeCode::Protocol
                    | GoodbyeCode::WrongUser,
                ) => Lasts::Lasting,
            },
        }
    }

    /// How long the server asks to wait, in milliseconds.
    pub fn retry_after_ms(&self) -> u64 {
        match self {
            Self::Goodbye { retry_after_ms: Some(ms), .. } => *ms,
            _ => 0,
        }
    }
}

impl From<Goodbye> for LinkFault {
    fn from(Goodbye { code, sentence, retry_after_ms }: Goodbye) -> Self {
        Self::Goodbye { code, sentence, retry_after_ms }
    }
}

impl From<ReplicaError> for LinkFault {
    fn from(error: ReplicaError) -> Self {
        match error {
            ReplicaError::OtherVersion => Self::OtherVersion(error.to_string()),
            ReplicaError::Replaced => Self::Replaced(error.to_string()),
            ref damage if damage.is_damage() => Self::Damaged(error.to_string()),
            _ => Self::Store(error.to_string()),
        }
    }
}

impl From<SessionFault> for LinkFault {
    fn from(fault: SessionFault) -> Self {
        match fault {
            SessionFault::OutOfStep => Self::OutOfStep,
            SessionFault::Store(error) => error.into(),
            SessionFault::Frame(_) | SessionFault::WrongUser | SessionFault::OutOfTurn(_) => {
                Self::Session(fault.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_or_replaced_file_is_not_tried_again() {
        let page = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        let page = ReplicaError::Sqlite(rusqlite::Error::SqliteFailure(page, None));
        let change = crate::document::LoadError::Change("it is cut off".into());
        for damage in [page, change.into()] {
            let fault = LinkFault::from(SessionFault::Store(damage));
            assert!(matches!(fault, LinkFault::Damaged(_)), "{fault}");
            assert_eq!(fault.lasts(), Lasts::Lasting);
        }
        let replaced = LinkFault::from(ReplicaError::Replaced);
        assert!(matches!(replaced, LinkFault::Replaced(_)), "{replaced}");
        assert_eq!(replaced.lasts(), Lasts::Lasting);
        // What a server sent may come otherwise the next time.
        let sent = crate::document::LoadError::Sent("it is cut off".into());
        assert_eq!(LinkFault::from(ReplicaError::from(sent)).lasts(), Lasts::Passing);
    }

    #[test]
    fn a_file_that_a_newer_app_took_over_is_not_tried_again_and_a_full_disk_is() {
        let other = LinkFault::from(SessionFault::Store(ReplicaError::OtherVersion));
        assert_eq!(other.lasts(), Lasts::Lasting);
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let full = ReplicaError::Sqlite(rusqlite::Error::SqliteFailure(full, None));
        assert_eq!(LinkFault::from(full).lasts(), Lasts::Passing);
    }
}
