//! Whether the committing task lives, and since when it has been at one batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::now;

/// How long one batch may take before something is wrong.
const STUCK_AFTER: Duration = Duration::from_secs(60);

const IDLE: i64 = 0;
const ENDED: i64 = -1;

/// How the committing task does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitterHealth {
    /// It commits, or waits for something to commit.
    Well,
    /// It has been at one batch for so long that it cannot be well.
    Stuck(Duration),
    /// It ended, and nothing will be committed any more.
    Ended,
}

/// Since when the task has been at one batch, in milliseconds since 1970; or one of the above.
#[derive(Debug, Default)]
pub(super) struct Pulse(AtomicI64);

impl Pulse {
    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    pub(super) fn at_work(&self) {
        self.0.store(now().0, Ordering::Relaxed);
    }

    /// Notes the end when it is dropped, however the task ends.
    pub(super) fn ends_with_this_task(self: &Arc<Self>) -> EndNoted {
        EndNoted(self.clone())
    }

    pub(super) fn health(&self) -> CommitterHealth {
        match self.0.load(Ordering::Relaxed) {
            IDLE => CommitterHealth::Well,
            ENDED => CommitterHealth::Ended,
            since => {
                let ms = u64::try_from(now().0.saturating_sub(since)).unwrap_or(0);
                let at_it = Duration::from_millis(ms);
                if at_it > STUCK_AFTER {
                    CommitterHealth::Stuck(at_it)
                } else {
                    CommitterHealth::Well
                }
            }
        }
    }
}

/// Notes that the task ended.
#[derive(Debug)]
pub(super) struct EndNoted(Arc<Pulse>);

impl Drop for EndNoted {
    fn drop(&mut self) {
        self.0.0.store(ENDED, Ordering::Relaxed);
    }
}
