//! Hears from Postgres that something was committed, by any process, and wakes the feeds.
//!
//! A connection that only listens is silent by nature, so that nobody would notice when it hears no
//! more: it is asked something now and then. What is missed meanwhile, feeds find by looking.
//!
//! Anybody who may sign in to the database may say that something was committed, as often as they like.
//! What is said while feeds look is told them together, a moment later.
//!
//! **Invariant**: feeds are woken at least every ten seconds, whatever becomes of the connection; after
//! whatever is heard, once more; and never oftener than there is room for, however much is heard.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::places::Places;
use crate::store::patience::within;
use crate::store::{self, Patience, life};

/// How long sessions may sleep without a wake-up, should one be lost; and how long the connection may
/// be silent before it is asked.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long feeds are left alone after a wake-up, at least and at most, and for each session: so that one
/// looks at most twenty times a second, and all together some thousand times, up to five hundred sessions.
const PAUSE: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_millis(500);
const PAUSE_PER_SESSION: Duration = Duration::from_millis(1);
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
    /// How many sessions there are to wake.
    pub(crate) places: &'a Places,
    pub(crate) stopping: &'a CancellationToken,
}

impl Listener<'_> {
    /// Wakes all feeds when any process commits; survives a restart of Postgres.
    pub(crate) async fn run(&self) {
        let heard = Notify::new();
        let rest = || tokio::time::sleep(pause(self.places.sessions()));
        let passing_on = pass_on(&heard, self.wake, rest);
        tokio::join!(
            self.listen_for_ever(&heard),
            self.wake_now_and_then(),
            self.stopping.run_until_cancelled(passing_on),
        );
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

    async fn listen_for_ever(&self, heard: &Notify) {
        while !self.stopping.is_cancelled() {
            if let Err(error) = self.listen(heard).await {
                metrics::counter!("sync_listener_lost_total").increment(1);
                tracing::warn!(%error, "the listener lost its connection");
            }
            heard.notify_one();
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// Listens on a connection until it is lost. It has a pool to itself, which goes with it: the
    /// goodbye to one that fell silent may take for ever.
    async fn listen(&self, news: &Notify) -> sqlx::Result<()> {
        let pool = store::connect(self.url, 1, self.patience).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        within(self.patience.statement(), listener.listen("pantry_feed")).await?;
        // What was committed before it listened.
        news.notify_one();
        loop {
            self.ear.heard();
            let ask_after = LOOK_EVERY.min(self.patience.commit());
            tokio::select! {
                () = self.stopping.cancelled() => return Ok(()),
                heard = listener.try_recv() => match heard? {
                    Some(_) => news.notify_one(),
                    None => {
                        return Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()));
                    }
                },
                () = tokio::time::sleep(ask_after) => {
                    // Whoever commits looks as well; nobody may for long.
                    let asked = life::is_restored(&mut listener);
                    if within(self.patience.idle(), asked).await? {
                        life::begin_another(&mut listener).await?;
                        news.notify_one();
                    }
                }
            }
        }
    }
}

/// How long feeds of so many sessions are left alone after a wake-up.
fn pause(sessions: usize) -> Duration {
    let all = PAUSE_PER_SESSION.saturating_mul(u32::try_from(sessions).unwrap_or(u32::MAX));
    all.clamp(*PAUSE.start(), *PAUSE.end())
}

/// Wakes the feeds for what is heard: at once, and once more after the pause for all that was heard in it.
async fn pass_on<F: Future<Output = ()>>(
    heard: &Notify,
    wake: &watch::Sender<Wake>,
    pause: impl Fn() -> F,
) {
    loop {
        // What was heard meanwhile is remembered, as one.
        heard.notified().await;
        wake.send_modify(|wake| wake.news += 1);
        pause().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets everything go on that can.
    async fn settle() {
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
    }

    /// Somebody says thousands of times that something was committed. Feeds are woken at once, then not
    /// before the pause is over, and then once for everything that was said in it: the last word too.
    #[tokio::test]
    async fn whatever_is_heard_wakes_once_a_pause_however_much_it_is() {
        let (heard, pause_over) = (Notify::new(), Notify::new());
        let wake = watch::Sender::<Wake>::default();
        let news = || wake.borrow().news;
        let story = async {
            for _ in 0..5000 {
                heard.notify_one();
            }
            settle().await;
            assert_eq!(news(), 1, "at once");
            for pauses in 1..=20 {
                for _ in 0..100 {
                    heard.notify_one();
                    settle().await;
                }
                assert_eq!(news(), pauses, "not within the pause");
                pause_over.notify_one();
                settle().await;
                assert_eq!(news(), pauses + 1, "for all that was said");
            }
            pause_over.notify_one();
            settle().await;
            assert_eq!(news(), 21, "nobody said anything more");
            heard.notify_one();
            settle().await;
            assert_eq!(news(), 22, "who speaks into the quiet is heard at once");
        };
        tokio::select! {
            () = story => {}
            () = pass_on(&heard, &wake, || pause_over.notified()) => {}
        }
    }

    #[test]
    fn the_more_sessions_there_are_the_longer_is_the_pause() {
        let ms = |sessions| pause(sessions).as_millis();
        assert_eq!([ms(0), ms(50), ms(200), ms(500), ms(100_000)], [50, 50, 200, 500, 500]);
    }
}
