//! Reading changes: what waits to be sent, what was refused, and what each of them belongs to.

use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::stored::Stored;
use crate::ids::{ChangeHash, FeedPosition, GroupId, Receipt, RecordId};
use crate::time::UnixMs;

/// How an edit came to be, whatever change it stands in.
#[derive(Clone, Debug)]
pub(in crate::replica) struct Origin {
    pub(in crate::replica) group: GroupId,
    pub(in crate::replica) made_at: UnixMs,
    /// How far the feed had come when it was made.
    pub(in crate::replica) seen: Option<FeedPosition>,
    /// For what refusal it was made again, if it was.
    pub(in crate::replica) again: Option<String>,
}

/// A change that waits for its verdict, in its place.
#[derive(Clone, Debug)]
pub(in crate::replica) struct OwnChange {
    pub(in crate::replica) seq: i64,
    pub(in crate::replica) record: RecordId,
    pub(in crate::replica) kind: String,
    pub(in crate::replica) hash: ChangeHash,
    pub(in crate::replica) bytes: Vec<u8>,
    pub(in crate::replica) origin: Origin,
    /// Whether it is a later step of the record's genesis, which is nobody's edit.
    pub(in crate::replica) step: bool,
    /// The receipt for it, if a server had accepted it.
    pub(in crate::replica) receipt: Option<Receipt>,
    pub(in crate::replica) from: From,
}

/// Where a change in the outbox comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::replica) enum From {
    /// It was made here, and no server has heard of it.
    Here = 0,
    /// It is the user's, was accepted once, and is offered back.
    OwnAccepted = 1,
    /// It is somebody else's, was accepted once, and is offered back: nobody here can make it again, or
    /// keep it when the server does not take it.
    OthersAccepted = 2,
}

impl From {
    fn of(number: i64) -> Self {
        match number {
            0 => Self::Here,
            1 => Self::OwnAccepted,
            _ => Self::OthersAccepted,
        }
    }
}

/// The columns of an [`OwnChange`], in the order in which it reads them.
const OWN_CHANGE: &str =
    "seq, record, kind, hash, bytes, grp, made_at, seen, code, step, receipt, origin";

impl OwnChange {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            record: RecordId(Uuid::from_bytes(row.get(1)?)),
            kind: row.get(2)?,
            hash: ChangeHash(row.get(3)?),
            bytes: row.get(4)?,
            origin: Origin {
                group: GroupId(Uuid::from_bytes(row.get(5)?)),
                made_at: UnixMs(row.get(6)?),
                seen: row.get::<_, Option<i64>>(7)?.map(FeedPosition),
                again: row.get(8)?,
            },
            step: row.get(9)?,
            receipt: row.get::<_, Option<[u8; 8]>>(10)?.map(Receipt),
            from: From::of(row.get(11)?),
        })
    }
}

/// Changes of which is not said in words yet what they did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::replica) enum Silent {
    /// Refused ones.
    Refused,
    /// Unsent ones as well.
    All,
}

/// A change of which is not said yet in words what it did.
#[derive(Debug)]
pub(in crate::replica) struct SilentChange {
    pub(in crate::replica) record: RecordId,
    pub(in crate::replica) hash: ChangeHash,
    pub(in crate::replica) bytes: Vec<u8>,
    pub(in crate::replica) group: GroupId,
    pub(in crate::replica) step: bool,
}

