//! What the two ends say.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bounded::at_most;
use super::frame::{Compression, Frame, FrameError, decode_frame, encode_frame};
use crate::cell::{Cell, Row};
use crate::error::Refusal;
use crate::ids::{Actor, UserId};
use crate::ids::{
    ChangeHash, FeedPosition, GroupId, Receipt, RecordId, ReplicaId, ScopeId, ServerEpoch,
};
use crate::limits;
use crate::role::Role;
use crate::time::UnixMs;

/// The version spoken.
pub const PROTOCOL_VERSION: u16 = 1;
/// The oldest version understood.
pub const PROTOCOL_MIN: u16 = 1;

/// Bytes on the wire as MessagePack `bin`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Blob(#[serde(with = "serde_bytes")] pub Vec<u8>);

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

macro_rules! bin_on_the_wire {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_bytes(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let bytes: serde_bytes::ByteBuf = Deserialize::deserialize(d)?;
                $name::from_slice(&bytes)
                    .ok_or_else(|| serde::de::Error::custom("wrong number of bytes"))
            }
        }
    )*};
}
bin_on_the_wire!(ChangeHash, Actor, Receipt);

/// Where a replica stands in its feed. Opaque to the replica: kept and given back.
pub type Cursor = Blob;

/// What a replica says in hello when it reads documents in their lean form.
pub const LEAN: &str = "lean";

/// First message of a session, from the replica.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Newest protocol version the replica speaks.
    pub protocol: u16,
    /// Oldest protocol version it speaks.
    pub protocol_min: u16,
    /// What tells the replica's tables from those of another schema.
    #[serde(default)]
    pub fingerprint: Blob,
    /// The user's token; here and never in the URL, where proxies would log it.
    pub token: String,
    /// The replica.
    pub replica: ReplicaId,
    /// Name and version of the app, for the operator's eyes.
    #[serde(default)]
    pub app: String,
    /// Where the feed ended last time; none at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// What the replica reads beyond what everybody does: `zstd` frames, `lean` documents; at most
    /// [`limits::READS_PER_HELLO`] words.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "at_most::<_, _, { limits::READS_PER_HELLO }>"
    )]
    pub reads: Vec<String>,
}

impl Hello {
    /// Checks what its types leave open.
    ///
    /// # Errors
    /// Names the field.
    #[cfg(feature = "hub")]
    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let fault = |fault: String| Err(FrameError::Field { message: "hello", fault });
        if !matches!(self.fingerprint.0.len(), 0 | 8) {
            let length = self.fingerprint.0.len();
            return fault(format!("fingerprint: invalid length {length}, expected 8 bytes"));
        }
        if self.app.len() > limits::APP_BYTES {
            let (length, most) = (self.app.len(), limits::APP_BYTES);
            return fault(format!("app: invalid length {length}, expected at most {most} bytes"));
        }
        Ok(())
    }
}

/// Without the token, which must not come into a log.
impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello")
            .field("protocol", &self.protocol)
            .field("replica", &self.replica)
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

/// The server's answer to `Hello`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version both will speak.
    pub protocol: u16,
    /// The signed-in user.
    pub user: UserId,
    /// Their role, from the users table.
    pub role: Role,
    /// The server's present life.
    pub epoch: ServerEpoch,
    /// The server's clock.
    pub now: UnixMs,
    /// What this session may send.
    pub limits: SessionLimits,
    /// Whether the replica already has everything, so that no feed batch follows.
    pub live: bool,
    /// What tells the tables that the server's rows are of from those of another schema. Only when it
    /// is the replica's own may the replica use the rows beside documents; otherwise it reads the
    /// documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Blob>,
}

/// The server's limits for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLimits {
    /// Longest frame, in bytes.
    pub frame_bytes: u64,
    /// Longest frame after inflation, in bytes.
    pub inflated_bytes: u64,
    /// Changes in one push.
    pub changes_per_push: u32,
    /// Changes in one group.
    pub changes_per_group: u32,
    /// Longest change, in bytes.
    pub change_bytes: u32,
    /// Pushes without a verdict.
    pub push_window: u32,
    /// Feed batches without an acknowledgement.
    pub feed_window: u32,
}

