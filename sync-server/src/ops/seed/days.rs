//! Days and working hours around the moment as of which a company is made up.

use sync_core::random::Random;
use sync_core::time::UnixMs;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Eight in the morning in New York, more or less: half past twelve in UTC.
const MORNING: i64 = 12 * 60 + 30;
/// Minutes of a working day.
const WORKDAY: u64 = 8 * 60;

/// Days around a moment; 0 is the day of that moment, and -1 the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Days {
    pub(super) now: UnixMs,
}

impl Days {
    fn today(self) -> i64 {
        self.now.0.div_euclid(DAY_MS)
    }

    /// A day as fields hold it.
    pub(super) fn day(self, day: i64) -> String {
        UnixMs((self.today() + day) * DAY_MS).utc_date().unwrap_or_default()
    }

    /// So many minutes after work begins on a day.
    pub(super) fn at(self, day: i64, minutes: i64) -> UnixMs {
        UnixMs((self.today() + day) * DAY_MS + (MORNING + minutes) * MINUTE_MS)
    }

    /// Some moment at work on a day that has passed, or on the Friday before where it was a weekend. Never
    /// one that has not come yet.
    pub(super) fn worked(self, random: &mut Random, day: i64) -> UnixMs {
        // The first of January 1970 was a Thursday; weeks are counted from Monday here.
        let weekend = ((self.today() + day + 3).rem_euclid(7) - 4).max(0);
        let minutes = i64::try_from(random.below(WORKDAY)).unwrap_or_default();
        let moment = self.at(day - weekend, minutes);
        UnixMs(moment.0.min(self.now.0 - MINUTE_MS))
    }

    /// On which day a moment lies.
    pub(super) fn of(self, moment: UnixMs) -> i64 {
        moment.0.div_euclid(DAY_MS) - self.today()
    }

    /// So many minutes later, and no later than now.
    pub(super) fn later(self, moment: UnixMs, minutes: u64) -> UnixMs {
        let minutes = i64::try_from(minutes).unwrap_or_default();
        UnixMs((moment.0 + minutes * MINUTE_MS).min(self.now.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_worked_at_a_weekend_or_in_the_future() {
        // A Friday, at noon.
        let days = Days { now: UnixMs(1_795_780_800_000) };
        assert_eq!(days.day(0), "2026-11-27");
        assert_eq!((days.day(-1), days.day(5)), ("2026-11-26".to_owned(), "2026-12-02".to_owned()));
        let mut random = Random::new(1);
        for day in -100..=0 {
            let worked = days.worked(&mut random, day);
            assert!(worked < days.now, "{day}");
            let weekday = (days.of(worked) - 3).rem_euclid(7);
            assert!(weekday < 5, "{day} is worked on {worked}, weekday {weekday}");
        }
    }
}
