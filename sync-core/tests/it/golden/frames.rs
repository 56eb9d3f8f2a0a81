//! Frames say what they said, however they are packed.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde_json::Value as Json;
use sync_core::protocol::{ClientMessage, Compression, FrameError, ServerMessage};

use super::corpus::content::content;
use super::corpus::frames::payload;
use super::files::{list, unhex};
use super::wire;

/// One end's messages.
struct End<M> {
    file: &'static str,
    read: fn(&[u8]) -> Result<M, FrameError>,
    /// In every way in which this end packs.
    write: fn(&M) -> Vec<Vec<u8>>,
}

impl<M: PartialEq + Debug> End<M> {
    /// Every message, having been read from every frame and written again.
    fn messages(&self) -> Vec<M> {
        list(self.file).iter().map(|golden| self.message(golden)).collect()
    }

    fn message(&self, golden: &Json) -> M {
        let about = &golden["about"];
        let plain = unhex(&golden["plain"]);
        let message = (self.read)(&plain).unwrap();
        for form in ["zlib", "zstd"] {
            let frame = unhex(&golden[form]);
            assert_eq!((self.read)(&frame).as_ref(), Ok(&message), "{about}, {form}");
            assert_eq!(payload(&frame), plain[1..], "{about}, {form}");
        }
        // By a reader and a writer that share nothing with the engine's.
        assert_eq!(content(&plain[1..]), golden["content"], "{about}");
        let strange = wire::frame(&golden["content"]);
        assert_eq!((self.read)(&strange).as_ref(), Ok(&message), "{about}");
        for frame in (self.write)(&message) {
            assert_eq!(payload(&frame), plain[1..], "{about}");
        }
        message
    }
}

#[test]
fn every_frame_of_a_client_says_the_same_in_every_packing() {
    let end = End {
        file: "frames/client.json",
        read: ClientMessage::from_bytes,
        write: |message| vec![message.to_bytes()],
    };
    let word = |message: &ClientMessage| match message {
        ClientMessage::Hello(_) => "hello",
        ClientMessage::Push(_) => "push",
        ClientMessage::Ask(_) => "ask",
        ClientMessage::FeedAck(_) => "feed_ack",
        ClientMessage::Fetch(_) => "fetch",
        ClientMessage::Refresh(_) => "refresh",
        ClientMessage::Ping => "ping",
        // None of a name that this version does not know is in the corpus.
        ClientMessage::Unknown(_) => "unknown",
    };
    let said: BTreeSet<&str> = end.messages().iter().map(word).collect();
    let every = ["ask", "feed_ack", "fetch", "hello", "ping", "push", "refresh"];
    assert_eq!(said, BTreeSet::from(every));
}

#[test]
fn every_frame_of_a_server_says_the_same_in_every_packing() {
    let end = End {
        file: "frames/server.json",
        read: ServerMessage::from_bytes,
        write: |message| {
            vec![message.compressed(Compression::Zlib), message.compressed(Compression::Zstd)]
        },
    };
    let word = |message: &ServerMessage| match message {
        ServerMessage::Welcome(_) => "welcome",
        ServerMessage::Verdicts(_) => "verdicts",
        ServerMessage::Answer(_) => "answer",
        ServerMessage::Feed(_) => "feed",
        ServerMessage::Goodbye(_) => "goodbye",
        ServerMessage::Pong => "pong",
        ServerMessage::Unknown(_) => "unknown",
    };
    let said: BTreeSet<&str> = end.messages().iter().map(word).collect();
    let every = ["answer", "feed", "goodbye", "pong", "verdicts", "welcome"];
    assert_eq!(said, BTreeSet::from(every));
}
