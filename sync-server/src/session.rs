//! One replica's session: greeting, pushes in, verdicts and feed out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sync_core::document::PenRole;
use sync_core::guard;
use sync_core::ids::{ChangeHash, ReplicaId, UserId};
use sync_core::limits;
use sync_core::protocol::{
    Answer, Ask, Blob, ClientMessage, Goodbye, GoodbyeCode, Hello, PROTOCOL_MIN, PROTOCOL_VERSION,
    Push, PushGroup, ServerMessage, SessionLimits, Verdict, VerdictOutcome, Verdicts, Welcome,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::app::App;
use crate::committer::{PushedChange, PushedGroup, Unavailable, now};
use crate::feed::Feed;
use crate::http::auth::{self, SignedIn};
use crate::ops::people::entropy;
use crate::revocation;

/// How long a replica may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// How often a silent replica is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How often the feed is read during an upload.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a replica may take to hear why its session ended.
const GOODBYE_WITHIN: Duration = Duration::from_millis(400);
/// How long a replica may be silent.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// Why a session ended, to be said to the replica.
struct End(Goodbye);

fn end(code: GoodbyeCode, sentence: &str, retry_after_ms: Option<u64>) -> End {
    End(Goodbye { code: code.as_str().into(), sentence: sentence.into(), retry_after_ms })
}

impl From<sqlx::Error> for End {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "a session lost its database");
        unavailable()
    }
}

fn unavailable() -> End {
    end(GoodbyeCode::Unavailable, "The server is not available; your edits are kept.", Some(2000))
}

/// Serves one WebSocket until it ends.
pub async fn serve(app: Arc<App>, mut socket: WebSocket) {
    metrics::gauge!("sync_sessions").increment(1.0);
    let outcome = greet_and_run(&app, &mut socket).await;
    metrics::gauge!("sync_sessions").decrement(1.0);
    let farewell = async {
        if let Err(End(goodbye)) = outcome {
            tracing::info!(code = goodbye.code, "session ended");
            let bytes = ServerMessage::Goodbye(goodbye).to_bytes();
            let _ = socket.send(Message::Binary(bytes.into())).await;
        }
        let _ = socket.send(Message::Close(None)).await;
        // What it still says is read and dropped: a socket closed with that unread would be reset,
        // and the goodbye might be lost.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = timeout(GOODBYE_WITHIN, farewell).await;
}

/// One of a user's places; given back when the session ends.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn greet_and_run(app: &Arc<App>, socket: &mut WebSocket) -> Result<(), End> {
    let Some(hello) = receive_hello(socket).await? else { return Ok(()) };
    let signed_in = auth::sign_in(app, &hello.token).await.map_err(End)?;
    let places = app.places_of(signed_in.user);
    if places.fetch_add(1, Ordering::Relaxed) >= limits::SOCKETS_PER_USER {
        places.fetch_sub(1, Ordering::Relaxed);
        return Err(end(
            GoodbyeCode::RateLimited,
            "Too many devices of yours are connected; close one and try again.",
            Some(30_000),
        ));
    }
    let _place = Place(places);
    let replica = note_device(app, &signed_in, &hello).await?;
    let permission = watch::Sender::new(signed_in.clone());
    let until = revocation::ended(app, permission.subscribe());
    tokio::select! {
        biased;
        goodbye = until => Err(End(goodbye)),
        outcome = welcome_and_run(app, socket, hello, replica, signed_in, permission) => outcome,
    }
}

