//! The background task: carries out what the link asks for.
//!
//! It has a thread and a runtime of its own, so that an app needs no runtime, and SQLite's work on
//! what comes in holds up nobody else's.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sync_core::replica::{
    Dial, Foreign, Link, LinkEffect, LinkEvent, LinkFault, Notice, Outcome, Question, QuestionId,
    ReplicaError, SteadyMs, Wanted, WouldBe,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::connection;
use crate::env::SteadyClock;
use crate::mail::Mail;
use crate::shared::{ClientEvent, Core, Shared};
use crate::{Server, SyncSummary};

/// How often is looked whether another process wrote to the file: one read of a counter.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Records that are filled in within one transaction; others wait for the file as long.
pub(crate) const REBUILT_AT_ONCE: u32 = 100;
/// The pause after it, in which another process on the file may have its turn: a lock that is let go and
/// taken at once is seen free by nobody.
pub(crate) const REBUILD_PAUSE: Duration = Duration::from_millis(10);
/// Frames that wait to be taken in; the server waits for acknowledgements long before.
const FRAMES: usize = 16;

/// Begins the task's thread.
pub(crate) fn start(shared: Weak<Shared>, inbox: mpsc::UnboundedReceiver<Mail>) {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(Task::new(shared).run(inbox)),
            Err(error) => tracing::error!(%error, "there is no runtime for the link"),
        }
    };
    if let Err(error) = std::thread::Builder::new().name("pantry-link".into()).spawn(run) {
        tracing::error!(%error, "there is no thread for the link");
    }
}

struct Task {
    shared: Weak<Shared>,
    clock: SteadyClock,
    server: Option<Used>,
    wake: Option<SteadyMs>,
    syncs: Vec<oneshot::Sender<Result<SyncSummary, LinkFault>>>,
    asked: HashMap<QuestionId, oneshot::Sender<WouldBe>>,
    last_question: u64,
    summary: SyncSummary,
    /// When the next part of the tables is to be filled anew.
    rebuild_at: Option<Instant>,
    /// Whether the file cannot be used any more: another one stands in its place, or another version of the
    /// app has it.
    file_lost: bool,
}

/// The server in use, with everything that hangs on it.
struct Used {
    server: Server,
    link: Link,
    events: mpsc::Sender<LinkEvent>,
    happened: mpsc::Receiver<LinkEvent>,
    connection: Option<Connection>,
}