/// Changes from the replica; answered by `Verdicts` of the same number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// Chosen by the replica, counting up within a session.
    pub push: u64,
    /// Groups in the order in which they were made; at most [`limits::CHANGES_RECEIVED`].
    #[serde(deserialize_with = "at_most::<_, _, { limits::CHANGES_RECEIVED }>")]
    pub groups: Vec<PushGroup>,
}

/// Changes that are accepted or refused as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PushGroup {
    /// The group's name.
    pub group: GroupId,
    /// The head of the last feed batch that the replica had stored when it made the group: what was
    /// assigned to somebody else after that, the user had not heard of. None: nothing is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<FeedPosition>,
    /// Its changes, in the order in which they were made; at most [`limits::CHANGES_PER_GROUP`], and of
    /// what is offered back [`limits::CHANGES_PER_PUSH`].
    #[serde(deserialize_with = "at_most::<_, _, { limits::CHANGES_PER_PUSH }>")]
    pub items: Vec<PushItem>,
}

/// One change of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PushItem {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// The change: one plain, uncompressed Automerge change chunk.
    pub change: Blob,
    /// The receipt for it, when a server had accepted it and this one lacks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// Answer to a push: one verdict a change, in any order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    /// The push's number.
    pub push: u64,
    /// What became of each change.
    pub verdicts: Vec<Verdict>,
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The change. For bytes that are no change, the SHA-256 of the bytes as pushed.
    pub hash: ChangeHash,
    /// Accepted or refused.
    #[serde(flatten)]
    pub outcome: VerdictOutcome,
    /// The receipt for it, if it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// Accepted or refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictOutcome {
    /// Durable, merged and in the reports, at this position.
    Accepted(FeedPosition),
    /// Not stored, for this reason.
    Refused(Refusal),
}

/// What would become of changes, were they pushed now? Answered by `Answer` of the same number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Chosen by the replica, counting up within a session.
    pub ask: u64,
    /// Groups as a push would have them: what is asked about, and before it what it builds on.
    #[serde(deserialize_with = "at_most::<_, _, { limits::CHANGES_RECEIVED }>")]
    pub groups: Vec<PushGroup>,
}

/// Answer to a question: one opinion a change, in any order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's number.
    pub ask: u64,
    /// What would become of each change.
    pub opinions: Vec<Opinion>,
}

/// What would become of one change. No [`Verdict`], so that nobody can take it for one: nothing was
/// stored, and there is no position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// The change, named as in a verdict.
    pub hash: ChangeHash,
    /// What it would be.
    pub would_be: OpinionOutcome,
}

/// Accepted or refused, if it were pushed now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpinionOutcome {
    /// Everything would take it.
    Accepted,
    /// It would be refused, for this reason.
    Refused(Refusal),
}

/// A part of the feed, from the server.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct FeedBatch {
    /// Where the feed stands once this batch is stored.
    pub cursor: Cursor,
    /// What changed, in the order of positions.
    #[serde(default)]
    pub items: Vec<FeedItem>,
    /// Scopes that the user no longer sees: erase what hangs from them, before the items are stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evict: Vec<AccessNotice>,
    /// Scopes that the user sees and may not have seen before; what hangs from them comes whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant: Vec<AccessNotice>,
    /// Records that left what the user sees, while what they hung from is still seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evict_records: Vec<RecordId>,
    /// The only scopes the user sees, when everything else is to be erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_only: Option<Vec<ScopeId>>,
    /// Whether the feed begins anew, since the cursor of `Hello` was not taken: from here on everything
    /// that the user sees comes whole, and what has not come by the end is not theirs to see.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anew: bool,
    /// Whether the replica then has everything there was.
    #[serde(default)]
    pub live: bool,
    /// The server's clock when it looked: everything up to here is in this batch, in earlier ones, or
    /// still to come. A replica that is live, and past the positions of its own changes, is done.
    #[serde(default)]
    pub head: FeedPosition,
    /// How many `Fetch` messages are answered by this batch and those before it.
    #[serde(default)]
    pub fetches: u64,
    /// Records still to come, as far as the server has counted; for a progress bar.
    #[serde(default)]
    pub remaining: u64,
}

/// Why a scope is no longer seen, or seen from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessNotice {
    /// The scope.
    pub scope: ScopeId,
    /// Why, for a person.
    pub reason: String,
}

