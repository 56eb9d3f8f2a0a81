//! The functions that reports call, by the names that they have on the server too.
//!
//! **Invariant**: what is NULL goes in, what is NULL comes out, and nothing that stands in a row makes a
//! function fail.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};

use super::stored::Stored;
use crate::calendar::{DAY_MS, Day};
use crate::ids::UserId;
use crate::time::UnixMs;

/// What the functions say that take no argument, and what they know of the world.
#[derive(Clone, Copy, Debug)]
pub(in crate::replica) struct Facts {
    pub(in crate::replica) user: UserId,
    pub(in crate::replica) last_sync: Option<UnixMs>,
    pub(in crate::replica) now: UnixMs,
    pub(in crate::replica) offset_s: fn(&str, UnixMs) -> Option<i32>,
}

impl Stored<'_> {
    /// Makes the functions known to the statements that follow.
    pub(in crate::replica) fn add_functions(self, facts: Facts) -> rusqlite::Result<()> {
        let (fixed, pure) = (FunctionFlags::SQLITE_UTF8, FunctionFlags::SQLITE_DETERMINISTIC);
        let pure = fixed | pure;
        let (now, user) = (facts.now.to_string(), facts.user.to_string());
        let last_sync = facts.last_sync.map(|at| at.to_string());
        let db = self.db;
        db.create_scalar_function("now", 0, fixed, move |_| Ok(now.clone()))?;
        db.create_scalar_function("this_user", 0, fixed, move |_| Ok(user.clone()))?;
        db.create_scalar_function("last_sync", 0, fixed, move |_| Ok(last_sync.clone()))?;
        db.create_scalar_function("days_ago", 1, fixed, move |args| {
            let days: i64 = args.get(0)?;
            Ok(UnixMs(facts.now.0 - days.saturating_mul(DAY_MS)).to_string())
        })?;
        let zones = Zones { offset_s: facts.offset_s, days: Mutex::default() };
        db.create_scalar_function("local_day", 2, fixed, move |args| {
            let (at, zone) = (text(args, 0)?, text(args, 1)?);
            let at = at.and_then(|at| UnixMs::parse(&at));
            Ok(at.zip(zone).and_then(|(at, zone)| zones.day(&zone, at)))
        })?;
        db.create_scalar_function("iso_week", 1, pure, |args| {
            let week = day(args, 0)?.map(Day::iso_week);
            Ok(week.map(|(year, week)| format!("{year:04}-W{week:02}")))
        })?;
        db.create_scalar_function("month_of", 1, pure, |args| {
            Ok(day(args, 0)?.map(|day| format!("{:04}-{:02}", day.year, day.month)))
        })?;
        db.create_scalar_function("quarter_of", 1, pure, |args| {
            let quarter = |day: Day| format!("{:04}-Q{}", day.year, (day.month + 2) / 3);
            Ok(day(args, 0)?.map(quarter))
        })?;
        db.create_scalar_function("days_between", 2, pure, |args| {
            let days = day(args, 0)?.zip(day(args, 1)?);
            Ok(days.map(|(from, to)| to.number() - from.number()))
        })?;
        db.create_scalar_function("of_percent", 1, pure, |args| {
            // Whole tenths, rounded as PostgreSQL rounds: halves go away from nothing.
            let percent: Option<i64> = args.get(0)?;
            let tenths = percent.map(|n| (n.abs() + 5) / 10 * n.signum());
            Ok(tenths.map(|tenths| tenths as f64 / 10.0))
        })
    }
}

fn text(args: &Context<'_>, place: usize) -> rusqlite::Result<Option<String>> {
    args.get(place)
}

fn day(args: &Context<'_>, place: usize) -> rusqlite::Result<Option<Day>> {
    Ok(text(args, place)?.and_then(|day| Day::parse(&day)))
}

/// The days of moments in zones. The host is asked once for a zone and a day, where that does not change its
/// clocks: in a browser asking costs more than the rest of a report.
struct Zones {
    offset_s: fn(&str, UnixMs) -> Option<i32>,
    days: Mutex<HashMap<(String, i64), Option<i32>>>,
}

impl Zones {
    fn day(&self, zone: &str, at: UnixMs) -> Option<String> {
        let offset = if zone == "UTC" { 0 } else { self.offset(zone, at) };
        let local = at.0.checked_add(i64::from(offset) * 1000)?;
        UnixMs(local).utc_date()
    }

    fn offset(&self, zone: &str, at: UnixMs) -> i32 {
        let ask = |at| (self.offset_s)(zone, at).unwrap_or(0);
        let day = at.0.div_euclid(DAY_MS);
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let steady = days.entry((zone.to_owned(), day)).or_insert_with(|| {
            let (first, last) = (ask(UnixMs(day * DAY_MS)), ask(UnixMs((day + 1) * DAY_MS - 1)));
            (first == last).then_some(first)
        });
        steady.unwrap_or_else(|| ask(at))
    }
}
