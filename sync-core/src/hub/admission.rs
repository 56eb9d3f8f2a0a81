//! What of a push may be judged: parsed, of a known kind, by the user's own writers, and not stored
//! already. Everything else gets its refusal here.

use std::collections::{HashMap, HashSet};

use super::known::KnownChange;
use super::push::{PushJob, PushedChange, PushedGroup};
use super::receipts::Proven;
use super::usage::Usage;
use super::workspace::{Candidate, CandidateGroup, Standing, group_refused};
use crate::document::PenRole;
use crate::error::{Refusal, RefusalCode};
use crate::guard;
use crate::ids::{Actor, ChangeHash, RecordId, UserId};
use crate::schema::{Schema, Storage};

/// What is known before a push is judged.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    pub(super) schema: &'a Schema,
    /// Changes that are stored.
    pub(super) known: &'a HashMap<ChangeHash, KnownChange>,
    /// Changes that earlier pushes of the batch brought.
    pub(super) merged_before: &'a HashMap<ChangeHash, (RecordId, UserId)>,
    /// Whose the writers are.
    pub(super) owners: &'a HashMap<Actor, UserId>,
    /// Changes that were accepted once.
    pub(super) proven: &'a Proven,
    /// Records of which the user is to hear nothing.
    pub(super) absent: &'a HashSet<RecordId>,
    /// What the user has stored, and earlier pushes of the batch would add.
    pub(super) used: Usage,
}

/// Who pushes a group that is looked over, and with what right.
#[derive(Clone, Copy, Debug)]
struct Claim {
    user: UserId,
    standing: Standing,
}

impl Claim {
    /// Whether it may be told that a change of this author is stored: its author may, even of a record
    /// that they see no more, and whoever has the proof that it was accepted.
    fn may_know(self, author: UserId) -> bool {
        self.standing == Standing::AcceptedBefore || author == self.user
    }
}

/// What became of a push at the door.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// Groups to be judged.
    pub(super) groups: Vec<CandidateGroup>,
    /// Why the changes of the others are refused.
    pub(super) refused: HashMap<ChangeHash, Refusal>,
    /// What the user has stored then.
    pub(super) used: Usage,
}

impl Admission<'_> {
    /// Looks a push over.
    pub(super) fn admit(&self, job: &PushJob) -> Admitted {
        let mut admitted = Admitted { used: self.used, ..Admitted::default() };
        let mut met: HashSet<ChangeHash> = HashSet::new();
        for group in &job.groups {
            let proven = self.proven.has(group);
            let standing = if proven { Standing::AcceptedBefore } else { Standing::New };
            let claim = Claim { user: job.user, standing };
            let fit = self.admit_group(group, claim, &mut met).and_then(|changes| {
                let room = has_room(job, standing, admitted.used, &changes);
                room.map(|used| (used, changes))
            });
            match fit {
                Ok((_, changes)) if changes.is_empty() => {}
                Ok((used, changes)) => {
                    admitted.used = used;
                    let (group, seen) = (group.group, group.seen);
                    admitted.groups.push(CandidateGroup { group, seen, standing, changes });
                }
                Err((culprit, refusal)) => {
                    // What is stored stays so, whatever falls beside it.
                    let falls = |change: &&PushedChange| !self.is_stored_step(change, claim);
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

    /// Whether a change is a step that its record has already, as far as the user may hear of that.
    fn is_stored_step(&self, change: &PushedChange, claim: Claim) -> bool {
        is_step(change) && self.is_stored(change, claim)
    }

    /// Whether a change is stored and the user may hear of it. A step of a record's genesis is the same
    /// whoever makes it, and anybody can work it out: it is nothing new to those who see the record, and
    /// nothing at all to others.
    fn is_stored(&self, change: &PushedChange, claim: Claim) -> bool {
        let told = |record: RecordId, author: UserId| {
            let shared = is_step(change) && !self.absent.contains(&record);
            record == change.record && (claim.may_know(author) || shared)
        };
        let known = self.known.get(&change.hash);
        let merged = self.merged_before.get(&change.hash);
        known.is_some_and(|one| told(one.record, one.author))
            || merged.is_some_and(|(record, author)| told(*record, *author))
    }

    /// The changes of a group that are not stored; or the first that is at fault.
    fn admit_group(
        &self,
        group: &PushedGroup,
        claim: Claim,
        met: &mut HashSet<ChangeHash>,
    ) -> Result<Vec<Candidate>, (ChangeHash, Refusal)> {
        let mut changes = Vec::new();
        let mut fault = None;
        for change in &group.changes {
            if change.parsed.is_ok() && self.is_stored(change, claim) {
                continue;
            }
            match self.admit_change(change, claim) {
                Ok(candidate) if met.insert(change.hash) => changes.push(candidate),
                Ok(_) => {}
                Err(refusal) => {
                    fault.get_or_insert((change.hash, refusal));
                }
            }
        }
        fault.map_or(Ok(changes), Err)
    }

    fn admit_change(&self, change: &PushedChange, claim: Claim) -> Result<Candidate, Refusal> {
        let parsed = change.parsed.as_ref().map_err(Clone::clone)?;
        let owner = self.owners.get(&parsed.actor());
        let step = is_step(change);
        if self.known.contains_key(&change.hash) && !step && !self.absent.contains(&change.record) {
            let sentence = "This change belongs to another record.";
            return Err(Refusal::new(RefusalCode::WrongRecord, sentence));
        }
        let kind = self.schema.kind(&change.kind).filter(|kind| kind.storage == Storage::Document);
        let Some(kind) = kind else {
            let sentence = "The server knows no such kind of record.";
            return Err(Refusal::new(RefusalCode::WrongKind, sentence));
        };
        if owner.is_some_and(|owner| !claim.may_know(*owner)) && !step {
            let sentence =
                "The change was written under another user's actor; reopen the app and edit again.";
            return Err(Refusal::new(RefusalCode::ForeignActor, sentence));
        }
        let (record, kind) = (change.record, kind.clone());
        Ok(Candidate { record, kind, parsed: parsed.clone() })
    }
}

/// What a user has stored with these changes, if they may store so much. The server's own pen may, and
/// what is put back was counted as its author's.
fn has_room(
    job: &PushJob,
    standing: Standing,
    used: Usage,
    changes: &[Candidate],
) -> Result<Usage, (ChangeHash, Refusal)> {
    let Some(first) = changes.first() else { return Ok(used) };
    let after = used.and(Usage::of(changes));
    match (standing, job.pen) {
        (Standing::AcceptedBefore, _) => Ok(used),
        (Standing::New, PenRole::Server) => Ok(after),
        (Standing::New, PenRole::Device) => {
            after.check().map_err(|refusal| (first.parsed.hash(), refusal))
        }
    }
}

/// Whether a pushed change is a later step of its record's genesis, which nobody's writer makes.
fn is_step(change: &PushedChange) -> bool {
    change.parsed.as_ref().is_ok_and(guard::is_step)
}
