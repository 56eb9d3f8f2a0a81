//! What is left of a file that is damaged.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use crate::ids::{FeedPosition, GroupId, RecordId, UserId};
use crate::time::UnixMs;

/// An edit that no server has confirmed, as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEdit {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// What was made together.
    pub group: GroupId,
    /// When it was made.
    pub made_at: UnixMs,
    /// How far the feed had come then.
    pub seen: Option<FeedPosition>,
    /// Whether it is a later step of the record's genesis, which is nobody's edit.
    pub step: bool,
    /// The plain change.
    pub bytes: Vec<u8>,
}

/// What could be read of a damaged file.
#[derive(Clone, Debug)]
pub struct Rescued {
    /// Whose records the file held, where that can be read.
    pub user: Option<UserId>,
    /// The edits, oldest first.
    pub edits: Vec<PendingEdit>,
    /// What could not be read.
    pub unreadable: Unreadable,
}

/// How much of the unsent and refused edits could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// Nothing: all are there.
    Nothing,
    /// So many edits.
    Edits(u64),
    /// Something, and nothing in the file tells how much.
    Unknown,
}

/// Places in a row that may be unreadable before the rest is given up: more than stand on any lost page.
const UNREADABLE_AT_MOST: u32 = 20_000;

const EDIT: &str = "SELECT seq, state, record, kind, grp, made_at, seen, step, bytes
    FROM changes NOT INDEXED";

/// A change in its place, with what became of it.
type Placed = (i64, i64, PendingEdit);

fn edit(row: &Row<'_>) -> rusqlite::Result<Placed> {
    let edit = PendingEdit {
        record: RecordId(Uuid::from_bytes(row.get(2)?)),
        kind: row.get(3)?,
        group: GroupId(Uuid::from_bytes(row.get(4)?)),
        made_at: UnixMs(row.get(5)?),
        seen: row.get::<_, Option<i64>>(6)?.map(FeedPosition),
        step: row.get(7)?,
        bytes: row.get(8)?,
    };
    Ok((row.get(0)?, row.get(1)?, edit))
}

/// Reads the unsent and quarantined edits out of a file that may be damaged, or cut off: as many as can
/// be read, and how many cannot.
///
/// # Errors
/// When not even the table of changes can be opened.
pub fn rescue(db: &Connection) -> rusqlite::Result<Rescued> {
    // Without it, a file that is shorter than it says is not read at all. Nothing is written.
    db.execute_batch("PRAGMA writable_schema = ON")?;
    read(db)
}

/// As [`rescue`], of a file that is in use and known to be sound.
pub(super) fn read(db: &Connection) -> rusqlite::Result<Rescued> {
    let mut next = db.prepare(&format!("{EDIT} WHERE seq > ?1 ORDER BY seq LIMIT 1"))?;
    let (mut found, mut whole) = (Vec::new(), true);
    let (mut after, mut unreadable) = (i64::MIN, 0);
    // By key rather than in one scan: a damaged page costs the edits on it and no others.
    loop {
        match next.query_row([after], edit) {
            Ok((seq, state, edit)) => {
                (after, unreadable) = (seq, 0);
                if state > 0 {
                    found.push((seq, edit));
                }
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => break,
            Err(_) if unreadable == UNREADABLE_AT_MOST => break,
            Err(_) => (after, unreadable, whole) = (after.max(-1) + 1, unreadable + 1, false),
        }
    }
    let unreadable = if whole { Unreadable::Nothing } else { by_index(db, &mut found) };
    found.sort_by_key(|(seq, _)| *seq);
    let edits = found.into_iter().map(|(_, edit)| edit).collect();
    Ok(Rescued { user: user(db), edits, unreadable })
}

/// Looks up by the index what the table did not give, and says how many edits neither gives.
fn by_index(db: &Connection, found: &mut Vec<(i64, PendingEdit)>) -> Unreadable {
    let have: BTreeSet<i64> = found.iter().map(|(seq, _)| *seq).collect();
    let (listed, complete) = listed(db).unwrap_or_default();
    let mut lost = 0;
    for seq in listed.into_iter().filter(|seq| !have.contains(seq)) {
        let read = db
            .prepare_cached(&format!("{EDIT} WHERE seq = ?1"))
            .and_then(|mut one| one.query_row([seq], edit));
        match read {
            Ok((seq, _, edit)) => found.push((seq, edit)),
            Err(_) => lost += 1,
        }
    }
    match (complete, lost) {
        (true, 0) => Unreadable::Nothing,
        (true, lost) => Unreadable::Edits(lost),
        (false, _) => Unreadable::Unknown,
    }
}

/// The places of all edits that wait or were refused, as the index has them; and whether it could be read
/// to its end.
fn listed(db: &Connection) -> rusqlite::Result<(Vec<i64>, bool)> {
    let mut statement =
        db.prepare("SELECT seq FROM changes INDEXED BY changes_waiting WHERE state > 0")?;
    let mut rows = statement.query([])?;
    let mut seqs = Vec::new();
    loop {
        match rows.next() {
            Ok(Some(row)) => seqs.push(row.get(0)?),
            Ok(None) => return Ok((seqs, true)),
            Err(_) => return Ok((seqs, false)),
        }
    }
}

fn user(db: &Connection) -> Option<UserId> {
    let read = db
        .query_row("SELECT value FROM meta WHERE key = 'user'", [], |row| row.get::<_, [u8; 16]>(0))
        .optional();
    read.ok().flatten().map(|id| UserId(Uuid::from_bytes(id)))
}
