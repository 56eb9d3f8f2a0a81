//! Imports: records that came from one file are a batch, which is listed, and undone as a whole.
//!
//! **Invariant**: what a row of a file made stands in the file with the records, in one transaction: an import
//! that a killed process began goes on where it stopped, and makes nothing twice. Rows are judged outside of
//! that transaction; it writes none when another import has written since they were judged.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::device::Replica;
use super::edit::{Committed, commit_group};
use super::env::{Env, draw};
use super::error::ReplicaError;
use super::store::{Import, ImportState, MadeRow, QueryError, Work};
use crate::document::{
    self, FieldChange, GroupEdit, Hydrated, Pen, PenRole, RecordEdit, difference,
};
use crate::ids::{ImportId, RecordId};
use crate::import::{ImportRow, NewImport};
use crate::schema::{FieldType, Scope, Writer};

/// How far the imports of this device had come when rows were judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImportMark(i64);

/// What became of rows that were to be taken in.
#[derive(Clone, Debug)]
pub enum Imported {
    /// They stand in the file, and imports have come so far with them.
    Taken(Vec<Committed>, ImportMark),
    /// Nothing was written: another import has taken in rows since these were judged, perhaps the same
    /// ones. They are to be judged again, from this mark on.
    Overtaken(ImportMark),
}

/// What undoing an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Records that are deleted.
    pub deleted: u64,
    /// Records that say again what they said before.
    pub restored: u64,
    /// Records that stay as they are, since somebody worked on them after the import, or since what it
    /// wrote is written once.
    pub kept: Vec<RecordId>,
    taken_back: BTreeSet<RecordId>,
}

impl Replica {
    /// Begins an import; one of the same content that was not brought to its end goes on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin_import(
        &mut self,
        new: &NewImport,
        env: &mut dyn Env,
    ) -> Result<Import, ReplicaError> {
        let now = env.now();
        let id = ImportId::mint(now, draw(env));
        self.file.write(|work| {
            if let Some(begun) = work.stored().unfinished(&new.digest)? {
                return Ok(begun);
            }
            work.add_import(id, &new.source, &new.kind, &new.digest, now)?;
            let NewImport { source, kind, .. } = new.clone();
            let state = ImportState::Begun;
            Ok(Import { id, source, kind, begun_at: now, state, created: 0, changed: 0 })
        })
    }

    /// An import of this content that was begun and not brought to its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn unfinished_import(&self, digest: &[u8; 32]) -> Result<Option<Import>, QueryError> {
        Ok(self.file.stored().unfinished(digest)?)
    }

    /// How far the imports of this device have come. Rows that are judged from here on are handed to
    /// [`Replica::import_rows`] with it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn import_mark(&self) -> Result<ImportMark, QueryError> {
        Ok(ImportMark(self.file.stored().newest_import_row()?))
    }

    /// Takes rows in, in one transaction; the server judges each by itself. `judged` is the mark from
    /// which they were judged.
    ///
    /// # Errors
    /// When an edit is wrong or the file cannot be written; then nothing was written.
    pub fn import_rows(
        &mut self,
        import: ImportId,
        rows: &[ImportRow],
        judged: ImportMark,
        env: &mut dyn Env,
    ) -> Result<Imported, ReplicaError> {
        let now = env.now();
        let pen = Pen { actor: self.actor, author: self.user(), now, role: PenRole::Device };
        self.file.write(|work| {
            let stands = ImportMark(work.stored().newest_import_row()?);
            if stands != judged {
                return Ok(Imported::Overtaken(stands));
            }
            let taken: Result<Vec<Committed>, ReplicaError> =
                rows.iter().map(|row| take_in(work, import, row, &pen, env)).collect();
            Ok(Imported::Taken(taken?, ImportMark(work.stored().newest_import_row()?)))
        })
    }

    /// Notes that an import came to its end.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end_import(&mut self, import: ImportId) -> Result<(), ReplicaError> {
        self.file.write(|work| Ok(work.set_import_state(import, ImportState::Ended)?))
    }

    /// The imports of this device, the newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn imports(&self) -> Result<Vec<Import>, QueryError> {
        Ok(self.file.stored().imports()?)
    }

    /// Which of these rows an import that stands has taken in.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows_taken(&self, digests: &[[u8; 16]]) -> Result<HashSet<[u8; 16]>, QueryError> {
        let mut taken = HashSet::new();
        for digest in digests {
            if self.file.stored().row_taken(digest)? {
                taken.insert(*digest);
            }
        }
        Ok(taken)
    }

    /// Takes an import back, in one transaction: what began with it is deleted, and what it changed says
    /// again what it said before. Records on which somebody worked since stay as they are. None when there
    /// is no such import that stands.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing was.
    pub fn undo_import(
        &mut self,
        import: ImportId,
        env: &mut dyn Env,
    ) -> Result<Option<Undone>, ReplicaError> {
        let now = env.now();
        let pen = Pen { actor: self.actor, author: self.user(), now, role: PenRole::Device };
        self.file.write(|work| {
            match work.stored().import(import)? {
                Some(found) if found.state != ImportState::Undone => {}
                _ => return Ok(None),
            }
            let mut undone = Undone::default();
            for row in work.stored().made_rows(import)? {
                take_back(work, &row, &pen, env, &mut undone)?;
            }
            work.set_import_state(import, ImportState::Undone)?;
            Ok(Some(undone))
        })
    }
}

