//! Hears from Postgres that something was committed, by any process, and wakes the feeds.
//!
//! A connection that only listens is silent by nature, so that nobody would notice when it hears no
//! more: it is asked something now and then. What is missed meanwhile, feeds find by looking.
//!
//! **Invariant**: feeds are woken at least every ten seconds, whatever becomes of the connection.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::store::patience::within;
use crate::store::{self, Patience, life};

/// How long sessions may sleep without a wake-up, should one be lost; and how long the connection may
/// be silent before it is asked.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long after a failure the connection is made anew.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Whether the listener hears, for those who ask how the server is.
#[derive(Debug)]
pub struct Ear(AtomicI64);

impl Default for Ear {
    fn default() -> Self {
        Self(AtomicI64::new(now().0))
    }
}

impl Ear {
    fn heard(&self) {
        self.0.store(now().0, Ordering::Relaxed);
    }

    /// How long ago the listener's connection was last known to hear.
    pub fn silent_for(&self) -> Duration {
        let ms = now().0.saturating_sub(self.0.load(Ordering::Relaxed));
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

/// What wakes the feeds of a process. Both numbers only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wake {
    /// Somebody committed, or may have while nobody listened.
    pub news: u64,
    /// Time passed in which a wake-up may have been lost.
    pub beats: u64,
}

/// Where the listener connects to, and whom it tells.
pub(crate) struct Listener<'a> {
    pub(crate) url: &'a str,
    pub(crate) patience: Patience,
    pub(crate) ear: &'a Ear,
    /// Moves whenever a feed may have something new.
    pub(crate) wake: &'a watch::Sender<Wake>,
    pub(crate) stopping: &'a CancellationToken,
}

impl Listener<'_> {
    /// Wakes all feeds when any process commits; survives a restart of Postgres.
    pub(crate) async fn run(&self) {
        tokio::join!(self.listen_for_ever(), self.wake_now_and_then());
    }

    async fn wake_now_and_then(&self) {
        while !self.stopping.is_cancelled() {
            tokio::select! {
                () = self.stopping.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {
                    self.wake.send_modify(|wake| wake.beats += 1);
                }
            }
        }
    }

    async fn listen_for_ever(&self) {
        while !self.stopping.is_cancelled() {
            if let Err(error) = self.listen().await {
                metrics::counter!("sync_listener_lost_total").increment(1);
                tracing::warn!(%error, "the listener lost its connection");
            }
            self.wake();
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// Listens on a connection until it is lost. It has a pool to itself, which goes with it: the
    /// goodbye to one that fell silent may take for ever.
    async fn listen(&self) -> sqlx::Result<()> {
        let pool = store::connect(self.url, 1, self.patience).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        within(self.patience.statement(), listener.listen("pantry_feed")).await?;
        // What was committed before it listened.
        self.wake();
        loop {
            self.ear.heard();
            let ask_after = LOOK_EVERY.min(self.patience.commit());
            tokio::select! {
                () = self.stopping.cancelled() => return Ok(()),
                heard = listener.try_recv() => match heard? {
                    Some(_) => self.wake(),
                    None => {
                        return Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()));
                    }
                },
                () = tokio::time::sleep(ask_after) => {
                    // Whoever commits looks as well; nobody may for long.
                    let asked = life::is_restored(&mut listener);
                    if within(self.patience.idle(), asked).await? {
                        life::begin_another(&mut listener).await?;
                        self.wake();
                    }
                }
            }
        }
    }

    fn wake(&self) {
        self.wake.send_modify(|wake| wake.news += 1);
    }
}
