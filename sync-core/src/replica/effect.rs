//! What a session asks of its host, or tells it, and why it cannot go on.

use super::error::ReplicaError;
use super::opinion::WouldBe;
use super::redated::Redated;
use crate::error::Refusal;
use crate::ids::ChangeHash;
use crate::protocol::{FrameError, Goodbye};

/// What the replica asks of its host, or tells it.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this frame.
    Send(Vec<u8>),
    /// The session stands: the server took the token.
    Connected,
    /// The replica has everything there was when the server last looked.
    Live,
    /// Rows of these tables changed by what came in.
    Changed(Vec<&'static str>),
    /// Records still to come in the first sync.
    Remaining(u64),
    /// A question was answered.
    Answered {
        /// Its number, as `Replica::ask` gave it.
        ask: u64,
        /// Whether the edit would be refused.
        would_be: WouldBe,
    },
    /// Changes were refused and stand in quarantine.
    Refused(Vec<(ChangeHash, Refusal)>),
    /// Moments of edits were changed, since a clock was wrong.
    Redated(Vec<Redated>),
    /// Records were erased because their user no longer sees them; the reasons.
    Evicted(Vec<String>),
    /// Accounts came to this device because their user sees them from now on; the reasons.
    Granted(Vec<String>),
    /// The server ends the session.
    Goodbye(Goodbye),
}

/// Why a session cannot go on. The replica's data is untouched.
#[derive(Debug, thiserror::Error)]
pub enum SessionFault {
    /// The server sent what is no frame or message; reconnect, and update the app if it persists.
    #[error("the server sent a malformed frame: {0}")]
    Frame(#[from] FrameError),
    /// The server took us for another user; sign in as the replica's user.
    #[error("signed in as another user than the one this database belongs to")]
    WrongUser,
    /// Another process took in what this session has not: connect again, from where the file stands.
    #[error("another process syncs this file")]
    OutOfStep,
    /// The server spoke out of turn.
    #[error("the server said {0} out of turn")]
    OutOfTurn(&'static str),
    /// The file could not be written; nothing of the frame was stored, so it will come again.
    #[error(transparent)]
    Store(#[from] ReplicaError),
}

impl From<rusqlite::Error> for SessionFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}
