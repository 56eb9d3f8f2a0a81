//! What the server refused: kept with its reason, shown, exported, made again; and what was edited
//! after it, written anew so that it does not fall with it.
//!
//! A change builds on all its writer knew, so that a refused one takes every later change of the
//! record along. The replica therefore reads back what each later change did and makes it again on
//! what is accepted. Where the user lacks access to the record, that would be refused as well, and
//! the later changes follow into quarantine.

use std::collections::VecDeque;

use super::store::Db;

use super::anew::{Heir, Owner};
use super::cache::{DocumentCache, OpenDocument};
use super::edit::{GroupEdit, ReplicaError, load_open, write_record};
use super::history::{History, States, in_words};
use super::store::{self, OwnChange, Silent};
use super::{Env, Replica};
use crate::document::{self, RecordEdit, difference};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{ChangeHash, RecordId, ScopeId};
use crate::projection::Stamp;
use crate::time::UnixMs;

/// An edit that the server refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantined {
    /// The change.
    pub hash: ChangeHash,
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// When it was made.
    pub made_at: UnixMs,
    /// Why it was refused.
    pub refusal: Refusal,
    /// What it did, as [`RecordEdit::to_json`] says it.
    pub edit: serde_json::Value,
}

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

impl Replica {
    /// The edits that the server refused, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn quarantine(&self) -> rusqlite::Result<Vec<Quarantined>> {
        let mut statement = self.db.prepare_cached(
            "SELECT hash, record, kind, made_at, code, policy, sentence, edit FROM changes
             WHERE state = 2 ORDER BY seq",
        )?;
        let rows = statement.query_map([], |row| {
            let edit: Option<String> = row.get(7)?;
            Ok(Quarantined {
                hash: ChangeHash(row.get(0)?),
                record: RecordId(uuid::Uuid::from_bytes(row.get(1)?)),
                kind: row.get(2)?,
                made_at: UnixMs(row.get(3)?),
                refusal: Refusal {
                    code: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                    policy: row.get(5)?,
                    sentence: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
                },
                edit: edit.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            })
        })?;
        rows.collect()
    }

    /// Makes a refused edit again on the record as it is now, perhaps with corrections that are made
    /// together with it; it leaves quarantine as a fresh edit.
    ///
    /// # Errors
    /// When there is no such edit, its record is not here, or nothing would change.
    pub fn resubmit(
        &mut self,
        hash: ChangeHash,
        corrections: RecordEdit,
        env: &mut dyn Env,
    ) -> Result<(), ResubmitError> {
        let all = self.quarantine().map_err(ReplicaError::from)?;
        let one = all.into_iter().find(|one| one.hash == hash);
        let one = one.ok_or(ResubmitError::Unknown(hash))?;
        let kind = self.schema.kind(&one.kind).ok_or(ResubmitError::NoRecord)?.clone();
        let mut edit = RecordEdit::from_json(&kind, &one.edit);
        // A correction takes the place of what was said of the same field.
        edit.changes.retain(|(f, _)| corrections.changes.iter().all(|(c, _)| c.name != f.name));
        edit.changes.extend(corrections.changes);
        let id = one.record;
        let begins = edit.changes.iter().any(|(field, _)| field.name == "created_at");
        let group = match (self.record(id)?, begins) {
            (None, true) => GroupEdit::Create { id, kind, edit },
            (None, false) => return Err(ResubmitError::NoRecord),
            (Some(_), _) => {
                edit.changes.retain(|(f, _)| f.rule != crate::schema::Rule::Immutable);
                GroupEdit::Edit { id, edit }
            }
        };
        if self.commit(&[group], env)?.changes.is_empty() {
            return Err(ResubmitError::Nothing);
        }
        Ok(store::drop_change(&self.file(), hash).map_err(ReplicaError::from)?)
    }

    /// Throws a refused edit away for good; `false` when there is none of this name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn discard(&mut self, hash: ChangeHash) -> rusqlite::Result<bool> {
        let gone =
            self.db.execute("DELETE FROM changes WHERE hash = ?1 AND state = 2", [hash.0])?;
        Ok(gone > 0)
    }
}

/// Refused changes, and what the records that they belong to said with them.
pub(super) struct Fallout<'a> {
    tx: &'a Db<'a>,
    owner: Owner,
    /// Records with their first refused change, and whether what came later may stand.
    waiting: VecDeque<(RecordId, ChangeHash, Later)>,
    /// Every change that went into quarantine, with its reason.
    pub(super) refused: Vec<(ChangeHash, Refusal)>,
    /// Records whose documents are other than before, with what they hung from then, if they were here.
    pub(super) touched: Vec<(RecordId, Option<ScopeId>)>,
}

