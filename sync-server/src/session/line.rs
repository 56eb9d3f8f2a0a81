//! A replica's socket: what comes is taken in also while something is being sent, so that a slow line
//! is told from a dead one.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use sync_core::hub::SILENT_FOR;
use sync_core::protocol::{Goodbye, ServerMessage};
use tokio::time::Instant;

use crate::traffic::Traffic;

/// Messages taken in while something is being sent; beyond that they wait in the socket.
const TAKEN_IN: usize = 8;
/// How often it is looked whether what is being sent moves.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What came.
pub(super) enum Incoming {
    /// A frame.
    Frame(Bytes),
    /// Something that is no frame.
    Heard,
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
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    taken_in: VecDeque<Incoming>,
    traffic: Traffic,
    /// What had come when it was last looked.
    received: u64,
}

impl Line {
    pub(super) fn new(socket: WebSocket, traffic: Traffic) -> Self {
        let (sink, stream) = socket.split();
        Self { sink, stream, taken_in: VecDeque::new(), traffic, received: 0 }
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
        let received = self.traffic.received();
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
        let Self { sink, stream, taken_in, traffic, .. } = self;
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
                    open = !matches!(incoming, Incoming::Closed);
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
    pub(super) async fn farewell(&mut self, goodbye: Option<Goodbye>) {
        if let Some(goodbye) = goodbye {
            let bytes = ServerMessage::Goodbye(goodbye).to_bytes();
            let _ = self.sink.send(Message::Binary(bytes.into())).await;
        }
        let _ = self.sink.send(Message::Close(None)).await;
        // What it still says is read and dropped: a socket closed with that unread would be reset,
        // and the goodbye might be lost.
        while let Some(Ok(_)) = self.stream.next().await {}
    }
}

fn incoming(message: Option<Result<Message, axum::Error>>) -> Incoming {
    match message {
        Some(Ok(Message::Binary(bytes))) => {
            metrics::counter!("sync_bytes_received_total").increment(bytes.len() as u64);
            Incoming::Frame(bytes)
        }
        Some(Ok(Message::Close(_)) | Err(_)) | None => Incoming::Closed,
        Some(Ok(_)) => Incoming::Heard,
    }
}
