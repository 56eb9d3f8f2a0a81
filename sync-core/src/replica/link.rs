//! The link to a server: when to connect, what to send, when to give up and when to try again.
//!
//! A state machine without sockets or clocks. Its host makes the connections, fetches the tokens and
//! sets the timers that the returned [`LinkEffect`]s ask for, and tells of everything as a
//! [`LinkEvent`]. The same machine runs in a native app, behind a browser's worker and in virtual
//! time in tests. The replica stays the host's: each call borrows it.
//!
//! **Invariant**: while a connection stands, the link knows within 45 seconds (with the default
//! [`Timing`]) that the other side is gone, even if the network never says so. Silence is counted in
//! bytes, so that a long frame on a thin line is no silence.

mod border;
mod claims;
mod fault;
mod machine;
mod phase;
mod questions;
mod settle;
#[cfg(test)]
mod tests;
mod timing;

pub use border::{
    Dial, LinkEffect, LinkEvent, LinkOptions, LinkStatus, Notice, Outcome, QuestionId, Tokens,
    Wanted,
};
pub use claims::read_claims;
pub use fault::{Lasts, LinkFault};
pub use machine::Link;
pub use timing::{SteadyMs, Timing};
