//! Days of the calendar and moments in UTC, as texts and as numbers. The browser's engine has nothing else
//! for them: a library for zones and spans would weigh more there than all that is done with it.

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// The first and the last moment that has a day, such that every zone's clock shows one there too.
const FIRST_MS: i64 = -377_705_023_201_000;
const LAST_MS: i64 = 253_402_207_200_999;

/// A day of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Day {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
}

impl Day {
    /// Reads `YYYY-MM-DD`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let fits = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let (year, month) = (digits(text.get(..4)?)?, digits(text.get(5..7)?)?);
        let read = Self { year, month, day: digits(text.get(8..)?)? };
        (fits && Self::of_number(read.number()) == read).then_some(read)
    }

    /// Days since 1970-01-01. The year is taken to begin in March, so that the odd day is its last.
    pub(crate) fn number(self) -> i64 {
        let year = if self.month > 2 { self.year } else { self.year - 1 };
        let (era, month) = (year.div_euclid(400), (self.month + 9) % 12);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * month + 2) / 5 + self.day - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The day so many days after 1970-01-01.
    pub(crate) fn of_number(number: i64) -> Self {
        let from_march = number + 719_468;
        let (era, left) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
        let of_era = (left - left / 1460 + left / 36_524 - left / 146_096) / 365;
        let of_year = left - (365 * of_era + of_era / 4 - of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let (day, month) = (of_year - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
        Self { year: era * 400 + of_era + i64::from(month <= 2), month, day }
    }

    /// The year and the week of ISO 8601: a week is of the year that its Thursday is in.
    pub(crate) fn iso_week(self) -> (i64, i64) {
        let number = self.number();
        let thursday = number - (number + 3).rem_euclid(7) + 3;
        let year = Self::of_number(thursday).year;
        let first = Self { year, month: 1, day: 1 }.number();
        (year, (thursday - first) / 7 + 1)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { year, month, day } = self;
        match year {
            0.. => write!(f, "{year:04}-{month:02}-{day:02}"),
            _ => write!(f, "-{:06}-{month:02}-{day:02}", -year),
        }
    }
}

/// The day in UTC and the milliseconds of it, of milliseconds since 1970; `None` beyond the calendar.
pub(crate) fn day_of(ms: i64) -> Option<(Day, i64)> {
    let within = (FIRST_MS..=LAST_MS).contains(&ms);
    within.then(|| (Day::of_number(ms.div_euclid(DAY_MS)), ms.rem_euclid(DAY_MS)))
}

/// Milliseconds since 1970 of a moment as RFC 3339 writes it: a day, a time, and how far that is from UTC.
/// Seconds may be left out, a blank may stand for the `T`, and a zone's name in brackets behind it all.
pub(crate) fn read_moment(text: &str) -> Option<i64> {
    let text = match text.strip_suffix(']') {
        Some(named) => named.rsplit_once('[')?.0,
        None => text,
    };
    let day = Day::parse(text.get(..10)?)?;
    let time = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    let (clock, offset_s) = match time.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => {
            let sign = time.rfind(['+', '-'])?;
            let distance = read_offset(&time[sign + 1..])?;
            (&time[..sign], if time.as_bytes()[sign] == b'-' { -distance } else { distance })
        }
    };
    let (seconds, nanos) = read_clock(clock)?;
    let seconds = day.number() * 86_400 + seconds - offset_s;
    // What is finer than a millisecond is cut off, towards 1970.
    let finer = if seconds < 0 { 999_999 } else { 0 };
    let ms = seconds * 1000 + (nanos + finer) / 1_000_000;
    (FIRST_MS..=LAST_MS).contains(&ms).then_some(ms)
}

/// Seconds of the day and billionths: `HH:MM`, `HH:MM:SS`, `HH:MM:SS.fff`. A leap second is the one before.
fn read_clock(text: &str) -> Option<(i64, i64)> {
    let (whole, nanos) = match text.split_once(['.', ',']) {
        Some((whole, part)) if whole.len() == 8 && (1..=9).contains(&part.len()) => {
            (whole, digits(part)? * 10_i64.pow(9 - u32::try_from(part.len()).ok()?))
        }
        Some(_) => return None,
        None => (text, 0),
    };
    let mut parts = whole.split(':').map(two);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let fits = hour < 24 && minute < 60 && second <= 60 && parts.next().is_none();
    fits.then_some((hour * 3600 + minute * 60 + second.min(59), nanos))
}

