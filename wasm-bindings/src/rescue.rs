//! Unsent and refused edits as a text that a person can keep, and back from it.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use sync_core::replica::{BroughtBack, PendingEdit, RecordPreview, Replica, Rescued, Unreadable};

use crate::failure::Failure;

/// What an app offers to save.
pub fn said(rescued: &Rescued) -> Json {
    let unreadable = match rescued.unreadable {
        Unreadable::Nothing => json!(0),
        Unreadable::Edits(lost) => json!(lost),
        Unreadable::Unknown => Json::Null,
    };
    let edits = rescued.edits.iter().filter(|edit| !edit.step).count();
    json!({ "text": rescued.to_lines(), "edits": edits, "unreadable": unreadable })
}

/// What the edits of a replica in use are.
pub fn save(replica: &Replica) -> Result<Json, Failure> {
    Ok(said(&replica.rescued()?))
}

/// What was saved before.
#[derive(Deserialize)]
pub struct Saved {
    text: String,
}

/// What putting saved edits back would do.
pub fn preview(replica: &Replica, saved: &Saved) -> Result<Json, Failure> {
    let preview = replica.preview_bring_back(&saved.edits(replica)?)?;
    let mut said = in_words(&preview.done);
    said["records"] = preview.records.iter().map(RecordPreview::to_json).collect();
    Ok(said)
}

/// Puts saved edits back, to be sent.
pub fn bring_back(replica: &mut Replica, saved: &Saved) -> Result<Json, Failure> {
    Ok(in_words(&replica.bring_back(&saved.edits(replica)?)?))
}

impl Saved {
    fn edits(&self, replica: &Replica) -> Result<Vec<PendingEdit>, Failure> {
        PendingEdit::from_lines(&self.text, replica.user())
            .map_err(|error| Failure::new("bad_file", error.to_string()))
    }
}

fn in_words(back: &BroughtBack) -> Json {
    let left = back
        .left
        .iter()
        .map(|left| json!({ "record": left.record, "kind": left.kind, "reason": left.reason }));
    json!({ "unsent": back.unsent, "there": back.there, "left": left.collect::<Vec<_>>() })
}
