//! Whether everything that the user sees has ever come to this copy.
//!
//! **Invariant**: from the first word of a server that will send everything until all of it has come, the
//! file says so, whichever process took it in and however often it stopped.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::store::{Stored, Work};

/// The note in the file; none in a copy that is complete, or that never heard a server.
const INCOMPLETE: &str = "incomplete";

/// A copy to which a server has begun to send everything, and has not come to the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Incomplete {
    /// Records that have come since it began.
    pub came: u64,
    /// Records that are still to come, as far as the server has said.
    pub to_come: Option<u64>,
}

impl Incomplete {
    /// What the file says.
    pub(super) fn of(stored: Stored<'_>) -> rusqlite::Result<Option<Self>> {
        let text: Option<String> = stored.meta(INCOMPLETE)?;
        let nothing_known = Self { came: 0, to_come: None };
        Ok(text.map(|text| serde_json::from_str(&text).unwrap_or(nothing_known)))
    }

    /// A server will send everything, and nothing has come of it.
    pub(super) fn begins(work: &Work<'_>) -> rusqlite::Result<()> {
        Self { came: 0, to_come: None }.note(work)
    }

    /// So many records came, and so many are still to come. In a copy that is complete nothing is noted.
    pub(super) fn goes_on(work: &Work<'_>, came: u64, to_come: u64) -> rusqlite::Result<()> {
        match Self::of(work.stored())? {
            Some(before) => {
                Self { came: before.came.saturating_add(came), to_come: Some(to_come) }.note(work)
            }
            None => Ok(()),
        }
    }

    /// Everything has come.
    pub(super) fn ends(work: &Work<'_>) -> rusqlite::Result<()> {
        work.drop_meta(INCOMPLETE)
    }

    fn note(self, work: &Work<'_>) -> rusqlite::Result<()> {
        let text = serde_json::to_string(&self).expect("BUG: two numbers serialise");
        work.set_meta(INCOMPLETE, &text)
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this copy is not complete: ")?;
        match self.to_come {
            Some(to_come) => {
                let all = self.came.saturating_add(to_come);
                write!(f, "{} of {all} records have come", self.came)
            }
            None => f.write_str("what the server has for it has not come yet"),
        }
    }
}
