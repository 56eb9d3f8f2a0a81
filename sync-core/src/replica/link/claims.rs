//! What a token says about itself, read without checking it: the server does that.

use super::timing::Timing;
use crate::time::UnixMs;

/// The claims of a token; `None` when it is none.
pub fn read_claims(token: &str) -> Option<serde_json::Value> {
    let claims = token.split('.').nth(1)?;
    let bytes = from_base64url(claims.trim_end_matches('='))?;
    serde_json::from_slice(&bytes).ok()
}

/// The bytes of base64 with `-` and `_`.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// When a token runs out.
fn expiry(token: &str) -> Option<UnixMs> {
    let seconds = read_claims(token)?["exp"].as_f64()?;
    Some(UnixMs((seconds * 1000.0) as i64))
}

/// How long to wait before asking for a newer token: a third of the remaining life is left then, or
/// a minute when that is less. `None` when the token does not say when it runs out.
pub(super) fn renew_in(token: &str, now: UnixMs, timing: &Timing) -> Option<u64> {
    let left = expiry(token)?.0.saturating_sub(now.0);
    let left = u64::try_from(left).unwrap_or(0);
    Some(left - timing.renew_ahead_ms.min(left / 3))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;

    use super::*;

    #[test]
    fn base64_reads_back_at_every_length() {
        let all: Vec<u8> = (0..=255).rev().collect();
        for length in 0..all.len() {
            let text = BASE64URL_NOPAD.encode(&all[..length]);
            assert_eq!(from_base64url(&text).unwrap(), all[..length]);
        }
        assert_eq!(from_base64url("ab+/"), None);
    }
}
