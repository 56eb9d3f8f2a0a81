//! For people who test on top of the engine.

mod next_version;

pub use next_version::{Place, Retired, added, next_version};
