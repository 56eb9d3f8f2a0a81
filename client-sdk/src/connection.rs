//! One WebSocket: made, pumped in both directions, closed.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use sync_core::limits;
use sync_core::replica::{Dial, LinkEvent};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::UrlError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

/// Longest wait for the other side to take our last words.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// How often bytes are told of that are no whole frame yet.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Makes a connection and keeps it until it breaks or `outgoing` is closed. Everything that comes is
/// told as an event.
pub(crate) async fn run(
    dial: Dial,
    url: String,
    mut outgoing: mpsc::UnboundedReceiver<Vec<u8>>,
    events: mpsc::Sender<LinkEvent>,
) {
    let made = tokio::select! {
        made = connect(dial, &url, events.clone()) => made,
        // Nothing is sent before the connection stands: this is its end.
        _ = outgoing.recv() => return,
    };
    let reason = match made {
        Ok(socket) => {
            if events.send(LinkEvent::Connected(dial)).await.is_err() {
                return;
            }
            pump(dial, socket, &mut outgoing, &events).await
        }
        Err(error) => Some(in_words(&error)),
    };
    if let Some(reason) = reason {
        let _ = events.send(LinkEvent::Closed { dial, reason }).await;
    }
}

/// Returns why the connection ended, unless we ended it.
async fn pump(
    dial: Dial,
    socket: WebSocketStream<MaybeTlsStream<Counted>>,
    outgoing: &mut mpsc::UnboundedReceiver<Vec<u8>>,
    events: &mpsc::Sender<LinkEvent>,
) -> Option<String> {
    let (mut sink, mut stream) = socket.split();
    let writing = async {
        while let Some(bytes) = outgoing.recv().await {
            if let Err(error) = sink.send(Message::Binary(bytes.into())).await {
                return Some(error.to_string());
            }
        }
        let _ = sink.close().await;
        None
    };
    let reading = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    let event = LinkEvent::Frame { dial, bytes: bytes.to_vec() };
                    if events.send(event).await.is_err() {
                        return None;
                    }
                }
                Some(Ok(Message::Close(_))) | None => {
                    return Some("the server closed it".to_owned());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Some(error.to_string()),
            }
        }
    };
    tokio::select! {
        reason = writing => reason,
        reason = reading => reason,
    }
}

async fn connect(
    dial: Dial,
    url: &str,
    events: mpsc::Sender<LinkEvent>,
) -> Result<WebSocketStream<MaybeTlsStream<Counted>>, Error> {
    let request = url.into_client_request()?;
    let uri = request.uri();
    if !matches!(uri.scheme_str(), Some("ws" | "wss")) {
        return Err(Error::Url(UrlError::UnsupportedUrlScheme));
    }
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("wss") { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let counted = Counted { stream, dial, events, bytes: 0, told: Instant::now() };
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::INFLATED_FRAME_BYTES + 1))
        .max_frame_size(Some(limits::INFLATED_FRAME_BYTES + 1));
    let (socket, _) = client_async_tls_with_config(request, counted, Some(config), None).await?;
    Ok(socket)
}

/// Why no connection came about, for somebody who typed the address.
fn in_words(error: &Error) -> String {
    match error {
        Error::Url(_) | Error::HttpFormat(_) => {
            format!("that is no address of a server, as in wss://HOST/sync ({error})")
        }
        Error::Http(response) => {
            format!("it answers {} and speaks no WebSocket there", response.status())
        }
        Error::Protocol(_) | Error::ConnectionClosed | Error::AlreadyClosed => {
            format!("what answers there is no sync server ({error})")
        }
        other => other.to_string(),
    }
}

/// A stream that tells of the bytes that come, since a long frame is told of only at its end.
#[derive(Debug)]
struct Counted {
    stream: TcpStream,
    dial: Dial,
    events: mpsc::Sender<LinkEvent>,
    bytes: u64,
    told: Instant,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.bytes += (buf.filled().len() - before) as u64;
        if self.bytes > 0 && self.told.elapsed() >= COUNT_EVERY {
            let event = LinkEvent::Received { dial: self.dial, bytes: self.bytes };
            // Without room, there are frames to look at first, which say the same.
            if self.events.try_send(event).is_ok() {
                self.bytes = 0;
                self.told = Instant::now();
            }
        }
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Waits until a connection that was closed is gone, but not for ever: a dead line takes no last
/// words.
pub(crate) async fn gone(connection: &mut tokio::task::JoinHandle<()>) {
    if tokio::time::timeout(CLOSE_WITHIN, &mut *connection).await.is_err() {
        connection.abort();
    }
}
