//! A clock and entropy that only count, and what a server allows.

use crate::protocol::SessionLimits;
use crate::replica::Env;
use crate::time::UnixMs;

/// When counted worlds begin.
pub const NOW: UnixMs = UnixMs(1_790_000_000_000);

/// A clock that moves a second a reading, and entropy from a counter.
#[derive(Debug)]
pub struct Counted {
    now: i64,
    drawn: u64,
}

impl Counted {
    /// Begins at [`NOW`]; another seed draws other ids.
    pub fn new(seed: u64) -> Self {
        Self { now: NOW.0, drawn: seed << 32 }
    }
}

impl Counted {
    /// Sets the clock.
    pub fn set(&mut self, now: UnixMs) {
        self.now = now.0;
    }
}

impl Env for Counted {
    fn now(&mut self) -> UnixMs {
        self.now += 1000;
        UnixMs(self.now)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.drawn = self
                .drawn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.drawn >> 56) as u8;
        }
    }
}

/// Limits that a server might allow a session, small enough for tests to reach them.
pub fn session_limits() -> SessionLimits {
    SessionLimits {
        frame_bytes: 1 << 20,
        inflated_bytes: 8 << 20,
        changes_per_push: 512,
        changes_per_group: 64,
        change_bytes: 256 << 10,
        push_window: 4,
        feed_window: 4,
    }
}
