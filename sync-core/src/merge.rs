//! The rules over concurrent values: which one is shown. What a log of events comes to is declared
//! with it, in [`crate::schema::Log`].
//!
//! Every function here is pure and total, so that phone and server always agree. None looks at a
//! clock: order comes from what the writer had seen.

use std::cmp::Ordering;

use crate::document::Value;
use crate::schema::{Field, FieldType, Rule};

/// The value shown among concurrent ones, which come in Automerge's order: its own pick last.
///
/// `None` when there is nothing to choose from.
pub fn shown<'a>(field: &Field, candidates: &'a [Value]) -> Option<&'a Value> {
    match field.rule {
        Rule::RegisterHigherWins => candidates.iter().min_by_key(|value| rank(field, value)),
        Rule::RegisterEarliestWins => candidates.iter().min_by(|a, b| by_day(a, b)),
        Rule::RegisterTrueWins => prefer(candidates, true),
        Rule::RegisterFalseWins => prefer(candidates, false),
        Rule::WholeLowerShown => candidates.iter().min_by_key(|value| amount(value)),
        // The original stands; a later write is flagged as a conflict and never shown.
        Rule::Immutable | Rule::Once => candidates.first(),
        Rule::Register | Rule::Whole | Rule::Text | Rule::Set | Rule::Log | Rule::Fields => {
            candidates.last()
        }
    }
}

fn rank(field: &Field, value: &Value) -> usize {
    match (field.ty, value) {
        (FieldType::Choice { of, .. }, Value::Str(word)) => {
            of.iter().position(|choice| choice == word).unwrap_or(usize::MAX)
        }
        _ => usize::MAX,
    }
}

fn by_day(a: &Value, b: &Value) -> Ordering {
    let key = |value: &Value| match value {
        Value::Str(day) => (0, day.clone()),
        _ => (1, String::new()),
    };
    key(a).cmp(&key(b))
}

fn prefer(candidates: &[Value], wanted: bool) -> Option<&Value> {
    candidates.iter().find(|value| **value == Value::Bool(wanted)).or_else(|| candidates.last())
}

/// Amounts compare by number; a cleared amount ranks last, so that clearing never hides a price.
fn amount(value: &Value) -> (bool, i64, String) {
    match value {
        Value::Parts(parts) => {
            let minor = parts.get("minor").and_then(serde_json::Value::as_i64).unwrap_or(i64::MAX);
            let currency = parts.get("currency").and_then(|c| c.as_str()).unwrap_or("");
            (false, minor, currency.to_owned())
        }
        _ => (true, 0, String::new()),
    }
}
