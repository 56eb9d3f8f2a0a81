//! Hosts one replica's session: carries its frames, clocks and questions between the socket and
//! the hub, which decides everything.

mod line;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::ws::WebSocket;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use sync_core::hub::{self, DeviceNoted, Effect, Event, Now, PushJob, PushedGroup, Session};
use sync_core::ids::{ReplicaId, UserId};
use sync_core::protocol::{Goodbye, PushGroup};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::app::App;
use crate::clock::now;
use crate::http::auth::{self, SignedIn};
use crate::ops::people::entropy;
use crate::revocation;
use crate::store::feed::FeedReader;
use crate::store::{devices, life};
use crate::traffic::Traffic;
use line::{Broken, Incoming, Line, Sent};

/// How long a replica may take to hear why its session ended.
const GOODBYE_WITHIN: Duration = Duration::from_millis(400);

/// Serves one WebSocket until it ends.
pub async fn serve(app: Arc<App>, socket: WebSocket, traffic: Traffic) {
    let mut line = Line::new(socket, traffic);
    metrics::gauge!("sync_sessions").increment(1.0);
    let goodbye = converse(&app, &mut line).await;
    metrics::gauge!("sync_sessions").decrement(1.0);
    if let Some(goodbye) = &goodbye {
        tracing::info!(code = goodbye.code, "session ended");
    }
    let _ = timeout(GOODBYE_WITHIN, line.farewell(goodbye)).await;
}

/// Everything of a session. It ends, wherever it stands, when the permission for it does.
async fn converse(app: &Arc<App>, line: &mut Line) -> Option<Goodbye> {
    let permission = watch::Sender::new(None);
    let until = revocation::ended(&app.revoked, &app.verifier, permission.subscribe());
    let mut host = Host::new(app, permission);
    tokio::select! {
        biased;
        goodbye = until => Some(goodbye),
        goodbye = host.run(line) => goodbye,
    }
}

/// One of a user's places; given back when the session ends.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Host {
    app: Arc<App>,
    session: Session,
    began: Instant,
    /// The token in force, for those who watch when it ends.
    permission: watch::Sender<Option<SignedIn>>,
    /// Whose token was checked last.
    checked: Option<SignedIn>,
    place: Option<Place>,
    reader: FeedReader,
    /// Pushes and questions that are being judged.
    judged: FuturesUnordered<BoxFuture<'static, Event>>,
}

impl Host {
    fn new(app: &Arc<App>, permission: watch::Sender<Option<SignedIn>>) -> Self {
        let began = Instant::now();
        let moment = Now { running: Duration::ZERO, wall: now() };
        Self {
            app: app.clone(),
            session: Session::new(moment, ReplicaId::mint(moment.wall, entropy()), &app.schema),
            began,
            permission,
            checked: None,
            place: None,
            reader: FeedReader::new(app.pool.clone(), app.schema.clone()),
            judged: FuturesUnordered::new(),
        }
    }

    fn now(&self) -> Now {
        Now { running: self.began.elapsed(), wall: now() }
    }

    fn handle(&mut self, event: Event) {
        self.session.handle(event, self.now());
    }

    /// Does what the session asks and tells it what happened, until it ends; says why it did.
    async fn run(&mut self, line: &mut Line) -> Option<Goodbye> {
        let app = self.app.clone();
        let mut wake = app.wake.subscribe();
        wake.mark_unchanged();
        loop {
            while let Some(effect) = self.session.next_effect() {
                if let Effect::End(goodbye) = effect {
                    return goodbye;
                }
                if let Err(error) = self.perform(effect, line).await {
                    tracing::error!(%error, "a session lost its database");
                    self.handle(Event::Failed);
                }
            }
            if let Err(error) = self.reader.close().await {
                tracing::error!(%error, "a session lost its database");
                self.handle(Event::Failed);
                continue;
            }
            let now = self.now();
            let may_read = self.session.may_read(now);
            let wake_at = self.session.wake_at(now).map(|at| self.began + at);
            tokio::select! {
                biased;
                () = app.stopping.cancelled() => self.handle(Event::Failed),
                incoming = line.next() => match incoming {
                    Incoming::Frame(bytes) => self.handle(Event::Frame(bytes.into())),
                    Incoming::Heard => self.handle(Event::Heard),
                    Incoming::Closed => self.handle(Event::Closed),
                },
                Some(event) = self.judged.next(), if !self.judged.is_empty() => self.handle(event),
                changed = wake.changed() => {
                    self.handle(if changed.is_ok() { Event::Woken } else { Event::Failed });
                }
                () = sleep_until(wake_at) => {
                    if line.moved() {
                        self.handle(Event::Heard);
                    }
                    self.handle(Event::Tick);
                }
                () = std::future::ready(()), if may_read => {
                    let now = self.now();
                    self.session.read(now);
                }
            }
        }
    }

