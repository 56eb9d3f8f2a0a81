//! Local edits: one SQLite transaction each, whether over one record or a group.

use std::collections::HashMap;

use super::store::Db;

use super::cache::{self, DocumentCache, OpenDocument};
use super::store::{self, ChangeState, NewChange, Origin};
use super::{Env, Replica, draw};
use crate::document::{
    self, EditError, EventData, FieldChange, Hydrated, LocalChange, Pen, PenRole, RecordEdit,
    Value, hydrate,
};
use crate::ids::{ChangeHash, EventId, GroupId, RecordId};
use crate::limits;
use crate::projection::{self, Stamp};
use crate::schema::{FieldType, Kind, LogKind, Storage};
use crate::time::UnixMs;

/// One edit of a group.
#[derive(Clone, Debug)]
pub enum GroupEdit {
    /// Begins a record.
    Create {
        /// Its id, minted on this device; see [`Replica::mint_id`].
        id: RecordId,
        /// Its kind.
        kind: Kind,
        /// Its first values.
        edit: RecordEdit,
    },
    /// Changes a record.
    Edit {
        /// The record.
        id: RecordId,
        /// What changes.
        edit: RecordEdit,
    },
    /// Deletes a record: a tombstone, which a restore takes back.
    Delete {
        /// The record.
        id: RecordId,
    },
    /// Takes a deletion back.
    Restore {
        /// The record.
        id: RecordId,
    },
}

/// What a commit wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The group's name.
    pub group: GroupId,
    /// The changes of each record that really changed: one, or several for a long text.
    pub changes: Vec<(RecordId, ChangeHash)>,
}

/// Why an edit was not made. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The edit itself is wrong; the message names the field and what is allowed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// There is no such record on this device.
    #[error("no record {0} on this device")]
    UnknownRecord(RecordId),
    /// Records of this kind are written by the server only.
    #[error("{0} records are written by the server only")]
    ServerKind(&'static str),
    /// The group has too many edits, or one that is too long; split it.
    #[error("{0}")]
    TooLarge(String),
    /// A stored document is damaged; fetch it again from the server.
    #[error(transparent)]
    Document(#[from] document::LoadError),
    /// SQLite could not write: a full disk, a lock, a damaged file.
    #[error("the local database could not be written: {0}")]
    Sqlite(#[from] rusqlite::Error),
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
        let now = env.now();
        let pen = Pen { actor: self.actor, author: self.user, now, role: PenRole::Device };
        cache::write(&self.db, &self.schema, &mut self.cache, |tx, cache| {
            groups.iter().map(|edits| commit_group(tx, cache, edits, &pen, env)).collect()
        })
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
        self.cache.refresh(&self.db)?;
        let document = match self.cache.take(id) {
            Some(document) => Some(document),
            None => load_open(&self.file(), id)?,
        };
        let Some(document) = document else { return Ok(None) };
        let hydrated = document.hydrated.clone();
        self.cache.put(id, document);
        Ok(Some(hydrated))
    }

    /// The kind of a record on this device.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn kind_of(&self, id: RecordId) -> Result<Option<Kind>, ReplicaError> {
        Ok(store::document(&self.file(), id)?.map(|row| row.kind))
    }

    /// The whole document of a record, pending edits included, as Automerge saves it.
    ///
    /// # Errors
    /// When the record is not here or its document is damaged.
    pub fn save_document(&mut self, id: RecordId) -> Result<Vec<u8>, ReplicaError> {
        let document = load_open(&self.file(), id)?.ok_or(ReplicaError::UnknownRecord(id))?;
        Ok(document.doc.save())
    }
}

/// Makes a group of edits within the caller's transaction.
pub(super) fn commit_group(
    tx: &Db<'_>,
    cache: &mut DocumentCache,
    edits: &[GroupEdit],
    pen: &Pen,
    env: &mut dyn Env,
) -> Result<Committed, ReplicaError> {
    let group = GroupId::mint(pen.now, draw(env));
    let origin = Origin::now(tx, group, pen.now)?;
    let mut work = Work { open: HashMap::new(), changes: Vec::new(), origin };
    for edit in edits {
        let id = edit.record();
        let document = match work.open.remove(&id).or_else(|| cache.take(id)) {
            Some(document) => Some(document),
            None => load_open(tx, id)?,
        };
        work.make(tx, cache, edit, document, pen, env)?;
    }
    if work.changes.len() > limits::CHANGES_PER_GROUP {
        return Err(ReplicaError::TooLarge(format!(
            "a group may have {} edits and this one has {}; make several groups",
            limits::CHANGES_PER_GROUP,
            work.changes.len()
        )));
    }
    for (id, document) in work.open {
        cache.put(id, document);
    }
    Ok(Committed { group, changes: work.changes })
}

impl GroupEdit {
    fn record(&self) -> RecordId {
        match self {
            Self::Create { id, .. }
            | Self::Edit { id, .. }
            | Self::Delete { id }
            | Self::Restore { id } => *id,
        }
    }
}

/// What a commit has done so far, none of it durable yet.
struct Work {
    open: HashMap<RecordId, OpenDocument>,
    changes: Vec<(RecordId, ChangeHash)>,
    origin: Origin,
}

