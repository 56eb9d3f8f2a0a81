//! Reading what the server refused.

use rusqlite::{OptionalExtension, Row};
use uuid::Uuid;

use super::stored::Stored;
use crate::error::Refusal;
use crate::ids::{ChangeHash, RecordId};
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
    /// What it did, as [`crate::document::RecordEdit::to_json`] says it.
    pub edit: serde_json::Value,
}

/// The columns of a [`Quarantined`], in the order in which it reads them.
const COLUMNS: &str = "hash, record, kind, made_at, code, policy, sentence, edit";

impl Quarantined {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let edit: Option<String> = row.get(7)?;
        Ok(Self {
            hash: ChangeHash(row.get(0)?),
            record: RecordId(Uuid::from_bytes(row.get(1)?)),
            kind: row.get(2)?,
            made_at: UnixMs(row.get(3)?),
            refusal: Refusal {
                code: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                policy: row.get(5)?,
                sentence: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
            },
            edit: edit.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        })
    }
}

impl Stored<'_> {
    /// The refused edits, oldest first.
    pub(in crate::replica) fn quarantine(self) -> rusqlite::Result<Vec<Quarantined>> {
        let sql =
            format!("SELECT {COLUMNS} FROM changes WHERE state = 2 AND step = 0 ORDER BY seq");
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([], Quarantined::of_row)?;
        rows.collect()
    }

    /// One refused edit.
    pub(in crate::replica) fn quarantined(
        self,
        hash: ChangeHash,
    ) -> rusqlite::Result<Option<Quarantined>> {
        let sql =
            format!("SELECT {COLUMNS} FROM changes WHERE state = 2 AND step = 0 AND hash = ?1");
        self.db.prepare_cached(&sql)?.query_row([hash.0], Quarantined::of_row).optional()
    }
}
