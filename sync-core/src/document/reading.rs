//! Reading values: of what people and programs give, and of scalars found in documents. Either is
//! checked against its field's declaration.

use std::collections::BTreeMap;

use automerge::ScalarValue;
use serde_json::Value as Json;

use super::form::{allowed, problem};
use super::value::{Value, ValueError};
use crate::nul::{NUL_PROBLEM, holds_nul, json_holds_nul};
use crate::schema::{Field, FieldType, Part, PartType};
use crate::time::UnixMs;

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
            if read.iter().any(|(name, part)| holds_nul(name) || json_holds_nul(part)) {
                return Err(NUL_PROBLEM.to_owned());
            }
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

impl Value {
    /// The value in the one form in which equal values are equal.
    pub(super) fn plain(&self, field: &Field) -> Self {
        match (field.ty, self) {
            (FieldType::Parts(parts), Value::Parts(given)) => {
                let plain = plain_parts(parts, given.clone());
                if plain.is_empty() { Value::Null } else { Value::Parts(plain) }
            }
            _ => self.clone(),
        }
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
