//! Why a sync did not come to its end. Every edit stays on the device.

use sync_core::protocol::{Goodbye, GoodbyeCode};
use sync_core::replica::SessionFault;

/// Why a sync did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// No server answers at the address; check it, or try again with a network.
    #[error("no server answers at {url}: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// The system's words.
        reason: String,
    },
    /// There is no token to sign in with; sign in again.
    #[error(transparent)]
    Token(#[from] crate::TokenError),
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
    /// The server said what it should not, or the local database cannot be written.
    #[error(transparent)]
    Session(#[from] SessionFault),
    /// The local database cannot be read.
    #[error(transparent)]
    Store(#[from] sync_core::replica::ReplicaError),
}

impl From<Goodbye> for SyncError {
    fn from(Goodbye { code, sentence, retry_after_ms }: Goodbye) -> Self {
        Self::Goodbye { code, sentence, retry_after_ms }
    }
}

/// Whether trying again is of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It may pass by itself.
    Passing,
    /// Somebody must do something first: sign in, update the app, free the disk.
    Lasting,
}

impl SyncError {
    /// Whether another token may help.
    pub fn asks_for_a_token(&self) -> bool {
        let Self::Goodbye { code, .. } = self else { return false };
        let code = GoodbyeCode::parse(code);
        matches!(code, Some(GoodbyeCode::BadToken | GoodbyeCode::ExpiredToken))
    }

    /// Whether trying again is of use.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unreachable { .. } | Self::Broken(_) => Fault::Passing,
            Self::Goodbye { code, .. } => match GoodbyeCode::parse(code) {
                Some(GoodbyeCode::Unavailable | GoodbyeCode::RateLimited) | None => Fault::Passing,
                Some(
                    GoodbyeCode::BadToken
                    | GoodbyeCode::ExpiredToken
                    | GoodbyeCode::Disabled
                    | GoodbyeCode::TooOld
                    | GoodbyeCode::Protocol
                    | GoodbyeCode::WrongUser,
                ) => Fault::Lasting,
            },
            Self::Session(SessionFault::OutOfStep) => Fault::Passing,
            Self::Token(_) | Self::Session(_) | Self::Store(_) => Fault::Lasting,
        }
    }
}