/// One record of a feed batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedItem {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// The scope it hangs from.
    pub scope: ScopeId,
    /// The whole document, as saved by Automerge. From the server only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Blob>,
    /// Changes that the replica may lack, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Blob>,
    /// A receipt for each change, or for each head of the whole document in the order of their hashes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
    /// Its row beside a snapshot, in the order of the kind's columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<Row>,
    /// A row that only the server writes, by field name. There is no document then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<BTreeMap<String, Cell>>,
}

/// The replica has stored feed batches: the server may send as many more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedAck {
    /// Batches stored since the last acknowledgement.
    pub batches: u32,
}

/// The replica lacks records that the feed spoke of; the server sends their snapshots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fetch {
    /// The records; at most [`limits::RECORDS_PER_FETCH`].
    #[serde(deserialize_with = "at_most::<_, _, { limits::RECORDS_PER_FETCH }>")]
    pub records: Vec<RecordId>,
}

/// A newer token within a session.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Refresh {
    /// The token.
    pub token: String,
}

/// Without the token, which must not come into a log.
impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresh").finish_non_exhaustive()
    }
}

/// The server's last message before it closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goodbye {
    /// Stable; see [`GoodbyeCode`].
    pub code: String,
    /// What happened and what to do.
    pub sentence: String,
    /// When to try again, in milliseconds from now; none when trying again is of no use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

macro_rules! goodbye_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Why the server closes a session. Append-only.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum GoodbyeCode { $($(#[$doc])* $variant,)* }
        impl GoodbyeCode {
            /// The word on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text,)* } }
            /// Reads the word on the wire.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

goodbye_codes! {
    /// The token is no good: wrong signature, wrong algorithm, no user. Sign in again.
    BadToken = "bad_token",
    /// The token has run out. Get a new one.
    ExpiredToken = "expired_token",
    /// The user was disabled. Erase what the device holds, keep unsent edits, ask an administrator.
    Disabled = "disabled",
    /// The replica's protocol is too old. Update the app; its data stays.
    TooOld = "too_old",
    /// The replica broke the protocol. Update the app.
    Protocol = "protocol",
    /// Too many sockets or frames. Wait.
    RateLimited = "rate_limited",
    /// The server is going down or overloaded. Try again.
    Unavailable = "unavailable",
    /// The replica belongs to another user.
    WrongUser = "wrong_user",
    /// Another session of the same device began; this one gave it its place.
    Replaced = "replaced",
}

/// What a replica says.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// Opens the session.
    Hello(Hello),
    /// Sends changes.
    Push(Push),
    /// Asks what would become of changes.
    Ask(Ask),
    /// Lets the feed go on.
    FeedAck(FeedAck),
    /// Asks for records.
    Fetch(Fetch),
    /// Brings a newer token.
    Refresh(Refresh),
    /// Says that it is still there; the server answers with `Pong`.
    Ping,
    /// A message of a newer version; ignored.
    Unknown(String),
}

/// What the server says.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage {
    /// Accepts the session.
    Welcome(Welcome),
    /// Judges a push.
    Verdicts(Verdicts),
    /// Answers a question.
    Answer(Answer),
    /// Brings what changed.
    Feed(FeedBatch),
    /// Ends the session.
    Goodbye(Goodbye),
    /// Says that it is still there: the answer to `Ping`, and sent when nothing else was for a while.
    Pong,
    /// A message of a newer version; ignored.
    Unknown(String),
}

/// The body of a message that says nothing but its name; a newer version may put something in.
#[derive(Serialize)]
struct Empty {}

fn pack(name: &str, body: &impl Serialize) -> Frame {
    let mut out = Vec::with_capacity(256);
    rmp::encode::write_array_len(&mut out, 2).expect("BUG: writing to memory cannot fail");
    rmp::encode::write_str(&mut out, name).expect("BUG: writing to memory cannot fail");
    // Maps by field name rather than arrays: an older reader skips what it does not know.
    let mut serializer = rmp_serde::Serializer::new(&mut out).with_struct_map();
    body.serialize(&mut serializer).expect("BUG: our messages serialise");
    Frame(out)
}

fn unpack(frame: &Frame) -> Result<(&str, &[u8]), FrameError> {
    let mut rest = frame.0.as_slice();
    let length = rmp::decode::read_array_len(&mut rest).map_err(|_| FrameError::Malformed)?;
    if length < 2 {
        return Err(FrameError::Malformed);
    }
    rmp::decode::read_str_from_slice(rest).map_err(|_| FrameError::Malformed)
}

fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FrameError> {
    rmp_serde::from_slice(bytes).map_err(|_| FrameError::Malformed)
}

/// Reads the body of a message from a replica; a fault names its field, for whoever writes a client.
fn said<T: DeserializeOwned>(message: &'static str, bytes: &[u8]) -> Result<T, FrameError> {
    rmp_serde::from_slice(bytes).or_else(|_| {
        let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            // What a stranger calls its fields is no text for a log.
            let fault: String = error.to_string().chars().take(200).collect();
            FrameError::Field { message, fault }
        })
    })
}

