//! Days and moments as people write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::time::UnixMs;

/// Which of two numbers with strokes between is the day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DayOrder {
    /// Nobody said: a day that may be two is refused.
    #[default]
    Unknown,
    /// The day comes first, as in 31/12/2026.
    DayFirst,
    /// The month comes first, as in 12/31/2026.
    MonthFirst,
}

/// Why a text is no day or moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DayProblem {
    /// It is none at all.
    NotADay,
    /// It is written as one, and the calendar has none such.
    NoSuchDay,
    /// It may be either of two.
    EitherOf(Date, Date),
    /// It has a time of day, and no zone is known.
    NoZone,
    /// The clocks there were put forward past it.
    Skipped,
}

impl std::fmt::Display for DayProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotADay => f.write_str("is not a day"),
            Self::NoSuchDay => f.write_str("is no day of the calendar"),
            Self::EitherOf(one, other) => write!(f, "may be {one} or {other}"),
            Self::NoZone => f.write_str("says no time zone, and none is set"),
            Self::Skipped => {
                f.write_str("does not exist there: the clocks were put forward past it")
            }
        }
    }
}

/// A day, and the time of day where one stands behind it.
pub fn day_and_time(text: &str, order: DayOrder) -> Result<(Date, Option<Time>), DayProblem> {
    let (day, time) = split_time(text.trim()).ok_or(DayProblem::NotADay)?;
    Ok((read_day(day, order)?, time))
}

/// A moment: one that says its distance from UTC, or a day and a time of day in the zone of whoever
/// writes. A day alone is its beginning there.
pub fn moment(text: &str, order: DayOrder, zone: Option<&TimeZone>) -> Result<UnixMs, DayProblem> {
    let text = text.trim();
    if let Some(moment) = UnixMs::parse(text) {
        return Ok(moment);
    }
    let plain = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT"));
    let (text, utc) = plain.map_or((text, false), |rest| (rest.trim_end(), true));
    let (day, time) = day_and_time(text, order)?;
    let zone = if utc { Some(&TimeZone::UTC) } else { zone };
    let zone = zone.ok_or(DayProblem::NoZone)?;
    let stamp = match time {
        Some(time) => {
            let found = zone.to_ambiguous_timestamp(DateTime::from_parts(day, time));
            if matches!(found.offset(), AmbiguousOffset::Gap { .. }) {
                return Err(DayProblem::Skipped);
            }
            found.compatible()
        }
        None => zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible(),
    };
    stamp.map(|stamp| UnixMs(stamp.as_millisecond())).map_err(|_| DayProblem::NoSuchDay)
}

/// What stands before the time of day, and the time; none when that is no time.
fn split_time(text: &str) -> Option<(&str, Option<Time>)> {
    let at = match (text.find(':'), text.rfind(' ')) {
        // 2026-11-20T10:00, 2026-11-20 10:00
        (Some(colon), _) => text[..colon].rfind([' ', 'T', ','])?,
        (None, Some(space)) => match text[space + 1..].to_ascii_lowercase().as_str() {
            "am" | "pm" | "a.m." | "p.m." => text[..space].trim_end().rfind(' ')?,
            last if is_hour(last) => space,
            _ => return Some((text, None)),
        },
        (None, None) => return Some((text, None)),
    };
    let time = read_time(text[at + 1..].trim())?;
    Some((text[..at].trim_end_matches([' ', ',']), Some(time)))
}

/// 10am, 3pm.
fn is_hour(word: &str) -> bool {
    let digits = word.strip_suffix("am").or_else(|| word.strip_suffix("pm"));
    digits.is_some_and(|digits| !digits.is_empty() && is_number(digits))
}

