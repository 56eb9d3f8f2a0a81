//! What happens to a session, and what it asks of its host.

use std::fmt;
use std::time::Duration;

use crate::hub::reading::{FeedAnswer, FeedRequest};
use crate::hub::trials::Unavailable;
use crate::ids::{ChangeHash, ReplicaId, UserId};
use crate::limits;
use crate::protocol::{Goodbye, Opinion, PushGroup, SessionLimits, Verdict};
use crate::role::Role;
use crate::time::UnixMs;

/// A moment, by the host's two clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// How long the host has been running, or any other time that never goes back.
    pub running: Duration,
    /// The time of day, which may be set.
    pub wall: UnixMs,
}

/// What happened to a session.
#[derive(Debug)]
pub enum Event {
    /// A frame came.
    Frame(Vec<u8>),
    /// Some bytes came, be it part of a frame or the answer to a ping.
    Heard,
    /// The replica closed the connection, or it broke.
    Closed,
    /// [`Effect::SignIn`] is done.
    SignedIn(Result<SignedIn, Goodbye>),
    /// [`Effect::Note`] is done.
    Noted(DeviceNoted),
    /// [`Effect::Read`] is done.
    Read(FeedAnswer),
    /// The changes of [`Effect::Push`] are parsed and wait to be judged.
    TakenIn {
        /// The push.
        push: u64,
        /// The names of its changes.
        changes: Vec<ChangeHash>,
    },
    /// [`Effect::Push`] is done.
    Judged {
        /// The push.
        push: u64,
        /// Its verdicts.
        verdicts: Result<Vec<Verdict>, Unavailable>,
    },
    /// [`Effect::Ask`] is done.
    Answered {
        /// The question.
        ask: u64,
        /// The opinions.
        opinions: Vec<Opinion>,
    },
    /// There may be something new in the store.
    Woken,
    /// Time has passed in which a wake-up may have been lost.
    Beat,
    /// The session may not go on: its permission ended, or the host stops.
    Ended(Goodbye),
    /// The store failed.
    Failed,
    /// Time has passed.
    Tick,
}

/// What a session asks of its host.
#[derive(Debug)]
pub enum Effect {
    /// Check a token, and answer with [`Event::SignedIn`].
    SignIn(Secret),
    /// The token that was checked last is the one in force.
    Permit,
    /// Note that a device of the user was heard, and answer with [`Event::Noted`].
    Note {
        /// The user.
        user: UserId,
        /// The device.
        replica: ReplicaId,
        /// Name and version of its app.
        app: String,
    },
    /// Read as a user, and answer with [`Event::Read`].
    Read {
        /// The user.
        user: UserId,
        /// What to read.
        request: FeedRequest,
    },
    /// Parse and judge a push; answer with [`Event::TakenIn`], then [`Event::Judged`].
    Push {
        /// Its number.
        push: u64,
        /// The user.
        user: UserId,
        /// The device.
        replica: ReplicaId,
        /// What is pushed.
        groups: Vec<PushGroup>,
    },
    /// Parse and judge a question; answer with [`Event::Answered`].
    Ask {
        /// Its number.
        ask: u64,
        /// The user.
        user: UserId,
        /// The device.
        replica: ReplicaId,
        /// What is asked about.
        groups: Vec<PushGroup>,
    },
    /// Send a frame.
    Send(Vec<u8>),
    /// Note that the feed had something to send of which nobody told from one [`Event::Beat`] to the
    /// next: a wake-up was lost, or came before what it was about.
    Overslept,
    /// Ask the replica for a sign of life, below frames.
    Ping,
    /// Say goodbye, if there is anything to say, and close the connection.
    End(Option<Goodbye>),
}

/// A token, which must not come into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A user who may come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: UserId,
    /// Their role.
    pub role: Role,
    /// Sessions of the user besides this one.
    pub other_sessions: usize,
}

/// Whose a device is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceNoted {
    /// The user's; it is noted.
    Own,
    /// Another user's; nothing is noted.
    AnotherUsers,
}

/// What a session may send.
pub(super) fn session_limits() -> SessionLimits {
    SessionLimits {
        frame_bytes: limits::FRAME_BYTES as u64,
        inflated_bytes: limits::INFLATED_FRAME_BYTES as u64,
        changes_per_push: limits::CHANGES_PER_PUSH as u32,
        changes_per_group: limits::CHANGES_PER_GROUP as u32,
        change_bytes: limits::CHANGE_BYTES as u32,
        push_window: limits::PUSH_WINDOW as u32,
        feed_window: limits::FEED_WINDOW,
    }
}