impl ClientMessage {
    /// Packs the message as one frame's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let frame = match self {
            Self::Hello(m) => pack("hello", m),
            Self::Push(m) => pack("push", m),
            Self::Ask(m) => pack("ask", m),
            Self::FeedAck(m) => pack("feed_ack", m),
            Self::Fetch(m) => pack("fetch", m),
            Self::Refresh(m) => pack("refresh", m),
            Self::Ping => pack("ping", &Empty {}),
            Self::Unknown(name) => pack(name, &()),
        };
        encode_frame(&frame, Compression::Zlib)
    }

    /// Reads a frame that came from a replica.
    ///
    /// # Errors
    /// When the frame or the message in it is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        Self::weighed(bytes).map(|(message, _)| message)
    }

    /// Reads a frame that came from a replica, and says how many bytes it inflated to.
    ///
    /// # Errors
    /// When the frame or the message in it is malformed.
    pub fn weighed(bytes: &[u8]) -> Result<(Self, usize), FrameError> {
        Self::read(bytes, limits::INFLATED_FRAME_BYTES)
    }

    /// Reads the first frame that came from a replica, of which nobody knows yet whose it is: it
    /// inflates to no more than a hello needs.
    ///
    /// # Errors
    /// When the frame or the message in it is malformed.
    pub fn first_from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        Self::read(bytes, limits::EARLY_BYTES).map(|(message, _)| message)
    }

    fn read(bytes: &[u8], inflated_cap: usize) -> Result<(Self, usize), FrameError> {
        let frame = decode_frame(bytes, limits::FRAME_BYTES, inflated_cap)?;
        let (name, rest) = unpack(&frame)?;
        let message = match name {
            "hello" => Self::Hello(said("hello", rest)?),
            "push" => Self::Push(said("push", rest)?),
            "ask" => Self::Ask(said("ask", rest)?),
            "feed_ack" => Self::FeedAck(said("feed_ack", rest)?),
            "fetch" => Self::Fetch(said("fetch", rest)?),
            "refresh" => Self::Refresh(said("refresh", rest)?),
            "ping" => Self::Ping,
            other => Self::Unknown(other.chars().take(64).collect()),
        };
        Ok((message, frame.0.len()))
    }
}

