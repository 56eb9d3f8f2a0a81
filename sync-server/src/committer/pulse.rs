//! Whether the committing task lives, since when it has been at one batch, and whether any gets through.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::now;

/// How long one batch may take before something is wrong.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// How long every batch may be rolled back before that is no passing trouble.
const FAILING_AFTER: Duration = Duration::from_secs(10);

const IDLE: i64 = 0;
const ENDED: i64 = -1;

/// How the committing task does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitterHealth {
    /// It commits, or waits for something to commit.
    Well,
    /// It has been at one batch for so long that it cannot be well.
    Stuck(Duration),
    /// For so long the database has taken no batch: its disk is full, or it takes no writes.
    Failing(Duration),
    /// It ended, and nothing will be committed any more.
    Ended,
}

/// What the task says of itself.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Since when it has been at one batch, in milliseconds since 1970; or one of the above.
    at_work: AtomicI64,
    /// When the first batch was rolled back of those since which none was committed; or idle.
    failing: AtomicI64,
}

impl Pulse {
    pub(super) fn idle(&self) {
        self.at_work.store(IDLE, Ordering::Relaxed);
    }

    pub(super) fn at_work(&self) {
        self.at_work.store(now().0, Ordering::Relaxed);
    }

    pub(super) fn committed(&self) {
        self.failing.store(IDLE, Ordering::Relaxed);
    }

    pub(super) fn rolled_back(&self) {
        let relaxed = Ordering::Relaxed;
        // One that was noted before stays.
        let _ = self.failing.compare_exchange(IDLE, now().0, relaxed, relaxed);
    }

    /// Notes the end when it is dropped, however the task ends.
    pub(super) fn ends_with_this_task(self: &Arc<Self>) -> EndNoted {
        EndNoted(self.clone())
    }

    pub(super) fn health(&self) -> CommitterHealth {
        match (self.at_work.load(Ordering::Relaxed), self.failing.load(Ordering::Relaxed)) {
            (ENDED, _) => CommitterHealth::Ended,
            (at_work, _) if since(at_work) > STUCK_AFTER => CommitterHealth::Stuck(since(at_work)),
            (_, failing) if since(failing) > FAILING_AFTER => {
                CommitterHealth::Failing(since(failing))
            }
            _ => CommitterHealth::Well,
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
    use super::*;

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
        pulse.committed();
        assert_eq!(pulse.health(), CommitterHealth::Well);
    }
}
