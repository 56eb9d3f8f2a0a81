//! How far this device's clock is off, and what that makes of moments.
//!
//! Which of two clocks is wrong nobody can tell who has only these. The server's goes for everybody, so
//! that the edits of all devices lie on one line.

use std::fmt;

use super::store::Stored;
use crate::document::{FieldChange, RecordEdit, Value, fit};
use crate::limits;
use crate::schema::Initial;
use crate::time::UnixMs;

/// Where the file says by how much this device's clock was ahead of the server's.
pub(super) const AHEAD: &str = "clock_ahead";

/// By how much this device's clock is ahead of the server's; less than nothing where it is behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClockAhead(pub i64);

impl ClockAhead {
    /// What the file says, if clocks differ by more than nobody minds.
    pub(super) fn of(stored: Stored<'_>) -> rusqlite::Result<Self> {
        let ahead = stored.meta::<i64>(AHEAD)?.unwrap_or(0);
        let minded = ahead.unsigned_abs() > limits::CLOCK_TOLERANCE_MS;
        Ok(Self(if minded { ahead } else { 0 }))
    }

    /// The moment by the server's clock.
    pub(super) fn by_the_server(self, own: UnixMs) -> UnixMs {
        UnixMs(own.0.saturating_sub(self.0))
    }

    /// What is to be said of it; nothing of a clock that is right.
    pub fn said(self) -> Option<String> {
        let side = if self.0 > 0 { "ahead of" } else { "behind" };
        let by = Span(self.0.unsigned_abs());
        (self.0 != 0).then(|| {
            format!(
                "this device's clock is {by} {side} the server's; edits are dated by the server's, set the clock"
            )
        })
    }
}

/// Milliseconds in the largest unit of which there are two.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = (self.0 + 30_000) / 60_000;
        match minutes {
            0..120 => write!(f, "{minutes} minutes"),
            120..2850 => write!(f, "{} hours", (minutes + 30) / 60),
            _ => write!(f, "{} days", (minutes + 720) / 1440),
        }
    }
}

/// The moment of an edit that was made under a clock that has been found to be off by so much; none that
/// has not come.
pub(super) fn redated(made: UnixMs, shift_ms: i64, now: UnixMs) -> UnixMs {
    if made >= limits::EARLIEST && !fit::lies_ahead(made, now) {
        return made;
    }
    let moved = UnixMs(made.0.saturating_add(shift_ms));
    if moved >= limits::EARLIEST && moved <= now { moved } else { now }
}

/// Puts an edit's own moments, of what is said to have happened, no later than that; and when a record
/// began, which its device's clock said, no earlier than there were devices. Returns what was changed: the
/// field, and what it said.
pub(super) fn let_nothing_lie_ahead(
    edit: &mut RecordEdit,
    now: UnixMs,
) -> Vec<(&'static str, UnixMs)> {
    let mut changed = Vec::new();
    for (field, change) in &mut edit.changes {
        if let FieldChange::Set(Value::Parts(parts)) | FieldChange::Parts(parts) = change {
            for name in fit::moments(field) {
                let Some(said) = parts.get_mut(name) else { continue };
                if let Some(at) =
                    said.as_i64().map(UnixMs).filter(|at| fit::was_never_noted(*at, now))
                {
                    changed.push((field.name, at));
                    *said = now.0.into();
                }
            }
        }
        if let FieldChange::Set(Value::Instant(at)) = change {
            let ahead = fit::is_past(field) && fit::lies_ahead(*at, now);
            let began = matches!(field.initial, Initial::Now | Initial::NowUnless(_));
            let never = began && *at < limits::EARLIEST;
            if ahead || never {
                changed.push((field.name, *at));
                *at = now;
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_said_in_words() {
        const DAY: i64 = 86_400_000;
        let said = |ms| ClockAhead(ms).said().unwrap_or_default();
        assert!(said(3 * DAY).starts_with("this device's clock is 3 days ahead of the server's;"));
        assert!(
            said(-7_200_000).starts_with("this device's clock is 2 hours behind the server's;")
        );
        assert!(said(660_000).contains("11 minutes ahead"));
        assert_eq!(said(0), "");
    }

    #[test]
    fn what_lies_ahead_is_moved_by_what_the_clock_was_off_or_to_the_present() {
        let now = UnixMs(limits::EARLIEST.0 + 1_000_000_000);
        let at = |ms: i64| UnixMs(now.0 + ms);
        assert_eq!(redated(at(-5), -100, now), at(-5), "it may have happened");
        assert_eq!(redated(at(1_000_000), -1_000_001, now), at(-1));
        assert_eq!(redated(at(1_000_000), 0, now), now);
        assert_eq!(redated(UnixMs(5), 0, now), now, "there were no devices then");
    }
}
