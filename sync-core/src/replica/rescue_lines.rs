//! Unsent and refused edits as text: how they are kept outside of a replica until another one takes them.
//!
//! One line of JSON an edit, so that a part of them may be left out by hand.

use serde_json::{Value, json};

use super::store::{PendingEdit, Rescued};
use crate::hex;
use crate::ids::{FeedPosition, GroupId, RecordId, UserId};
use crate::time::UnixMs;

/// Why a text is none of saved edits.
#[derive(Debug, thiserror::Error)]
pub enum RescueLineError {
    /// A line is none that was written here.
    #[error("line {0} is no edit that `rescue` saved")]
    Line(usize),
    /// Somebody else's edits were saved.
    #[error("line {0} is an edit of user {1}, and this is another user's database")]
    OtherUser(usize, UserId),
}

impl Rescued {
    /// The edits as lines of JSON.
    pub fn to_lines(&self) -> String {
        let line = |edit: &PendingEdit| {
            let line = json!({
                "record": edit.record.to_string(), "kind": edit.kind,
                "user": self.user.map(|user| user.to_string()), "group": edit.group.to_string(),
                "made_at": edit.made_at.0, "seen": edit.seen.map(|seen| seen.0), "step": edit.step,
                "change": hex::encode(&edit.bytes),
            });
            format!("{line}\n")
        };
        self.edits.iter().map(line).collect()
    }
}

impl PendingEdit {
    /// The edits that such lines are.
    ///
    /// # Errors
    /// When a line is no edit, or an edit of another user.
    pub fn from_lines(text: &str, user: UserId) -> Result<Vec<Self>, RescueLineError> {
        let mut edits = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let nothing = RescueLineError::Line(index + 1);
            let Ok(line) = serde_json::from_str::<Value>(line) else { return Err(nothing) };
            let of: Option<UserId> = line["user"].as_str().and_then(|id| id.parse().ok());
            if let Some(other) = of.filter(|of| *of != user) {
                return Err(RescueLineError::OtherUser(index + 1, other));
            }
            edits.push(edit(&line).ok_or(nothing)?);
        }
        Ok(edits)
    }
}

fn edit(line: &Value) -> Option<PendingEdit> {
    Some(PendingEdit {
        record: line["record"].as_str()?.parse::<RecordId>().ok()?,
        kind: line["kind"].as_str()?.to_owned(),
        group: line["group"].as_str()?.parse::<GroupId>().ok()?,
        made_at: UnixMs(line["made_at"].as_i64()?),
        seen: line["seen"].as_i64().map(FeedPosition),
        step: line["step"].as_bool()?,
        bytes: hex::decode(line["change"].as_str()?)?,
    })
}
