//! Local edits: one SQLite transaction each, whether over one record or a group.

use std::collections::BTreeMap;

use super::device::Replica;
use super::env::{Env, draw};
use super::error::ReplicaError;
use super::store::{OpenDocument, Work};
use super::writing::Writing;
use crate::document::{
    EditError, FieldChange, FieldState, GroupEdit, Hydrated, LocalChange, Pen, PenRole, RecordEdit,
    fit,
};
use crate::guard;
use crate::ids::{ChangeHash, EventId, GroupId, RecordId};
use crate::limits;
use crate::schema::{Field, FieldType, Kind, LifeEvent, Storage};

/// What a commit wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The group's name.
    pub group: GroupId,
    /// The changes of each record that really changed: one, or several for a long text.
    pub changes: Vec<(RecordId, ChangeHash)>,
}

impl Replica {
    /// A new record's id.
    pub fn mint_id(&self, env: &mut dyn Env) -> RecordId {
        RecordId::mint(env.now(), draw(env))
    }

    /// Makes a group of edits, all or none; returns once they are durable and queries see them.
    ///
    /// # Errors
    /// When an edit is wrong or the file cannot be written; then nothing was written.
    pub fn commit(
        &mut self,
        edits: &[GroupEdit],
        env: &mut dyn Env,
    ) -> Result<Committed, ReplicaError> {
        let mut all = self.commit_each(&[edits], env)?;
        Ok(all.pop().expect("BUG: one group in, one group out"))
    }

    /// As [`Replica::commit`], under a name of the host's. Where a group of this name waits to be sent
    /// already, nothing is made: whoever did not hear the answer asks again.
    ///
    /// # Errors
    /// As [`Replica::commit`].
    pub fn commit_once(
        &mut self,
        group: GroupId,
        edits: &[GroupEdit],
        env: &mut dyn Env,
    ) -> Result<Committed, ReplicaError> {
        let now = self.dated(env)?;
        let pen = Pen { actor: self.actor, author: self.user(), now, role: PenRole::Device };
        self.file.write(|work| {
            if work.stored().group_places(group)?.is_empty() {
                commit_as(work, group, edits, &pen, env)
            } else {
                Ok(Committed { group, changes: Vec::new() })
            }
        })
    }

    /// Makes several groups in one transaction: durable together, but judged by the server each by
    /// itself. For imports.
    ///
    /// # Errors
    /// When an edit is wrong or the file cannot be written; then nothing was written.
    pub fn commit_each(
        &mut self,
        groups: &[&[GroupEdit]],
        env: &mut dyn Env,
    ) -> Result<Vec<Committed>, ReplicaError> {
        let now = self.dated(env)?;
        let pen = Pen { actor: self.actor, author: self.user(), now, role: PenRole::Device };
        self.file
            .write(|work| groups.iter().map(|edits| commit_group(work, edits, &pen, env)).collect())
    }

    /// Creates one record.
    ///
    /// # Errors
    /// As [`Replica::commit`].
    pub fn create(
        &mut self,
        kind: &Kind,
        edit: RecordEdit,
        env: &mut dyn Env,
    ) -> Result<RecordId, ReplicaError> {
        let id = self.mint_id(env);
        self.commit(&[GroupEdit::Create { id, kind: kind.clone(), edit }], env)?;
        Ok(id)
    }

    /// Edits one record.
    ///
    /// # Errors
    /// As [`Replica::commit`].
    pub fn edit(
        &mut self,
        id: RecordId,
        edit: RecordEdit,
        env: &mut dyn Env,
    ) -> Result<Committed, ReplicaError> {
        self.commit(&[GroupEdit::Edit { id, edit }], env)
    }

    /// Reads one record with its conflicts and oddities; `None` when it is not on this device.
    ///
    /// # Errors
    /// When the stored document is damaged.
    pub fn record(&mut self, id: RecordId) -> Result<Option<Hydrated>, ReplicaError> {
        Ok(self.file.read(id)?.map(|open| open.hydrated.clone()))
    }

    /// The kind of a record on this device.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn kind_of(&self, id: RecordId) -> Result<Option<Kind>, ReplicaError> {
        Ok(self.file.stored().kind_of(id)?)
    }

    /// The whole document of a record, pending edits included, as Automerge saves it.
    ///
    /// # Errors
    /// When the record is not here or its document is damaged.
    pub fn save_document(&mut self, id: RecordId) -> Result<Vec<u8>, ReplicaError> {
        let document = self.file.stored().open(id)?.ok_or(ReplicaError::UnknownRecord(id))?;
        Ok(document.doc.save())
    }
}

/// Makes a group of edits within the caller's unit of work.
pub(super) fn commit_group(
    work: &mut Work<'_>,
    edits: &[GroupEdit],
    pen: &Pen,
    env: &mut dyn Env,
) -> Result<Committed, ReplicaError> {
    let group = GroupId::mint(pen.now, draw(env));
    commit_as(work, group, edits, pen, env)
}