/// A time of day: 10:00, 9:30 AM, 17:30:00, 3pm.
pub fn read_time(text: &str) -> Option<Time> {
    let lower = text.trim().to_ascii_lowercase().replace("a.m.", "am").replace("p.m.", "pm");
    let (clock, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(clock), _) => (clock.trim_end(), Some(0)),
        (_, Some(clock)) => (clock.trim_end(), Some(12)),
        _ => (lower.as_str(), None),
    };
    let mut parts = clock.split(':');
    let number = |part: Option<&str>| -> Option<i8> {
        let part = part?;
        (part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
    };
    let hour = number(parts.next())?;
    let minute = match (parts.next(), half) {
        (None, None) => return None,
        (None, Some(_)) => 0,
        (minute, _) => number(minute)?,
    };
    let second = match parts.next() {
        None => 0,
        // Fractions of a second are what a program wrote; no person means them.
        Some(second) => number(second.split('.').next())?,
    };
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
    };
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

fn read_day(text: &str, order: DayOrder) -> Result<Date, DayProblem> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let words = match words.as_slice() {
        [first, rest @ ..] if rest.len() == 3 && is_weekday(first) => rest,
        all => all,
    };
    let day = |year: Option<i16>, month: Option<i8>, day: Option<i8>| match (year, month, day) {
        (Some(0), ..) => Err(DayProblem::NoSuchDay),
        (Some(year), Some(month), Some(day)) => {
            Date::new(year, month, day).map_err(|_| DayProblem::NoSuchDay)
        }
        _ => Err(DayProblem::NotADay),
    };
    match words {
        [all] if all.len() == 8 && all.bytes().all(|b| b.is_ascii_digit()) => {
            day(all[..4].parse().ok(), all[4..6].parse().ok(), all[6..].parse().ok())
        }
        [y, m, d] if y.len() == 4 && is_number(y) => {
            day(y.parse().ok(), month(m).or_else(|| small(m)), small(d))
        }
        [m, d, y] if month(m).is_some() => day(year(y), month(m), ordinal(d)),
        [d, m, y] if month(m).is_some() => day(year(y), month(m), ordinal(d)),
        [a, b, y] => {
            let (Some(first), Some(second), Some(year)) = (small(a), small(b), year(y)) else {
                return Err(DayProblem::NotADay);
            };
            let day_first = || day(Some(year), Some(second), Some(first));
            let month_first = || day(Some(year), Some(first), Some(second));
            // With points between, the day comes first everywhere.
            let order = if text.contains('.') { DayOrder::DayFirst } else { order };
            match order {
                DayOrder::DayFirst => day_first(),
                DayOrder::MonthFirst => month_first(),
                DayOrder::Unknown => match (day_first(), month_first()) {
                    (Ok(one), Ok(other)) if one != other => Err(DayProblem::EitherOf(one, other)),
                    (Ok(one), _) => Ok(one),
                    (_, other) => other,
                },
            }
        }
        _ => Err(DayProblem::NotADay),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn small(text: &str) -> Option<i8> {
    (text.len() <= 2 && is_number(text)).then(|| text.parse().ok())?
}

fn ordinal(text: &str) -> Option<i8> {
    let lower = text.to_ascii_lowercase();
    small(lower.trim_end_matches(|c: char| c.is_ascii_alphabetic()))
}

/// Of two digits the years from 1970 to 2069 are meant.
fn year(text: &str) -> Option<i16> {
    let number: i16 = is_number(text).then(|| text.parse().ok())??;
    match text.len() {
        4 => Some(number),
        2 if number < 70 => Some(2000 + number),
        2 => Some(1900 + number),
        _ => None,
    }
}

fn month(text: &str) -> Option<i8> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const FULL: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let lower = text.to_lowercase();
    let place = NAMES.iter().position(|name| *name == lower);
    let place = place.or_else(|| FULL.iter().position(|name| *name == lower));
    let place = place.or_else(|| (lower == "sept").then_some(8))?;
    i8::try_from(place + 1).ok()
}