impl<'a> Stored<'a> {
    /// Pending changes after a place in the outbox, oldest first.
    pub(in crate::replica) fn outbox_after(
        self,
        seq: i64,
        most: usize,
    ) -> rusqlite::Result<Vec<OwnChange>> {
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT {OWN_CHANGE} FROM changes WHERE state = 1 AND seq > ?1 ORDER BY seq LIMIT ?2"
        ))?;
        let rows = statement.query_map(params![seq, most as i64], OwnChange::of_row)?;
        rows.collect()
    }

    /// Pending changes of a record from a place in the outbox on, oldest first.
    pub(in crate::replica) fn waiting_from(
        self,
        record: RecordId,
        seq: i64,
    ) -> rusqlite::Result<Vec<OwnChange>> {
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT {OWN_CHANGE} FROM changes
             WHERE record = ?1 AND state = 1 AND seq >= ?2 ORDER BY seq"
        ))?;
        let rows = statement.query_map(params![record.as_bytes(), seq], OwnChange::of_row)?;
        rows.collect()
    }

    /// The pending changes of a group on other records.
    pub(in crate::replica) fn pending_beside(
        self,
        group: GroupId,
        record: RecordId,
    ) -> rusqlite::Result<Vec<ChangeHash>> {
        let mut statement = self.db.prepare_cached(
            "SELECT hash FROM changes WHERE grp = ?1 AND record <> ?2 AND state = 1 ORDER BY seq",
        )?;
        let rows = statement.query_map(params![group.as_bytes(), record.as_bytes()], |row| {
            row.get(0).map(ChangeHash)
        })?;
        rows.collect()
    }

    /// The record of a change that is in the file.
    pub(in crate::replica) fn record_of(
        self,
        hash: ChangeHash,
    ) -> rusqlite::Result<Option<RecordId>> {
        self.db
            .prepare_cached("SELECT record FROM changes WHERE hash = ?1")?
            .query_row([hash.0], |row| row.get(0).map(Uuid::from_bytes).map(RecordId))
            .optional()
    }

    /// Where a change stands in the outbox, if it waits there.
    pub(in crate::replica) fn place(
        self,
        hash: ChangeHash,
    ) -> rusqlite::Result<Option<(RecordId, i64)>> {
        self.db
            .prepare_cached("SELECT record, seq FROM changes WHERE hash = ?1 AND state = 1")?
            .query_row([hash.0], place)
            .optional()
    }

    /// The changes of a record that wait and come before that one, the last first, with their bytes.
    pub(super) fn waiting_before(
        self,
        record: RecordId,
        seq: i64,
    ) -> rusqlite::Result<Vec<(ChangeHash, Vec<u8>)>> {
        // By what waits and not by the record, which may have many changes: mostly nothing does.
        let mut statement = self.db.prepare_cached(
            "SELECT hash, bytes FROM changes INDEXED BY changes_waiting
             WHERE state > 0 AND state = 1 AND seq < ?2 AND record = ?1 ORDER BY seq DESC",
        )?;
        let rows = statement.query_map(params![record.as_bytes(), seq], |row| {
            Ok((ChangeHash(row.get(0)?), row.get(1)?))
        })?;
        rows.collect()
    }

    /// Where the pending changes of a group stand.
    pub(in crate::replica) fn group_places(
        self,
        group: GroupId,
    ) -> rusqlite::Result<Vec<(RecordId, i64)>> {
        let mut statement = self
            .db
            .prepare_cached("SELECT record, seq FROM changes WHERE grp = ?1 AND state = 1")?;
        let rows = statement.query_map([group.as_bytes()], place)?;
        rows.collect()
    }

    /// Whether a change waits, and its edit was not made again before.
    pub(in crate::replica) fn is_first_writing(self, hash: ChangeHash) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM changes WHERE hash = ?1 AND state = 1 AND code IS NULL)",
            )?
            .query_row([hash.0], |row| row.get(0))
    }

    /// Where a change of this name stands, if it is in the file.
    pub(in crate::replica) fn change_state(
        self,
        hash: ChangeHash,
    ) -> rusqlite::Result<Option<i64>> {
        self.db
            .prepare_cached("SELECT state FROM changes WHERE hash = ?1")?
            .query_row([hash.0], |row| row.get(0))
            .optional()
    }

    /// Every change of a record beside its snapshot: accepted and pending ones, oldest first, and
    /// then refused ones, newest first, since an old one may stand in the way of a newer.
    pub(super) fn all_changes(self, record: RecordId) -> rusqlite::Result<Vec<Vec<u8>>> {
        let mut statement = self.db.prepare_cached(
            "SELECT bytes FROM changes WHERE record = ?1
             ORDER BY state, CASE WHEN state = 2 THEN -seq ELSE seq END",
        )?;
        let rows = statement.query_map([record.as_bytes()], |row| row.get(0))?;
        rows.collect()
    }

    /// Changes of a record that are silent, oldest first.
    pub(in crate::replica) fn silent(
        self,
        record: RecordId,
        which: Silent,
    ) -> rusqlite::Result<Vec<SilentChange>> {
        let least = match which {
            Silent::Refused => 2,
            Silent::All => 1,
        };
        let mut statement = self.db.prepare_cached(
            "SELECT hash, bytes, grp, step FROM changes
             WHERE record = ?1 AND state >= ?2 AND edit IS NULL ORDER BY seq",
        )?;
        let rows = statement.query_map(params![record.as_bytes(), least], |row| {
            let (hash, bytes) = (ChangeHash(row.get(0)?), row.get(1)?);
            let group = GroupId(Uuid::from_bytes(row.get(2)?));
            Ok(SilentChange { record, hash, bytes, group, step: row.get(3)? })
        })?;
        rows.collect()
    }

    /// Receipts for accepted changes that stand beside their snapshot.
    pub(in crate::replica) fn receipts_beside(
        self,
        record: RecordId,
    ) -> rusqlite::Result<Vec<(ChangeHash, Receipt)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT hash, receipt FROM changes
             WHERE record = ?1 AND state = 0 AND receipt IS NOT NULL",
        )?;
        let rows = statement.query_map([record.as_bytes()], |row| {
            Ok((ChangeHash(row.get(0)?), Receipt(row.get(1)?)))
        })?;
        rows.collect()
    }

    /// Edits whose changes are in a state: what a group did to a record is one, however many changes that
    /// took.
    pub(in crate::replica) fn edits_in(self, state: i64) -> rusqlite::Result<u64> {
        let count: i64 = self
            .db
            .prepare_cached(
                "SELECT count(*) FROM
                   (SELECT DISTINCT grp, record FROM changes WHERE state = ?1 AND step = 0)",
            )?
            .query_row([state], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Edits made here that wait under a moment before the one or after the other.
    pub(in crate::replica) fn misdated(
        self,
        earliest: UnixMs,
        latest: UnixMs,
    ) -> rusqlite::Result<Vec<ChangeHash>> {
        let mut statement = self.db.prepare_cached(
            "SELECT hash FROM changes WHERE state = 1 AND step = 0 AND origin = 0
             AND (made_at < ?1 OR made_at > ?2) ORDER BY seq",
        )?;
        let rows = statement.query_map([earliest.0, latest.0], |row| row.get(0).map(ChangeHash))?;
        rows.collect()
    }

    /// When the oldest edit that waits was made.
    pub(in crate::replica) fn oldest_unsent(self) -> rusqlite::Result<Option<UnixMs>> {
        let oldest: Option<i64> = self
            .db
            .prepare_cached("SELECT min(made_at) FROM changes WHERE state = 1")?
            .query_row([], |row| row.get(0))?;
        Ok(oldest.map(UnixMs))
    }
}

fn place(row: &Row<'_>) -> rusqlite::Result<(RecordId, i64)> {
    Ok((RecordId(Uuid::from_bytes(row.get(0)?)), row.get(1)?))
}
