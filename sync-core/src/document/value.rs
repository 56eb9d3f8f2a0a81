//! Values of fields, and their form inside a document.

use std::collections::BTreeMap;

use automerge::ScalarValue;
use serde_json::Value as Json;

use super::phone;
use crate::ids;
use crate::limits;
use crate::nul::{NUL_PROBLEM, holds_nul, json_holds_nul};
use crate::schema::{Field, FieldType, Part, PartType, SetOf};
use crate::time::{UnixMs, is_day};

/// A value as people and programs give and get it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: clears a register.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A moment.
    Instant(UnixMs),
    /// Text: strings, choices, dates and ids.
    Str(String),
    /// The parts of a `Whole`, in key order; floating-point parts are JSON numbers.
    Parts(BTreeMap<String, Json>),
}

/// Why a value does not fit a field: names the field and says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}; allowed is {allowed}")]
pub struct ValueError {
    /// The field's name.
    pub field: String,
    /// What is wrong with the value given.
    pub problem: String,
    /// What would be right.
    pub allowed: String,
}

impl ValueError {
    pub(super) fn new(field: &str, problem: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into(), allowed: allowed.into() }
    }
}

impl Value {
    /// Reads a JSON value for a field and checks it against the declaration.
    ///
    /// # Errors
    /// When it is not of the field's type, too long, out of range or not one of its words.
    pub fn from_json(field: &Field, json: &Json) -> Result<Self, ValueError> {
        let wrong =
            |problem: String, allowed: String| ValueError::new(field.name, problem, allowed);
        if json.is_null() {
            return Ok(Value::Null);
        }
        let text = || json.as_str().map(str::trim).map(str::to_owned);
        let value = match field.ty {
            FieldType::Bool => json.as_bool().map(Value::Bool),
            FieldType::Int { .. } => json.as_i64().map(Value::Int),
            FieldType::Instant => match json {
                Json::Number(number) => number.as_i64().map(|ms| Value::Instant(UnixMs(ms))),
                Json::String(text) => UnixMs::parse(text.trim()).map(Value::Instant),
                _ => None,
            },
            FieldType::Parts(parts) => json.as_object().map(|given| {
                let given = given.iter().map(|(name, value)| (name.clone(), value.clone()));
                Value::Parts(plain_parts(parts, given))
            }),
            FieldType::Ref { .. } => text().map(|id| Value::Str(id.to_ascii_lowercase())),
            FieldType::Str { .. } | FieldType::Choice { .. } | FieldType::Date => {
                text().map(Value::Str)
            }
            FieldType::Text | FieldType::Set(_) | FieldType::Log(_) | FieldType::Fields => {
                return Err(wrong(
                    "cannot be set as a single value".into(),
                    "an edit of its own kind".into(),
                ));
            }
        };
        let value =
            value.ok_or_else(|| wrong(format!("{json} is of the wrong type"), allowed(field)))?;
        match problem(field, &value) {
            None => Ok(value),
            Some(what) => Err(wrong(what, allowed(field))),
        }
    }

    /// The scalar that stands for this value in a document.
    pub fn to_scalar(&self) -> ScalarValue {
        match self {
            Value::Null => ScalarValue::Null,
            Value::Bool(flag) => ScalarValue::Boolean(*flag),
            Value::Int(number) => ScalarValue::Int(*number),
            Value::Instant(at) => ScalarValue::Timestamp(at.0),
            Value::Str(text) => ScalarValue::Str(text.as_str().into()),
            Value::Parts(parts) => ScalarValue::Str(canonical_json(parts).into()),
        }
    }

    /// The same value as JSON, moments as ISO text.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(*flag),
            Value::Int(number) => Json::from(*number),
            Value::Instant(at) => Json::from(at.to_string()),
            Value::Str(text) => Json::from(text.as_str()),
            Value::Parts(parts) => Json::Object(parts.clone().into_iter().collect()),
        }
    }
}

/// Keys in order and no blanks: two devices that write equal parts write equal bytes.
fn canonical_json(parts: &BTreeMap<String, Json>) -> String {
    serde_json::to_string(parts).expect("BUG: JSON values serialise")
}

