//! The system's clocks and entropy.

use std::time::{Duration, Instant};

use sync_core::replica::{Env, LocalTime, SteadyMs};
use sync_core::time::UnixMs;

/// The system's wall clock and entropy.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnv;

impl Env for SystemEnv {
    fn now(&mut self) -> UnixMs {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        UnixMs(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("BUG: the operating system gives random bytes");
    }
}

/// How far a zone is ahead of UTC at a moment, in seconds, as the system knows zones.
fn offset_s(zone: &str, at: UnixMs) -> Option<i32> {
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(zone.to_offset(at).seconds())
}

impl SystemEnv {
    /// What a report needs to know of time.
    pub(crate) fn local_time(&mut self) -> LocalTime {
        LocalTime { now: self.now(), offset_s }
    }
}

/// A clock that never jumps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyClock(Instant);

impl SteadyClock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> SteadyMs {
        SteadyMs(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment as the runtime's timers take it.
    pub(crate) fn instant(self, at: SteadyMs) -> tokio::time::Instant {
        // A millisecond more than said: a timer must not fire before its moment by this clock.
        (self.0 + Duration::from_millis(at.0.saturating_add(1))).into()
    }
}