    async fn perform(&mut self, effect: Effect, line: &mut Line) -> sqlx::Result<()> {
        match effect {
            Effect::SignIn(token) => {
                let (pool, verifier) = (&self.app.pool, &self.app.verifier);
                let outcome = auth::sign_in(pool, verifier, &token.0).await;
                let outcome = outcome.map(|signed_in| self.take_place(signed_in));
                self.handle(Event::SignedIn(outcome));
            }
            Effect::Permit => {
                self.permission.send_replace(self.checked.clone());
            }
            Effect::Note { user, replica, app } => {
                // A device that comes after a restore is not to hear of it amid its first push.
                life::look(&self.app.pool).await?;
                let noted = devices::note(&self.app.pool, user, replica, &app).await?;
                if noted == DeviceNoted::Own {
                    tracing::info!(%user, %replica, "session began");
                }
                self.handle(Event::Noted(noted));
            }
            Effect::Read { user, request } => {
                let answer = self.reader.answer(user, &request).await?;
                self.handle(Event::Read(answer));
            }
            Effect::Push { push, user, replica, groups } => {
                self.push(push, user, replica, groups).await;
            }
            Effect::Ask { ask, user, replica, groups } => {
                self.ask(ask, user, replica, groups).await;
            }
            Effect::Send(bytes) => {
                let sent = line.send(bytes).await;
                self.sent(sent);
            }
            Effect::Ping => {
                let sent = line.ping().await;
                self.sent(sent);
            }
            // The loop ends by it.
            Effect::End(_) => {}
        }
        Ok(())
    }

    /// A line that took bytes for long was not silent, though nothing was asked of the other end
    /// meanwhile.
    fn sent(&mut self, sent: Result<Sent, Broken>) {
        match sent {
            Ok(Sent::AtOnce) => {}
            Ok(Sent::Slowly) => self.handle(Event::Heard),
            Err(Broken) => self.handle(Event::Closed),
        }
    }

    /// Counts the session among its user's, once.
    fn take_place(&mut self, signed_in: SignedIn) -> hub::SignedIn {
        let mut other_sessions = 0;
        if self.place.is_none() {
            let places = self.app.places.of(signed_in.user);
            other_sessions = places.fetch_add(1, Ordering::Relaxed);
            self.place = Some(Place(places));
        }
        let (user, role) = (signed_in.user, signed_in.role.clone());
        self.checked = Some(signed_in);
        hub::SignedIn { user, role, other_sessions }
    }

    async fn push(&mut self, push: u64, user: UserId, replica: ReplicaId, groups: Vec<PushGroup>) {
        let Some(groups) = parse(groups).await else { return self.handle(Event::Failed) };
        let job = PushJob::of_device(user, replica, groups);
        let changes = job.changes().map(|change| change.hash).collect();
        self.handle(Event::TakenIn { push, changes });
        let committer = self.app.committer.clone();
        self.judged.push(Box::pin(async move {
            let verdicts = committer.push(job).await;
            Event::Judged { push, verdicts }
        }));
    }

    async fn ask(&mut self, ask: u64, user: UserId, replica: ReplicaId, groups: Vec<PushGroup>) {
        let Some(groups) = parse(groups).await else { return self.handle(Event::Failed) };
        let job = PushJob::of_device(user, replica, groups);
        let committer = self.app.committer.clone();
        self.judged.push(Box::pin(async move {
            let opinions = committer.ask(job).await;
            Event::Answered { ask, opinions }
        }));
    }
}

/// Parsing and hashing are the costly part of judging and need no lock: off the reactor they go.
/// None if they panicked.
async fn parse(groups: Vec<PushGroup>) -> Option<Vec<PushedGroup>> {
    tokio::task::spawn_blocking(move || hub::parse(groups)).await.ok()
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
