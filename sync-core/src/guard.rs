//! What a foreign change must be before it is applied.
//!
//! A change of a hundred bytes can stand for millions of operations, name actors that do not exist,
//! or carry a counter that bricks a document for ever. So every change from outside goes through
//! three steps, each the only maker of what the next one takes: [`parse`] (bytes alone), [`verify()`]
//! (against the document) and [`apply()`] (to a copy, inside `catch_unwind`); and the result must
//! [`prove`] itself before anybody else gets it. What only a whole group shows, [`lengths`] judges.
//!
//! Whether the actor belongs to the user is the caller's to answer: it is in the database.
//!
//! **Invariant**: Automerge's sync decoder, `load` and `load_incremental` never see foreign bytes.

mod apply;
mod context;
mod parsed;
mod place;
mod preflight;
mod refusals;
mod step;
mod text;
mod values;
mod verified;
mod verify;
mod words;

pub use apply::{Applied, apply, apply_to, prove, read};
pub use context::Context;
pub use parsed::{ParsedChange, name_of_bytes, parse};
pub use preflight::{operations, too_many_together};
pub use refusals::{too_large, too_much_of_one};
pub use step::is_step;
pub use text::{TextViews, lengths};
pub use verified::VerifiedChange;
pub use verify::{verify, verify_among};
pub use words::words;
