//! Which refused changes are kept for their author and the author's manager.

use std::collections::HashSet;

use serde_json::Value;

use super::fallen::Fallen;
use super::push::PushJob;
use crate::error::{Refusal, RefusalCode};
use crate::guard;
use crate::ids::{ChangeHash, GroupId, RecordId};
use crate::limits;
use crate::schema::Schema;
use crate::time::UnixMs;

/// A refused change that is kept.
#[derive(Debug)]
pub struct RefusedChange<'a> {
    /// Its name.
    pub hash: ChangeHash,
    /// The record.
    pub record: RecordId,
    /// Its kind, as pushed.
    pub kind: &'a str,
    /// The group it came in.
    pub group: GroupId,
    /// The plain chunk; nothing of what is no change, or where its author has no room.
    pub bytes: &'a [u8],
    /// What it did, or would have done, as an edit's JSON; long ones are abridged.
    pub edit: Option<String>,
    /// Why it was refused.
    pub refusal: &'a Refusal,
    /// When it was made, as the device says.
    pub claimed_at: UnixMs,
}

/// Work that the database or the guard refused, with what fell for its sake: what its author finds in
/// quarantine on the device. What only builds on a refused edit is sent again by the device, unless
/// access was denied: then it stays refused. So is what was refused for the form of its change alone.
pub(super) fn worth_keeping<'a>(
    schema: &Schema,
    job: &'a PushJob,
    now: UnixMs,
    fallen: &'a Fallen,
) -> Vec<RefusedChange<'a>> {
    let Fallen { refused, said, proven, .. } = fallen;
    let mut denied: HashSet<ChangeHash> = HashSet::new();
    let mut kept = Vec::new();
    // What was accepted once is its author's, who keeps it or not. That it is said to have been is no
    // proof: whoever wanted to hide refusals would say so.
    for group in job.groups.iter().filter(|group| !proven.has(group)) {
        for change in &group.changes {
            let Some(refusal) = refused.get(&change.hash) else { continue };
            let parsed = change.parsed.as_ref().ok();
            // A table would have no room for whatever else calls itself a kind.
            let Some(kind) = schema.kind(&change.kind) else { continue };
            // A step of a record's genesis is nobody's work; it is made again with the edit.
            let step = parsed.is_some_and(guard::is_step);
            let keep = match RefusalCode::parse(&refusal.code) {
                Some(RefusalCode::Denied) => {
                    denied.insert(change.hash);
                    true
                }
                Some(RefusalCode::DependsOnRefused) => {
                    let falls = parsed.is_some_and(|it| it.deps().any(|dep| denied.contains(&dep)));
                    falls && denied.insert(change.hash)
                }
                Some(code) => stays_refused(code),
                None => false,
            };
            if keep && !step {
                kept.push(RefusedChange {
                    hash: change.hash,
                    record: change.record,
                    kind: &change.kind,
                    group: group.group,
                    bytes: parsed.map_or(&[], |parsed| parsed.bytes()),
                    edit: match said.get(&change.hash) {
                        Some(said) => abridged(said),
                        None => parsed.and_then(|parsed| abridged(&guard::words(parsed, kind))),
                    },
                    refusal,
                    // What falls for another's sake was never looked at itself.
                    claimed_at: in_calendar(parsed.map_or(now, |parsed| parsed.claimed_at())),
                });
            }
        }
    }
    kept
}

impl RefusedChange<'_> {
    /// Keeps no more of it than there is room for, so that nobody fills the disk by being refused; that
    /// it was refused is kept in any case.
    pub(super) fn fit_into(&mut self, room: &mut u64) {
        let takes = self.bytes.len() + self.edit.as_ref().map_or(0, String::len);
        match room.checked_sub(takes as u64) {
            Some(left) => *room = left,
            None => (self.bytes, self.edit) = (&[], None),
        }
    }
}

/// What an edit did, as JSON in no more bytes than are kept of one: long texts and lists end early.
/// None where even that would be too long.
fn abridged(edit: &Value) -> Option<String> {
    let whole = edit.to_string();
    if whole.len() <= limits::REFUSED_WORDS_BYTES {
        return Some(whole);
    }
    let shorter = [2000, 400, 80].into_iter().map(|chars| shortened(edit, chars).to_string());
    shorter.into_iter().find(|short| short.len() <= limits::REFUSED_WORDS_BYTES)
}

/// A value of whose texts no more than so many characters are left, and of whose lists as many entries
/// as eighty characters each would take.
fn shortened(value: &Value, chars: usize) -> Value {
    let cut = |text: &str| match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    };
    let entries = chars / 80 + 2;
    match value {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(all) => all.iter().take(entries).map(|one| shortened(one, chars)).collect(),
        Value::Object(all) => {
            let some = all.iter().take(8 * entries);
            some.map(|(key, value)| (cut(key), shortened(value, chars))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A moment that tables have room for.
fn in_calendar(at: UnixMs) -> UnixMs {
    UnixMs(at.0.clamp(limits::FIRST_MOMENT_MS, limits::LAST_MOMENT_MS))
}

/// Whether what is refused for this stays so: the device puts it into quarantine, rather than making or
/// sending it again by itself.
fn stays_refused(code: RefusalCode) -> bool {
    match code {
        // The refusal of what it builds on says why; the server's own failure says nothing of it.
        RefusalCode::DependsOnRefused | RefusalCode::Internal => false,
        // Made again once, and then it stays.
        RefusalCode::FutureTime => true,
        other => !other.is_of_form(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_long_edit_the_beginnings_of_its_words_are_kept() {
        let short = json!([{ "set": { "name": "Grand", "employee_count": 7 } }]);
        assert_eq!(abridged(&short), Some(short.to_string()));
        let notes = "é".repeat(20_000);
        let fields: serde_json::Map<String, Value> =
            (0..30).map(|n| (format!("field {n}"), json!(notes))).collect();
        for long in [json!([{ "set": { "name": "Grand", "notes": notes } }]), json!([fields])] {
            let kept = abridged(&long).expect("its beginning is short");
            assert!(kept.len() <= limits::REFUSED_WORDS_BYTES, "{}", kept.len());
            assert!(kept.contains("ééé") && kept.contains('…'), "{kept}");
            serde_json::from_str::<Value>(&kept).expect("it is JSON still");
        }
    }

    #[test]
    fn without_room_it_is_kept_that_an_edit_was_refused() {
        let refusal = Refusal::new(RefusalCode::Denied, "No.");
        let mut change = RefusedChange {
            hash: ChangeHash([0; 32]),
            record: RecordId(uuid::Uuid::nil()),
            kind: "contact",
            group: GroupId(uuid::Uuid::nil()),
            bytes: &[1; 90],
            edit: Some("0123456789".to_owned()),
            refusal: &refusal,
            claimed_at: UnixMs(0),
        };
        let mut room = 150;
        change.fit_into(&mut room);
        assert_eq!((room, change.bytes.len()), (50, 90));
        change.fit_into(&mut room);
        assert_eq!((room, change.bytes.len(), &change.edit), (50, 0, &None));
    }
}