/// Everything of a session that ends, wherever it stands, when the permission for it does.
async fn welcome_and_run(
    app: &Arc<App>,
    socket: &mut WebSocket,
    hello: Hello,
    replica: ReplicaId,
    signed_in: SignedIn,
    permission: watch::Sender<SignedIn>,
) -> Result<(), End> {
    let mut wake = app.wake.subscribe();
    wake.mark_unchanged();
    let mut feed =
        Feed::open(&app.pool, app.schema.clone(), signed_in.user, hello.cursor.as_ref()).await?;
    let first = feed.next(&app.pool, &[]).await?;
    let welcome = Welcome {
        protocol: PROTOCOL_VERSION.min(hello.protocol),
        user: signed_in.user,
        role: signed_in.role.clone(),
        epoch: feed.epoch(),
        now: now(),
        limits: session_limits(),
        live: first.is_none(),
        fingerprint: Some(Blob(app.schema.fingerprint().to_vec())),
    };
    tracing::info!(user = %signed_in.user, %replica, "session began");
    send(socket, ServerMessage::Welcome(welcome)).await?;
    let mut session = Session {
        app: app.clone(),
        user: signed_in.user,
        permission,
        replica,
        feed,
        sent_batches: 0,
        more: false,
        verdicts: FuturesUnordered::new(),
        in_flight: HashMap::new(),
        heard: Instant::now(),
        budget: f64::from(limits::FRAMES_PER_SECOND) * 10.0,
        refilled: Instant::now(),
        looked: Instant::now(),
    };
    if let Some(batch) = first {
        session.sent_batches = 1;
        session.more = !batch.live;
        send(socket, ServerMessage::Feed(batch)).await?;
    }
    session.run(socket, &mut wake).await
}

/// The id under which this session's changes are noted: the one that the device says, unless it is
/// another user's already. Which of the two came by it honestly nobody can tell, so neither is kept
/// out: all that hangs on it is when a device was last heard.
async fn note_device(app: &App, signed_in: &SignedIn, hello: &Hello) -> Result<ReplicaId, End> {
    match auth::note_replica(app, signed_in, hello.replica, &hello.app).await {
        Ok(()) => Ok(hello.replica),
        Err(goodbye) if GoodbyeCode::parse(&goodbye.code) == Some(GoodbyeCode::WrongUser) => {
            let fresh = ReplicaId::mint(now(), entropy());
            auth::note_replica(app, signed_in, fresh, &hello.app).await.map_err(End)?;
            Ok(fresh)
        }
        Err(goodbye) => Err(End(goodbye)),
    }
}

async fn receive_hello(socket: &mut WebSocket) -> Result<Option<Hello>, End> {
    let wrong = || end(GoodbyeCode::Protocol, "The first message must be hello.", None);
    let message = timeout(HELLO_WITHIN, socket.recv()).await.map_err(|_| wrong())?;
    let bytes = match message {
        Some(Ok(Message::Binary(bytes))) => bytes,
        Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
        Some(Ok(_)) => return Err(wrong()),
    };
    let Ok(ClientMessage::Hello(hello)) = ClientMessage::from_bytes(&bytes) else {
        return Err(wrong());
    };
    if hello.protocol < PROTOCOL_MIN || hello.protocol_min > PROTOCOL_VERSION {
        return Err(end(
            GoodbyeCode::TooOld,
            "This app and the server are too far apart in version; update the app. Your edits are kept.",
            None,
        ));
    }
    Ok(Some(hello))
}

fn session_limits() -> SessionLimits {
    SessionLimits {
        frame_bytes: limits::FRAME_BYTES as u64,
        inflated_bytes: limits::INFLATED_FRAME_BYTES as u64,
        changes_per_push: limits::CHANGES_PER_PUSH as u32,
        changes_per_group: limits::CHANGES_PER_GROUP as u32,
        change_bytes: limits::CHANGE_BYTES as u32,
        push_window: limits::PUSH_WINDOW as u32,
        feed_window: limits::FEED_WINDOW,
    }
}

async fn send(socket: &mut WebSocket, message: ServerMessage) -> Result<(), End> {
    let bytes = message.to_bytes();
    metrics::counter!("sync_bytes_sent_total").increment(bytes.len() as u64);
    match timeout(SILENT_FOR, socket.send(Message::Binary(bytes.into()))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(end(GoodbyeCode::Unavailable, "The connection broke.", Some(0))),
    }
}

/// What the committer said of something that the replica sent.
enum Judged {
    Push(u64, Result<Vec<Verdict>, Unavailable>),
    Question(Answer),
}

