//! What a person types for a field, and what a cell of a table says: read as people write it, or refused
//! with what is allowed.
//!
//! **Invariant**: what is not understood is refused. Nothing is cut off, moved or filled in unsaid.

mod days;
mod numbers;

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json, json};

use super::form::allowed;
use super::phone;
use super::value::{Value, ValueError, clip};
use crate::schema::{Field, FieldType, Part, PartType, SetOf};
use crate::words;

pub use days::{DayOrder, DayProblem, day_and_time, moment, read_time};
pub use numbers::Decimal;

/// How somebody writes: what is not said with each value.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Where times of day are those of a clock on the wall. Without it they are refused.
    pub zone: Option<TimeZone>,
    /// Which of two numbers is the day.
    pub days: DayOrder,
    /// Which sign stands before the decimals.
    pub decimal: Decimal,
    /// Which currency is meant where none is named.
    pub currency: Option<String>,
}

/// Reads what a person typed for a field, such as `A`, `2026-03-01`, `1,200` or `25,000.00 USD`.
///
/// # Errors
/// When the text is no value of the field's type.
pub fn read_value(field: &Field, text: &str, habits: &Habits) -> Result<Value, ValueError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let wrong = |problem: String| ValueError::new(field.name, problem, allowed(field));
    let quoted = |problem: String| wrong(format!("\"{}\" {problem}", clip(text)));
    let json = match field.ty {
        FieldType::Int { .. } => {
            let number = numbers::whole(text, habits.decimal);
            json!(number.ok_or_else(|| quoted("is no whole number".into()))?)
        }
        FieldType::Bool => {
            json!(words::yes_or_no(text).ok_or_else(|| quoted("says neither yes nor no".into()))?)
        }
        FieldType::Choice { of, .. } => json!(words::one_of(text, of).unwrap_or(text)),
        FieldType::Date => json!(day(text, habits).map_err(quoted)?),
        FieldType::Instant => {
            let moment = days::moment(text, habits.days, habits.zone.as_ref());
            return moment.map(Value::Instant).map_err(|problem| quoted(problem.to_string()));
        }
        FieldType::Parts(parts) => parts_of(field, parts, text, habits)?,
        _ => Json::from(text),
    };
    Value::from_json(field, &json)
}

/// The keys that a text gives a set, as they were written: phones and e-mails beside each other are
/// told apart.
pub fn split_keys(of: SetOf, text: &str) -> Vec<String> {
    let split = |signs: &[char]| {
        let parts = text.split(signs).flat_map(|part| part.split(":::"));
        parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    match of {
        SetOf::Phones => phone::several(text),
        SetOf::Emails => split(&[',', ';', '\n', '\r', '\t', ' ', '|']),
        SetOf::Words | SetOf::Ids => split(&[',']),
    }
}

/// Reads one part of a value; text that does not fit stays text, for whoever checks the value to name.
pub(super) fn part(part: &Part, text: &str, habits: &Habits) -> Json {
    let text = text.trim();
    let read = match part.ty {
        PartType::Int { .. } => numbers::whole(text, habits.decimal).map(Json::from),
        PartType::Float { .. } => numbers::real(text, habits.decimal).map(Json::from),
        PartType::Date => day(text, habits).ok().map(Json::from),
        PartType::Moment => numbers::whole(text, habits.decimal).map(Json::from).or_else(|| {
            let moment = days::moment(text, habits.days, habits.zone.as_ref());
            moment.ok().map(|at| Json::from(at.0))
        }),
        PartType::Choice(of) => words::one_of(text, of).map(Json::from),
        PartType::Currency => Some(Json::from(text.to_ascii_uppercase())),
        PartType::Str { .. } => None,
    };
    read.unwrap_or_else(|| Json::from(text))
}

/// A day in its one form. Midnight behind it is how programs write a day alone.
fn day(text: &str, habits: &Habits) -> Result<String, String> {
    let read = days::day_and_time(text, habits.days).map_err(|problem| problem.to_string())?;
    match read {
        (day, None) => Ok(day.to_string()),
        (day, Some(time)) if time == jiff::civil::Time::midnight() => Ok(day.to_string()),
        _ => Err("has a time of day".to_owned()),
    }
}

/// `street=1 Main St, city=Albany`, a JSON object, an amount with its currency, or a position.
fn parts_of(
    field: &Field,
    parts: &'static [Part],
    text: &str,
    habits: &Habits,
) -> Result<Json, ValueError> {
    let wrong = |problem: String| ValueError::new(field.name, problem, allowed(field));
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|e| wrong(format!("not JSON: {e}")));
    }
    let has = |name: &str| parts.iter().any(|part| part.name == name);
    if !text.contains('=') && has("minor") && has("currency") {
        let (minor, currency) = numbers::amount(text, habits.decimal, habits.currency.as_deref())
            .map_err(|problem| {
            let allowed = "an amount with its currency, such as 25,000.00 USD";
            let problem = format!("\"{}\" {problem}", clip(text));
            ValueError::new(field.name, problem, allowed)
        })?;
        return Ok(json!({"minor": minor, "currency": currency}));
    }
    if !text.contains('=') && has("lat") && has("lng") {
        let inner = text.trim_start_matches('(').trim_end_matches(')');
        let number = |text: &str| text.trim().parse::<f64>().ok();
        let read = inner.split_once(',').and_then(|(a, b)| Some((number(a)?, number(b)?)));
        let (lat, lng) = read.ok_or_else(|| {
            wrong(format!("\"{}\" is no position such as 40.84, -73.86", clip(text)))
        })?;
        return Ok(json!({"lat": lat, "lng": lng}));
    }
    let mut object = Map::new();
    for pair in text.split(',') {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(wrong(format!("\"{}\" is not part=value", clip(pair))));
        };
        let name = name.trim();
        let Some(known) = parts.iter().find(|part| part.name == name) else {
            return Err(wrong(format!("no part \"{}\"", clip(name))));
        };
        object.insert(name.to_owned(), part(known, value, habits));
    }
    Ok(Json::Object(object))
}
