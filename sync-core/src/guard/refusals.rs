//! Refusals that several rules share.

use crate::error::{Refusal, RefusalCode};

pub(super) fn refuse<T>(code: RefusalCode, sentence: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(code, sentence))
}

pub(super) fn malformed(what: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Malformed,
        format!("The edit arrived damaged ({what}); update the app and make it again."),
    )
}

/// The refusal of a change for which its record has no room.
pub fn too_large() -> Refusal {
    Refusal::new(
        RefusalCode::TooLarge,
        "The record has grown too large to be edited; it can still be completed, given away and deleted. Go on in a new one.",
    )
}

/// The refusal of a change whose author has filled their part of the record.
pub fn too_much_of_one() -> Refusal {
    Refusal::new(
        RefusalCode::TooLarge,
        "You have written as much into this record as one person may; others can still edit it. Go on in a new one.",
    )
}

pub(super) fn bad_preds() -> Refusal {
    Refusal::new(
        RefusalCode::BadReference,
        "The edit does not name the values it replaces; reopen the record and make it again.",
    )
}
