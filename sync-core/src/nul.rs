//! The one check that nothing holds U+0000.
//!
//! PostgreSQL takes that character in no text and in no JSON. What holds it would be stored as a
//! document and then fail in some table that is written only now and then: when two people edit the
//! same field, or when a rule refuses the edit. So it is refused in every value, key and name, by the
//! guard and by the device, and what a document holds of it all the same is a violation.

use serde_json::Value as Json;

/// What is wrong with a text that holds it.
pub(crate) const NUL_PROBLEM: &str = "holds the character U+0000, which cannot be stored";

/// Whether a text holds it.
pub(crate) fn holds_nul(text: &str) -> bool {
    text.contains('\0')
}

/// Whether a value written as JSON holds it, in a text or in a name at any depth.
pub(crate) fn json_holds_nul(value: &Json) -> bool {
    match value {
        Json::String(text) => holds_nul(text),
        Json::Array(items) => items.iter().any(json_holds_nul),
        Json::Object(parts) => {
            parts.iter().any(|(name, value)| holds_nul(name) || json_holds_nul(value))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
