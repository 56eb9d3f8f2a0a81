//! What a token says about itself, read without checking it: the server does that.

use data_encoding::BASE64URL_NOPAD;

use super::timing::Timing;
use crate::time::UnixMs;

/// The claims of a token; `None` when it is none.
pub fn read_claims(token: &str) -> Option<serde_json::Value> {
    let claims = token.split('.').nth(1)?;
    let bytes = BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
    serde_json::from_slice(&bytes).ok()
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
