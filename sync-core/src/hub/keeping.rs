//! Which refused changes are kept for their author and the author's manager.

use std::collections::{HashMap, HashSet};

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
    /// The plain chunk.
    pub bytes: &'a [u8],
    /// What it did, as an edit's JSON.
    pub edit: Option<&'a serde_json::Value>,
    /// Why it was refused.
    pub refusal: &'a Refusal,
    /// When it was made, as the device says.
    pub claimed_at: UnixMs,
}

/// Work that the database refused, with what fell for its sake. What the guard refused is an app's
/// fault and nobody's work, and what only builds on a refused edit is sent again by the device,
/// unless access was denied: then it stays refused.
pub(super) fn worth_keeping<'a>(
    schema: &Schema,
    job: &'a PushJob,
    refused: &'a HashMap<ChangeHash, Refusal>,
    said: &'a HashMap<ChangeHash, serde_json::Value>,
) -> Vec<RefusedChange<'a>> {
    let mut denied: HashSet<ChangeHash> = HashSet::new();
    let mut kept = Vec::new();
    // What was offered back is its author's, who keeps it or not.
    for group in job.groups.iter().filter(|group| !group.is_offered()) {
        for change in &group.changes {
            let (Ok(parsed), Some(refusal)) = (&change.parsed, refused.get(&change.hash)) else {
                continue;
            };
            // A table would have no room for whatever else calls itself a kind.
            if schema.kind(&change.kind).is_none() {
                continue;
            }
            // A step of a record's genesis is nobody's work; it is made again with the edit.
            let step = guard::is_step(parsed);
            let keep = match RefusalCode::parse(&refusal.code) {
                Some(RefusalCode::Denied) => {
                    denied.insert(change.hash);
                    true
                }
                Some(RefusalCode::DependsOnRefused) => {
                    let falls = parsed.deps().any(|dep| denied.contains(&dep));
                    falls && denied.insert(change.hash)
                }
                Some(RefusalCode::Rule | RefusalCode::Constraint | RefusalCode::GroupRefused) => {
                    true
                }
                _ => false,
            };
            if keep && !step {
                kept.push(RefusedChange {
                    hash: change.hash,
                    record: change.record,
                    kind: &change.kind,
                    group: group.group,
                    bytes: parsed.bytes(),
                    edit: said.get(&change.hash),
                    refusal,
                    // What falls for another's sake was never looked at itself.
                    claimed_at: UnixMs(
                        parsed
                            .claimed_at()
                            .0
                            .clamp(limits::FIRST_MOMENT_MS, limits::LAST_MOMENT_MS),
                    ),
                });
            }
        }
    }
    kept
}
