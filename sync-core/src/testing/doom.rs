//! The end that a test has in store for a process: at a named point, the so manieth time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault::FaultPoint;

/// The environment variable that tells a process where it is to end, as in `server-after-commit:3`.
pub const DIES_AT: &str = "DIES_AT";

/// At which point a process ends, and after how many times more.
#[derive(Clone, Debug)]
pub struct Doom {
    at: FaultPoint,
    left: Arc<AtomicU64>,
}

impl Doom {
    /// The end at a point, the so manieth time that it is reached.
    pub fn at(point: FaultPoint, nth: u64) -> Self {
        Self { at: point, left: Arc::new(AtomicU64::new(nth)) }
    }

    /// Reads what the environment variable holds.
    ///
    /// # Panics
    /// When that is no point and number: the test that set it is wrong.
    pub fn parse(text: &str) -> Self {
        let read = || {
            let (point, nth) = text.split_once(':')?;
            Some(Self::at(FaultPoint::parse(point)?, nth.parse().ok()?))
        };
        read().unwrap_or_else(|| {
            panic!("{DIES_AT}={text}: a point and a number, as in device-after-commit:3")
        })
    }

    /// What a test puts into the environment variable.
    pub fn in_words(point: FaultPoint, nth: u64) -> String {
        format!("{point}:{nth}")
    }

    /// The process came to a point. Ends it at once, with nothing tidied up, if that is the one.
    pub fn reach(&self, point: FaultPoint) {
        if point == self.at && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }
}
