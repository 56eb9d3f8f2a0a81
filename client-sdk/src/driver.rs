//! Pumping frames between a replica and a socket.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sync_core::limits;
use sync_core::replica::{Effect, Env, SessionFault};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::token::newer;
use crate::{Client, SyncError, SystemEnv, TokenSource};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// What the server is told of us.
pub(crate) const APP: &str = concat!("client-sdk ", env!("CARGO_PKG_VERSION"));

/// Longest wait for an answer while something is owed to us.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// Times to connect again at once when another process syncs the same file; after that, as after any
/// failure.
const OUT_OF_STEP_AT_MOST: usize = 20;

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncSummary {
    /// Pushes sent, each of many edits.
    pub pushes: u64,
    /// Edits that it refused; they stand in quarantine with its reasons.
    pub refused: u64,
    /// Why records disappeared from this device, if any did.
    pub evicted: Vec<String>,
    /// Why accounts came to this device that its user did not see before, if any did.
    pub granted: Vec<String>,
    /// Frames in both directions.
    pub frames: u64,
    /// Bytes of these frames.
    pub bytes: u64,
}

/// How long to wait before trying again: doubling, up to half a minute, with full jitter so that a
/// fleet that lost its server does not come back as one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after another failure.
    pub fn next(&mut self, env: &mut SystemEnv) -> Duration {
        let ceiling = 500_u64.saturating_mul(1 << self.failures.min(6)).min(30_000);
        self.failures += 1;
        let mut draw = [0; 8];
        env.fill(&mut draw);
        Duration::from_millis(u64::from_le_bytes(draw) % ceiling.max(1))
    }

    /// A session stood: the next failure is a first one.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

impl Client {
    /// Connects, sends everything, receives everything, and closes. A token that runs out meanwhile
    /// is renewed from its source.
    ///
    /// # Errors
    /// When it could not come to its end; every edit stays on the device.
    pub async fn sync(
        &mut self,
        url: &str,
        token: impl TokenSource,
        progress: impl FnMut(&Effect),
    ) -> Result<SyncSummary, SyncError> {
        self.session(url, token, progress, Until::CaughtUp).await
    }

    /// Stays connected until the connection breaks or the server ends it, as it does when the token
    /// runs out and its source has no newer one.
    ///
    /// # Errors
    /// Always in the end: that is how a session ends.
    pub async fn watch(
        &mut self,
        url: &str,
        token: impl TokenSource,
        progress: impl FnMut(&Effect),
    ) -> Result<SyncSummary, SyncError> {
        self.session(url, token, progress, Until::Broken).await
    }

    async fn session(
        &mut self,
        url: &str,
        mut token: impl TokenSource,
        mut progress: impl FnMut(&Effect),
        until: Until,
    ) -> Result<SyncSummary, SyncError> {
        let mut outcome = self.pump(url, &mut token, &mut progress, until).await;
        for _ in 0..OUT_OF_STEP_AT_MOST {
            if !matches!(outcome, Err(SyncError::Session(SessionFault::OutOfStep))) {
                break;
            }
            outcome = self.pump(url, &mut token, &mut progress, until).await;
        }
        let why = outcome.as_ref().err().map(ToString::to_string);
        self.replica.disconnected(why.as_deref());
        outcome
    }

    async fn pump(
        &mut self,
        url: &str,
        token: &mut impl TokenSource,
        progress: &mut impl FnMut(&Effect),
        until: Until,
    ) -> Result<SyncSummary, SyncError> {
        let signed = token.token().await?;
        let mut socket = connect(url).await?;
        let mut summary = SyncSummary::default();
        let hello = self.replica.connect(&signed, APP)?;
        send(&mut socket, hello, &mut summary).await?;
        let mut renewal = Box::pin(newer(token, signed));
        let mut tick = tokio::time::interval(Duration::from_millis(250));
        loop {
            let owed = !self.replica.caught_up();
            if until == Until::CaughtUp && !owed {
                break;
            }
            let frame = tokio::select! {
                frame = receive(&mut socket, owed) => Some(frame?),
                (token, signed) = &mut renewal => {
                    if let Some(refresh) = self.replica.refresh(&signed) {
                        send(&mut socket, refresh, &mut summary).await?;
                    }
                    renewal.set(newer(token, signed));
                    None
                }
                // Another process may have written to the file while we listen.
                _ = tick.tick(), if until == Until::Broken => None,
            };
            if let Some(frame) = frame {
                summary.frames += 1;
                summary.bytes += frame.len() as u64;
                for effect in self.replica.handle_frame(&frame, &mut self.env)? {
                    progress(&effect);
                    match effect {
                        Effect::Send(bytes) => send(&mut socket, bytes, &mut summary).await?,
                        Effect::Refused(refused) => summary.refused += refused.len() as u64,
                        Effect::Evicted(reasons) => summary.evicted.extend(reasons),
                        Effect::Granted(reasons) => summary.granted.extend(reasons),
                        Effect::Goodbye(goodbye) => return Err(goodbye.into()),
                        Effect::Connected
                        | Effect::Answered { .. }
                        | Effect::Live
                        | Effect::Changed(_)
                        | Effect::Remaining(_) => {}
                    }
                }
            }
            while let Some(push) = self.replica.poll_push()? {
                summary.pushes += 1;
                send(&mut socket, push, &mut summary).await?;
            }
        }
        let _ = tokio::time::timeout(Duration::from_secs(2), socket.close(None)).await;
        Ok(summary)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    CaughtUp,
    Broken,
}

pub(crate) async fn connect(url: &str) -> Result<Socket, SyncError> {
    let unreachable = |reason: String| SyncError::Unreachable { url: url.to_owned(), reason };
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::INFLATED_FRAME_BYTES + 1))
        .max_frame_size(Some(limits::INFLATED_FRAME_BYTES + 1));
    let connecting = connect_async_with_config(url, Some(config), true);
    match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable("no answer in time".into())),
    }
}

pub(crate) async fn send(
    socket: &mut Socket,
    bytes: Vec<u8>,
    summary: &mut SyncSummary,
) -> Result<(), SyncError> {
    summary.frames += 1;
    summary.bytes += bytes.len() as u64;
    socket
        .send(Message::Binary(bytes.into()))
        .await
        .map_err(|error| SyncError::Broken(error.to_string()))
}

/// The next binary frame; waits for ever only when nothing is owed to us.
pub(crate) async fn receive(socket: &mut Socket, owed: bool) -> Result<Vec<u8>, SyncError> {
    let broken = |reason: &str| SyncError::Broken(reason.to_owned());
    loop {
        let next = if owed {
            tokio::time::timeout(ANSWER_WITHIN, socket.next())
                .await
                .map_err(|_| broken("the server fell silent"))?
        } else {
            socket.next().await
        };
        match next {
            Some(Ok(Message::Binary(bytes))) => return Ok(bytes.to_vec()),
            Some(Ok(Message::Close(_))) | None => return Err(broken("the server closed it")),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(SyncError::Broken(error.to_string())),
        }
    }
}
