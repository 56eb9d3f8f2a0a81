//! Pending changes and their places in the outbox, for when they have to leave it.

use rusqlite::{OptionalExtension, params};

use super::{Db, Origin};
use crate::ids::{ChangeHash, GroupId, RecordId};
use crate::schema::Kind;

/// A pending change in its place.
#[derive(Debug)]
pub(in crate::replica) struct Waiting {
    pub(in crate::replica) seq: i64,
    pub(in crate::replica) record: RecordId,
    pub(in crate::replica) kind: Kind,
    pub(in crate::replica) hash: ChangeHash,
    pub(in crate::replica) bytes: Vec<u8>,
    pub(in crate::replica) origin: Origin,
}

/// Pending changes of a record from a place in the outbox on, oldest first.
pub(in crate::replica) fn waiting_from(
    db: &Db<'_>,
    record: RecordId,
    seq: i64,
) -> rusqlite::Result<Vec<Waiting>> {
    let mut statement = db.prepare_cached(
        "SELECT seq, kind, hash, bytes, grp, made_at, seen, code FROM changes
         WHERE record = ?1 AND state = 1 AND seq >= ?2 ORDER BY seq",
    )?;
    let mut rows = statement.query(params![record.as_bytes(), seq])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(kind) = db.schema.kind(&row.get::<_, String>(1)?).cloned() else { continue };
        found.push(Waiting {
            seq: row.get(0)?,
            record,
            kind,
            hash: ChangeHash(row.get(2)?),
            bytes: row.get(3)?,
            origin: Origin::of_row(row, 4)?,
        });
    }
    Ok(found)
}

/// Where the pending ones among these changes stand.
pub(in crate::replica) fn places(
    db: &Db<'_>,
    hashes: &[ChangeHash],
) -> rusqlite::Result<Vec<(RecordId, i64)>> {
    let mut statement =
        db.prepare_cached("SELECT record, seq FROM changes WHERE hash = ?1 AND state = 1")?;
    let mut found = Vec::new();
    for hash in hashes {
        found.extend(statement.query_row([hash.0], place).optional()?);
    }
    Ok(found)
}

/// Where the pending changes of a group stand.
pub(in crate::replica) fn group_places(
    db: &Db<'_>,
    group: GroupId,
) -> rusqlite::Result<Vec<(RecordId, i64)>> {
    let mut statement =
        db.prepare_cached("SELECT record, seq FROM changes WHERE grp = ?1 AND state = 1")?;
    let rows = statement.query_map([group.as_bytes()], place)?;
    rows.collect()
}

fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<(RecordId, i64)> {
    Ok((RecordId(uuid::Uuid::from_bytes(row.get(0)?)), row.get(1)?))
}

/// Whether a change waits, and its edit was not written anew before.
pub(in crate::replica) fn is_first_writing(
    db: &Db<'_>,
    hash: ChangeHash,
) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM changes WHERE hash = ?1 AND state = 1 AND code IS NULL)",
    )?
    .query_row([hash.0], |row| row.get(0))
}

/// Notes of a pending change that it waits for its record to be fetched.
pub(in crate::replica) fn note_fetching(
    db: &Db<'_>,
    hash: ChangeHash,
    code: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE changes SET code = ?2 WHERE hash = ?1 AND state = 1")?
        .execute(params![hash.0, code])
        .map(drop)
}
