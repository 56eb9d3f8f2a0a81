//! How many requests are worked on at once, and how many a person may make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sync_core::ids::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::problem::Problem;

/// Requests that are worked on: fewer than there are connections, since devices need those.
const AT_ONCE: usize = 2;
/// How long one waits for its place.
const PLACE_WITHIN: Duration = Duration::from_secs(20);
/// Requests that a person may make one after the other,
const TURNS: u32 = 40;
/// and how soon there is one more.
const TURN_EVERY: Duration = Duration::from_secs(1);
/// People whose turns are counted; those who asked long ago are forgotten first.
const PEOPLE: usize = 10_000;

/// Where requests wait for their place.
#[derive(Debug)]
pub struct Desk {
    places: Arc<Semaphore>,
    turns: Mutex<HashMap<UserId, Turns>>,
}

#[derive(Debug)]
struct Turns {
    left: u32,
    since: Instant,
}

impl Default for Desk {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), turns: Mutex::default() }
    }
}

impl Desk {
    /// Counts a request of a person.
    pub(super) fn turn_of(&self, user: UserId) -> Result<(), Problem> {
        self.turn_at(user, Instant::now())
    }

    fn turn_at(&self, user: UserId, now: Instant) -> Result<(), Problem> {
        let mut all = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PEOPLE {
            all.retain(|_, turns| now.duration_since(turns.since) < TURN_EVERY * TURNS);
        }
        let turns = all.entry(user).or_insert(Turns { left: TURNS, since: now });
        let passed = now.duration_since(turns.since).as_millis() / TURN_EVERY.as_millis();
        if let Ok(more @ 1..) = u32::try_from(passed) {
            turns.left = turns.left.saturating_add(more).min(TURNS);
            turns.since = now;
        }
        turns.left = turns.left.checked_sub(1).ok_or_else(Problem::too_often)?;
        Ok(())
    }

    /// Waits for a place.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = timeout(PLACE_WITHIN, self.places.clone().acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(Problem::unavailable)
    }
}

#[cfg(test)]
mod tests {
    use sync_core::ids::UserId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn whoever_asks_too_often_waits_and_nobody_else_does() {
        let desk = Desk::default();
        let [mia, ada] = [1, 2].map(|n| UserId(Uuid::from_u128(n)));
        let now = Instant::now();
        for _ in 0..TURNS {
            assert!(desk.turn_at(mia, now).is_ok());
        }
        assert!(desk.turn_at(mia, now).is_err());
        assert!(desk.turn_at(ada, now).is_ok());
        assert!(desk.turn_at(mia, now + TURN_EVERY).is_ok());
        assert!(desk.turn_at(mia, now + TURN_EVERY).is_err());
    }
}
