//! Points in time, as arguments. Nothing here reads a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::calendar;

/// Milliseconds since 1970-01-01T00:00:00Z, as claimed by some clock.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// Whole seconds, the unit of an Automerge change's time.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment a number of seconds after the epoch, saturating at the ends.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Reads a moment that says how far it is from UTC, as in RFC 3339. Without that nobody can tell
    /// which moment is meant; `document::Habits` has the zone of whoever writes one so.
    pub fn parse(text: &str) -> Option<Self> {
        calendar::read_moment(text).map(Self)
    }

    /// The calendar day in UTC, `YYYY-MM-DD`.
    pub fn utc_date(self) -> Option<String> {
        calendar::day_of(self.0).map(|(day, _)| day.to_string())
    }
}

/// Whether a text is a day as `YYYY-MM-DD`, of a year that PostgreSQL knows too: there is no year 0.
pub(crate) fn is_day(text: &str) -> bool {
    calendar::Day::parse(text).is_some_and(|day| day.year > 0)
}

/// Always `YYYY-MM-DDTHH:MM:SS.mmmZ`, so that text order is time order in SQLite.
impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((day, ms)) = calendar::day_of(self.0) else {
            return write!(f, "+{}ms", self.0);
        };
        let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
        write!(f, "{day}T{hour:02}:{minute:02}:{:02}.{:03}Z", ms / 1000 % 60, ms % 1000)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_with_three_digits_and_reads_back() {
        let moment = UnixMs(1_700_000_000_120);
        assert_eq!(moment.to_string(), "2023-11-14T22:13:20.120Z");
        assert_eq!(UnixMs::parse(&moment.to_string()), Some(moment));
        assert_eq!(UnixMs(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn without_its_distance_from_utc_a_time_is_no_moment() {
        let ten = UnixMs::parse("2026-11-20T10:00:00-05:00").unwrap();
        assert_eq!(ten.to_string(), "2026-11-20T15:00:00.000Z");
        assert_eq!(UnixMs::parse("2026-11-20 10:00"), None);
        assert_eq!(UnixMs::parse("1970-01-02"), None);
        assert_eq!(UnixMs(86_400_000).utc_date().as_deref(), Some("1970-01-02"));
    }
}