/// Reads a scalar found in a document for a register or `Whole`; `Err` says what is odd about it.
///
/// # Errors
/// When the scalar is not a value of the field; the record then shows NULL and a violation.
pub fn read_scalar(field: &Field, scalar: &ScalarValue) -> Result<Value, String> {
    let value = match (field.ty, scalar) {
        (_, ScalarValue::Null) => return Ok(Value::Null),
        (FieldType::Bool, ScalarValue::Boolean(flag)) => Value::Bool(*flag),
        (FieldType::Int { .. }, ScalarValue::Int(number)) => Value::Int(*number),
        // JavaScript writers give whole numbers as unsigned or floating-point.
        (FieldType::Int { .. }, ScalarValue::Uint(number)) => {
            Value::Int(i64::try_from(*number).map_err(|_| "number out of range".to_owned())?)
        }
        (FieldType::Instant, ScalarValue::Timestamp(ms)) => Value::Instant(UnixMs(*ms)),
        (FieldType::Parts(parts), ScalarValue::Str(text)) => {
            let read: BTreeMap<String, Json> =
                serde_json::from_str(text).map_err(|_| "not a JSON object of parts".to_owned())?;
            Value::Parts(plain_parts(parts, read))
        }
        (
            FieldType::Str { .. }
            | FieldType::Choice { .. }
            | FieldType::Date
            | FieldType::Ref { .. },
            ScalarValue::Str(text),
        ) => Value::Str(text.to_string()),
        _ => {
            return Err(format!("value of type {} is not {}", scalar_type(scalar), allowed(field)));
        }
    };
    match problem(field, &value) {
        None => Ok(value),
        Some(what) => Err(what),
    }
}

/// Parts in the one form in which equal values are equal: JavaScript writes a part without a value as
/// null, and 2.0 as 2.
fn plain_parts(
    declared: &[Part],
    read: impl IntoIterator<Item = (String, Json)>,
) -> BTreeMap<String, Json> {
    let is_float = |name: &str| {
        let part = declared.iter().find(|part| part.name == name);
        part.is_some_and(|part| matches!(part.ty, PartType::Float { .. }))
    };
    let plain = |(name, value): (String, Json)| {
        // A zero has no sign: PostgreSQL keeps the one of -0.0, and SQLite does not.
        let number = value.as_f64().filter(|_| is_float(&name)).map(|number| number + 0.0);
        (name, number.map_or(value, Json::from))
    };
    read.into_iter().filter(|(_, value)| !value.is_null()).map(plain).collect()
}

fn scalar_type(scalar: &ScalarValue) -> &'static str {
    match scalar {
        ScalarValue::Bytes(_) => "bytes",
        ScalarValue::Str(_) => "text",
        ScalarValue::Int(_) | ScalarValue::Uint(_) => "whole number",
        ScalarValue::F64(_) => "floating-point number",
        ScalarValue::Counter(_) => "counter",
        ScalarValue::Timestamp(_) => "moment",
        ScalarValue::Boolean(_) => "yes or no",
        ScalarValue::Null => "nothing",
        ScalarValue::Unknown { .. } => "unknown type",
    }
}

/// What is wrong with a value of the right type, if anything.
fn problem(field: &Field, value: &Value) -> Option<String> {
    match (field.ty, value) {
        (FieldType::Str { max }, Value::Str(text)) => text_problem(text, max),
        (FieldType::Choice { of, .. }, Value::Str(word)) => (!of.contains(&word.as_str()))
            .then(|| format!("\"{}\" is not one of its words", clip(word))),
        (FieldType::Int { min, max }, Value::Int(number)) => {
            (*number < min || *number > max).then(|| format!("{number} is out of range"))
        }
        (FieldType::Date, Value::Str(day)) => date_problem(day),
        (FieldType::Instant, Value::Instant(at)) => {
            let known = limits::FIRST_MOMENT_MS..=limits::LAST_MOMENT_MS;
            (!known.contains(&at.0)).then(|| "is no moment of the years 1 to 9999".into())
        }
        (FieldType::Ref { .. }, Value::Str(id)) => ids::is_canonical(id)
            .then_some(())
            .map_or_else(|| Some(format!("\"{}\" is not an id", clip(id))), |()| None),
        (FieldType::Parts(parts), Value::Parts(values)) => parts_problem(parts, values),
        _ => None,
    }
}

fn text_problem(text: &str, max: usize) -> Option<String> {
    if holds_nul(text) {
        return Some(NUL_PROBLEM.into());
    }
    (text.len() > max && text.chars().count() > max)
        .then(|| format!("is {} characters long", text.chars().count()))
}

fn date_problem(day: &str) -> Option<String> {
    (!is_day(day)).then(|| format!("\"{}\" is not a day of the years 1 to 9999", clip(day)))
}

