//! Values that fit a declared field, and the columns it is projected to.

use automerge::ScalarValue;

use super::refusals::refuse;
use crate::document::{PenRole, read_scalar};
use crate::error::{Refusal, RefusalCode};
use crate::limits;
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

/// A day that Postgres knows too: it has no year 0.
fn is_day(text: &str) -> bool {
    text.len() == 10 && !text.starts_with("0000") && text.parse::<jiff::civil::Date>().is_ok()
}

/// Postgres and SQLite read years of four digits; what lies beyond would never become a row.
fn fits_calendar(value: &ScalarValue) -> bool {
    const FIRST_MS: i64 = -62_135_596_800_000;
    const LAST_MS: i64 = 253_402_300_799_999;
    match value {
        ScalarValue::Timestamp(ms) => (FIRST_MS..=LAST_MS).contains(ms),
        _ => true,
    }
}

pub(super) fn check_value(field: &Field, value: &ScalarValue) -> Result<(), Refusal> {
    // A word that only a newer app knows is kept as it is, and shown as other.
    if let (FieldType::Choice { .. }, ScalarValue::Str(word)) = (field.ty, value)
        && word.len() <= 255
        && !word.contains('\0')
    {
        return Ok(());
    }
    if scalar_bytes(value) > limits::SCALAR_BYTES {
        return refuse(RefusalCode::BadValue, format!("{} is too long.", field.name));
    }
    let year_zero = field.ty == FieldType::Date && !value.as_str().is_none_or(is_day);
    if year_zero || !fits_calendar(value) {
        return refuse(
            RefusalCode::BadValue,
            format!("{} takes days and moments of the years 1 to 9999.", field.name),
        );
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

/// Whether a map takes this as a key.
pub(super) fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= limits::KEY_BYTES && !key.contains('\0')
}

/// Checks a value of a newer app's field: a small scalar is kept and passed on, if a row can hold it.
pub(super) fn check_unknown(value: &ScalarValue) -> Result<(), Refusal> {
    if scalar_bytes(value) > limits::SCALAR_BYTES || matches!(value, ScalarValue::Counter(_)) {
        return refuse(
            RefusalCode::BadValue,
            "The edit writes an unknown field that is too large; update the app.",
        );
    }
    if value.as_str().is_some_and(|text| text.contains('\0')) {
        return refuse(RefusalCode::BadValue, "A text may not hold the character U+0000.");
    }
    Ok(())
}
