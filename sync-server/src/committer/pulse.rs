//! Whether the committing task lives, how long it has been at one batch, whether any gets through,
//! and how long pushes wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sync_core::ids::UserId;

use crate::clock::now;

/// How long one batch may take before something is wrong.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// How long every batch may be rolled back before that is no passing trouble.
const FAILING_AFTER: Duration = Duration::from_secs(10);
/// After how long without any such batch nobody knows whether it still is so: a device that gets no
/// answer tries again sooner.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);
/// How long a user's pushes may wait, none of them being judged, before devices give up on the server.
const LATE_AFTER: Duration = Duration::from_secs(10);

const IDLE: i64 = 0;
const ENDED: i64 = -1;

/// How the committing task does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitterHealth {
    /// It commits, or waits for something to commit.
    Well,
    /// It has been at one batch for so long that it cannot be well.
    Stuck(Duration),
    /// A user's pushes have waited for so long without one of them being judged.
    Late(Duration),
    /// For so long the database has stored nothing of what was pushed: its disk is full, or it takes no
    /// writes.
    Failing(Duration),
    /// It ended, and nothing will be committed any more.
    Ended,
}

/// What the task says of itself.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Since when it has been at one batch, in milliseconds since 1970; or one of the above.
    at_work: AtomicI64,
    /// When the first batch was rolled back of those since which nothing was stored; or idle.
    failing: AtomicI64,
    /// When the last one was.
    failed: AtomicI64,
    waiting: Mutex<Waiting>,
}

/// Since when each push waits. Who pushes much at once waits for their own turns, and nothing is wrong with
/// the server then: what counts is since when nothing of a user was judged.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    since: HashMap<u64, (UserId, Instant)>,
}

impl Waiting {
    fn serve(&mut self, user: UserId) {
        for (_, since) in self.since.values_mut().filter(|(of, _)| *of == user) {
            *since = Instant::now();
        }
    }
}

impl Pulse {
    pub(super) fn idle(&self) {
        self.at_work.store(IDLE, Ordering::Relaxed);
    }

    pub(super) fn at_work(&self) {
        self.at_work.store(now().0, Ordering::Relaxed);
    }

    /// Something was stored. That a batch of which nothing was to be stored ended well says nothing: the
    /// database takes such a one also when its disk is full.
    pub(super) fn stored(&self) {
        self.failing.store(IDLE, Ordering::Relaxed);
    }

    pub(super) fn rolled_back(&self) {
        let (relaxed, now) = (Ordering::Relaxed, now());
        if since(self.failed.swap(now.0, relaxed)) > FORGOTTEN_AFTER {
            self.failing.store(IDLE, relaxed);
        }
        // One that was noted before stays.
        let _ = self.failing.compare_exchange(IDLE, now.0, relaxed, relaxed);
    }

