//! Which refused changes are kept for their author and the author's manager.

use std::borrow::Cow;
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
    /// The plain chunk; nothing of what is no change.
    pub bytes: &'a [u8],
    /// What it did, or would have done, as an edit's JSON.
    pub edit: Option<Cow<'a, serde_json::Value>>,
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
    refused: &'a HashMap<ChangeHash, Refusal>,
    said: &'a HashMap<ChangeHash, serde_json::Value>,
) -> Vec<RefusedChange<'a>> {
    let mut denied: HashSet<ChangeHash> = HashSet::new();
    let mut kept = Vec::new();
    // What was offered back is its author's, who keeps it or not.
    for group in job.groups.iter().filter(|group| !group.is_offered()) {
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
                        Some(said) => Some(Cow::Borrowed(said)),
                        None => parsed.map(|parsed| Cow::Owned(guard::words(parsed, kind))),
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

/// A moment that tables have room for.
fn in_calendar(at: UnixMs) -> UnixMs {
    UnixMs(at.0.clamp(limits::FIRST_MOMENT_MS, limits::LAST_MOMENT_MS))
}

/// Whether what is refused for this stays so: the device puts it into quarantine, rather than making or
/// sending it again by itself.
fn stays_refused(code: RefusalCode) -> bool {
    match code {
        RefusalCode::ForeignActor
        | RefusalCode::MissingDependency
        | RefusalCode::SequenceGap
        | RefusalCode::OpCounter
        | RefusalCode::DependsOnRefused
        | RefusalCode::Internal => false,
        RefusalCode::Malformed
        | RefusalCode::TooLarge
        | RefusalCode::TooManyOps
        | RefusalCode::ForeignAuthor
        | RefusalCode::BadReference
        | RefusalCode::BadValue
        | RefusalCode::Immutable
        | RefusalCode::ServerOnly
        | RefusalCode::WrongKind
        | RefusalCode::WrongRecord
        | RefusalCode::Rule
        | RefusalCode::EngineFault
        | RefusalCode::DocumentQuarantined
        | RefusalCode::Denied
        | RefusalCode::Constraint
        | RefusalCode::GroupRefused
        | RefusalCode::FutureTime
        | RefusalCode::OverQuota => true,
    }
}
