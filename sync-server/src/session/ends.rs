//! Why the server ends a session for reasons of its own, and when to come back.

use sync_core::protocol::{Goodbye, GoodbyeCode};

use crate::ops::people::entropy;

/// The earliest return after a restart; a server takes a second to start.
const BACK_FROM_MS: u64 = 1000;
/// How many may come back in a second: each takes some 5 ms of the database.
const BACK_PER_SECOND: u64 = 100;
/// Over how long returns are spread at least, and at most.
const SPREAD_MS: std::ops::RangeInclusive<u64> = 4000..=30_000;
/// How long a session keeps away when another one of its device has begun, and how long at most again
/// by chance: two processes that use one file take turns, and one of them is enough.
const REPLACED_MS: (u64, u64) = (10_000, 5000);
/// When there is no room.
const CROWDED_MS: (u64, u64) = (5000, 10_000);

fn goodbye(code: GoodbyeCode, sentence: &str, from_ms: u64, spread_ms: u64) -> Goodbye {
    let by_chance = u64::from_le_bytes(entropy()) % spread_ms;
    let retry_after_ms = Some(from_ms + by_chance);
    Goodbye { code: code.as_str().into(), sentence: sentence.into(), retry_after_ms }
}

/// The server stops. Its sessions come back one by one.
pub(super) fn going_down(sessions: usize) -> Goodbye {
    let spread =
        (sessions as u64 * 1000 / BACK_PER_SECOND).clamp(*SPREAD_MS.start(), *SPREAD_MS.end());
    let sentence = "The server is being restarted; your edits are kept.";
    goodbye(GoodbyeCode::Unavailable, sentence, BACK_FROM_MS, spread)
}

/// The same device has another session.
pub(super) fn replaced() -> Goodbye {
    let sentence = "This device has connected anew; this connection is not needed any more.";
    goodbye(GoodbyeCode::Replaced, sentence, REPLACED_MS.0, REPLACED_MS.1)
}

/// It sends frames faster than anybody needs to.
pub(super) fn hurried() -> Goodbye {
    let sentence = "Your app sends too much at once; it will try again.";
    goodbye(GoodbyeCode::RateLimited, sentence, CROWDED_MS.0, CROWDED_MS.1)
}

/// There are too many sockets.
pub(super) fn crowded() -> Goodbye {
    let sentence = "Too many are connecting at the moment; your edits are kept.";
    goodbye(GoodbyeCode::Unavailable, sentence, CROWDED_MS.0, CROWDED_MS.1)
}
