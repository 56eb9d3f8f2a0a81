//! What was changed of edits because a clock was wrong.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::RecordId;
use crate::time::UnixMs;

/// A moment that an edit said and that no server takes, and what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redated {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// The field whose value it is; none for when the edit itself was made.
    pub field: Option<String>,
    /// What the edit said.
    pub from: UnixMs,
    /// What it says.
    pub to: UnixMs,
}

impl Redated {
    /// What is said of it, with moments written as the reader reads them.
    pub fn said(&self, moment: impl Fn(UnixMs) -> String) -> String {
        let Self { record, kind, field, from, to } = self;
        let what = match field {
            Some(field) => field.as_str(),
            None => "an edit of it",
        };
        format!("{kind} {record}: {what} was dated {}, and is dated {}", moment(*from), moment(*to))
    }
}

impl fmt::Display for Redated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said(|at| at.to_string()))
    }
}
