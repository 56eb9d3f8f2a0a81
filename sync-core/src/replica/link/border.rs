//! What a link is told and what it asks for. All of it can cross the border of a worker.

use serde::{Deserialize, Serialize};

use super::super::opinion::WouldBe;
use super::super::redated::Redated;
use super::super::status::LinkState;
use super::fault::LinkFault;
use super::timing::{SteadyMs, Timing};
use crate::error::Refusal;
use crate::ids::ChangeHash;

/// How a link is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkOptions {
    /// Name and version of the app, for the operator's eyes.
    pub app: String,
    /// The server's address, for messages.
    pub server: String,
    /// Whether the source may have another token later.
    pub tokens: Tokens,
    /// The intervals.
    pub timing: Timing,
}

/// Whether a source may have another token later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// There is one and will be no other.
    Fixed,
    /// There may be a newer one.
    Renewable,
}

/// For how long the app wants the link.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Until everything was sent and received; a failure ends it.
    Once,
    /// From now on; after a failure that may pass it tries again.
    Always,
}

/// Names one connection, so that the last words of an old one are not taken for those of a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dial(pub u32);

/// Names a question of the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QuestionId(pub u64);

/// What happened to a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkEvent {
    /// The app wants to sync. While the link rests after a failure, it tries again at once.
    Wanted(Wanted),
    /// The app wants no connection any more.
    NotWanted,
    /// The answer to [`LinkEffect::FetchToken`].
    Token(Result<String, LinkFault>),
    /// A connection was made.
    Connected(Dial),
    /// A frame came: one binary message.
    Frame {
        /// The connection.
        dial: Dial,
        /// The frame.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// So many bytes came, of whatever they are a part. A frame is announced in this way as well
    /// where the host can count: a long one takes its time on a thin line, and is no silence.
    Received {
        /// The connection.
        dial: Dial,
        /// How many.
        bytes: u64,
    },
    /// The connection ended, or could not be made.
    Closed {
        /// The connection.
        dial: Dial,
        /// Why, in the system's words.
        reason: String,
    },
    /// Time passed: the moment of [`LinkEffect::WakeAt`] came.
    Tick,
    /// The replica was edited.
    Edited,
    /// Another process wrote to the file.
    ForeignWrite,
    /// The file cannot be used any more, as one that was replaced under its name: there is nothing to
    /// connect for.
    FileLost(LinkFault),
}

/// What a link asks of its host, or tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkEffect {
    /// Fetch the user's present token and give it in [`LinkEvent::Token`].
    FetchToken,
    /// Make a connection of this name. There is no other one at this time.
    Connect(Dial),
    /// Send a frame.
    Send {
        /// The connection.
        dial: Dial,
        /// The frame.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Close the connection, or stop making it. Nothing more is heard of it. It comes also after
    /// [`LinkEvent::Closed`], so that the host lets go of whatever it holds.
    Close(Dial),
    /// Send [`LinkEvent::Tick`] at this moment; earlier requests of this sort are void.
    WakeAt(SteadyMs),
    /// Rows of these tables changed by what came in.
    RowsChanged(Vec<String>),
    /// The status is another one.
    Status(LinkStatus),
    /// Something that a user may want to know.
    Notice(Notice),
    /// What was wanted has come to its end.
    Ended {
        /// What was wanted.
        wanted: Wanted,
        /// How it ended.
        outcome: Outcome,
    },
}

/// How a link stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Whether it talks to a server.
    pub state: LinkState,
    /// When it tries again, if it rests after a failure.
    pub retry_at: Option<SteadyMs>,
    /// The last failure, as long as no session stands.
    pub fault: Option<LinkFault>,
}

/// How something that was wanted came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything was sent and received.
    CaughtUp,
    /// The app wants it no more.
    Stopped,
    /// It failed.
    Failed(LinkFault),
}

/// Something that a user may want to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A session stands: the server took the token.
    Connected,
    /// Accounts came to this device because their user sees them from now on; the reasons.
    Granted(Vec<String>),
    /// Records were erased because their user no longer sees them; the reasons.
    Evicted(Vec<String>),
    /// Changes were refused and stand in quarantine.
    Refused(Vec<(ChangeHash, Refusal)>),
    /// Moments that edits of this device said were changed, since a clock was wrong.
    Redated(Vec<Redated>),
    /// Records still to come in the first sync.
    Remaining(u64),
    /// A push was sent, of one edit or many.
    Pushed,
    /// A question was answered.
    Answered {
        /// Its name.
        question: QuestionId,
        /// Whether the edit would be refused.
        would_be: WouldBe,
    },
    /// The session failed and is tried again.
    Retrying {
        /// Why it failed.
        fault: LinkFault,
        /// How long until then.
        in_ms: u64,
    },
    /// The server does not take the token, and the link waits for another one.
    WaitsForToken(LinkFault),
}
