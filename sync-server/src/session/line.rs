//! A replica's socket: what comes is taken in also while something is being sent or looked up, so that a
//! slow line is told from a dead one, and a dead one is noticed whatever the server is at.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sync_core::hub::{self, PING_EVERY};
use sync_core::limits;
use sync_core::protocol::{FrameError, Goodbye, ServerMessage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::ends;
use super::frames::{Frames, TooMany};
use super::signs::{Life, Sending};
use crate::doors::Visit;
use crate::traffic::TooEarly;

/// Messages taken in while something is being sent; beyond that they wait in the socket.
const TAKEN_IN: usize = 8;
/// How often it is looked whether what is being sent moves.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What is asked of the system at once. Every socket has so much for good.
const READ_BUFFER: usize = 4 << 10;

type Socket = WebSocketStream<Frames<TokioIo<Upgraded>>>;

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

/// The connection broke, or the other end showed no sign of life for too long.
pub(super) struct Broken;

pub(super) struct Line {
    sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    taken_in: VecDeque<Incoming>,
    visit: Arc<Visit>,
    life: Life,
}

impl Line {
    pub(super) async fn new(upgraded: Upgraded, visit: Arc<Visit>) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(limits::FRAME_BYTES))
            .max_frame_size(Some(limits::FRAME_BYTES))
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(64 << 10)
            .max_write_buffer_size(2 * limits::INFLATED_FRAME_BYTES);
        let io = Frames::of(TokioIo::new(upgraded));
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let (sink, stream) = socket.split();
        let life = Life::begins(Instant::now());
        Self { sink, stream, taken_in: VecDeque::new(), visit, life }
    }

    /// Waits for what comes next. Nothing is lost when the waiting is given up.
    pub(super) async fn next(&mut self) -> Incoming {
        match self.taken_in.pop_front() {
            Some(incoming) => incoming,
            None => incoming(self.stream.next().await),
        }
    }

    /// When the other end last showed a sign of life.
    pub(super) fn lived(&mut self) -> Instant {
        self.life.heard(self.visit.traffic().heard());
        self.life.last()
    }

    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        metrics::counter!("sync_bytes_sent_total").increment(bytes.len() as u64);
        self.send_message(Message::Binary(bytes.into())).await
    }

    pub(super) async fn ping(&mut self) -> Result<(), Broken> {
        self.send_message(Message::Ping(Bytes::new())).await
    }

    /// Sends for as long as the other end lives, however slowly.
    async fn send_message(&mut self, message: Message) -> Result<(), Broken> {
        let Self { sink, stream, taken_in, visit, life } = self;
        let traffic = visit.traffic();
        let sending = sink.send(message);
        tokio::pin!(sending);
        let (mut open, mut gone_out) = (true, Sending::default());
        loop {
            tokio::select! {
                biased;
                outcome = &mut sending => return outcome.map_err(|_| Broken),
                message = stream.next(), if open && taken_in.len() < TAKEN_IN => {
                    open = take_in(taken_in, message);
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    life.heard(traffic.heard());
                    life.look(&mut gone_out, traffic.sent(), Instant::now());
                    if life.ends() <= Instant::now() {
                        return Err(Broken);
                    }
                }
            }
        }
    }

    /// Waits for something that has nothing to do with the line, and goes on listening meanwhile. The
    /// other end is asked whether it is there, and hears by that that we are.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Broken> {
        let Self { sink, stream, taken_in, visit, life } = self;
        let mut work = Box::pin(work);
        let (mut open, mut ping_at) = (true, Instant::now() + PING_EVERY);
        loop {
            let listens = open && taken_in.len() < TAKEN_IN;
            life.heard(visit.traffic().heard());
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                message = stream.next(), if listens => open = take_in(taken_in, message),
                () = tokio::time::sleep_until(ping_at) => {
                    ping_at += PING_EVERY;
                    // Where it does not fit, there is something on the way that says the same.
                    let _ = sink.send(Message::Ping(Bytes::new())).now_or_never();
                }
                () = tokio::time::sleep_until(life.ends()), if listens => {
                    life.heard(visit.traffic().heard());
                    if life.ends() <= Instant::now() {
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

/// Takes a message in; whether more may come.
fn take_in(taken_in: &mut VecDeque<Incoming>, message: Option<Result<Message, Error>>) -> bool {
    let incoming = incoming(message);
    let open = !matches!(incoming, Incoming::Closed | Incoming::Garbled(_));
    taken_in.push_back(incoming);
    open
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
        Error::Io(error) => match error.get_ref() {
            Some(inner) if inner.is::<TooMany>() => ends::hurried(),
            Some(inner) if inner.is::<TooEarly>() => hub::garbled(inner),
            _ => return Incoming::Closed,
        },
        _ => return Incoming::Closed,
    })
}