struct Session {
    app: Arc<App>,
    user: UserId,
    /// The token in force, for those who watch when it ends.
    permission: watch::Sender<SignedIn>,
    replica: ReplicaId,
    feed: Feed,
    /// Batches without an acknowledgement.
    sent_batches: u32,
    /// Whether the feed may have more to send.
    more: bool,
    verdicts: FuturesUnordered<futures_util::future::BoxFuture<'static, Judged>>,
    /// Changes of the pushes that wait for verdicts, by the number of the push.
    in_flight: HashMap<u64, Vec<ChangeHash>>,
    heard: Instant,
    /// Frames that may still come, refilled with time.
    budget: f64,
    refilled: Instant,
    /// When the feed was last read.
    looked: Instant,
}

impl Session {
    async fn run(
        &mut self,
        socket: &mut WebSocket,
        wake: &mut tokio::sync::watch::Receiver<u64>,
    ) -> Result<(), End> {
        let mut ping = tokio::time::interval(PING_EVERY);
        loop {
            let may_feed = self.may_feed();
            tokio::select! {
                biased;
                () = self.app.stopping.cancelled() => return Err(unavailable()),
                message = socket.recv() => {
                    self.heard = Instant::now();
                    match message {
                        Some(Ok(Message::Binary(bytes))) => self.handle(&bytes).await?,
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                        Some(Ok(_)) => {}
                    }
                }
                Some(judged) = self.verdicts.next(), if !self.verdicts.is_empty() => {
                    let answer = match judged {
                        Judged::Push(push, verdicts) => self.verdicts(push, verdicts)?,
                        Judged::Question(answer) => ServerMessage::Answer(answer),
                    };
                    send(socket, answer).await?;
                }
                changed = wake.changed() => {
                    if changed.is_err() { return Err(unavailable()); }
                    self.more = true;
                }
                _ = ping.tick() => {
                    if self.heard.elapsed() > SILENT_FOR { return Ok(()); }
                    if socket.send(Message::Ping(Vec::new().into())).await.is_err() { return Ok(()); }
                }
                () = std::future::ready(()), if may_feed => {
                    self.looked = Instant::now();
                    let in_flight: Vec<ChangeHash> =
                        self.in_flight.values().flatten().copied().collect();
                    let batch = self.feed.next(&self.app.pool, &in_flight).await?;
                    if !self.feed.user_is_active() {
                        return Err(End(auth::disabled()));
                    }
                    match batch {
                        Some(batch) => {
                            self.more = !batch.live;
                            self.sent_batches += 1;
                            send(socket, ServerMessage::Feed(batch)).await?;
                        }
                        None => self.more = false,
                    }
                }
            }
        }
    }

    /// Whether to read the feed now. While pushes of this replica are being committed it is mostly
    /// they that would be found, so that a new look waits for their end, but not for long.
    fn may_feed(&self) -> bool {
        let look =
            self.verdicts.is_empty() || self.feed.under_way() || self.looked.elapsed() > LOOK_EVERY;
        self.more && self.sent_batches < limits::FEED_WINDOW && look
    }

    async fn handle(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.spend()?;
        metrics::counter!("sync_bytes_received_total").increment(bytes.len() as u64);
        let message = ClientMessage::from_bytes(bytes).map_err(|error| {
            end(GoodbyeCode::Protocol, &format!("Your app sent what it should not: {error}."), None)
        })?;
        match message {
            ClientMessage::Hello(_) => {
                Err(end(GoodbyeCode::Protocol, "Hello was said already.", None))
            }
            ClientMessage::Push(push) => self.push(push).await,
            ClientMessage::Ask(ask) => self.ask(ask).await,
            ClientMessage::FeedAck(ack) => {
                self.sent_batches = self.sent_batches.saturating_sub(ack.batches);
                Ok(())
            }
            ClientMessage::Fetch(fetch) => {
                self.feed.fetch(fetch.records);
                self.more = true;
                Ok(())
            }
            ClientMessage::Refresh(refresh) => {
                let again = auth::sign_in(&self.app, &refresh.token).await.map_err(End)?;
                if again.user != self.user {
                    return Err(end(
                        GoodbyeCode::WrongUser,
                        "The new token is another user's.",
                        None,
                    ));
                }
                self.permission.send_replace(again);
                Ok(())
            }
            ClientMessage::Unknown(_) => Ok(()),
        }
    }

