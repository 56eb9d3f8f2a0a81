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

pub(super) fn too_large() -> Refusal {
    Refusal::new(
        RefusalCode::TooLarge,
        "The record has grown too large; an operator must compact it before it can be edited.",
    )
}

pub(super) fn bad_preds() -> Refusal {
    Refusal::new(
        RefusalCode::BadReference,
        "The edit does not name the values it replaces; reopen the record and make it again.",
    )
}
