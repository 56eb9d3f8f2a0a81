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

/// Reads the unsent and quarantined edits out of a file that may be damaged: as many as can be read.
///
/// # Errors
/// When not even the table of changes can be opened.
pub fn rescue(db: &Connection) -> rusqlite::Result<Vec<PendingEdit>> {
    let mut found = Vec::new();
    let mut after = -1_i64;
    // By key rather than in one scan: a damaged page costs the edits on it and no others.
    let last: i64 =
        db.query_row("SELECT coalesce(max(seq), 0) FROM changes", [], |row| row.get(0))?;
    while after < last {
        let next = db.query_row(
            "SELECT seq, record, kind, bytes, state FROM changes NOT INDEXED
             WHERE seq > ?1 ORDER BY seq LIMIT 1",
            [after],
            |row| {
                let edit = PendingEdit {
                    record: RecordId(Uuid::from_bytes(row.get(1)?)),
                    kind: row.get(2)?,
                    bytes: row.get(3)?,
                };
                Ok((row.get::<_, i64>(0)?, edit, row.get::<_, i64>(4)?))
            },
        );
        match next {
            Ok((seq, edit, state)) => {
                after = seq;
                if state > 0 {
                    found.push(edit);
                }
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => break,
            Err(_) => after += 1,
        }
    }
    Ok(found)
}