/// Seconds: `HH`, `HHMM`, `HH:MM`.
fn read_offset(text: &str) -> Option<i64> {
    let (hours, minutes) = match text.len() {
        2 => (text, "00"),
        4 => (text.get(..2)?, text.get(2..)?),
        _ => text.split_once(':')?,
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 26 && minutes < 60).then_some(hours * 3600 + minutes * 60)
}

fn two(text: &str) -> Option<i64> {
    if text.len() == 2 { digits(text) } else { None }
}

fn digits(text: &str) -> Option<i64> {
    let all = text.bytes().all(|byte| byte.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::civil::Date;
    use jiff::{Timestamp, ToSpan};

    use super::*;

    #[test]
    fn every_day_is_what_the_calendar_says() {
        let mut day = Date::new(-9999, 1, 3).unwrap();
        let last = Date::new(9999, 12, 28).unwrap();
        while day < last {
            let noon = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
            let (ours, left) = day_of(noon.timestamp().as_millisecond()).unwrap();
            assert_eq!((ours.to_string(), left), (day.to_string(), DAY_MS / 2));
            let week = day.iso_week_date();
            assert_eq!(ours.iso_week(), (i64::from(week.year()), i64::from(week.week())), "{day}");
            if day.year() >= 0 {
                assert_eq!(Day::parse(&day.to_string()), Some(ours));
            }
            // A step that comes to every day of the week, the month and the year.
            day = day.checked_add(5.days()).unwrap();
        }
    }

    #[test]
    fn what_is_no_day_is_not_read() {
        let wrong = "2026-02-29 2100-02-29 2026-13-01 2026-00-10 2026-11-00 2026-11-31 26-11-20 2026-1-20 \
                     +2026-1-2 2026/11/20 2026-11-20T é026-11-2";
        for text in wrong.split_whitespace() {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert!(Day::parse("2024-02-29").is_some() && Day::parse("2000-02-29").is_some());
    }

    #[test]
    fn moments_are_read_as_the_library_reads_them() {
        let days = ["2026-11-20", "1969-12-31", "0000-01-01", "9999-12-30", "1600-02-29"];
        let clocks = ["10:00", "23:59:59", "00:00:00.001", "12:30:60", "05:06:07.123456789"];
        let offsets = ["Z", "z", "+00:00", "-05:00", "+0530", "-11", "+25:59"];
        let both = |text: &str| {
            let theirs = text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
            assert_eq!(read_moment(text), theirs, "{text}");
            theirs.is_some()
        };
        let mut read = 0;
        for (day, clock) in days.iter().flat_map(|day| clocks.map(|clock| (day, clock))) {
            for (offset, separator) in offsets.iter().flat_map(|o| ["T", "t", " "].map(|s| (o, s)))
            {
                read += usize::from(both(&format!("{day}{separator}{clock}{offset}")));
            }
        }
        assert!(read > 450, "{read}");
        both("2026-11-20T10:00-05:00[America/New_York]");
        let wrong = [
            "",
            "2026-11-20",
            "2026-11-20T10:00",
            "2026-11-20T24:00Z",
            "2026-11-20T10:61Z",
            "2026-11-20T10:00:00.Z",
            "2026-11-20T10:00:00.0123456789Z",
            "2026-11-20T10:00+26:00",
            "2026-11-20T10:00+5:00",
            "2026-11-20T10:00é",
            "2026-02-29T10:00Z",
            "T10:00Z",
        ];
        for text in wrong {
            assert!(!both(text), "{text}");
        }
    }

    #[test]
    fn the_calendar_ends_where_the_library_ends() {
        let (first, last) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
        assert!(day_of(first).is_some() && day_of(first - 1).is_none());
        assert!(day_of(last).is_some() && day_of(last + 1).is_none());
    }
}
