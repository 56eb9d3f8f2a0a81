//! The server's only SQL on the path of a push and a feed.
//!
//! **Invariant**: rows of records are written as `pantry_writer` and read as `authenticated`, with
//! the claims of the user concerned; everything else happens as `pantry_server`.

mod acting;
pub mod devices;
pub mod documents;
pub mod feed;
pub mod groups;
pub mod judging;
pub mod life;
pub mod patience;
mod pool;
pub mod rows;
pub mod rules;

pub use acting::{Access, Skipped, become_server, become_user, project, skipped};
pub use patience::Patience;
pub use pool::{Held, REACHED_WITHIN, connect, connect_as_owner, reach};