fn commit_as(
    work: &mut Work<'_>,
    group: GroupId,
    edits: &[GroupEdit],
    pen: &Pen,
    env: &mut dyn Env,
) -> Result<Committed, ReplicaError> {
    let origin = work.origin(group, pen.now)?;
    let mut mint = || EventId::mint(pen.now, draw(env));
    let writing = Writing { pen: *pen, origin, mint: &mut mint };
    let mut making = Making {
        writing,
        open: BTreeMap::new(),
        changes: Vec::new(),
        operations: 0,
        texts: Vec::new(),
    };
    for edit in edits {
        making.make(work, edit)?;
    }
    making.check_lengths()?;
    let Making { open, changes, operations, .. } = making;
    if changes.len() > limits::CHANGES_PER_GROUP {
        return Err(ReplicaError::TooLarge(format!(
            "a group may have {} edits and this one has {}; make several groups",
            limits::CHANGES_PER_GROUP,
            changes.len()
        )));
    }
    if operations > limits::OPS_PER_GROUP {
        return Err(ReplicaError::TooLarge(format!(
            "edits that are made together may have {} operations, a character being one, and these have {operations}; make them one by one",
            limits::OPS_PER_GROUP,
        )));
    }
    for (id, document) in open {
        if changes.iter().any(|(changed, _)| *changed == id) {
            work.put_record(id, &document, document.scope(id))?;
        }
        work.keep(id, document);
    }
    Ok(Committed { group, changes })
}

/// What a commit has done so far, none of it durable yet.
struct Making<'m> {
    writing: Writing<'m>,
    open: BTreeMap<RecordId, OpenDocument>,
    changes: Vec<(RecordId, ChangeHash)>,
    /// How many operations these have.
    operations: usize,
    /// Long texts that were edited.
    texts: Vec<(RecordId, Field)>,
}

impl Making<'_> {
    fn make(&mut self, work: &mut Work<'_>, edit: &GroupEdit) -> Result<(), ReplicaError> {
        let id = edit.record();
        let (mut open, step) = match edit {
            GroupEdit::Create { kind, edit, .. } => {
                if kind.storage == Storage::ServerRow {
                    return Err(ReplicaError::ServerKind(kind.name));
                }
                let (open, made) = self.writing.begin(work, kind, id, edit)?;
                self.note(id, &made)?;
                self.note_texts(id, edit);
                self.open.insert(id, open);
                return Ok(());
            }
            GroupEdit::Edit { edit, .. } => (self.existing(work, id)?, edit.clone()),
            GroupEdit::Delete { .. } => {
                let open = self.existing(work, id)?;
                let step = life_event(&open.kind, LifeEvent::Delete);
                (open, step)
            }
            GroupEdit::Restore { .. } => {
                let open = self.existing(work, id)?;
                let step = life_event(&open.kind, LifeEvent::Restore);
                (open, step)
            }
        };
        let made = self.writing.edit(work, id, &mut open, &step)?;
        self.note(id, &made)?;
        self.note_texts(id, &step);
        self.open.insert(id, open);
        Ok(())
    }

    fn note_texts(&mut self, id: RecordId, edit: &RecordEdit) {
        let texts = edit.changes.iter().filter(|(field, _)| field.ty == FieldType::Text);
        self.texts.extend(texts.map(|(field, _)| (id, field.clone())));
    }

    /// Judges long texts as the group leaves them.
    fn check_lengths(&self) -> Result<(), EditError> {
        for (id, field) in &self.texts {
            let state = self.open.get(id).and_then(|open| open.hydrated.field(field.name));
            if let Some(FieldState::Text(text)) = state {
                fit::length(field.name, text.chars().count())?;
            }
        }
        Ok(())
    }

    fn existing(
        &mut self,
        work: &mut Work<'_>,
        id: RecordId,
    ) -> Result<OpenDocument, ReplicaError> {
        let open = match self.open.remove(&id) {
            Some(open) => Some(open),
            None => work.open(id)?,
        };
        open.ok_or(ReplicaError::UnknownRecord(id))
    }

    /// Takes note of changes that were written, if a server would take them.
    fn note(&mut self, id: RecordId, made: &[LocalChange]) -> Result<(), ReplicaError> {
        for local in made {
            if local.bytes.len() > limits::CHANGE_BYTES || local.ops > limits::OPS_PER_CHANGE {
                return Err(ReplicaError::TooLarge(format!(
                    "this edit takes {} bytes and {} operations, {} and {} are allowed; make it in parts",
                    local.bytes.len(),
                    local.ops,
                    limits::CHANGE_BYTES,
                    limits::OPS_PER_CHANGE
                )));
            }
            self.operations += guard::operations(&local.bytes);
            self.changes.push((id, local.hash));
        }
        Ok(())
    }
}

fn life_event(kind: &Kind, event: LifeEvent) -> RecordEdit {
    let change = FieldChange::Append(event.data());
    RecordEdit { changes: kind.life().map(|field| (field.clone(), change)).into_iter().collect() }
}