fn parts_problem(parts: &[Part], values: &BTreeMap<String, Json>) -> Option<String> {
    if values.len() > 32 {
        return Some("has too many parts".into());
    }
    for (name, value) in values {
        if holds_nul(name) || json_holds_nul(value) {
            return Some(format!("part {} {NUL_PROBLEM}", clip(&name.replace('\0', ""))));
        }
        let Some(part) = parts.iter().find(|part| part.name == name) else {
            // A part of a newer app: kept as long as it is a small scalar.
            if value.is_object() || value.is_array() || value.to_string().len() > 1024 {
                return Some(format!("unknown part \"{}\" is too large", clip(name)));
            }
            continue;
        };
        let fault = match part.ty {
            PartType::Str { max } => match value.as_str() {
                Some(text) => text_problem(text, max),
                None => Some("is not text".into()),
            },
            PartType::Int => value.as_i64().is_none().then(|| "is not a whole number".into()),
            PartType::Float { min, max } => {
                match value.as_f64().filter(|number| number.is_finite()) {
                    Some(number) => (number < f64::from(min) || number > f64::from(max))
                        .then(|| format!("is not between {min} and {max}")),
                    None => Some("is not a number".into()),
                }
            }
            PartType::Date => {
                value.as_str().map_or_else(|| Some("is not a day".into()), date_problem)
            }
            PartType::Choice(of) => value
                .as_str()
                .is_none_or(|word| !of.contains(&word))
                .then(|| format!("is not one of {}", of.join(", "))),
        };
        if let Some(fault) = fault {
            return Some(format!("part {name} {fault}"));
        }
    }
    None
}

/// What a field takes, in words for a person.
pub(super) fn allowed(field: &Field) -> String {
    match field.ty {
        FieldType::Str { max } => format!("text of up to {max} characters"),
        FieldType::Choice { of, .. } => format!("one of {}", of.join(", ")),
        FieldType::Int { min, max } => format!("a whole number from {min} to {max}"),
        FieldType::Bool => "yes or no".into(),
        FieldType::Date => "a day as YYYY-MM-DD".into(),
        FieldType::Instant => {
            "a moment as YYYY-MM-DD HH:MM in your time zone, or as YYYY-MM-DDTHH:MM:SSZ".into()
        }
        FieldType::Ref { kind } => format!("the id of a {kind}"),
        FieldType::Parts(parts) => {
            format!("parts {}", parts.iter().map(|part| part.name).collect::<Vec<_>>().join(", "))
        }
        FieldType::Text => "text".into(),
        FieldType::Set(SetOf::Phones) => "telephone numbers, such as +1 207 555 0118 x42".into(),
        FieldType::Set(SetOf::Emails) => "e-mail addresses".into(),
        FieldType::Set(of) => format!("a set of {of:?}").to_lowercase(),
        FieldType::Log(_) => "an event".into(),
        FieldType::Fields => "name and text".into(),
    }
}

/// The form under which a key enters a set, so that two spellings of one value are one key.
///
/// # Errors
/// When the key is empty, too long or not of the set's type.
pub fn normalise_key(field: &Field, key: &str) -> Result<String, ValueError> {
    let key = key.trim();
    let wrong = |problem: String| ValueError::new(field.name, problem, allowed(field));
    let normal = match field.ty {
        FieldType::Set(SetOf::Emails) => {
            let mail = key.to_lowercase();
            let valid = mail.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.'));
            if !valid {
                return Err(wrong(format!("\"{}\" is not an e-mail address", clip(key))));
            }
            mail
        }
        FieldType::Set(SetOf::Phones) => {
            let number = phone::normal(key);
            number.ok_or_else(|| wrong(format!("\"{}\" is not a telephone number", clip(key))))?
        }
        FieldType::Set(SetOf::Ids) => {
            let id = key.to_ascii_lowercase();
            if !ids::is_canonical(&id) {
                return Err(wrong(format!("\"{}\" is not an id", clip(key))));
            }
            id
        }
        _ => key.to_owned(),
    };
    if holds_nul(&normal) {
        return Err(wrong(NUL_PROBLEM.into()));
    }
    if normal.is_empty() || normal.len() > limits::KEY_BYTES {
        return Err(wrong(format!("key of {} bytes", normal.len())));
    }
    Ok(normal)
}

/// Shortens foreign text for a message.
pub(super) fn clip(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
