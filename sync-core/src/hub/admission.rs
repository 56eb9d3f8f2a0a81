//! What of a push may be judged: parsed, of a known kind, by the user's own writers, and not stored
//! already. Everything else gets its refusal here.

use std::collections::{HashMap, HashSet};

use super::push::{PushJob, PushedChange, PushedGroup};
use super::receipts::Proven;
use super::workspace::{Candidate, CandidateGroup, Standing, group_refused};
use crate::error::{Refusal, RefusalCode};
use crate::guard;
use crate::ids::{Actor, ChangeHash, FeedPosition, RecordId, UserId};
use crate::schema::{Schema, Storage};

/// What is known before a push is judged.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    pub(super) schema: &'a Schema,
    /// Changes that are stored.
    pub(super) known: &'a HashMap<ChangeHash, (RecordId, FeedPosition)>,
    /// Changes that earlier pushes of the batch brought.
    pub(super) merged_before: &'a HashMap<ChangeHash, (RecordId, UserId)>,
    /// Whose the writers are.
    pub(super) owners: &'a HashMap<Actor, UserId>,
    /// Changes that were accepted once.
    pub(super) proven: Proven,
}

/// A pushed group at the door.
#[derive(Clone, Copy, Debug)]
struct Pushed<'g> {
    group: &'g PushedGroup,
    user: UserId,
    standing: Standing,
}

/// What became of a push at the door.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// Groups to be judged.
    pub(super) groups: Vec<CandidateGroup>,
    /// Why the changes of the others are refused.
    pub(super) refused: HashMap<ChangeHash, Refusal>,
}

impl Admission<'_> {
    /// Looks a push over.
    pub(super) fn admit(&self, job: &PushJob) -> Admitted {
        let mut admitted = Admitted::default();
        let mut met: HashSet<ChangeHash> = HashSet::new();
        for group in &job.groups {
            let proven = self.proven.has(group);
            let standing = if proven { Standing::AcceptedBefore } else { Standing::New };
            let pushed = Pushed { group, user: job.user, standing };
            match self.admit_group(pushed, &mut met) {
                Ok(changes) if changes.is_empty() => {}
                Ok(changes) => {
                    let (group, seen) = (group.group, group.seen);
                    admitted.groups.push(CandidateGroup { group, seen, standing, changes });
                }
                Err((culprit, refusal)) => {
                    // What is stored stays so, whatever falls beside it.
                    let falls = |change: &&PushedChange| !self.is_stored_step(change);
                    for change in group.changes.iter().filter(falls) {
                        let reason = if change.hash == culprit {
                            refusal.clone()
                        } else {
                            group_refused(&refusal)
                        };
                        admitted.refused.insert(change.hash, reason);
                    }
                }
            }
        }
        admitted
    }

    /// Whether a change is a step that its record has already.
    fn is_stored_step(&self, change: &PushedChange) -> bool {
        let known = self.known.get(&change.hash).map(|(record, _)| record);
        let merged = || self.merged_before.get(&change.hash).map(|(record, _)| record);
        is_step(change) && known.or_else(merged) == Some(&change.record)
    }

    /// The changes of a group that are not stored; or the first that is at fault.
    fn admit_group(
        &self,
        pushed: Pushed<'_>,
        met: &mut HashSet<ChangeHash>,
    ) -> Result<Vec<Candidate>, (ChangeHash, Refusal)> {
        let mut changes = Vec::new();
        let mut fault = None;
        for change in &pushed.group.changes {
            if let Some((record, author)) = self.merged_before.get(&change.hash)
                && *record == change.record
                && (pushed.may_know(Some(author)) || is_step(change))
            {
                continue;
            }
            match self.admit_change(change, pushed) {
                Ok(Some(candidate)) if met.insert(change.hash) => changes.push(candidate),
                Ok(_) => {}
                Err(refusal) => {
                    fault.get_or_insert((change.hash, refusal));
                }
            }
        }
        fault.map_or(Ok(changes), Err)
    }

    fn admit_change(
        &self,
        change: &PushedChange,
        pushed: Pushed<'_>,
    ) -> Result<Option<Candidate>, Refusal> {
        let parsed = change.parsed.as_ref().map_err(Clone::clone)?;
        let owner = self.owners.get(&parsed.actor());
        if let Some((record, _)) = self.known.get(&change.hash) {
            // Told to nobody but its author, so that a guessed name reveals nothing. A step of the
            // record's genesis is the same whoever makes it.
            return if *record == change.record && (pushed.may_know(owner) || is_step(change)) {
                Ok(None)
            } else {
                let sentence = "This change belongs to another record.";
                Err(Refusal::new(RefusalCode::WrongRecord, sentence))
            };
        }
        let kind = self.schema.kind(&change.kind).filter(|kind| kind.storage == Storage::Document);
        let Some(kind) = kind else {
            let sentence = "The server knows no such kind of record.";
            return Err(Refusal::new(RefusalCode::WrongKind, sentence));
        };
        if owner.is_some() && !pushed.may_know(owner) && !is_step(change) {
            let sentence =
                "The change was written under another user's actor; reopen the app and edit again.";
            return Err(Refusal::new(RefusalCode::ForeignActor, sentence));
        }
        let (record, kind) = (change.record, kind.clone());
        Ok(Some(Candidate { record, kind, parsed: parsed.clone() }))
    }
}

impl Pushed<'_> {
    /// Whether its pusher may be told that a change of this author is stored: the author may, and whoever
    /// has the proof.
    fn may_know(&self, author: Option<&UserId>) -> bool {
        self.standing == Standing::AcceptedBefore || author == Some(&self.user)
    }
}

/// Whether a pushed change is a later step of its record's genesis, which nobody's writer makes.
fn is_step(change: &PushedChange) -> bool {
    change.parsed.as_ref().is_ok_and(guard::is_step)
}
