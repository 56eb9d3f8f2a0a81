//! Sockets that mean no good, of every sort.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sync_core::document::{self, Pen, PenRole, RecordEdit};
use sync_core::ids::{Actor, EventId, GroupId, RecordId, ReplicaId, UserId};
use sync_core::protocol::{
    Ask, Blob, ClientMessage, Hello, PROTOCOL_MIN, PROTOCOL_VERSION, Push, PushGroup, PushItem,
};
use sync_core::time::UnixMs;
use sync_core::{crm, limits};
use sync_server::ops::people::new_id;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

/// What a socket does that means no good.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Sort {
    /// Connects and says nothing.
    Silent,
    /// Says half the header of a request.
    HalfHeader,
    /// Opens a WebSocket and says a part of a frame.
    HalfFrame,
    /// Opens a WebSocket and says the first parts of a message, again and again, and never the last.
    UnfinishedMessage,
    /// Says hello with a token that nobody signed.
    BadHello,
    /// Asks for a path that is not there, by a method that there is not.
    InventedMethod,
    /// Says hello with a sound token, and reads and acknowledges nothing.
    NeverAcknowledges,
    /// Says hello with a sound token, and pushes and asks as much at once as it may: long texts, of
    /// which each character is an operation.
    Greedy,
}

impl Sort {
    pub(crate) const ALL: [Self; 8] = [
        Self::Silent,
        Self::HalfHeader,
        Self::HalfFrame,
        Self::UnfinishedMessage,
        Self::BadHello,
        Self::InventedMethod,
        Self::NeverAcknowledges,
        Self::Greedy,
    ];
}

/// Connects from an address of this machine; each number has one of its own.
pub(crate) async fn connect(to: SocketAddr, from: u16) -> std::io::Result<TcpStream> {
    let [high, low] = from.to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 1, high, low), 0).into())?;
    socket.connect(to).await
}

/// Opens a WebSocket on a connection.
pub(crate) async fn upgrade(
    stream: TcpStream,
) -> Result<WebSocketStream<TcpStream>, tokio_tungstenite::tungstenite::Error> {
    let url = format!("ws://{}/sync", stream.peer_addr()?);
    Ok(tokio_tungstenite::client_async(url, stream).await?.0)
}

/// The header of a frame from a client, masked with zeros.
pub(crate) fn frame_header(first: u8, length: u64) -> Vec<u8> {
    let mut header = vec![first, 0x80 | 127];
    header.extend(length.to_be_bytes());
    header.extend([0; 4]);
    header
}

fn hello(token: String) -> Vec<u8> {
    let hello = Hello {
        protocol: PROTOCOL_VERSION,
        protocol_min: PROTOCOL_MIN,
        fingerprint: Blob::default(),
        token,
        replica: ReplicaId(new_id()),
        app: "hostile".into(),
        cursor: None,
        reads: Vec::new(),
    };
    ClientMessage::Hello(hello).to_bytes()
}

/// Does what its sort does, until the server ends it.
pub(crate) async fn once(sort: Sort, to: SocketAddr, from: u16, token: &str) {
    let _ = attempt(sort, to, from, token).await;
}

async fn attempt(
    sort: Sort,
    to: SocketAddr,
    from: u16,
    token: &str,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let mut stream = connect(to, from).await?;
    match sort {
        Sort::Silent => until_closed(&mut stream).await,
        Sort::HalfHeader => {
            stream.write_all(b"GET /sync HTTP/1.1\r\nhost: kitchen\r\nx-padding: ").await?;
            until_closed(&mut stream).await;
        }
        Sort::HalfFrame => {
            let mut stream = upgrade(stream).await?.into_inner();
            stream.write_all(&frame_header(0x82, 60_000)).await?;
            stream.write_all(&[0; 50_000]).await?;
            until_closed(&mut stream).await;
        }
        Sort::UnfinishedMessage => {
            let mut stream = upgrade(stream).await?.into_inner();
            let mut first = 0x02;
            loop {
                let mut part = frame_header(first, 4096);
                part.resize(part.len() + 4096, 0);
                stream.write_all(&part).await?;
                first = 0x00;
            }
        }
        Sort::BadHello => {
            let mut socket = upgrade(stream).await?;
            let token = format!("{}x", "a.b.".repeat(3000));
            socket.send(Message::Binary(hello(token).into())).await?;
            until_closed(&mut socket.into_inner()).await;
        }
        Sort::InventedMethod => {
            let invented = new_id().simple();
            let request = format!("M{invented} /{invented} HTTP/1.1\r\nhost: kitchen\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            until_closed(&mut stream).await;
        }
        Sort::NeverAcknowledges => {
            let mut socket = upgrade(stream).await?;
            socket.send(Message::Binary(hello(token.to_owned()).into())).await?;
            // What comes stays in the system's buffers.
            let mut stream = socket.into_inner();
            while stream.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
        Sort::Greedy => {
            let mut socket = upgrade(stream).await?;
            socket.send(Message::Binary(hello(token.to_owned()).into())).await?;
            let welcome = socket.next().await;
            for number in 0..limits::PUSH_WINDOW as u64 {
                let push = ClientMessage::Push(Push { push: number, groups: long_texts() });
                let ask = ClientMessage::Ask(Ask { ask: number, groups: long_texts() });
                socket.send(Message::Binary(push.to_bytes().into())).await?;
                socket.send(Message::Binary(ask.to_bytes().into())).await?;
            }
            drop(welcome);
            until_closed(&mut socket.into_inner()).await;
        }
    }
    Ok(())
}

/// As many changes as a push may have, each with as long a text as a change may have.
fn long_texts() -> Vec<PushGroup> {
    static CHANGE: OnceLock<Vec<u8>> = OnceLock::new();
    let change = CHANGE.get_or_init(|| {
        let schema = crm::schema();
        let kind = schema.kind("organization").unwrap();
        let notes = "a note ".repeat(limits::TEXT_STEP / 7);
        let edit = RecordEdit::parse(kind, [("name", "Greedy"), ("notes", &notes)]).unwrap();
        let pen = Pen {
            actor: Actor([7; 16]),
            author: UserId(Uuid::from_u128(7)),
            now: UnixMs(1_700_000_000_000),
            role: PenRole::Device,
        };
        let mut mint = || EventId(new_id());
        let record = RecordId(Uuid::from_u128(7));
        document::create(kind, record, &edit, &pen, &mut mint).unwrap().1.bytes
    });
    let group = |_| PushGroup {
        group: GroupId(new_id()),
        seen: None,
        items: vec![PushItem {
            record: RecordId(new_id()),
            kind: "organization".into(),
            change: Blob(change.clone()),
            receipt: None,
        }],
    };
    (0..limits::CHANGES_PER_PUSH).map(group).collect()
}

/// Reads until the server closes.
pub(crate) async fn until_closed(stream: &mut TcpStream) {
    let mut dropped = [0; 1024];
    while matches!(stream.read(&mut dropped).await, Ok(1..)) {}
}
