//! Values that fit a declared field, and the columns it is projected to.

use automerge::ScalarValue;

use super::refusals::refuse;
use crate::document::{PenRole, read_scalar};
use crate::error::{Refusal, RefusalCode};
use crate::limits;
use crate::nul::{NUL_PROBLEM, holds_nul};
use crate::schema::{Field, FieldType, Writer};

pub(super) fn check_writer(field: &Field, pen: PenRole) -> Result<(), Refusal> {
    if field.writer == Writer::Server && pen == PenRole::Device {
        return refuse(
            RefusalCode::ServerOnly,
            format!("{} is written by the server only; ask a manager.", field.name),
        );
    }
    Ok(())
}

pub(super) fn check_value(field: &Field, value: &ScalarValue) -> Result<(), Refusal> {
    // A word that only a newer app knows is kept as it is, and shown as other.
    if let (FieldType::Choice { .. }, ScalarValue::Str(word)) = (field.ty, value)
        && word.len() <= 255
        && !holds_nul(word)
    {
        return Ok(());
    }
    if scalar_bytes(value) > limits::SCALAR_BYTES {
        return refuse(RefusalCode::BadValue, format!("{} is too long.", field.name));
    }
    match read_scalar(field, value) {
        Ok(_) => Ok(()),
        Err(problem) => refuse(RefusalCode::BadValue, format!("{}: {problem}.", field.name)),
    }
}

pub(super) fn scalar_bytes(value: &ScalarValue) -> usize {
    match value {
        ScalarValue::Bytes(bytes) => bytes.len(),
        ScalarValue::Str(text) => text.len(),
        ScalarValue::Unknown { bytes, .. } => bytes.len(),
        _ => 8,
    }
}

/// Checks a key of any map, the root with it.
pub(super) fn check_key(key: &str) -> Result<(), Refusal> {
    if holds_nul(key) {
        return refuse(RefusalCode::BadValue, format!("A name in the edit {NUL_PROBLEM}."));
    }
    if key.is_empty() || key.len() > limits::KEY_BYTES {
        return refuse(RefusalCode::BadValue, "The edit uses a key that is empty or too long.");
    }
    Ok(())
}

/// Checks a value of a newer app's field: a small scalar is kept and passed on, if a row can hold it.
pub(super) fn check_unknown(value: &ScalarValue) -> Result<(), Refusal> {
    if scalar_bytes(value) > limits::SCALAR_BYTES || matches!(value, ScalarValue::Counter(_)) {
        return refuse(
            RefusalCode::BadValue,
            "The edit writes an unknown field that is too large; update the app.",
        );
    }
    if value.as_str().is_some_and(holds_nul) {
        return refuse(RefusalCode::BadValue, format!("A text in the edit {NUL_PROBLEM}."));
    }
    Ok(())
}