fn is_weekday(text: &str) -> bool {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let lower = text.to_lowercase();
    NAMES.iter().any(|name| lower == *name || (lower.starts_with(name) && lower.ends_with("day")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn day(text: &str, order: DayOrder) -> Result<String, DayProblem> {
        day_and_time(text, order).map(|(day, _)| day.to_string())
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        for text in [
            "2026-11-03",
            "20261103",
            "3-Nov-26",
            "Nov 3, 2026",
            "3 November 2026",
            "3.11.2026",
            "Tuesday, November 3rd, 2026",
            "2026/11/03",
            "3.11.26",
        ] {
            assert_eq!(day(text, DayOrder::Unknown).as_deref(), Ok("2026-11-03"), "{text}");
        }
        assert_eq!(day("11/3/2026", DayOrder::MonthFirst).as_deref(), Ok("2026-11-03"));
        assert_eq!(day("3/11/2026", DayOrder::DayFirst).as_deref(), Ok("2026-11-03"));
        assert_eq!(day("11/18/26", DayOrder::Unknown).as_deref(), Ok("2026-11-18"));
    }

    #[test]
    fn what_may_be_two_days_or_none_is_not_guessed() {
        assert!(matches!(day("1/8/2027", DayOrder::Unknown), Err(DayProblem::EitherOf(..))));
        assert_eq!(day("11/31/2026", DayOrder::MonthFirst), Err(DayProblem::NoSuchDay));
        assert_eq!(day("31.02.2025", DayOrder::Unknown), Err(DayProblem::NoSuchDay));
        assert_eq!(day("13/11/2026", DayOrder::MonthFirst), Err(DayProblem::NoSuchDay));
        for text in ["soon", "", "--03-14", "0/0/00x", "2026", "1/2"] {
            assert_eq!(day(text, DayOrder::MonthFirst), Err(DayProblem::NotADay), "{text}");
        }
        assert_eq!(day("0000-01-01", DayOrder::Unknown), Err(DayProblem::NoSuchDay));
    }

    #[test]
    fn a_time_of_day_is_one_in_the_zone_of_whoever_writes_it() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let at = |text| moment(text, DayOrder::MonthFirst, Some(&zone)).map(|at| at.to_string());
        let ten = Ok("2026-11-20T15:00:00.000Z".to_owned());
        for text in [
            "2026-11-20 10:00",
            "2026-11-20T10:00",
            "11/20/2026 10:00 AM",
            "Nov 20, 2026 10am",
            "2026-11-20 10 a.m.",
            "2026-11-20T10:00:00-05:00",
            "2026-11-20 15:00 UTC",
            "2026-11-20T15:00:00Z",
        ] {
            assert_eq!(at(text), ten, "{text}");
        }
        assert_eq!(at("2026-11-20 12:30 PM"), Ok("2026-11-20T17:30:00.000Z".into()));
        assert_eq!(at("2026-11-20"), Ok("2026-11-20T05:00:00.000Z".into()));
        for text in ["2026-11-20 25:00", "2026-11-20 10:0x", "10:00", "2026-11-20 at ten"] {
            assert_eq!(at(text), Err(DayProblem::NotADay), "{text}");
        }
        let nowhere = moment("2026-11-20 10:00", DayOrder::Unknown, None);
        assert_eq!(nowhere, Err(DayProblem::NoZone));
    }

    /// In New York the clocks were put forward at two on the 8th of March 2026, and back at two on
    /// the 1st of November.
    #[test]
    fn a_time_that_the_clocks_skip_is_refused() {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        let at = |text| moment(text, DayOrder::Unknown, Some(&zone)).map(|at| at.to_string());
        assert_eq!(at("2026-03-08 02:30"), Err(DayProblem::Skipped));
        assert_eq!(at("2026-03-08 03:30"), Ok("2026-03-08T07:30:00.000Z".into()));
        assert_eq!(at("2026-11-01 01:30"), Ok("2026-11-01T05:30:00.000Z".into()));
    }
}