fn take_in(
    work: &mut Work<'_>,
    import: ImportId,
    row: &ImportRow,
    pen: &Pen,
    env: &mut dyn Env,
) -> Result<Committed, ReplicaError> {
    let mut before: Vec<(RecordId, Hydrated)> = Vec::new();
    for edit in &row.edits {
        if let GroupEdit::Edit { id, .. } = edit
            && let Some(open) = work.open(*id)?
        {
            before.push((*id, open.hydrated.clone()));
            work.keep(*id, open);
        }
    }
    let done = commit_group(work, &row.edits, pen, env)?;
    for edit in &row.edits {
        let id = edit.record();
        let made = done.changes.iter().rev().find(|(record, _)| *record == id);
        let Some((_, hash)) = made else { continue };
        let undo = match before.iter().find(|(record, _)| *record == id) {
            Some((_, before)) => Some(undoing(work, id, before)?.to_json().to_string()),
            None => None,
        };
        let line = i64::try_from(row.line).unwrap_or(i64::MAX);
        let made = MadeRow { line, digest: row.digest, record: id, hash: *hash, undo };
        work.add_made_row(import, &made)?;
    }
    Ok(done)
}

/// The edit that leads back to what a record said before.
fn undoing(
    work: &mut Work<'_>,
    id: RecordId,
    before: &Hydrated,
) -> Result<RecordEdit, ReplicaError> {
    let Some(open) = work.open(id)? else { return Ok(RecordEdit::default()) };
    let after = open.hydrated.clone();
    work.keep(id, open);
    let mut edit = difference(&after, before, &after);
    // What a log shows is led back by another event; none is ever taken out.
    for field in &before.kind.fields {
        let (FieldType::Log(log), Some(old), Some(new)) =
            (field.ty, before.log(field.name), after.log(field.name))
        else {
            continue;
        };
        if old.len() < new.len()
            && let Some(shown) = log.state(old, None).shown
        {
            let mut data = shown.data.clone();
            for part in log.parts.iter().filter(|part| part.writer == Writer::Server) {
                data.remove(part.name);
            }
            edit.changes.push((field.clone(), FieldChange::Append(data)));
        }
    }
    Ok(edit)
}

fn take_back(
    work: &mut Work<'_>,
    row: &MadeRow,
    pen: &Pen,
    env: &mut dyn Env,
    undone: &mut Undone,
) -> Result<(), ReplicaError> {
    let id = row.record;
    // A record that is not here any more is nobody's to take back here.
    let Some(open) = work.open(id)? else { return Ok(()) };
    let (kind, heads) = (open.kind.clone(), document::heads(&open.doc));
    let edit = row.undo.as_ref().map(|text| {
        let mut edit =
            RecordEdit::from_json(&kind, &serde_json::from_str(text).unwrap_or_default());
        // What is written once stays.
        edit.leave_out_written(&open.doc);
        edit
    });
    work.keep(id, open);
    // Of several rows about one record the newest was looked at first, and taken back.
    let untouched = heads == [row.hash] || undone.taken_back.contains(&id);
    let follows = row.undo.is_none() && has_followers(work, id, kind.scope == Scope::Itself)?;
    if !untouched || follows || undone.kept.contains(&id) {
        if !undone.kept.contains(&id) {
            undone.kept.push(id);
        }
        return Ok(());
    }
    if edit.as_ref().is_some_and(|edit| edit.changes.is_empty()) {
        undone.kept.push(id);
        return Ok(());
    }
    undone.taken_back.insert(id);
    let edit = edit.map_or(GroupEdit::Delete { id }, |edit| GroupEdit::Edit { id, edit });
    commit_group(work, &[edit], pen, env)?;
    if row.undo.is_none() {
        undone.deleted += 1;
    } else {
        undone.restored += 1;
    }
    Ok(())
}

/// Whether records hang from an account that are not deleted.
fn has_followers(work: &Work<'_>, id: RecordId, is_account: bool) -> Result<bool, ReplicaError> {
    if !is_account {
        return Ok(false);
    }
    for kind in work.schema().kinds() {
        let Scope::Follows { column, .. } = kind.scope else { continue };
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {column} = '{id}' AND NOT is_deleted",
            kind.table
        );
        if work.stored().count(&sql)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
