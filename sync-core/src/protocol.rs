//! Frames and messages: the only place that knows bytes on the wire.
//!
//! A frame is one WebSocket binary message: one byte that says how the rest is packed, then one
//! MessagePack array of two, `[name, body]`. A message whose name this version does not know is
//! `Unknown` and ignored; fields that it does not know are skipped. `docs/PROTOCOL.md` specifies
//! both so that a stranger can write a client.
//!
//! Knows nothing of documents: changes and snapshots are bytes here.

mod bounded;
mod frame;
mod message;

pub use frame::{Compression, Frame, FrameError, decode_frame, encode_frame, inflated_length};
pub use message::{
    AccessNotice, Answer, Ask, Blob, ClientMessage, Cursor, FeedAck, FeedBatch, FeedItem, Fetch,
    Goodbye, GoodbyeCode, Hello, LEAN, Opinion, OpinionOutcome, PROTOCOL_MIN, PROTOCOL_VERSION,
    Push, PushGroup, PushItem, Refresh, ServerMessage, SessionLimits, Verdict, VerdictOutcome,
    Verdicts, Welcome,
};
