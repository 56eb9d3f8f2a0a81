//! Writing changes: to the outbox, to quarantine, and out of both.

use std::collections::BTreeSet;

use automerge::Change;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::outbox::{From, Origin};
use super::work::Work;
use crate::error::Refusal;
use crate::ids::{Actor, ChangeHash, GroupId, Receipt, RecordId};
use crate::time::UnixMs;

/// Where a change stands when it is first stored; 2, quarantine, is only ever reached from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::replica) enum ChangeState {
    Accepted = 0,
    Pending = 1,
}

/// A change to be put into the file.
#[derive(Debug)]
pub(in crate::replica) struct NewChange<'a> {
    pub(in crate::replica) record: RecordId,
    pub(in crate::replica) kind: &'a str,
    pub(in crate::replica) hash: ChangeHash,
    pub(in crate::replica) bytes: &'a [u8],
    pub(in crate::replica) state: ChangeState,
    pub(in crate::replica) actor: Actor,
    /// Whether it is a later step of the record's genesis, which is nobody's edit.
    pub(in crate::replica) step: bool,
    /// The receipt for it, if it was accepted.
    pub(in crate::replica) receipt: Option<Receipt>,
    pub(in crate::replica) origin: &'a Origin,
}

/// Where a change stood that is in quarantine now.
#[derive(Clone, Copy, Debug)]
pub(in crate::replica) struct Stood {
    pub(in crate::replica) record: RecordId,
    pub(in crate::replica) seq: i64,
    /// Whether it is no edit of the user's: a step, or somebody else's.
    pub(in crate::replica) step: bool,
}

/// A change that was accepted once, and that the server lacks.
#[derive(Debug)]
pub(in crate::replica) struct Lost {
    pub(in crate::replica) hash: ChangeHash,
    pub(in crate::replica) bytes: Vec<u8>,
    pub(in crate::replica) actor: Actor,
    pub(in crate::replica) group: GroupId,
    pub(in crate::replica) made_at: UnixMs,
    pub(in crate::replica) step: bool,
    pub(in crate::replica) receipt: Option<Receipt>,
    pub(in crate::replica) from: From,
}

/// The table of changes, as what was touched names it.
const CHANGES: &str = "changes";

