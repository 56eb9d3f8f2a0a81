//! What the handles, the subscriptions and the background task share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use sync_core::replica::{
    Difference, Env, Foreign, LinkStatus, Notice, Outcome, Replica, ReplicaError, Status,
    SubscriptionId, Wanted,
};
use tokio::sync::{broadcast, mpsc, watch};

use crate::SystemEnv;
use crate::mail::Mail;

/// News kept for a listener that is slow; older ones are dropped.
const EVENTS: usize = 256;

/// Something that a user may want to know.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// The link told it.
    Notice(Notice),
    /// Rows of these tables changed by what the server sent.
    RowsChanged(Vec<String>),
    /// A sync or a connection came to its end.
    Ended {
        /// Which.
        wanted: Wanted,
        /// How.
        outcome: Outcome,
    },
}

/// The replica with what belongs to it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) replica: Replica,
    pub(crate) env: SystemEnv,
    pub(crate) link: Option<LinkStatus>,
    pub(crate) subscribers: HashMap<SubscriptionId, mpsc::UnboundedSender<Difference>>,
}

impl Core {
    /// Tells subscribers what the last writes did to their rows.
    pub(crate) fn publish(&mut self) {
        match self.replica.poll_live() {
            Ok(differences) => {
                for (id, difference) in differences {
                    if let Some(subscriber) = self.subscribers.get(&id) {
                        // One that is gone takes itself off the list.
                        let _ = subscriber.send(difference);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "live queries could not be brought up to date"),
        }
    }
}

/// How the task is begun, at the first letter to it.
pub(crate) type Start = fn(Weak<Shared>, mpsc::UnboundedReceiver<Mail>);

/// The handles hold this, and nothing else does for long: when the last one goes, the task ends.
///
/// A mutex rather than a thread that owns the replica: SQLite takes one writer at a time in either
/// case, and with a mutex an edit is a plain call that returns when it is durable, without a hop to
/// another thread and back.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    mail: mpsc::UnboundedSender<Mail>,
    /// Begins the task.
    start: Start,
    /// The other end of `mail`, until the task takes it.
    inbox: Mutex<Option<mpsc::UnboundedReceiver<Mail>>>,
    /// Counts whatever may have changed the status.
    version: watch::Sender<u64>,
    events: broadcast::Sender<ClientEvent>,
    /// Subscriptions and status streams: as long as there are any, other processes' writes matter.
    watchers: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(replica: Replica, env: SystemEnv, start: Start) -> Self {
        let (mail, inbox) = mpsc::unbounded_channel();
        Self {
            core: Mutex::new(Core { replica, env, link: None, subscribers: HashMap::new() }),
            mail,
            start,
            inbox: Mutex::new(Some(inbox)),
            version: watch::Sender::new(0),
            events: broadcast::Sender::new(EVENTS),
            watchers: AtomicUsize::new(0),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().expect("BUG: nobody panics while holding the replica")
    }

    /// Does something that may write, and tells everybody whom that concerns.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Replica, &mut SystemEnv) -> T) -> T {
        let done = {
            let mut core = self.lock();
            let Core { replica, env, .. } = &mut *core;
            let done = work(replica, env);
            core.publish();
            done
        };
        self.bump();
        // Nobody listens before the first connection, and then there is nothing to send.
        let _ = self.mail.send(Mail::Edited);
        done
    }

    /// Does something that only reads.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut Replica) -> T) -> T {
        work(&mut self.lock().replica)
    }

    pub(crate) fn status(&self) -> rusqlite::Result<Status> {
        let mut core = self.lock();
        let now = core.env.now();
        core.replica.status_at(now)
    }

    pub(crate) fn bump(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    pub(crate) fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(crate) fn tell(&self, event: ClientEvent) {
        // Without listeners it is lost, as it should be.
        let _ = self.events.send(event);
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<ClientEvent> {
        self.events.subscribe()
    }

    /// Looks whether another process wrote to the file, and whether it can be used still.
    pub(crate) fn look(&self) -> Result<Foreign, ReplicaError> {
        let foreign = {
            let mut core = self.lock();
            let foreign = core.replica.look_for_foreign_writes();
            core.publish();
            foreign
        };
        match foreign {
            Ok(Foreign::Wrote) => self.bump(),
            Ok(Foreign::Quiet) => {}
            Err(ref error) => tracing::warn!(%error, "the file could not be looked at"),
        }
        foreign
    }

    pub(crate) fn watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// Sends the background task a message, and starts it with the first one.
    pub(crate) fn post(self: &Arc<Self>, mail: Mail) {
        let inbox = self.inbox.lock().expect("BUG: nobody panics while holding the inbox").take();
        if let Some(inbox) = inbox {
            (self.start)(Arc::downgrade(self), inbox);
        }
        let _ = self.mail.send(mail);
    }

    /// Counts somebody who wants to hear of other processes' writes.
    pub(crate) fn watch(self: &Arc<Self>) -> Watcher {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        self.post(Mail::Watched);
        Watcher(self.clone())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Ok(core) = self.core.get_mut() {
            core.replica.disconnected(None);
        }
    }
}

/// Somebody who wants to hear of other processes' writes, until dropped.
#[derive(Debug)]
pub(crate) struct Watcher(pub(crate) Arc<Shared>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}
