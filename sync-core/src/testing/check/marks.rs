//! Finding the marks of edits in bytes.

use crate::testing::edits::{MARK, MARK_LENGTH};

/// Every mark that stands somewhere in bytes.
pub(super) fn found_in(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for at in 0..bytes.len().saturating_sub(MARK_LENGTH - 1) {
        let word = &bytes[at..at + MARK_LENGTH];
        let is_mark = word.starts_with(MARK.as_bytes())
            && word[MARK.len()..].iter().all(u8::is_ascii_hexdigit);
        if let (true, Ok(word)) = (is_mark, std::str::from_utf8(word)) {
            found.push(word.to_owned());
        }
    }
    found
}