impl Work<'_> {
    pub(in crate::replica) fn add_change(
        &mut self,
        change: &NewChange<'_>,
    ) -> rusqlite::Result<()> {
        self.touched.add_table(CHANGES);
        if change.state == ChangeState::Accepted {
            let waiting = self.stored().waiting_before(change.record, i64::MAX)?;
            self.accept_below(change.bytes, waiting)?;
        }
        if change.step {
            // A step is the same change whenever it is made; it may have fallen with a refused edit.
            self.tx
                .prepare_cached("DELETE FROM changes WHERE hash = ?1 AND state = 2")?
                .execute([change.hash.0])?;
        }
        self.tx
            .prepare_cached(
                "INSERT INTO changes
                   (record, kind, hash, bytes, state, actor, grp, made_at, seen, code, step, receipt)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                change.record.as_bytes(),
                change.kind,
                change.hash.0,
                change.bytes,
                change.state as i64,
                change.actor.0,
                change.origin.group.as_bytes(),
                change.origin.made_at.0,
                change.origin.seen.map(|seen| seen.0),
                change.origin.again,
                change.step,
                change.receipt.map(|receipt| receipt.0),
            ])
            .map(drop)
    }

    /// Puts what was accepted once into the outbox, before all that waits there already: some of that
    /// may build on it.
    pub(in crate::replica) fn offer_back(
        &mut self,
        record: RecordId,
        kind: &str,
        lost: &[Lost],
    ) -> rusqlite::Result<()> {
        self.touched.add_table(CHANGES);
        let first: i64 = self
            .tx
            .prepare_cached("SELECT coalesce(min(seq), 1) FROM changes")?
            .query_row([], |row| row.get(0))?;
        let count = i64::try_from(lost.len()).unwrap_or(i64::MAX);
        for (seq, change) in (first - count..).zip(lost) {
            self.tx
                .prepare_cached(
                    "INSERT OR REPLACE INTO changes
                       (seq, record, kind, hash, bytes, state, actor, grp, made_at, step, receipt, origin)
                     VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    seq,
                    record.as_bytes(),
                    kind,
                    change.hash.0,
                    change.bytes,
                    change.actor.0,
                    change.group.as_bytes(),
                    change.made_at.0,
                    change.step,
                    change.receipt.map(|receipt| receipt.0),
                    change.from as i64,
                ])?;
        }
        Ok(())
    }

    /// A record begins here, as far as anybody knows: of what the server confirmed nothing is left.
    pub(in crate::replica) fn drop_confirmed(&mut self, record: RecordId) -> rusqlite::Result<()> {
        self.forget(record);
        self.drop_accepted_changes(record)?;
        self.touched.add_table("documents");
        self.tx
            .prepare_cached("UPDATE documents SET snapshot = NULL, receipts = NULL WHERE id = ?1")?
            .execute([record.as_bytes()])
            .map(drop)
    }

    /// Drops what others wrote and is to be offered back, because nothing of theirs may stay here.
    pub(in crate::replica) fn drop_offers(&mut self) -> rusqlite::Result<()> {
        self.touched.add_table(CHANGES);
        self.tx
            .prepare_cached("DELETE FROM changes WHERE state = 1 AND origin = 2")?
            .execute([])
            .map(drop)
    }

    /// Takes note that the server has a change, and so what that builds on: of which the verdict was lost
    /// or is still to come.
    pub(in crate::replica) fn accept_change(
        &mut self,
        hash: ChangeHash,
        receipt: Option<Receipt>,
    ) -> rusqlite::Result<()> {
        let Some((record, seq)) = self.mark_accepted(hash, receipt)? else { return Ok(()) };
        let before = self.stored().waiting_before(record, seq)?;
        if before.is_empty() {
            // Mostly: verdicts come in order.
            return Ok(());
        }
        let bytes: Vec<u8> = self
            .tx
            .prepare_cached("SELECT bytes FROM changes WHERE hash = ?1")?
            .query_row([hash.0], |row| row.get(0))?;
        self.accept_below(&bytes, before)
    }

    /// Accepts of these, the last first, what a change builds on, near or far: nothing accepted builds
    /// on what waits, since a document is read from what was accepted first.
    fn accept_below(
        &mut self,
        change: &[u8],
        waiting: Vec<(ChangeHash, Vec<u8>)>,
    ) -> rusqlite::Result<()> {
        if waiting.is_empty() {
            return Ok(());
        }
        let mut wanted: BTreeSet<ChangeHash> = deps(change).collect();
        for (hash, bytes) in waiting {
            if wanted.contains(&hash) {
                self.mark_accepted(hash, None)?;
                wanted.extend(deps(&bytes));
            }
        }
        Ok(())
    }

    fn mark_accepted(
        &mut self,
        hash: ChangeHash,
        receipt: Option<Receipt>,
    ) -> rusqlite::Result<Option<(RecordId, i64)>> {
        self.touched.add_table(CHANGES);
        self.tx
            .prepare_cached(
                "UPDATE changes SET state = 0, code = NULL, policy = NULL, sentence = NULL,
                    receipt = coalesce(?2, receipt), origin = 0
                 WHERE hash = ?1 RETURNING record, seq",
            )?
            .query_row(params![hash.0, receipt.map(|receipt| receipt.0)], |row| {
                Ok((RecordId(Uuid::from_bytes(row.get(0)?)), row.get(1)?))
            })
            .optional()
    }

    /// The record of an accepted change that was erased here before its verdict came; the change,
    /// which nothing stands on any more, goes too.
    pub(in crate::replica) fn take_orphan(
        &mut self,
        hash: ChangeHash,
    ) -> rusqlite::Result<Option<RecordId>> {
        self.touched.add_table(CHANGES);
        let record = self
            .tx
            .prepare_cached(
                "DELETE FROM changes
                 WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM documents WHERE id = record)
                 RETURNING record",
            )?
            .query_row([hash.0], |row| row.get(0).map(Uuid::from_bytes).map(RecordId))
            .optional()?;
        if record.is_some() {
            self.want_scrub();
        }
        Ok(record)
    }

    /// Puts a change that waits into quarantine; says where it stood. A step goes there too, since the
    /// edits after it are read beside it, but nobody is shown it. What somebody else wrote is dropped:
    /// whoever is here may not see it.
    pub(in crate::replica) fn quarantine_change(
        &mut self,
        hash: ChangeHash,
        refusal: &Refusal,
    ) -> rusqlite::Result<Option<Stood>> {
        self.touched.add_table(CHANGES);
        let others: Option<(RecordId, i64)> = self
            .tx
            .prepare_cached(
                "DELETE FROM changes WHERE hash = ?1 AND state = 1 AND origin = 2
                 RETURNING record, seq",
            )?
            .query_row([hash.0], |row| Ok((RecordId(Uuid::from_bytes(row.get(0)?)), row.get(1)?)))
            .optional()?;
        if let Some((record, seq)) = others {
            self.want_scrub();
            return Ok(Some(Stood { record, seq, step: true }));
        }
        self.tx
            .prepare_cached(
                "UPDATE changes SET state = 2, code = ?2, policy = ?3, sentence = ?4
                 WHERE hash = ?1 AND state = 1 RETURNING record, seq, step",
            )?
            .query_row(params![hash.0, refusal.code, refusal.policy, refusal.sentence], |row| {
                Ok(Stood {
                    record: RecordId(Uuid::from_bytes(row.get(0)?)),
                    seq: row.get(1)?,
                    step: row.get(2)?,
                })
            })
            .optional()
    }

    /// Keeps what a change did in words, for when its record is gone.
    pub(in crate::replica) fn put_edit(
        &mut self,
        hash: ChangeHash,
        edit: &str,
    ) -> rusqlite::Result<()> {
        self.touched.add_table(CHANGES);
        self.tx
            .prepare_cached("UPDATE changes SET edit = ?2 WHERE hash = ?1")?
            .execute(params![hash.0, edit])
            .map(drop)
    }

    /// Notes of a pending change that it waits for its record to be fetched.
    pub(in crate::replica) fn note_fetching(
        &self,
        hash: ChangeHash,
        code: &str,
    ) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("UPDATE changes SET code = ?2 WHERE hash = ?1 AND state = 1")?
            .execute(params![hash.0, code])
            .map(drop)
    }

    /// Drops a change that was set aside, since its edit stands again.
    pub(in crate::replica) fn drop_set_aside(&mut self, hash: ChangeHash) -> rusqlite::Result<()> {
        self.touched.add_table(CHANGES);
        self.tx
            .prepare_cached("DELETE FROM changes WHERE hash = ?1 AND state = 2")?
            .execute([hash.0])
            .map(drop)
    }

    /// Drops a change for good; says how many there were of its name.
    pub(in crate::replica) fn drop_change(&mut self, hash: ChangeHash) -> rusqlite::Result<usize> {
        self.touched.add_table(CHANGES);
        self.tx.prepare_cached("DELETE FROM changes WHERE hash = ?1")?.execute([hash.0])
    }

    /// Drops the accepted changes of a record: a snapshot has them.
    pub(super) fn drop_accepted_changes(&mut self, record: RecordId) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("DELETE FROM changes WHERE record = ?1 AND state = 0")?
            .execute([record.as_bytes()])
            .map(drop)
    }
}

/// What a change builds on.
fn deps(change: &[u8]) -> impl Iterator<Item = ChangeHash> {
    let change = Change::from_bytes(change.to_vec()).ok();
    let deps = change.map(|change| change.deps().to_vec()).unwrap_or_default();
    deps.into_iter().map(|dep| ChangeHash(dep.0))
}
