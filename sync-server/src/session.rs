//! Hosts one replica's session: carries its frames, clocks and questions between the socket and
//! the hub, which decides everything.

mod ends;
mod frames;
mod line;
mod signs;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use hyper::upgrade::Upgraded;
use sync_core::hub::{
    self, DeviceNoted, Effect, Event, FeedAnswer, FeedRequest, Moment, Now, PushJob, PushedGroup,
    Session,
};
use sync_core::ids::{ReplicaId, UserId};
use sync_core::protocol::{Goodbye, PushGroup};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::clock::now;
use crate::doors::{Full, Visit};
use crate::http::auth::{self, SignedIn};
use crate::ops::people::entropy;
use crate::places::{Place, Room, WaitingRoom};
use crate::revocation;
use crate::store::feed::FeedReader;
use crate::store::patience::within;
use crate::store::{devices, life};
use line::{Broken, Incoming, Line};

/// How long a replica may take to hear why its session ended.
const GOODBYE_WITHIN: Duration = Duration::from_millis(400);

/// How long sessions go on when the server stops, so that devices hear what became of their pushes.
const VERDICTS_WITHIN: Duration = Duration::from_millis(2500);

/// Frames up to this length are measured where they come in; it takes longer to hand them over.
const SHORT_FRAME: usize = 16 << 10;

/// A frame on its way in, and the room that was found for what it carries.
type Arriving = BoxFuture<'static, (Bytes, Option<Room>)>;

/// Serves one WebSocket until it ends.
pub async fn serve(app: Arc<App>, upgraded: Upgraded, visit: Arc<Visit>) {
    let mut line = Line::new(upgraded, visit.clone()).await;
    metrics::gauge!("sync_sessions").increment(1.0);
    let goodbye = Box::pin(converse(&app, &mut line, &visit)).await;
    metrics::gauge!("sync_sessions").decrement(1.0);
    if let Some(goodbye) = &goodbye {
        tracing::info!(code = goodbye.code, "session ended");
    }
    let stopping = app.stopping.is_cancelled();
    let code = if stopping { CloseCode::Restart } else { CloseCode::Normal };
    let farewell = line.farewell(goodbye, code);
    tokio::select! {
        _ = timeout(GOODBYE_WITHIN, farewell) => {}
        () = visit.sent_away() => {}
    }
}

/// Everything of a session. It ends, wherever it stands, when it may not go on.
async fn converse(app: &Arc<App>, line: &mut Line, visit: &Arc<Visit>) -> Option<Goodbye> {
    let permission = watch::Sender::new(None);
    let until = revocation::ended(&app.revoked, &app.verifier, permission.subscribe());
    let replaced = CancellationToken::new();
    let mut host = Host::new(app, permission, visit.clone(), replaced.clone());
    tokio::select! {
        biased;
        goodbye = until => Some(goodbye),
        () = replaced.cancelled() => Some(ends::replaced()),
        () = visit.sent_away() => Some(ends::crowded()),
        () = stopped(&app.stopping) => Some(ends::going_down(app.places.sessions())),
        goodbye = host.run(line) => goodbye,
    }
}

/// Waits until the server is to stop and verdicts have had their time.
async fn stopped(stopping: &CancellationToken) {
    stopping.cancelled().await;
    tokio::time::sleep(VERDICTS_WITHIN).await;
}

struct Host {
    app: Arc<App>,
    session: Session,
    began: Instant,
    /// The token in force, for those who watch when it ends.
    permission: watch::Sender<Option<SignedIn>>,
    visit: Arc<Visit>,
    /// Cancelled when another session of the same device began.
    replaced: CancellationToken,
    /// Whose token was checked last.
    checked: Option<SignedIn>,
    place: Option<Place>,
    reader: FeedReader,
    /// Its user's turn to read, from the clock to the end of a batch.
    turn: Option<OwnedSemaphorePermit>,
    /// A frame that came and waits for room; until it has some nothing more is taken from the line.
    arrived: Option<Arriving>,
    /// Room for what the frame that is being handled carries.
    room: Option<Room>,
    /// Pushes and questions that are being judged.
    judged: FuturesUnordered<BoxFuture<'static, Event>>,
}

impl Host {
    fn new(
        app: &Arc<App>,
        permission: watch::Sender<Option<SignedIn>>,
        visit: Arc<Visit>,
        replaced: CancellationToken,
    ) -> Self {
        let began = Instant::now();
        let moment = Now { running: Duration::ZERO, wall: now() };
        Self {
            app: app.clone(),
            session: Session::new(moment, ReplicaId::mint(moment.wall, entropy()), &app.schema),
            began,
            permission,
            visit,
            replaced,
            checked: None,
            place: None,
            reader: FeedReader::new(app.pool.clone(), app.schema.clone()),
            turn: None,
            arrived: None,
            room: None,
            judged: FuturesUnordered::new(),
        }
    }

