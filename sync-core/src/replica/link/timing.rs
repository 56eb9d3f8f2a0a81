//! How long the link waits for what, and for how long it rests after a failure.

use serde::{Deserialize, Serialize};

use super::super::env::{Env, draw};

/// Milliseconds on a clock that never jumps, from any beginning the host likes.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SteadyMs(pub u64);

impl SteadyMs {
    /// So many milliseconds later.
    pub fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since an earlier moment.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The link's intervals. The defaults notice a dead connection within 45 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Longest wait for a connection.
    pub connect_within_ms: u64,
    /// Longest wait for a token.
    pub token_within_ms: u64,
    /// Longest wait for progress while the server owes an answer.
    pub answer_within_ms: u64,
    /// A keep-alive is sent when nothing else was sent for this long.
    pub ping_after_ms: u64,
    /// A connection on which no byte came for this long is dead.
    pub silent_for_ms: u64,
    /// The first wait after a failure is shorter than this; each further limit is twice the last.
    pub backoff_from_ms: u64,
    /// No wait after a failure is longer than this, unless the server asks for it.
    pub backoff_to_ms: u64,
    /// How soon a source is asked again that had no newer token.
    pub token_again_ms: u64,
    /// Longest time before its end that a token is replaced.
    pub renew_ahead_ms: u64,
    /// How long other processes on the file believe what this one said of its session; it is said
    /// again after half of it.
    pub lease_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect_within_ms: 15_000,
            token_within_ms: 30_000,
            answer_within_ms: 60_000,
            ping_after_ms: 15_000,
            // Two keep-alives without an answer.
            silent_for_ms: 40_000,
            backoff_from_ms: 500,
            backoff_to_ms: 30_000,
            token_again_ms: 1000,
            renew_ahead_ms: 60_000,
            lease_ms: 60_000,
        }
    }
}

/// How long to wait before trying again: a random part of a limit that doubles with each failure.
/// Without the randomness, a fleet that lost its server would come back as one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after another failure.
    pub(super) fn next(&mut self, timing: &Timing, env: &mut dyn Env) -> u64 {
        let doubled = timing.backoff_from_ms.saturating_mul(1 << self.failures.min(32));
        self.failures = self.failures.saturating_add(1);
        u64::from_le_bytes(draw(env)) % doubled.min(timing.backoff_to_ms).max(1)
    }

    /// A session made progress: the next failure counts as the first.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}
