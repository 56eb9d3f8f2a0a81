//! Imports, as the file holds them.

use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::stored::Stored;
use super::work::Work;
use crate::ids::{ChangeHash, ImportId, RecordId};
use crate::time::UnixMs;

/// A batch of records that came from one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name.
    pub id: ImportId,
    /// The file it came from, as it was called.
    pub source: String,
    /// The kind of its records.
    pub kind: String,
    /// When it began.
    pub begun_at: UnixMs,
    /// How far it is.
    pub state: ImportState,
    /// Records that began with it.
    pub created: u64,
    /// Changes that it made to records that were there.
    pub changed: u64,
}

/// How far an import is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportState {
    /// It was begun and not brought to its end: running it again goes on where it stopped.
    Begun,
    /// It is done.
    Ended,
    /// It was undone.
    Undone,
}

impl std::fmt::Display for ImportState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Begun => "not finished",
            Self::Ended => "done",
            Self::Undone => "undone",
        })
    }
}

/// What was made for a row.
#[derive(Debug)]
pub(in crate::replica) struct MadeRow {
    pub(in crate::replica) line: i64,
    pub(in crate::replica) digest: [u8; 16],
    pub(in crate::replica) record: RecordId,
    pub(in crate::replica) hash: ChangeHash,
    /// What takes it back; none when the record began with it.
    pub(in crate::replica) undo: Option<String>,
}

const SELECT: &str = "SELECT id, source, kind, begun_at, state,
    (SELECT count(*) FROM import_rows r WHERE r.import = i.n AND undo IS NULL),
    (SELECT count(*) FROM import_rows r WHERE r.import = i.n AND undo IS NOT NULL)
    FROM imports i";

fn import(row: &Row<'_>) -> rusqlite::Result<Import> {
    let count = |index| row.get(index).map(|count: i64| u64::try_from(count).unwrap_or(0));
    Ok(Import {
        id: ImportId(Uuid::from_bytes(row.get(0)?)),
        source: row.get(1)?,
        kind: row.get(2)?,
        begun_at: UnixMs(row.get(3)?),
        state: match row.get(4)? {
            0 => ImportState::Begun,
            1 => ImportState::Ended,
            _ => ImportState::Undone,
        },
        created: count(5)?,
        changed: count(6)?,
    })
}

impl Stored<'_> {
    /// Every import, the newest first.
    pub(in crate::replica) fn imports(self) -> rusqlite::Result<Vec<Import>> {
        let mut statement = self.db.prepare(&format!("{SELECT} ORDER BY n DESC"))?;
        statement.query_map([], import)?.collect()
    }

    pub(in crate::replica) fn import(self, id: ImportId) -> rusqlite::Result<Option<Import>> {
        let sql = format!("{SELECT} WHERE id = ?1");
        self.db.prepare(&sql)?.query_row([id.as_bytes()], import).optional()
    }

    /// An import of this content that was begun and not brought to its end.
    pub(in crate::replica) fn unfinished(
        self,
        digest: &[u8; 32],
    ) -> rusqlite::Result<Option<Import>> {
        let sql = format!("{SELECT} WHERE digest = ?1 AND state = 0 ORDER BY n DESC LIMIT 1");
        self.db.prepare(&sql)?.query_row([digest], import).optional()
    }

    /// Whether an import that stands took a row in.
    pub(in crate::replica) fn row_taken(self, digest: &[u8; 16]) -> rusqlite::Result<bool> {
        let mut statement = self.db.prepare_cached(
            "SELECT 1 FROM import_rows r JOIN imports i ON i.n = r.import
             WHERE r.digest = ?1 AND i.state < 2",
        )?;
        statement.exists([digest])
    }

    /// The newest row that any import of this device has taken in.
    pub(in crate::replica) fn newest_import_row(self) -> rusqlite::Result<i64> {
        let sql = "SELECT coalesce(max(rowid), 0) FROM import_rows";
        self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))
    }

    /// What was made for the rows of an import, the newest first.
    pub(in crate::replica) fn made_rows(self, id: ImportId) -> rusqlite::Result<Vec<MadeRow>> {
        let mut statement = self.db.prepare(
            "SELECT line, digest, record, hash, undo FROM import_rows
             WHERE import = (SELECT n FROM imports WHERE id = ?1) ORDER BY rowid DESC",
        )?;
        let made = |row: &Row<'_>| {
            Ok(MadeRow {
                line: row.get(0)?,
                digest: row.get(1)?,
                record: RecordId(Uuid::from_bytes(row.get(2)?)),
                hash: ChangeHash(row.get(3)?),
                undo: row.get(4)?,
            })
        };
        statement.query_map([id.as_bytes()], made)?.collect()
    }
}

impl Work<'_> {
    pub(in crate::replica) fn add_import(
        &mut self,
        id: ImportId,
        source: &str,
        kind: &str,
        digest: &[u8; 32],
        now: UnixMs,
    ) -> rusqlite::Result<()> {
        self.touched.add_table("imports");
        let sql = "INSERT INTO imports (id, source, kind, digest, begun_at, state)
                   VALUES (?1, ?2, ?3, ?4, ?5, 0)";
        self.tx.execute(sql, params![id.as_bytes(), source, kind, digest, now.0]).map(drop)
    }

    pub(in crate::replica) fn set_import_state(
        &mut self,
        id: ImportId,
        state: ImportState,
    ) -> rusqlite::Result<()> {
        self.touched.add_table("imports");
        let number = match state {
            ImportState::Begun => 0,
            ImportState::Ended => 1,
            ImportState::Undone => 2,
        };
        let sql = "UPDATE imports SET state = ?2 WHERE id = ?1";
        self.tx.execute(sql, params![id.as_bytes(), number]).map(drop)
    }

    pub(in crate::replica) fn add_made_row(
        &self,
        import: ImportId,
        row: &MadeRow,
    ) -> rusqlite::Result<()> {
        let MadeRow { line, digest, record, hash, undo } = row;
        self.tx
            .prepare_cached(
                "INSERT INTO import_rows (import, line, digest, record, hash, undo)
                 VALUES ((SELECT n FROM imports WHERE id = ?1), ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![import.as_bytes(), line, digest, record.as_bytes(), hash.0, undo])
            .map(drop)
    }

    /// Wipes what an import would take back in a record that is erased: its words are the record's.
    pub(super) fn forget_undo(&self, record: RecordId) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "UPDATE import_rows SET undo = '[]' WHERE record = ?1 AND undo IS NOT NULL",
            )?
            .execute([record.as_bytes()])
            .map(drop)
    }
}
