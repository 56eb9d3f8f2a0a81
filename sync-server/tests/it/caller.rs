//! A client that does as it is told and no more: it need not read, answer or acknowledge.

use futures_util::{SinkExt, StreamExt};
use sync_core::protocol::{ClientMessage, Goodbye, Refresh, ServerMessage, Welcome};
use sync_server::clock;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use uuid::Uuid;

use crate::harness::World;
use crate::wire::hello;

/// What the system may hold of what was sent to a caller who does not read.
const RECEIVE_BUFFER: u32 = 4096;

pub(crate) struct Caller {
    socket: WebSocketStream<TcpStream>,
    /// With what code the server closed.
    pub(crate) closed: Option<u16>,
}

impl Caller {
    pub(crate) async fn dial(url: &str) -> Self {
        let address = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
        let tcp = TcpSocket::new_v4().unwrap();
        tcp.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
        let tcp = tcp.connect(address.parse().unwrap()).await.unwrap();
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (socket, _) =
            tokio_tungstenite::client_async_with_config(url, tcp, Some(config)).await.unwrap();
        Self { socket, closed: None }
    }

    /// Dials and says hello with a token.
    pub(crate) async fn greet(url: &str, token: &str) -> Self {
        let mut caller = Self::dial(url).await;
        caller.say(ClientMessage::Hello(hello(token.to_owned()))).await;
        caller
    }

    pub(crate) async fn say(&mut self, message: ClientMessage) {
        self.socket.send(Message::Binary(message.to_bytes().into())).await.unwrap();
    }

    pub(crate) async fn refresh(&mut self, token: &str) {
        self.say(ClientMessage::Refresh(Refresh { token: token.to_owned() })).await;
    }

    /// The next message; none when the socket was closed.
    pub(crate) async fn next(&mut self) -> Option<ServerMessage> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    return Some(ServerMessage::from_bytes(&bytes).unwrap());
                }
                Some(Ok(Message::Close(frame))) => {
                    self.closed = frame.map(|frame| frame.code.into());
                    return None;
                }
                Some(Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub(crate) async fn welcome(&mut self) -> Welcome {
        match self.next().await {
            Some(ServerMessage::Welcome(welcome)) => welcome,
            other => panic!("not let in: {other:?}"),
        }
    }

    /// Is let in with a token that runs out soon, and when that was too soon for a busy machine, with one
    /// that lasts longer. Returns when it runs out, too, in milliseconds since 1970.
    pub(crate) async fn let_in_briefly(world: &World, user: Uuid) -> (Self, i64) {
        for seconds in [2, 8, 30, 120] {
            let exp_ms = (clock::now().seconds() + seconds) * 1000;
            let token = world.token_until(user, seconds);
            let mut caller = Self::greet(&world.server.sync_url(), &token).await;
            if let Some(ServerMessage::Welcome(_)) = caller.next().await {
                return (caller, exp_ms);
            }
        }
        panic!("not let in within two minutes");
    }

    /// Whether the server answers.
    pub(crate) async fn is_answered(&mut self) -> bool {
        let ping = ClientMessage::Ping.to_bytes();
        if self.socket.send(Message::Binary(ping.into())).await.is_err() {
            return false;
        }
        while let Some(message) = self.next().await {
            if matches!(message, ServerMessage::Pong) {
                return true;
            }
        }
        false
    }

    /// Reads until the socket is closed; what the server said last.
    pub(crate) async fn end(&mut self) -> Option<Goodbye> {
        let mut last = None;
        while let Some(message) = self.next().await {
            if let ServerMessage::Goodbye(goodbye) = message {
                last = Some(goodbye);
            }
        }
        last
    }

    /// Reads nothing and only writes, until that fails because the other end is gone.
    pub(crate) async fn write_until_gone(&mut self) {
        while self.socket.send(Message::Ping(Vec::new().into())).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}
