//! Filling the tables of the kinds anew from documents and server rows, step by step.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::server_rows::Fields;
use super::stored::Stored;
use super::work::Work;
use crate::ids::RecordId;
use crate::projection::project;
use crate::replica::error::ReplicaError;
use crate::replica::moments::ReplicaMoment;

/// How far the tables are filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(in crate::replica) struct Progress {
    /// Server rows from this number on are still to be shown.
    server_rows_from: i64,
    /// Documents from this number on are still to be projected.
    documents_from: i64,
    pub(in crate::replica) done: u64,
    pub(in crate::replica) total: u64,
}

/// The note that holds it, while there is something to be filled.
const REBUILD: &str = "rebuild";

impl Stored<'_> {
    /// How far the tables are filled; none when they are.
    pub(in crate::replica) fn progress(self) -> rusqlite::Result<Option<Progress>> {
        let text: Option<String> = self.meta(REBUILD)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

impl Work<'_> {
    /// Notes that everything is to be filled anew.
    pub(super) fn fill_from_the_start(&mut self) -> rusqlite::Result<()> {
        let stored = self.stored();
        let total = stored.count("SELECT count(*) FROM documents")?
            + stored.count("SELECT count(*) FROM server_rows")?;
        for kind in self.schema().kinds() {
            self.touched.add_whole(kind.table);
        }
        let progress = Progress { total, ..Progress::default() };
        self.note_progress((total > 0).then_some(progress))
    }

    fn note_progress(&self, progress: Option<Progress>) -> rusqlite::Result<()> {
        match progress {
            Some(progress) => {
                let text = serde_json::to_string(&progress).expect("BUG: numbers serialise");
                self.set_meta(REBUILD, &text)
            }
            None => self.drop_meta(REBUILD),
        }
    }

    /// Fills in as many rows more, server rows first; how far it is then.
    pub(in crate::replica) fn fill(&mut self, most: u32) -> Result<Option<Progress>, ReplicaError> {
        let Some(mut progress) = self.stored().progress()? else { return Ok(None) };
        for _ in 0..most {
            if !self.fill_server_row(&mut progress)? && !self.fill_document(&mut progress)? {
                self.note_progress(None)?;
                return Ok(None);
            }
            progress.done += 1;
            self.tell(ReplicaMoment::Filling);
        }
        self.note_progress(Some(progress))?;
        Ok(Some(progress))
    }

    fn fill_server_row(&mut self, progress: &mut Progress) -> Result<bool, ReplicaError> {
        let next: Option<(i64, String, [u8; 16], String)> = self
            .tx
            .prepare_cached(
                "SELECT n, kind, id, body FROM server_rows WHERE n >= ?1 ORDER BY n LIMIT 1",
            )?
            .query_row(params![progress.server_rows_from], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((n, kind, id, body)) = next else { return Ok(false) };
        progress.server_rows_from = n + 1;
        let fields: Fields = serde_json::from_str(&body).unwrap_or_default();
        self.show_server_row(&kind, RecordId(Uuid::from_bytes(id)), &fields)?;
        Ok(true)
    }

    fn fill_document(&mut self, progress: &mut Progress) -> Result<bool, ReplicaError> {
        let next: Option<(i64, [u8; 16])> = self
            .tx
            .prepare_cached("SELECT n, id FROM documents WHERE n >= ?1 ORDER BY n LIMIT 1")?
            .query_row(params![progress.documents_from], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((n, id)) = next else { return Ok(false) };
        progress.documents_from = n + 1;
        let record = RecordId(Uuid::from_bytes(id));
        match self.stored().open(record) {
            // Where it hangs from stays as it is: the server said so, by whatever rules it has.
            Ok(Some(open)) => {
                let row = project(record, &open.hydrated, open.stamp);
                self.put_row(&open.kind, record, n, &row)?;
            }
            Ok(None) => {}
            // One damaged document must not keep all others from being shown.
            Err(ReplicaError::Document(_)) => self.want(&[record])?,
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