impl Work {
    fn make(
        &mut self,
        tx: &Db<'_>,
        cache: &mut DocumentCache,
        edit: &GroupEdit,
        document: Option<OpenDocument>,
        pen: &Pen,
        env: &mut dyn Env,
    ) -> Result<(), ReplicaError> {
        let id = edit.record();
        let before = self.changes.len();
        let existing =
            |document: Option<OpenDocument>| document.ok_or(ReplicaError::UnknownRecord(id));
        let (mut open, steps) = match edit {
            GroupEdit::Create { kind, edit, .. } => {
                if kind.storage == Storage::ServerRow {
                    return Err(ReplicaError::ServerKind(kind.name));
                }
                let mut steps = steps(edit, None).into_iter();
                let first = steps.next().unwrap_or_default();
                let mut mint = || EventId::mint(pen.now, draw(env));
                let (doc, local) = document::create(kind, id, &first, pen, &mut mint)?;
                let hydrated = hydrate(&doc, kind);
                let mut open = OpenDocument { kind: kind.clone(), doc, stamp: None, hydrated };
                self.wrote(tx, id, &mut open, &local, pen)?;
                (open, steps.collect())
            }
            GroupEdit::Edit { edit, .. } => {
                let open = existing(document)?;
                let steps = steps(edit, Some(&open));
                (open, steps)
            }
            GroupEdit::Delete { .. } => {
                let open = existing(document)?;
                let step = life_event(&open.kind, "delete");
                (open, vec![step])
            }
            GroupEdit::Restore { .. } => {
                let open = existing(document)?;
                let step = life_event(&open.kind, "restore");
                (open, vec![step])
            }
        };
        for step in steps {
            let mut mint = || EventId::mint(pen.now, draw(env));
            let local = document::edit(&mut open.doc, &open.hydrated, &step, pen, &mut mint)?;
            if let Some(local) = local {
                self.wrote(tx, id, &mut open, &local, pen)?;
            }
        }
        if self.changes.len() > before {
            write_record(tx, cache, id, &open)?;
        }
        self.open.insert(id, open);
        Ok(())
    }

    /// Stores a change that the document has by now.
    fn wrote(
        &mut self,
        tx: &Db<'_>,
        id: RecordId,
        open: &mut OpenDocument,
        local: &LocalChange,
        pen: &Pen,
    ) -> Result<(), ReplicaError> {
        if local.bytes.len() > limits::CHANGE_BYTES || local.ops > limits::OPS_PER_CHANGE {
            return Err(ReplicaError::TooLarge(format!(
                "this edit takes {} bytes and {} operations, {} and {} are allowed; make it in parts",
                local.bytes.len(),
                local.ops,
                limits::CHANGE_BYTES,
                limits::OPS_PER_CHANGE
            )));
        }
        let stamp = Stamp {
            at: UnixMs::from_seconds(pen.now.seconds()),
            hash: local.hash,
            by: Some(pen.author),
        };
        open.stamp = open.stamp.max(Some(stamp));
        open.hydrated = hydrate(&open.doc, &open.kind);
        let new = NewChange {
            record: id,
            kind: open.kind.clone(),
            hash: local.hash,
            bytes: &local.bytes,
            state: ChangeState::Pending,
            actor: pen.actor,
            origin: &self.origin,
        };
        store::insert_change(tx, &new)?;
        self.changes.push((id, local.hash));
        Ok(())
    }
}

/// An edit as one change, or as several when it rewrites more text than one change may hold.
fn steps(edit: &RecordEdit, open: Option<&OpenDocument>) -> Vec<RecordEdit> {
    let now = open.map(|open| &open.hydrated);
    if edit.text_ops(now) <= limits::TEXT_STEP {
        return vec![edit.clone()];
    }
    edit.in_steps(now)
}

fn life_event(kind: &Kind, action: &str) -> RecordEdit {
    let life = kind.fields.iter().find(|field| field.ty == FieldType::Log(LogKind::Life));
    let change = FieldChange::Append(EventData::Action { action: action.to_owned() });
    RecordEdit { changes: life.map(|field| (field.clone(), change)).into_iter().collect() }
}

/// Writes a record's row, scope and search words.
pub(super) fn write_record(
    tx: &Db<'_>,
    cache: &mut DocumentCache,
    id: RecordId,
    open: &OpenDocument,
) -> rusqlite::Result<()> {
    let scope = projection::scope_of(id, &open.hydrated);
    let n = store::touch_document(tx, id, &open.kind, scope)?;
    cache.put_row(tx, &open.kind, n, &projection::project(id, &open.hydrated, open.stamp))
}

/// Opens a record's document with its accepted and pending changes.
pub(super) fn load_open(db: &Db<'_>, id: RecordId) -> Result<Option<OpenDocument>, ReplicaError> {
    let Some(row) = store::document(db, id)? else { return Ok(None) };
    if row.snapshot.is_none() && row.accepted.is_empty() && row.pending.is_empty() {
        return Ok(None);
    }
    let mut doc = match &row.snapshot {
        Some(snapshot) => document::load(snapshot, &row.accepted)?,
        None => {
            let mut doc = row.kind.genesis().doc.clone();
            document::apply_stored(&mut doc, &row.accepted)?;
            doc
        }
    };
    document::apply_stored(&mut doc, &row.pending)?;
    let hydrated = hydrate(&doc, &row.kind);
    let stamp = Stamp::of_document(&doc);
    Ok(Some(OpenDocument { kind: row.kind, doc, stamp: stamp.filter(has_author), hydrated }))
}

/// The genesis change has no author and no time, and is nobody's edit.
fn has_author(stamp: &Stamp) -> bool {
    stamp.by.is_some()
}

/// Shorthand for tests and examples: `value` of a register as JSON.
impl Hydrated {
    /// The value of a register as JSON; `null` when it is absent.
    pub fn json(&self, field: &str) -> serde_json::Value {
        match self.value(field) {
            Value::Null => serde_json::Value::Null,
            value => value.to_json(),
        }
    }
}
