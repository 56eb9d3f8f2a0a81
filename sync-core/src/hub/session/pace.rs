//! Time within a session: how long the line may be silent, and how much may come.

use std::time::Duration;

use crate::limits;

/// How often a silent replica is asked whether it is there.
pub const PING_EVERY: Duration = Duration::from_secs(15);
/// How long a line may be silent, in either direction, before it counts as dead. With a look a few
/// seconds apart, both ends notice within 45 s.
pub const SILENT_FOR: Duration = Duration::from_secs(40);

/// Since when nothing was heard. Silence is counted in bytes: a long frame on a slow line is none.
#[derive(Debug)]
pub(super) struct Silence {
    heard: Duration,
    pinged: Duration,
}

impl Silence {
    pub(super) fn from(now: Duration) -> Self {
        Self { heard: now, pinged: now }
    }

    /// A byte came at this moment, of which one may be told late.
    pub(super) fn heard(&mut self, at: Duration) {
        self.heard = self.heard.max(at);
    }

    pub(super) fn pinged(&mut self, now: Duration) {
        self.pinged = now;
    }

    pub(super) fn is_dead(&self, now: Duration) -> bool {
        now.saturating_sub(self.heard) >= SILENT_FOR
    }

    pub(super) fn ping_is_due(&self, now: Duration) -> bool {
        now.saturating_sub(self.pinged) >= PING_EVERY
    }

    pub(super) fn wake_at(&self) -> Duration {
        (self.heard + SILENT_FOR).min(self.pinged + PING_EVERY)
    }
}

/// Frames that may still come, refilled with time.
#[derive(Debug)]
pub(super) struct Budget {
    frames: f64,
    refilled: Duration,
}

impl Budget {
    const RATE: f64 = limits::FRAMES_PER_SECOND as f64;
    const FULL: f64 = Self::RATE * 10.0;

    pub(super) fn full(now: Duration) -> Self {
        Self { frames: Self::FULL, refilled: now }
    }

    /// Takes a frame of so many inflated bytes from the budget; whether there was as much.
    pub(super) fn spend(&mut self, now: Duration, bytes: usize) -> bool {
        let since = now.saturating_sub(self.refilled).as_secs_f64();
        self.refilled = now;
        self.frames = (self.frames + since * Self::RATE).min(Self::FULL);
        self.frames -= (1 + bytes / limits::BYTES_COUNTED_AS_FRAME) as f64;
        self.frames >= 0.0
    }
}