    /// From the first to the last of the batches since which nothing was stored. What nobody tries any
    /// more is not known to fail.
    fn failing_for(&self) -> Duration {
        let (first, last) =
            (self.failing.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        if since(last) > FORGOTTEN_AFTER {
            return Duration::ZERO;
        }
        since(first).saturating_sub(since(last))
    }

    /// Notes that a push waits, until what this returns is dropped.
    pub(super) fn push_waits(self: &Arc<Self>, user: UserId) -> PushWaits {
        let mut waiting = self.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.since.insert(number, (user, Instant::now()));
        PushWaits { pulse: self.clone(), number }
    }

    /// Notes that a user had a turn.
    pub(super) fn served(&self, user: UserId) {
        self.waiting().serve(user);
    }

    pub(super) fn waiting_pushes(&self) -> usize {
        self.waiting().since.len()
    }

    pub(super) fn oldest_push(&self) -> Duration {
        let waiting = self.waiting();
        waiting.since.values().map(|(_, since)| since.elapsed()).max().unwrap_or_default()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the end when it is dropped, however the task ends.
    pub(super) fn ends_with_this_task(self: &Arc<Self>) -> EndNoted {
        EndNoted(self.clone())
    }

    pub(super) fn health(&self) -> CommitterHealth {
        match (self.at_work.load(Ordering::Relaxed), self.failing_for()) {
            (ENDED, _) => CommitterHealth::Ended,
            (at_work, _) if since(at_work) > STUCK_AFTER => CommitterHealth::Stuck(since(at_work)),
            (_, failing) if failing > FAILING_AFTER => CommitterHealth::Failing(failing),
            _ if self.oldest_push() > LATE_AFTER => CommitterHealth::Late(self.oldest_push()),
            _ => CommitterHealth::Well,
        }
    }
}

/// A push that waits for its answer.
#[derive(Debug)]
pub(super) struct PushWaits {
    pulse: Arc<Pulse>,
    number: u64,
}

impl Drop for PushWaits {
    fn drop(&mut self) {
        let mut waiting = self.pulse.waiting();
        if let Some((user, _)) = waiting.since.remove(&self.number) {
            waiting.serve(user);
        }
    }
}

/// How long ago that was; no time at all if it was not.
fn since(at: i64) -> Duration {
    let ms = if at == IDLE { 0 } else { now().0.saturating_sub(at) };
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// Notes that the task ended.
#[derive(Debug)]
pub(super) struct EndNoted(Arc<Pulse>);

impl Drop for EndNoted {
    fn drop(&mut self) {
        self.0.at_work.store(ENDED, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    /// Makes a push wait for longer than any should.
    fn wait_long(pulse: &Pulse, push: &PushWaits) {
        let long_ago = Instant::now().checked_sub(2 * LATE_AFTER).expect("a machine that runs");
        pulse.waiting().since.get_mut(&push.number).expect("it waits").1 = long_ago;
    }

    #[test]
    fn the_oldest_push_that_waits_is_known_until_it_has_its_answer() {
        let pulse = Arc::new(Pulse::default());
        assert_eq!(pulse.oldest_push(), Duration::ZERO);
        let (first, second) = (pulse.push_waits(user(1)), pulse.push_waits(user(2)));
        wait_long(&pulse, &first);
        assert!(matches!(pulse.health(), CommitterHealth::Late(_)));
        drop(first);
        assert_eq!(pulse.health(), CommitterHealth::Well);
        drop(second);
        assert_eq!(pulse.oldest_push(), Duration::ZERO);
    }

    /// Whoever pushes much waits for their own turns. That is no trouble of the server's; another user's
    /// push that waits as long is.
    #[test]
    fn who_waits_for_their_own_pushes_is_no_trouble() {
        let pulse = Arc::new(Pulse::default());
        let pushes = [1, 1, 1].map(|n| pulse.push_waits(user(n)));
        let other = pulse.push_waits(user(2));
        pushes.iter().for_each(|push| wait_long(&pulse, push));
        pulse.served(user(1));
        assert_eq!(pulse.health(), CommitterHealth::Well, "a part of one was judged");
        let [first, second, third] = pushes;
        for push in [&second, &third] {
            wait_long(&pulse, push);
        }
        drop(first);
        assert_eq!(pulse.health(), CommitterHealth::Well, "one was answered");
        wait_long(&pulse, &other);
        drop((second, third));
        assert!(matches!(pulse.health(), CommitterHealth::Late(_)));
    }

    #[test]
    fn a_database_that_takes_nothing_for_long_is_told_of_until_it_does() {
        let pulse = Pulse::default();
        pulse.rolled_back();
        assert_eq!(pulse.health(), CommitterHealth::Well, "that may pass");
        let long_ago =
            now().0 - 2 * i64::try_from(FAILING_AFTER.as_millis()).expect("a few seconds");
        pulse.failing.store(long_ago, Ordering::Relaxed);
        pulse.rolled_back();
        assert!(matches!(pulse.health(), CommitterHealth::Failing(_)), "the first is what counts");
        pulse.stored();
        assert_eq!(pulse.health(), CommitterHealth::Well);
    }

    #[test]
    fn what_failed_once_and_is_not_tried_again_is_not_held_to_fail() {
        let pulse = Pulse::default();
        let ago = |time: Duration| now().0 - i64::try_from(time.as_millis()).expect("some minutes");
        pulse.failing.store(ago(2 * FAILING_AFTER), Ordering::Relaxed);
        pulse.failed.store(ago(2 * FAILING_AFTER), Ordering::Relaxed);
        assert_eq!(pulse.health(), CommitterHealth::Well, "one batch may fail");
        pulse.failing.store(ago(2 * FORGOTTEN_AFTER), Ordering::Relaxed);
        pulse.failed.store(ago(FORGOTTEN_AFTER + FAILING_AFTER), Ordering::Relaxed);
        assert_eq!(pulse.health(), CommitterHealth::Well, "nobody tries any more");
        pulse.rolled_back();
        assert_eq!(pulse.health(), CommitterHealth::Well, "it counts anew");
    }
}
