//! Refused changes, and what was edited after them.
//!
//! A change builds on all its writer knew, so that a refused one takes every later change of the
//! record along. What each later change did is therefore made again on what is accepted. Where the
//! user lacks access to the record, that would be refused as well, and the later changes follow into
//! quarantine.

use std::collections::VecDeque;

use super::again::Again;
use super::error::ReplicaError;
use super::evict::erase;
use super::history::Histories;
use super::store::{From, OwnChange, Silent, Stood, Work};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{ChangeHash, RecordId, ScopeId};

/// What becomes of the changes made after a refused one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Later {
    /// They are made again.
    Stands,
    /// The user has no access to the record: they are refused with it.
    Falls,
}

/// A record with a refused change.
#[derive(Debug)]
struct Affected {
    record: RecordId,
    /// Where its first refused change stood.
    first: i64,
    later: Later,
}

/// What refusals come to.
#[derive(Debug, Default)]
pub(super) struct Fallout {
    waiting: VecDeque<Affected>,
    /// Records with refused changes, each with the scope that it had before, if it was here.
    touched: Vec<(RecordId, Option<ScopeId>)>,
    /// Every change that went into quarantine, with its reason.
    pub(super) refused: Vec<(ChangeHash, Refusal)>,
    /// Records to be fetched, since only the server knows whether they belong here.
    pub(super) misplaced: Vec<RecordId>,
}

impl Fallout {
    /// Puts a change into quarantine, if it waits for its verdict.
    pub(super) fn refuse(
        &mut self,
        work: &mut Work<'_>,
        hash: ChangeHash,
        refusal: &Refusal,
    ) -> Result<(), ReplicaError> {
        let Some(stood) = work.quarantine_change(hash, refusal)? else { return Ok(()) };
        let Stood { record, seq: first, step } = stood;
        if !step {
            self.refused.push((hash, refusal.clone()));
        }
        let denied = RefusalCode::parse(&refusal.code) == Some(RefusalCode::Denied);
        let later = if denied { Later::Falls } else { Later::Stands };
        if !self.touched.iter().any(|(known, _)| *known == record) {
            self.touched.push((record, work.stored().scope(record)?));
            self.waiting.push_back(Affected { record, first, later });
        }
        Ok(())
    }

    /// Puts a change into quarantine, and what was made of other records together with it.
    pub(super) fn refuse_group(
        &mut self,
        work: &mut Work<'_>,
        change: &OwnChange,
        refusal: &Refusal,
    ) -> Result<(), ReplicaError> {
        let beside = work.stored().pending_beside(change.origin.group, change.record)?;
        self.refuse(work, change.hash, refusal)?;
        for hash in beside {
            self.refuse(work, hash, &with_its_group())?;
        }
        Ok(())
    }

    /// Deals with what was made after the refused changes.
    pub(super) fn settle(&mut self, work: &mut Work<'_>) -> Result<(), ReplicaError> {
        while let Some(Affected { record, first, later }) = self.waiting.pop_front() {
            let mut again = Vec::new();
            for change in work.stored().waiting_from(record, first)? {
                // A group stands or falls as one, and this part of it cannot stand as it is.
                let beside = work.stored().pending_beside(change.origin.group, record)?;
                let can_be_made = change.from != From::OthersAccepted;
                if later == Later::Stands && beside.is_empty() && can_be_made {
                    again.push(change);
                } else {
                    self.fall(work, &change, &beside)?;
                }
            }
            let mut histories = Histories::default();
            let Some(history) = histories.of(work, record)? else { continue };
            history.keep_words(work, Silent::Refused)?;
            let again = Again::read(work, again, &mut histories)?;
            again.set_aside(work)?;
            self.refused.extend(again.make(work)?);
        }
        Ok(())
    }

    /// Puts a change and the rest of its group into quarantine.
    fn fall(
        &mut self,
        work: &mut Work<'_>,
        change: &OwnChange,
        beside: &[ChangeHash],
    ) -> Result<(), ReplicaError> {
        let refusal = Refusal::depends_on_refused();
        work.quarantine_change(change.hash, &refusal)?;
        if !change.step && change.from != From::OthersAccepted {
            self.refused.push((change.hash, refusal));
        }
        for hash in beside {
            self.refuse(work, *hash, &with_its_group())?;
        }
        Ok(())
    }

    /// Reads the records with refused changes anew, and erases those of which only the server knows
    /// whether they belong here.
    pub(super) fn show(&mut self, work: &mut Work<'_>) -> Result<(), ReplicaError> {
        for (record, stood) in std::mem::take(&mut self.touched) {
            work.refresh_record(record)?;
            let stands = work.stored().scope(record)?;
            if is_misplaced(stood, stands) {
                erase(work, record)?;
                self.misplaced.push(record);
            }
        }
        Ok(())
    }
}

/// Whether a refused edit may have kept a record here, or away from here, by where it put it: while
/// it stood, the record came or went with what it hung from on this device alone. Only the server
/// knows whether its user sees it.
fn is_misplaced(stood: Option<ScopeId>, stands: Option<ScopeId>) -> bool {
    match (stood, stands) {
        (None, None) => true,
        (Some(stood), Some(stands)) => stood != stands,
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn with_its_group() -> Refusal {
    Refusal::new(
        RefusalCode::GroupRefused,
        "It was made together with an edit that builds on a refused one.",
    )
}
