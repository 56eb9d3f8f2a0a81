//! Why a session ends, in words.

use std::fmt;
use std::time::Duration;

use crate::protocol::{Goodbye, GoodbyeCode};

fn goodbye(code: GoodbyeCode, sentence: &str, retry: Option<Duration>) -> Goodbye {
    let retry_after_ms = retry.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    Goodbye { code: code.as_str().into(), sentence: sentence.into(), retry_after_ms }
}

pub(super) fn protocol(sentence: &str) -> Goodbye {
    goodbye(GoodbyeCode::Protocol, sentence, None)
}

/// What somebody hears who pushes or asks more at once than anybody may.
pub(super) fn pushes_too_much() -> Goodbye {
    protocol("Your app pushes more than it may.")
}

/// What somebody hears whose bytes are no message.
pub fn garbled(what: impl fmt::Display) -> Goodbye {
    protocol(&format!("Your app sent what it should not: {what}."))
}

pub(super) fn odd_name() -> Goodbye {
    protocol("The app's name in hello has a control character in it; leave it out.")
}

pub(super) fn too_old() -> Goodbye {
    let sentence = "This app and the server are too far apart in version; update the app. Your edits are kept.";
    goodbye(GoodbyeCode::TooOld, sentence, None)
}

pub(super) fn rate_limited(sentence: &str, retry: Duration) -> Goodbye {
    goodbye(GoodbyeCode::RateLimited, sentence, Some(retry))
}

pub(super) fn wrong_user() -> Goodbye {
    goodbye(GoodbyeCode::WrongUser, "The new token is another user's.", None)
}

pub(super) fn unavailable() -> Goodbye {
    let sentence = "The server is not available; your edits are kept.";
    goodbye(GoodbyeCode::Unavailable, sentence, Some(Duration::from_secs(2)))
}

/// What a device hears whose server was restored under it.
pub(super) fn another_life() -> Goodbye {
    let sentence = "The server was restored from a backup; your app brings back what it lacks.";
    goodbye(GoodbyeCode::Unavailable, sentence, Some(Duration::from_secs(1)))
}

/// What somebody hears who may no longer sign in; their device then erases what it holds.
pub(super) fn disabled() -> Goodbye {
    let sentence = "Your account is no longer active; ask an administrator. Unsent edits are kept.";
    goodbye(GoodbyeCode::Disabled, sentence, None)
}
