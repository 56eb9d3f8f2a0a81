//! Undoing what a change did to a record, by a new edit.

use super::device::Replica;
use super::edit::commit_group;
use super::env::Env;
use super::error::ReplicaError;
use super::history::History;
use super::past::{Made, Standing, is_deleted, made};
use super::store::Work;
use crate::document::{
    Done, FieldChange, GroupEdit, Left, Pen, PenRole, RecordEdit, Undoing, undoing,
};
use crate::ids::{ChangeHash, RecordId};
use crate::schema::LifeEvent;

/// What undoing a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoneChange {
    /// The edit that did it, which can be undone like any other.
    pub hash: ChangeHash,
    /// The fields that say again what they said before.
    pub undone: Vec<String>,
    /// Those that stay as they are.
    pub left: Vec<Left>,
}

/// Why a change was not undone. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The record has no such change: look it up in the history.
    #[error("the record has no change {0}; its history lists those there are")]
    Unknown(ChangeHash),
    /// The server refused it, so that the record does not say it: discard it, or make it again.
    #[error("the server refused that change, so that there is nothing to undo; discard it instead")]
    Refused,
    /// The record began with it, and somebody else has worked on the record since.
    #[error(
        "the record began with that change and somebody else has worked on it since; delete it if that is meant"
    )]
    Begun,
    /// Nothing is left of the change that could be undone; the message says why, field by field.
    #[error("nothing of that change can be undone{}", reasons(.0))]
    Nothing(Vec<Left>),
    /// What stood there before is no longer taken, or the file cannot be written.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl From<rusqlite::Error> for UndoError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Replica(error.into())
    }
}

fn reasons(left: &[Left]) -> String {
    match left {
        [] => ": it changed nothing that is shown".to_owned(),
        left => {
            let each = left.iter().map(|one| format!("{}: {}", one.field, one.why));
            format!(". {}", each.collect::<Vec<_>>().join("; "))
        }
    }
}

impl Replica {
    /// Undoes a change of a record: makes an edit that puts back what it changed, for the fields that still
    /// say what it wrote. The others are named and left. What a change added to a log is taken back by the
    /// event that leads back; the change with which a record began, by deleting the record.
    ///
    /// # Errors
    /// When there is no such change, or nothing of it is left to undo. Then nothing was written.
    pub fn undo(
        &mut self,
        id: RecordId,
        change: ChangeHash,
        env: &mut dyn Env,
    ) -> Result<UndoneChange, UndoError> {
        let now = self.dated(env)?;
        let pen = Pen { actor: self.actor, author: self.user(), now, role: PenRole::Device };
        self.file.write(|work| {
            let Undoing { edit, undone, left } = undoing_of(work, id, change, &pen)?;
            if edit.changes.is_empty() {
                return Err(UndoError::Nothing(left));
            }
            let edit = GroupEdit::Edit { id, edit };
            let made = commit_group(work, &[edit], &pen, env)?.changes;
            match made.last() {
                Some((_, hash)) => Ok(UndoneChange { hash: *hash, undone, left }),
                None => Err(UndoError::Nothing(left)),
            }
        })
    }
}

fn undoing_of(
    work: &mut Work<'_>,
    id: RecordId,
    change: ChangeHash,
    pen: &Pen,
) -> Result<Undoing, UndoError> {
    let (_, all) = made(work.stored(), id, pen.author)?;
    let place = all.iter().position(|one| one.has(change)).ok_or(UndoError::Unknown(change))?;
    let one = &all[place];
    if matches!(one.standing, Standing::Refused(_)) {
        return Err(UndoError::Refused);
    }
    let mut history =
        History::everything(work.stored(), id)?.ok_or(ReplicaError::UnknownRecord(id))?;
    let states = history.states_of(one.pieces.clone()).ok_or(UndoError::Unknown(change))?;
    let open = work.open(id)?.ok_or(ReplicaError::UnknownRecord(id))?;
    if states.begins() {
        let others = |other: &Made| {
            other.author != one.author && !matches!(other.standing, Standing::Refused(_))
        };
        if all[place + 1..].iter().any(others) {
            return Err(UndoError::Begun);
        }
        let undoing = deletion(&open.hydrated);
        work.keep(id, open);
        return Ok(undoing);
    }
    let mut undoing = undoing(Done {
        before: &states.before,
        after: &states.after,
        doc: &open.doc,
        hash: one.hash().into(),
        now: &open.hydrated,
    });
    let newer = states.unsaid.iter().filter_map(|part| part.get("field")?.as_str());
    undoing.left.extend(newer.map(|field| Left { field: field.to_owned(), why: NEWER }));
    work.keep(id, open);
    Ok(undoing)
}

const NEWER: &str = "this version of the app does not know it";

/// Deletes a record that is not deleted yet.
fn deletion(now: &crate::document::Hydrated) -> Undoing {
    let Some(life) = now.kind.life().filter(|_| !is_deleted(now)) else {
        return Undoing::default();
    };
    let change = FieldChange::Append(LifeEvent::Delete.data());
    Undoing {
        edit: RecordEdit { changes: vec![(life.clone(), change)] },
        undone: vec![life.name.to_owned()],
        left: Vec::new(),
    }
}
