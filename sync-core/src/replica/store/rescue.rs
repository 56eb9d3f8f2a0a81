//! What is left of a file that is damaged.

use rusqlite::Connection;
use uuid::Uuid;

use crate::ids::RecordId;

/// An edit that no server has confirmed, as it stands in a file.
#[derive(Clone, Debug)]
pub struct PendingEdit {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// The plain change.
    pub bytes: Vec<u8>,
}

/// Places in a row that may be unreadable before the rest is given up: more than stand on any lost page.
const UNREADABLE_AT_MOST: u32 = 20_000;

/// Reads the unsent and quarantined edits out of a file that may be damaged, or cut off: as many as can
/// be read.
///
/// # Errors
/// When not even the table of changes can be opened.
pub fn rescue(db: &Connection) -> rusqlite::Result<Vec<PendingEdit>> {
    // Without it, a file that is shorter than it says is not read at all. Nothing is written.
    db.execute_batch("PRAGMA writable_schema = ON")?;
    let mut next = db.prepare(
        "SELECT seq, record, kind, bytes, state FROM changes NOT INDEXED
         WHERE seq > ?1 ORDER BY seq LIMIT 1",
    )?;
    let mut found = Vec::new();
    let (mut after, mut unreadable) = (-1_i64, 0);
    // By key rather than in one scan: a damaged page costs the edits on it and no others.
    while unreadable < UNREADABLE_AT_MOST {
        let read = next.query_row([after], |row| {
            let edit = PendingEdit {
                record: RecordId(Uuid::from_bytes(row.get(1)?)),
                kind: row.get(2)?,
                bytes: row.get(3)?,
            };
            Ok((row.get::<_, i64>(0)?, edit, row.get::<_, i64>(4)?))
        });
        match read {
            Ok((seq, edit, state)) => {
                (after, unreadable) = (seq, 0);
                if state > 0 {
                    found.push(edit);
                }
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => break,
            Err(_) => (after, unreadable) = (after + 1, unreadable + 1),
        }
    }
    Ok(found)
}