struct Connection {
    dial: Dial,
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    task: JoinHandle<()>,
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn next_event(server: &mut Option<Used>) -> LinkEvent {
    match server {
        Some(used) => match used.happened.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

impl Task {
    fn new(shared: Weak<Shared>) -> Self {
        Self {
            shared,
            clock: SteadyClock::start(),
            server: None,
            wake: None,
            syncs: Vec::new(),
            asked: HashMap::new(),
            last_question: 0,
            summary: SyncSummary::default(),
            rebuild_at: None,
            file_lost: false,
        }
    }

    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Mail>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looking = false;
        loop {
            let clock = self.clock;
            tokio::select! {
                mail = inbox.recv() => match mail {
                    Some(mail) => self.take(mail).await,
                    None => break,
                },
                event = next_event(&mut self.server) => self.handle(event).await,
                () = due(self.wake.map(|at| clock.instant(at))) => {
                    self.wake = None;
                    self.handle(LinkEvent::Tick).await;
                }
                () = due(self.rebuild_at) => self.rebuild_some(),
                _ = look.tick(), if looking => {
                    self.look().await;
                }
            }
            let wanted = self.server.as_ref().is_some_and(|used| used.link.is_wanted());
            let connected = self.server.as_ref().is_some_and(|used| used.connection.is_some());
            let watched = self.shared.upgrade().is_some_and(|shared| shared.watched());
            looking = (wanted || connected || watched) && !self.file_lost;
        }
        self.hang_up().await;
    }

    async fn look(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        match shared.look() {
            Ok(Foreign::Wrote) => self.handle(LinkEvent::ForeignWrite).await,
            Err(error @ (ReplicaError::Replaced | ReplicaError::OtherVersion)) => {
                self.file_lost = true;
                if self.server.is_some() {
                    self.handle(LinkEvent::FileLost(error.into())).await;
                } else {
                    // Whoever watches without a server hears it from the status.
                    shared.lock().replica.disconnected(Some(&error.to_string()));
                    shared.bump();
                }
            }
            // What else is the matter with it, those say who use it next.
            Ok(Foreign::Quiet) | Err(_) => {}
        }
    }

    async fn take(&mut self, mail: Mail) {
        match mail {
            Mail::Use(server) => {
                self.handle(LinkEvent::NotWanted).await;
                self.hang_up().await;
                let (events, happened) = mpsc::channel(FRAMES);
                let link = Link::new(server.options.clone());
                self.wake = None;
                self.server =
                    Some(Used { server: *server, link, events, happened, connection: None });
            }
            Mail::Connect => self.handle(LinkEvent::Wanted(Wanted::Always)).await,
            Mail::Sync(reply) => {
                if self.server.is_none() {
                    let fault = LinkFault::NoToken("no server was named".into());
                    let _ = reply.send(Err(fault));
                    return;
                }
                if self.syncs.is_empty() {
                    self.summary = SyncSummary::default();
                }
                self.syncs.push(reply);
                self.handle(LinkEvent::Wanted(Wanted::Once)).await;
            }
            Mail::Disconnect(reply) => {
                self.handle(LinkEvent::NotWanted).await;
                self.hang_up().await;
                let _ = reply.send(());
            }
            Mail::Ask(question, within, reply) => self.ask(question, within, reply).await,
            Mail::Edited => self.handle(LinkEvent::Edited).await,
            Mail::Rebuild => self.rebuild_at = Some(Instant::now()),
            Mail::Watched => {}
        }
    }

    /// Fills in some records more, between other work.
    fn rebuild_some(&mut self) {
        self.rebuild_at = None;
        let Some(shared) = self.shared.upgrade() else { return };
        let progress = {
            let mut core = shared.lock();
            let progress = core.replica.rebuild_some(REBUILT_AT_ONCE);
            core.publish();
            progress
        };
        match progress {
            Ok(progress) => self.rebuild_at = progress.map(|_| Instant::now() + REBUILD_PAUSE),
            Err(error) => {
                tracing::warn!(%error, "the tables could not be filled; the next opening goes on");
            }
        }
        shared.bump();
    }

    async fn ask(&mut self, question: Question, within: Duration, reply: oneshot::Sender<WouldBe>) {
        let (Some(used), Some(shared)) = (&mut self.server, self.shared.upgrade()) else {
            let _ = reply.send(WouldBe::Unknown("no server was named".into()));
            return;
        };
        self.last_question += 1;
        let name = QuestionId(self.last_question);
        self.asked.insert(name, reply);
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let effects = {
            let mut core = shared.lock();
            let Core { replica, env, .. } = &mut *core;
            used.link.ask(name, question, within_ms, self.clock.now(), replica, env)
        };
        self.carry_out(effects, &shared).await;
    }

    async fn handle(&mut self, event: LinkEvent) {
        let (Some(used), Some(shared)) = (&mut self.server, self.shared.upgrade()) else { return };
        let came = if let LinkEvent::Frame { bytes, .. } = &event { bytes.len() } else { 0 };
        if came > 0 {
            self.summary.frames += 1;
            self.summary.bytes += came as u64;
        }
        let effects = {
            let mut core = shared.lock();
            let Core { replica, env, .. } = &mut *core;
            let effects = used.link.handle(event, self.clock.now(), replica, env);
            if came > 0 {
                core.publish();
            }
            effects
        };
        if effects.iter().any(|effect| matches!(effect, LinkEffect::RowsChanged(_))) {
            shared.bump();
        }
        self.carry_out(effects, &shared).await;
    }

    async fn carry_out(&mut self, effects: Vec<LinkEffect>, shared: &Arc<Shared>) {
        let mut ended = None;
        for effect in effects {
            match effect {
                LinkEffect::FetchToken => self.fetch_token(),
                LinkEffect::Connect(dial) => self.connect(dial).await,
                LinkEffect::Send { dial, bytes } => {
                    self.summary.frames += 1;
                    self.summary.bytes += bytes.len() as u64;
                    let connection = self.server.as_ref().and_then(|used| used.connection.as_ref());
                    if let Some(connection) = connection.filter(|one| one.dial == dial) {
                        // When it is gone, an event says so.
                        let _ = connection.outgoing.send(bytes);
                    }
                }
                LinkEffect::Close(_) => self.hang_up().await,
                LinkEffect::WakeAt(at) => self.wake = Some(at),
                LinkEffect::RowsChanged(tables) => {
                    shared.tell(ClientEvent::RowsChanged(tables));
                }
                LinkEffect::Status(status) => {
                    shared.lock().link = Some(status);
                    shared.bump();
                }
                LinkEffect::Notice(notice) => self.tell(notice, shared),
                LinkEffect::Ended { wanted, outcome } => {
                    if wanted == Wanted::Once {
                        ended = Some(outcome.clone());
                    }
                    shared.tell(ClientEvent::Ended { wanted, outcome });
                }
            }
        }
        // Last of all, so that whoever waits finds everything done and the connection closed.
        if let Some(outcome) = ended {
            for sync in std::mem::take(&mut self.syncs) {
                let result = match &outcome {
                    Outcome::CaughtUp => Ok(self.summary.clone()),
                    Outcome::Failed(fault) => Err(fault.clone()),
                    Outcome::Stopped => Err(LinkFault::Broken("it was ended here".into())),
                };
                let _ = sync.send(result);
            }
        }
    }

    fn tell(&mut self, notice: Notice, shared: &Arc<Shared>) {
        match &notice {
            Notice::Pushed => self.summary.pushes += 1,
            Notice::Refused(refused) => {
                self.summary.refused += refused.len() as u64;
                shared.bump();
            }
            Notice::Redated(redated) => self.summary.redated.extend_from_slice(redated),
            Notice::Evicted(reasons) => self.summary.evicted.extend_from_slice(reasons),
            Notice::Granted(reasons) => self.summary.granted.extend_from_slice(reasons),
            Notice::Answered { question, would_be } => {
                if let Some(reply) = self.asked.remove(question) {
                    let _ = reply.send(would_be.clone());
                }
            }
            Notice::Connected
            | Notice::Remaining(_)
            | Notice::Retrying { .. }
            | Notice::WaitsForToken(_) => {}
        }
        shared.tell(ClientEvent::Notice(notice));
    }

    fn fetch_token(&self) {
        let Some(used) = &self.server else { return };
        let (source, events) = (used.server.source.clone(), used.events.clone());
        tokio::spawn(async move {
            let token = source.lock().await.fetch().await;
            let _ = events.send(LinkEvent::Token(token.map_err(LinkFault::from))).await;
        });
    }

    async fn connect(&mut self, dial: Dial) {
        self.hang_up().await;
        let Some(used) = &mut self.server else { return };
        let (outgoing, to_send) = mpsc::unbounded_channel();
        let url = used.server.options.server.clone();
        let task = tokio::spawn(connection::run(dial, url, to_send, used.events.clone()));
        used.connection = Some(Connection { dial, outgoing, task });
    }

    /// Ends the connection; what was sent before goes out first.
    async fn hang_up(&mut self) {
        let connection = self.server.as_mut().and_then(|used| used.connection.take());
        if let Some(Connection { outgoing, mut task, .. }) = connection {
            drop(outgoing);
            connection::gone(&mut task).await;
        }
    }
}
