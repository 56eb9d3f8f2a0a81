//! Values of fields, and their form inside a document.

use std::collections::BTreeMap;

use automerge::ScalarValue;
use serde_json::Value as Json;

use crate::time::UnixMs;

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

/// Shortens foreign text for a message.
pub(super) fn clip(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
