//! Values as a change writes them; what fits a declared field, `document::fit` says.

use automerge::ScalarValue;

use super::refusals::refuse;
use crate::document::fit::{self, Claim};
use crate::document::{PenRole, ValueError};
use crate::error::{Refusal, RefusalCode};
use crate::limits;
use crate::nul::{NUL_PROBLEM, holds_nul};
use crate::schema::{Field, Writer};

pub(super) fn check_writer(field: &Field, pen: PenRole) -> Result<(), Refusal> {
    if field.writer == Writer::Server && pen == PenRole::Device {
        return refuse(
            RefusalCode::ServerOnly,
            format!("{} is written by the server only; ask a manager.", field.name),
        );
    }
    Ok(())
}

/// The refusal of a value that does not fit.
pub(super) fn bad_value(error: ValueError) -> Refusal {
    Refusal::new(RefusalCode::BadValue, format!("{error}."))
}

/// The refusal of what has grown beyond a limit.
pub(super) fn beyond(error: ValueError) -> Refusal {
    Refusal::new(RefusalCode::TooLarge, format!("{error}."))
}

/// The refusal of what is said of somebody else, or of what has not come yet.
pub(super) fn no_claim(claim: Claim) -> Refusal {
    match claim {
        Claim::Author(error) => Refusal::new(RefusalCode::ForeignAuthor, format!("{error}.")),
        Claim::Moment(error) => Refusal::new(RefusalCode::FutureTime, format!("{error}.")),
    }
}

/// Checks a value of a newer app's field: a small scalar is kept and passed on, if a row can hold it.
pub(super) fn check_unknown(value: &ScalarValue) -> Result<(), Refusal> {
    if fit::scalar_bytes(value) > limits::SCALAR_BYTES || matches!(value, ScalarValue::Counter(_)) {
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
