//! Making one change: on a document, and in the outbox.

use super::error::ReplicaError;
use super::store::{ChangeState, NewChange, OpenDocument, Origin, Work};
use crate::document::{self, LocalChange, Pen, RecordEdit, hydrate};
use crate::ids::{EventId, RecordId};
use crate::projection::Stamp;
use crate::schema::Kind;
use crate::time::UnixMs;

/// As whom changes are made, in which group, and with which event ids.
pub(super) struct Writing<'m> {
    pub(super) pen: Pen,
    pub(super) origin: Origin,
    pub(super) mint: &'m mut dyn FnMut() -> EventId,
}

/// What a change is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// A later step of the record's genesis.
    Step,
    /// Somebody's edit.
    Edit,
}

impl Writing<'_> {
    /// Begins a record.
    pub(super) fn begin(
        &mut self,
        work: &mut Work<'_>,
        kind: &Kind,
        id: RecordId,
        edit: &RecordEdit,
    ) -> Result<(OpenDocument, Vec<LocalChange>), ReplicaError> {
        let mut changes = edit.in_changes(None).into_iter();
        let (first, later) = document::split(&changes.next().unwrap_or_default());
        let (doc, local) = document::create(kind, id, &first, &self.pen, self.mint)?;
        let hydrated = hydrate(&doc, kind);
        let mut open = OpenDocument { kind: kind.clone(), doc, stamp: None, hydrated };
        self.store(work, id, &mut open, &local)?;
        let mut made = vec![local];
        let later: Vec<RecordEdit> = std::iter::once(later).chain(changes).collect();
        made.extend(self.edit_in_changes(work, id, &mut open, &later)?);
        Ok((open, made))
    }

    /// Edits a record, in as many changes as the edit needs; nothing is made when it says all that already.
    pub(super) fn edit(
        &mut self,
        work: &mut Work<'_>,
        id: RecordId,
        open: &mut OpenDocument,
        edit: &RecordEdit,
    ) -> Result<Vec<LocalChange>, ReplicaError> {
        let changes = edit.in_changes(Some(&open.hydrated));
        self.edit_in_changes(work, id, open, &changes)
    }

    /// Makes an edit that is several changes: all but the first edit long text and nothing else, which
    /// looks at nothing that is read between them.
    fn edit_in_changes(
        &mut self,
        work: &mut Work<'_>,
        id: RecordId,
        open: &mut OpenDocument,
        edits: &[RecordEdit],
    ) -> Result<Vec<LocalChange>, ReplicaError> {
        let mut all = Vec::new();
        for edit in edits {
            let mut made = document::prepare(&mut open.doc, &open.kind, id, edit)?;
            for step in &made {
                self.add(work, id, open.kind.name, step, Made::Step)?;
            }
            let local = document::edit(&mut open.doc, &open.hydrated, edit, &self.pen, self.mint)?;
            if let Some(local) = local {
                self.store(work, id, open, &local)?;
                made.push(local);
            }
            all.append(&mut made);
        }
        if !all.is_empty() {
            open.hydrated = hydrate(&open.doc, &open.kind);
        }
        Ok(all)
    }

    fn store(
        &self,
        work: &mut Work<'_>,
        record: RecordId,
        open: &mut OpenDocument,
        local: &LocalChange,
    ) -> rusqlite::Result<()> {
        let stamp = Stamp {
            at: UnixMs::from_seconds(self.pen.now.seconds()),
            hash: local.hash,
            by: Some(self.pen.author),
        };
        open.stamp = open.stamp.max(Some(stamp));
        self.add(work, record, open.kind.name, local, Made::Edit)
    }

    /// Puts a change into the outbox.
    fn add(
        &self,
        work: &mut Work<'_>,
        record: RecordId,
        kind: &'static str,
        local: &LocalChange,
        made: Made,
    ) -> rusqlite::Result<()> {
        work.add_change(&NewChange {
            record,
            kind,
            hash: local.hash,
            bytes: &local.bytes,
            state: ChangeState::Pending,
            actor: local.actor,
            step: made == Made::Step,
            receipt: None,
            origin: &self.origin,
        })
    }
}
