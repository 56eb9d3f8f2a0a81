//! What the server refused: kept with its reason, shown, made again by hand, or thrown away.

use super::clock::let_nothing_lie_ahead;
use super::device::Replica;
use super::edit::commit_group;
use super::env::Env;
use super::error::ReplicaError;
use super::redated::Redated;
use super::store::{Quarantined, Work};
use crate::document::{GroupEdit, Pen, PenRole, RecordEdit};
use crate::ids::ChangeHash;
use crate::schema::Rule;
use crate::time::UnixMs;

/// Why a refused edit could not be made again.
#[derive(Debug, thiserror::Error)]
pub enum ResubmitError {
    /// No such edit in quarantine.
    #[error("no refused edit {0} on this device")]
    Unknown(ChangeHash),
    /// It says nothing that the record does not say already.
    #[error("the record says that already; discard the edit instead")]
    Nothing,
    /// The record is not on this device any more.
    #[error("its record is not on this device; ask whoever has it now, or discard the edit")]
    NoRecord,
    /// The edit does not fit, or the file cannot be written.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl From<rusqlite::Error> for ResubmitError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Replica(error.into())
    }
}

impl Replica {
    /// The edits that the server refused, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn quarantine(&self) -> rusqlite::Result<Vec<Quarantined>> {
        self.file.stored().quarantine()
    }

    /// Makes a refused edit again on the record as it is now, perhaps with corrections that are made
    /// together with it. In one transaction it leaves quarantine and stands as a fresh edit.
    ///
    /// # Errors
    /// When there is no such edit, its record is not here, or nothing would change. Then it stays
    /// where it is.
    pub fn resubmit(
        &mut self,
        hash: ChangeHash,
        corrections: RecordEdit,
        env: &mut dyn Env,
    ) -> Result<(), ResubmitError> {
        let now = self.dated(env)?;
        let pen = Pen { actor: self.actor, author: self.user(), now, role: PenRole::Device };
        self.file.write(|work| {
            let one = work.stored().quarantined(hash)?.ok_or(ResubmitError::Unknown(hash))?;
            let edit = corrected(work, &one, corrections, now)?;
            if commit_group(work, &[edit], &pen, env)?.changes.is_empty() {
                return Err(ResubmitError::Nothing);
            }
            for change in one.changes {
                work.drop_change(change)?;
            }
            Ok(())
        })
    }

    /// Throws a refused edit away for good; `false` when there is none of this name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn discard(&mut self, hash: ChangeHash) -> Result<bool, ReplicaError> {
        self.file.write(|work| match work.stored().quarantined(hash)? {
            Some(edit) => {
                for change in edit.changes {
                    work.drop_change(change)?;
                }
                Ok(true)
            }
            None => Ok(false),
        })
    }
}

/// What a refused edit did, with corrections, as an edit of the record as it is now.
fn corrected(
    work: &mut Work<'_>,
    refused: &Quarantined,
    mut corrections: RecordEdit,
    now: UnixMs,
) -> Result<GroupEdit, ResubmitError> {
    let kind = work.schema().kind(&refused.kind).ok_or(ResubmitError::NoRecord)?.clone();
    let mut edit = RecordEdit::from_json(&kind, &refused.edit);
    // Only the change that begins a record writes what is immutable.
    let mut changes = edit.changes.iter().chain(&corrections.changes);
    let begins = changes.any(|(field, _)| field.rule == Rule::Immutable);
    let id = refused.record;
    let open = work.open(id)?;
    let is_here = open.is_some();
    if let Some(open) = open {
        edit.leave_out_written(&open.doc);
        corrections.changes.retain(|(field, _)| field.rule != Rule::Immutable);
        work.keep(id, open);
    }
    // What was refused for a clock that was wrong says when it happened by that clock.
    let changed = let_nothing_lie_ahead(&mut edit, now);
    let corrected = |name: &str| corrections.changes.iter().any(|(field, _)| field.name == name);
    for (field, from) in changed.into_iter().filter(|(field, _)| !corrected(field)) {
        work.redated.push(Redated {
            record: refused.record,
            kind: refused.kind.clone(),
            field: Some(field.to_owned()),
            from,
            to: now,
        });
    }
    // A correction takes the place of what was said of the same field.
    edit.changes.retain(|(f, _)| corrections.changes.iter().all(|(c, _)| c.name != f.name));
    edit.changes.extend(corrections.changes);
    if is_here {
        Ok(GroupEdit::Edit { id, edit })
    } else if begins {
        Ok(GroupEdit::Create { id, kind, edit })
    } else {
        Err(ResubmitError::NoRecord)
    }
}
