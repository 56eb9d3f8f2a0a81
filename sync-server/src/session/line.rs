//! A replica's socket: what comes is taken in also while something is being sent, so that a slow line
//! is told from a dead one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sync_core::hub::{self, SILENT_FOR};
use sync_core::limits;
use sync_core::protocol::{FrameError, Goodbye, ServerMessage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::doors::Visit;
use crate::traffic::TooEarly;

/// Messages taken in while something is being sent; beyond that they wait in the socket.
const TAKEN_IN: usize = 8;
/// How often it is looked whether what is being sent moves.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What is asked of the system at once. Every socket has so much for good.
const READ_BUFFER: usize = 4 << 10;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What came.
pub(super) enum Incoming {
    /// A frame.
    Frame(Bytes),
    /// Something that is no frame.
    Heard,
    /// What ends a session.
    Garbled(Goodbye),
    /// The end.
    Closed,
}

/// How a message went out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The line took it as a whole.
    AtOnce,
    /// It took a while.
    Slowly,
}

/// The connection broke, or it took nothing for too long.
pub(super) struct Broken;

pub(super) struct Line {
    sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    taken_in: VecDeque<Incoming>,
    visit: Arc<Visit>,
    /// What had come when it was last looked.
    received: u64,
}

impl Line {
    pub(super) async fn new(upgraded: Upgraded, visit: Arc<Visit>) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(limits::FRAME_BYTES))
            .max_frame_size(Some(limits::FRAME_BYTES))
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(64 << 10)
            .max_write_buffer_size(2 * limits::INFLATED_FRAME_BYTES);
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let (sink, stream) = socket.split();
        Self { sink, stream, taken_in: VecDeque::new(), visit, received: 0 }
    }

    /// Waits for what comes next. Nothing is lost when the waiting is given up.
    pub(super) async fn next(&mut self) -> Incoming {
        match self.taken_in.pop_front() {
            Some(incoming) => incoming,
            None => incoming(self.stream.next().await),
        }
    }

    /// Whether any byte came since this was last asked.
    pub(super) fn moved(&mut self) -> bool {
        let received = self.visit.traffic().received();
        let moved = received != self.received;
        self.received = received;
        moved
    }

    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<Sent, Broken> {
        metrics::counter!("sync_bytes_sent_total").increment(bytes.len() as u64);
        self.send_message(Message::Binary(bytes.into())).await
    }

    pub(super) async fn ping(&mut self) -> Result<Sent, Broken> {
        self.send_message(Message::Ping(Bytes::new())).await
    }

    /// Sends for as long as bytes go out, however slowly.
    async fn send_message(&mut self, message: Message) -> Result<Sent, Broken> {
        let Self { sink, stream, taken_in, visit, .. } = self;
        let traffic = visit.traffic();
        let sending = sink.send(message);
        tokio::pin!(sending);
        let (mut sent, mut moved_at) = (traffic.sent(), Instant::now());
        let (mut open, mut how) = (true, Sent::AtOnce);
        loop {
            tokio::select! {
                biased;
                outcome = &mut sending => return outcome.map(|()| how).map_err(|_| Broken),
                message = stream.next(), if open && taken_in.len() < TAKEN_IN => {
                    let incoming = incoming(message);
                    open = !matches!(incoming, Incoming::Closed | Incoming::Garbled(_));
                    taken_in.push_back(incoming);
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    how = Sent::Slowly;
                    let now_sent = traffic.sent();
                    if now_sent != sent {
                        (sent, moved_at) = (now_sent, Instant::now());
                    } else if moved_at.elapsed() >= SILENT_FOR {
                        return Err(Broken);
                    }
                }
            }
        }
    }

    /// Says goodbye, if there is anything to say, and closes.
    pub(super) async fn farewell(self, goodbye: Option<Goodbye>, code: CloseCode) {
        let Self { mut sink, stream, visit, .. } = self;
        visit.traffic().end();
        if let Some(goodbye) = goodbye {
            let bytes = ServerMessage::Goodbye(goodbye).to_bytes();
            let _ = sink.send(Message::Binary(bytes.into())).await;
        }
        let close = CloseFrame { code, reason: Utf8Bytes::default() };
        let _ = sink.send(Message::Close(Some(close))).await;
        let Ok(socket) = sink.reunite(stream) else { return };
        let mut bytes = socket.into_inner();
        let _ = bytes.shutdown().await;
        // What it still says is read and dropped, be it the rest of a frame that is too long: a socket
        // closed with that unread would be reset, and the goodbye might be lost.
        let mut dropped = [0; READ_BUFFER];
        while matches!(bytes.read(&mut dropped).await, Ok(1..)) {}
    }
}

fn incoming(message: Option<Result<Message, Error>>) -> Incoming {
    match message {
        Some(Ok(Message::Binary(bytes))) => {
            metrics::counter!("sync_bytes_received_total").increment(bytes.len() as u64);
            Incoming::Frame(bytes)
        }
        Some(Ok(Message::Text(_))) => Incoming::Garbled(hub::garbled("text; messages are binary")),
        Some(Ok(Message::Close(_))) | None => Incoming::Closed,
        Some(Ok(_)) => Incoming::Heard,
        Some(Err(error)) => fault(error),
    }
}

/// What is said to somebody whose bytes are not what a WebSocket carries; nothing where there is
/// nobody any more.
fn fault(error: Error) -> Incoming {
    Incoming::Garbled(match error {
        Error::Capacity(CapacityError::MessageTooLong { size, .. }) => {
            hub::garbled(FrameError::TooLong(size))
        }
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return Incoming::Closed,
        Error::Protocol(error) => hub::garbled(error),
        Error::Utf8(_) => hub::garbled("text; messages are binary"),
        Error::Io(error) => {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<TooEarly>()) {
                Some(early) => hub::garbled(early),
                None => return Incoming::Closed,
            }
        }
        _ => return Incoming::Closed,
    })
}
