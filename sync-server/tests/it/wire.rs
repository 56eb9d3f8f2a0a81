//! The protocol spoken by hand: a socket that says what no replica of ours would.

use std::time::Duration;

use client_sdk::Client;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use sync_core::ids::{RecordId, ReplicaId};
use sync_core::protocol::{
    Ask, Blob, ClientMessage, FeedAck, FeedBatch, Goodbye, Hello, Opinion, PROTOCOL_MIN,
    PROTOCOL_VERSION, Push, PushGroup, ServerMessage, Verdict, Welcome,
};
use sync_server::ops::people;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::token_until;

/// Long enough for any answer; running into it means that none comes.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// What a fresh device of a user says first.
pub(crate) fn hello(token: String) -> Hello {
    Hello {
        protocol: PROTOCOL_VERSION,
        protocol_min: PROTOCOL_MIN,
        fingerprint: Blob::default(),
        token,
        replica: ReplicaId(people::new_id()),
        app: "by hand".into(),
        cursor: None,
        reads: Vec::new(),
    }
}

/// The outbox of a device, as it would push it, and a line on which its hello was said.
pub(crate) async fn outbox(url: &str, device: &Client) -> (Line, Vec<PushGroup>) {
    let token = token_until(device.user().0, 3600);
    let mut line = Line::silent(url).await;
    line.say_bytes(device.with_replica(|replica, _| replica.connect(&token, "test")).unwrap())
        .await;
    let Some(welcome @ ServerMessage::Welcome(_)) = line.next().await else { panic!("no welcome") };
    device.with_replica(|replica, env| replica.handle_frame(&welcome.to_bytes(), env)).unwrap();
    let frame =
        device.with_replica(|replica, _| replica.poll_push()).unwrap().expect("something waits");
    device.with_replica(|replica, _| replica.disconnected(None));
    let ClientMessage::Push(push) = ClientMessage::from_bytes(&frame).unwrap() else {
        panic!("no push")
    };
    (line, push.groups)
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One socket, and everything that came down it. It is read all the while, as every client does:
/// one that answers no ping is taken for gone.
pub(crate) struct Line {
    socket: SplitSink<Socket, Message>,
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
    reader: tokio::task::JoinHandle<()>,
    pushes: u64,
    /// The feed batches, in order.
    pub(crate) batches: Vec<FeedBatch>,
}

/// Whoever drops a line closes its socket.
impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Line {
    /// A socket on which nothing was said.
    pub(crate) async fn silent(url: &str) -> Self {
        let (socket, _) = connect_async(url).await.unwrap();
        let (socket, mut stream) = socket.split();
        let (say, heard) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if let Message::Binary(bytes) = message
                    && say.send(bytes.to_vec()).is_err()
                {
                    return;
                }
            }
        });
        Self { socket, heard, reader, pushes: 0, batches: Vec::new() }
    }

    /// A socket on which this hello was said, and what the server answered.
    pub(crate) async fn greeted(url: &str, hello: Hello) -> (Self, Result<Welcome, Goodbye>) {
        let mut line = Self::silent(url).await;
        line.say(&ClientMessage::Hello(hello)).await;
        let answer = match line.next().await {
            Some(ServerMessage::Welcome(welcome)) => Ok(welcome),
            Some(ServerMessage::Goodbye(goodbye)) => Err(goodbye),
            other => panic!("the answer to hello is {other:?}"),
        };
        (line, answer)
    }

    pub(crate) async fn say(&mut self, message: &ClientMessage) {
        self.say_bytes(message.to_bytes()).await;
    }

    /// Says bytes that need not be a message. A socket that the server closed by now is no error:
    /// what it said before that is still to be read.
    pub(crate) async fn say_bytes(&mut self, bytes: Vec<u8>) {
        let _ = self.socket.send(Message::Binary(bytes.into())).await;
    }

    /// The next message, noted if it is of the feed; none once the server closed the socket.
    pub(crate) async fn next(&mut self) -> Option<ServerMessage> {
        let next = tokio::time::timeout(ANSWER_WITHIN, self.heard.recv()).await;
        let message = ServerMessage::from_bytes(&next.expect("the server answers in time")?);
        let message = message.unwrap();
        if let ServerMessage::Feed(batch) = &message {
            self.batches.push(batch.clone());
            self.say(&ClientMessage::FeedAck(FeedAck { batches: 1 })).await;
        }
        Some(message)
    }

    /// Pushes groups and waits for their verdicts, or for the goodbye.
    pub(crate) async fn push(&mut self, groups: Vec<PushGroup>) -> Result<Vec<Verdict>, Goodbye> {
        self.pushes += 1;
        let push = self.pushes;
        self.say(&ClientMessage::Push(Push { push, groups })).await;
        loop {
            match self.next().await {
                Some(ServerMessage::Verdicts(verdicts)) if verdicts.push == push => {
                    return Ok(verdicts.verdicts);
                }
                Some(ServerMessage::Goodbye(goodbye)) => return Err(goodbye),
                Some(_) => {}
                None => panic!("the socket was closed without a word"),
            }
        }
    }

    /// Asks about groups and waits for the answer, or for the goodbye.
    pub(crate) async fn ask(&mut self, groups: Vec<PushGroup>) -> Result<Vec<Opinion>, Goodbye> {
        self.pushes += 1;
        let ask = self.pushes;
        self.say(&ClientMessage::Ask(Ask { ask, groups })).await;
        loop {
            match self.next().await {
                Some(ServerMessage::Answer(answer)) if answer.ask == ask => {
                    return Ok(answer.opinions);
                }
                Some(ServerMessage::Goodbye(goodbye)) => return Err(goodbye),
                Some(_) => {}
                None => panic!("the socket was closed without a word"),
            }
        }
    }

    /// Reads until the server says goodbye; none when it closes the socket without a word.
    pub(crate) async fn goodbye(&mut self) -> Option<Goodbye> {
        loop {
            if let ServerMessage::Goodbye(goodbye) = self.next().await? {
                return Some(goodbye);
            }
        }
    }

    /// Reads until the server has nothing more to send and answered so many fetches.
    pub(crate) async fn until_live(&mut self, fetches: u64) {
        while self.batches.last().is_none_or(|last| !last.live || last.fetches < fetches) {
            assert!(self.next().await.is_some(), "the socket was closed amid the feed");
        }
    }

    /// Every record that came down.
    pub(crate) fn records(&self) -> impl Iterator<Item = RecordId> + '_ {
        self.batches.iter().flat_map(|batch| {
            batch.items.iter().map(|item| item.record).chain(batch.evict_records.iter().copied())
        })
    }
}