    fn now(&self) -> Now {
        Now { running: self.began.elapsed(), wall: now() }
    }

    fn handle(&mut self, event: Event) {
        self.session.handle(event, self.now());
    }

    /// Does what the session asks and tells it what happened, until it ends; says why it did. When the
    /// server is to stop, it only waits for the verdicts of what was pushed.
    async fn run(&mut self, line: &mut Line) -> Option<Goodbye> {
        let app = self.app.clone();
        let mut wake = app.wake.subscribe();
        let mut news = wake.borrow_and_update().news;
        loop {
            while let Some(effect) = self.session.next_effect() {
                let done = match effect {
                    Effect::End(goodbye) => return goodbye,
                    Effect::Send(bytes) => {
                        // Whoever reads nothing would keep a connection to the database for as long.
                        let ended = line.beside(self.end_reading()).await;
                        match ended {
                            Ok(Ok(())) => line.send(bytes).await.map(Ok),
                            failed => failed,
                        }
                    }
                    Effect::Ping => line.ping().await.map(Ok),
                    other => line.beside(self.perform(other)).await,
                };
                match done {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::error!(%error, "a session lost its database");
                        self.handle(Event::Failed);
                    }
                    Err(Broken) => self.handle(Event::Closed),
                }
            }
            self.room = None;
            if let Err(error) = within(app.patience.commit(), self.end_reading()).await {
                tracing::error!(%error, "a session lost its database");
                self.handle(Event::Failed);
                continue;
            }
            let stopping = app.stopping.is_cancelled();
            if stopping && self.judged.is_empty() {
                return Some(ends::going_down(app.places.sessions()));
            }
            let now = self.now();
            let may_read = !stopping && self.session.may_read(now);
            let wake_at = self.session.wake_at(now).map(|at| self.began + at);
            tokio::select! {
                biased;
                () = app.stopping.cancelled(), if !stopping => {}
                (bytes, room) = arrival(&mut self.arrived), if !stopping => {
                    self.arrived = None;
                    self.room = room;
                    self.handle(Event::Frame(bytes.into()));
                }
                incoming = line.next(), if !stopping && self.arrived.is_none() => match incoming {
                    Incoming::Frame(bytes) => self.arrived = Some(self.take_in(bytes)),
                    Incoming::Heard => self.handle(Event::Heard),
                    Incoming::Garbled(goodbye) => self.handle(Event::Ended(goodbye)),
                    Incoming::Closed => self.handle(Event::Closed),
                },
                Some(event) = self.judged.next(), if !self.judged.is_empty() => {
                    app.moments.tell(Moment::Telling);
                    self.handle(event);
                }
                changed = wake.changed() => {
                    let before = std::mem::replace(&mut news, wake.borrow_and_update().news);
                    self.handle(match changed {
                        Ok(()) if news != before => Event::Woken,
                        Ok(()) => Event::Beat,
                        Err(_) => Event::Failed,
                    });
                }
                () = sleep_until(wake_at) => {
                    let running = line.lived().saturating_duration_since(self.began);
                    self.session.handle(Event::Heard, Now { running, ..now });
                    self.handle(Event::Tick);
                }
                () = ready(()), if may_read => {
                    let now = self.now();
                    self.session.read(now);
                }
            }
        }
    }

    /// Waits until there is room for what a frame carries. Who has not signed in has a few short ones.
    fn take_in(&self, frame: Bytes) -> Arriving {
        let Some(place) = &self.place else { return Box::pin(ready((frame, None))) };
        let waiting_room = place.waiting_room();
        Box::pin(async move {
            let bytes = if frame.len() <= SHORT_FRAME {
                hub::room_for(&frame)
            } else {
                let frame = frame.clone();
                let measured = tokio::task::spawn_blocking(move || hub::room_for(&frame)).await;
                measured.unwrap_or(usize::MAX)
            };
            let room = waiting_room.take(bytes).await;
            (frame, room)
        })
    }

    /// Does what has nothing to do with the line.
    async fn perform(&mut self, effect: Effect) -> sqlx::Result<()> {
        match effect {
            Effect::SignIn(token) => {
                let (patience, signing_in) = (self.app.patience, self.sign_in(&token.0));
                let outcome = timeout(patience.commit(), signing_in).await;
                let outcome = outcome.unwrap_or_else(|_| Err(auth::unavailable()));
                self.handle(Event::SignedIn(outcome));
            }
            Effect::Permit => {
                self.permission.send_replace(self.checked.clone());
            }
            Effect::Note { user, replica, app } => {
                // A device that comes after a restore is not to hear of it amid its first push.
                let pool = self.app.pool.clone();
                let note = async {
                    life::look(&pool).await?;
                    devices::note(&pool, user, replica, &app).await
                };
                let noted = within(self.app.patience.commit(), note).await?;
                if noted == DeviceNoted::Own {
                    tracing::info!(%user, %replica, "session began");
                }
                self.handle(Event::Noted(noted));
            }
            Effect::Read { user, request } => {
                let answer = within(self.app.patience.reading(), self.read(user, &request)).await?;
                self.handle(Event::Read(answer));
            }
            Effect::Push { push, user, replica, groups } => {
                self.push(push, user, replica, groups).await;
            }
            Effect::Ask { ask, user, replica, groups } => {
                self.ask(ask, user, replica, groups).await;
            }
            Effect::Overslept => {
                metrics::counter!("sync_feed_overslept_total").increment(1);
                tracing::warn!("a feed had something to send and nobody woke it");
            }
            // The loop itself does these.
            Effect::Send(_) | Effect::Ping | Effect::End(_) => {}
        }
        Ok(())
    }

    async fn read(&mut self, user: UserId, request: &FeedRequest) -> sqlx::Result<FeedAnswer> {
        if let (FeedRequest::Clock, Some(place)) = (request, &self.place) {
            self.turn = None;
            self.turn = place.turn().await;
        }
        self.app.moments.tell(Moment::Reading);
        self.reader.answer(user, request).await
    }

    /// Gives back what reading takes.
    async fn end_reading(&mut self) -> sqlx::Result<()> {
        self.turn = None;
        self.reader.close().await
    }

    /// From when the token is known to be sound, the socket is not a stranger's any more.
    async fn sign_in(&mut self, token: &str) -> Result<hub::SignedIn, Goodbye> {
        let checked = auth::check(&self.app.verifier, token).await?;
        self.visit.open().map_err(|Full| ends::crowded())?;
        let signed_in = auth::sign_in(&self.app.pool, checked).await?;
        Ok(self.take_place(signed_in))
    }

    /// Counts the session among its user's, once.
    fn take_place(&mut self, signed_in: SignedIn) -> hub::SignedIn {
        let mut other_sessions = 0;
        if let Some(replica) = self.session.caller() {
            let (places, replaced) = (&self.app.places, self.replaced.clone());
            let (place, others) = places.take(signed_in.user, replica, replaced);
            other_sessions = others;
            self.place = Some(place);
        }
        let (user, role) = (signed_in.user, signed_in.role.clone());
        self.checked = Some(signed_in);
        hub::SignedIn { user, role, other_sessions }
    }

    async fn push(&mut self, push: u64, user: UserId, replica: ReplicaId, groups: Vec<PushGroup>) {
        let waiting_room = self.place.as_ref().map(Place::waiting_room);
        let Some(groups) = parse(groups, waiting_room).await else {
            return self.handle(Event::Failed);
        };
        let job = PushJob::of_device(user, replica, groups);
        let changes = job.changes().map(|change| change.hash).collect();
        self.handle(Event::TakenIn { push, changes });
        let (committer, room) = (self.app.committer.clone(), self.room.take());
        self.judged.push(Box::pin(async move {
            let verdicts = committer.push(job).await;
            drop(room);
            Event::Judged { push, verdicts }
        }));
    }

    async fn ask(&mut self, ask: u64, user: UserId, replica: ReplicaId, groups: Vec<PushGroup>) {
        let waiting_room = self.place.as_ref().map(Place::waiting_room);
        let Some(groups) = parse(groups, waiting_room).await else {
            return self.handle(Event::Failed);
        };
        let job = PushJob::of_device(user, replica, groups);
        let (committer, room) = (self.app.committer.clone(), self.room.take());
        self.judged.push(Box::pin(async move {
            let opinions = committer.ask(job).await;
            drop(room);
            Event::Answered { ask, opinions }
        }));
    }
}

/// Parsing and hashing are the costly part of judging and need no lock: off the reactor they go, a
/// user's pushes one after the other. None if they panicked.
async fn parse(
    groups: Vec<PushGroup>,
    waiting_room: Option<WaitingRoom>,
) -> Option<Vec<PushedGroup>> {
    let _turn = waiting_room?.parsing().await?;
    tokio::task::spawn_blocking(move || hub::parse(groups)).await.ok()
}

async fn arrival(arriving: &mut Option<Arriving>) -> (Bytes, Option<Room>) {
    match arriving {
        Some(arriving) => arriving.await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