/// What becomes of the changes made after a refused one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Later {
    /// They are made again.
    Stands,
    /// The user has no access to the record: they are refused with it.
    Falls,
}

impl<'a> Fallout<'a> {
    pub(super) fn new(tx: &'a Db<'a>, owner: Owner) -> Self {
        let (waiting, refused, touched) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { tx, owner, waiting, refused, touched }
    }

    /// Puts a change into quarantine, if it waits for its verdict.
    pub(super) fn refuse(
        &mut self,
        hash: ChangeHash,
        refusal: &Refusal,
    ) -> Result<(), ReplicaError> {
        let Some(record) = store::quarantine_change(self.tx, hash, refusal)? else {
            return Ok(());
        };
        self.refused.push((hash, refusal.clone()));
        let denied = RefusalCode::parse(&refusal.code) == Some(RefusalCode::Denied);
        let later = if denied { Later::Falls } else { Later::Stands };
        if !self.touched.iter().any(|(known, _)| *known == record) {
            self.touched.push((record, store::scope(self.tx, record)?));
            self.waiting.push_back((record, hash, later));
        }
        Ok(())
    }

    /// Deals with what was made after the refused changes. Records come out rebuilt.
    pub(super) fn settle(&mut self, cache: &mut DocumentCache) -> Result<(), ReplicaError> {
        while let Some((record, first, later)) = self.waiting.pop_front() {
            // What is open has all that waits, and opening it anew is most of the cost.
            let known = cache.take(record).map(|open| open.doc);
            let history = History::of(self.tx, record, known)?;
            let mut again = Vec::new();
            for change in store::pending_after(self.tx, record, first)? {
                // A group stands or falls as one, and this part of it cannot stand as it is.
                let beside = store::pending_beside(self.tx, change.origin.group, record)?;
                if later == Later::Stands && beside.is_empty() {
                    again.push(change);
                } else {
                    self.fall(&change, record)?;
                }
            }
            let Some(mut history) = history else { continue };
            history.keep_words(self.tx, record, Silent::Refused)?;
            if later == Later::Stands {
                self.make_again(cache, record, history, &again)?;
            }
        }
        Ok(())
    }

    /// Puts a change and the rest of its group into quarantine.
    fn fall(&mut self, change: &OwnChange, record: RecordId) -> Result<(), ReplicaError> {
        let refusal = Refusal::depends_on_refused();
        store::quarantine_change(self.tx, change.hash, &refusal)?;
        self.refused.push((change.hash, refusal));
        for hash in store::pending_beside(self.tx, change.origin.group, record)? {
            self.refuse(hash, &with_its_group())?;
        }
        Ok(())
    }

    /// Writes what later changes did anew on what is left of the record.
    fn make_again(
        &mut self,
        cache: &mut DocumentCache,
        record: RecordId,
        mut history: History,
        changes: &[OwnChange],
    ) -> Result<(), ReplicaError> {
        // They fall at first, so that what is left is the record without them; each that is made
        // again then goes.
        for change in changes {
            store::quarantine_change(self.tx, change.hash, &Refusal::depends_on_refused())?;
        }
        let mut open = load_open(self.tx, record)?;
        for change in changes {
            let states = history.states(&change.bytes);
            if let (Some(open), Some(states)) = (&mut open, &states) {
                self.make_one_again(record, open, change, states)?;
                store::drop_change(self.tx, change.hash)?;
                continue;
            }
            // The record itself was refused, and nothing stands on nothing.
            self.refused.push((change.hash, Refusal::depends_on_refused()));
            if let Some(states) = states {
                store::put_edit(self.tx, change.hash, &in_words(&states))?;
            }
        }
        if let Some(mut open) = open {
            open.stamp = Stamp::of_document(&open.doc);
            write_record(self.tx, cache, record, &open)?;
            cache.put(record, open);
        }
        Ok(())
    }

    fn make_one_again(
        &self,
        record: RecordId,
        open: &mut OpenDocument,
        change: &OwnChange,
        (before, after, claimed): &States,
    ) -> Result<(), ReplicaError> {
        let edit = difference(before, after, &open.hydrated);
        let heir = Heir::of(change.hash, self.owner, *claimed);
        if heir.was_here(&open.doc) {
            return Ok(());
        }
        let (pen, mut mint) = (heir.pen(), heir.mint());
        let made = document::edit(&mut open.doc, &open.hydrated, &edit, &pen, &mut mint)?;
        let Some(local) = made else { return Ok(()) };
        Ok(heir.store(self.tx, record, open, &local, &change.origin)?)
    }
}

fn with_its_group() -> Refusal {
    Refusal::new(
        RefusalCode::GroupRefused,
        "It was made together with an edit that builds on a refused one.",
    )
}