    /// Takes one frame from the budget, which refills with time.
    fn spend(&mut self) -> Result<(), End> {
        let rate = f64::from(limits::FRAMES_PER_SECOND);
        let since = self.refilled.elapsed().as_secs_f64();
        self.refilled = Instant::now();
        self.budget = (self.budget + since * rate).min(rate * 10.0) - 1.0;
        if self.budget < 0.0 {
            let sentence = "Your app sends too much at once; it will try again.";
            return Err(end(GoodbyeCode::RateLimited, sentence, Some(10_000)));
        }
        Ok(())
    }

    async fn push(&mut self, push: Push) -> Result<(), End> {
        let number = push.push;
        let groups = self.take_in(push.groups).await?;
        let changes = groups.iter().flat_map(|group| &group.changes);
        self.in_flight.insert(number, changes.map(|change| change.hash).collect());
        let app = self.app.clone();
        let (user, replica): (UserId, ReplicaId) = (self.user, self.replica);
        self.verdicts.push(Box::pin(async move {
            let judged = app.committer.push(user, replica, PenRole::Device, groups).await;
            Judged::Push(number, judged)
        }));
        Ok(())
    }

    /// A question is held to what a push is held to, and waits beside the pushes.
    async fn ask(&mut self, question: Ask) -> Result<(), End> {
        let ask = question.ask;
        let groups = self.take_in(question.groups).await?;
        let app = self.app.clone();
        let (user, replica): (UserId, ReplicaId) = (self.user, self.replica);
        self.verdicts.push(Box::pin(async move {
            let opinions = app.committer.ask(user, replica, groups).await;
            Judged::Question(Answer { ask, opinions })
        }));
        Ok(())
    }

    /// Pushed groups, parsed, if they are no more than may be pushed now.
    async fn take_in(&mut self, groups: Vec<PushGroup>) -> Result<Vec<PushedGroup>, End> {
        let count: usize = groups.iter().map(|group| group.items.len()).sum();
        let long = groups.iter().any(|g| g.items.len() > limits::CHANGES_PER_GROUP);
        let full = self.verdicts.len() >= limits::PUSH_WINDOW * 2;
        if count > limits::CHANGES_PER_PUSH + limits::CHANGES_PER_GROUP || long || full {
            return Err(end(GoodbyeCode::Protocol, "Your app pushes more than it may.", None));
        }
        // Parsing and hashing are the costly part and need no lock: off the reactor they go.
        let parsed = tokio::task::spawn_blocking(move || parse(groups));
        parsed.await.map_err(|_| unavailable())
    }

    fn verdicts(
        &mut self,
        push: u64,
        verdicts: Result<Vec<Verdict>, Unavailable>,
    ) -> Result<ServerMessage, End> {
        let verdicts = verdicts.map_err(|_| unavailable())?;
        self.in_flight.remove(&push);
        for verdict in &verdicts {
            if let VerdictOutcome::Accepted(position) = verdict.outcome {
                self.feed.note_own(position);
            }
        }
        Ok(ServerMessage::Verdicts(Verdicts { push, verdicts }))
    }
}

fn parse(groups: Vec<PushGroup>) -> Vec<PushedGroup> {
    let parse_item = |item: sync_core::protocol::PushItem| {
        let parsed = guard::parse(&item.change.0);
        let hash =
            parsed.as_ref().map_or_else(|_| guard::name_of_bytes(&item.change.0), |p| p.hash());
        PushedChange { record: item.record, kind: item.kind, hash, parsed }
    };
    groups
        .into_iter()
        .map(|group| PushedGroup {
            group: group.group,
            seen: group.seen,
            changes: group.items.into_iter().map(parse_item).collect(),
        })
        .collect()
}