impl ServerMessage {
    /// Packs the message as one frame's bytes, for whoever reads nothing but what all read.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.compressed(Compression::Zlib)
    }

    /// Packs the message as one frame's bytes, in the way agreed with its reader.
    pub fn compressed(&self, compression: Compression) -> Vec<u8> {
        let frame = match self {
            Self::Welcome(m) => pack("welcome", m),
            Self::Verdicts(m) => pack("verdicts", m),
            Self::Answer(m) => pack("answer", m),
            Self::Feed(m) => pack("feed", m),
            Self::Goodbye(m) => pack("goodbye", m),
            Self::Pong => pack("pong", &Empty {}),
            Self::Unknown(name) => pack(name, &()),
        };
        encode_frame(&frame, compression)
    }

    /// Reads a frame that came from the server.
    ///
    /// # Errors
    /// When the frame or the message in it is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        // The server's frames may be as long as what they inflate to: one huge document.
        let frame =
            decode_frame(bytes, limits::INFLATED_FRAME_BYTES, limits::INFLATED_FRAME_BYTES)?;
        let (name, rest) = unpack(&frame)?;
        Ok(match name {
            "welcome" => Self::Welcome(body(rest)?),
            "verdicts" => Self::Verdicts(body(rest)?),
            "answer" => Self::Answer(body(rest)?),
            "feed" => Self::Feed(body(rest)?),
            "goodbye" => Self::Goodbye(body(rest)?),
            "pong" => Self::Pong,
            other => Self::Unknown(other.chars().take(64).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::error::RefusalCode;

    #[test]
    fn every_message_reads_back_as_it_was() {
        let verdicts = ServerMessage::Verdicts(Verdicts {
            push: 7,
            verdicts: vec![
                Verdict {
                    hash: ChangeHash([3; 32]),
                    outcome: VerdictOutcome::Accepted(FeedPosition(42)),
                    receipt: Some(Receipt([8; 8])),
                },
                Verdict {
                    hash: ChangeHash([4; 32]),
                    outcome: VerdictOutcome::Refused(Refusal::new(RefusalCode::Denied, "no")),
                    receipt: None,
                },
            ],
        });
        assert_eq!(ServerMessage::from_bytes(&verdicts.to_bytes()), Ok(verdicts));
        let feed = ServerMessage::Feed(FeedBatch {
            cursor: Blob(vec![1, 2]),
            items: vec![FeedItem {
                record: RecordId(uuid::Uuid::from_u128(5)),
                kind: "organization".into(),
                scope: ScopeId::EVERYONE,
                snapshot: Some(Blob(vec![9; 700])),
                changes: Vec::new(),
                receipts: vec![Receipt([7; 8])],
                row: Some(vec![
                    Cell::Text("a".into()),
                    Cell::Null,
                    Cell::Int(-3),
                    Cell::Float(1.5),
                    Cell::Bool(true),
                    Cell::List(vec!["x".into()]),
                ]),
                fields: Some([("name".to_owned(), Cell::Text("b".into()))].into()),
            }],
            ..FeedBatch::default()
        });
        assert_eq!(ServerMessage::from_bytes(&feed.to_bytes()), Ok(feed));
    }

    #[test]
    fn a_question_and_its_answer_read_back_as_they_were() {
        let item = PushItem {
            record: RecordId(uuid::Uuid::from_u128(5)),
            kind: "organization".into(),
            change: Blob(vec![9; 90]),
            receipt: Some(Receipt([6; 8])),
        };
        let group = PushGroup {
            group: GroupId(uuid::Uuid::from_u128(6)),
            seen: Some(FeedPosition(7)),
            items: vec![item],
        };
        let ask = ClientMessage::Ask(Ask { ask: 3, groups: vec![group] });
        assert_eq!(ClientMessage::from_bytes(&ask.to_bytes()), Ok(ask));
        let refusal = Refusal::new(RefusalCode::Denied, "no");
        let answer = ServerMessage::Answer(Answer {
            ask: 3,
            opinions: vec![
                Opinion { hash: ChangeHash([3; 32]), would_be: OpinionOutcome::Accepted },
                Opinion { hash: ChangeHash([4; 32]), would_be: OpinionOutcome::Refused(refusal) },
            ],
        });
        assert_eq!(ServerMessage::from_bytes(&answer.to_bytes()), Ok(answer));
    }

    /// A client that took the absence of a refusal, or a word that it does not know, for consent
    /// would promise what nobody said.
    #[test]
    fn an_opinion_without_a_known_outcome_is_malformed() {
        #[derive(Serialize)]
        struct Odd {
            hash: ChangeHash,
            #[serde(skip_serializing_if = "Option::is_none")]
            would_be: Option<&'static str>,
        }
        #[derive(Serialize)]
        struct OddAnswer {
            ask: u64,
            opinions: Vec<Odd>,
        }
        let answer = |would_be| {
            let opinions = vec![Odd { hash: ChangeHash([3; 32]), would_be }];
            let body = OddAnswer { ask: 1, opinions };
            ServerMessage::from_bytes(&encode_frame(&pack("answer", &body), Compression::Zlib))
        };
        assert!(matches!(answer(Some("accepted")), Ok(ServerMessage::Answer(_))));
        for would_be in [None, Some("doubtful"), Some("refused")] {
            assert_eq!(answer(would_be), Err(FrameError::Malformed));
        }
    }

    #[test]
    fn a_message_of_a_newer_version_is_unknown_and_no_error() {
        let bytes = ClientMessage::Unknown("teleport".into()).to_bytes();
        assert_eq!(
            ClientMessage::from_bytes(&bytes),
            Ok(ClientMessage::Unknown("teleport".into()))
        );
    }

    #[test]
    fn truncated_messages_are_malformed_and_never_panic() {
        let bytes = ClientMessage::FeedAck(FeedAck { batches: 3 }).to_bytes();
        for end in 0..bytes.len() {
            assert!(ClientMessage::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
