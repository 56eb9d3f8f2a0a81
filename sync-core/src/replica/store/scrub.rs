//! Wiping what erasing left behind: SQLite overwrites freed pages, but the search index only marks
//! its entries, and the journal keeps old pages until it is emptied.

use std::time::Duration;

use rusqlite::Connection;

use super::file::File;
use super::work::Work;
use crate::replica::moments::ReplicaMoment;

/// How long a write waits for another process's.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Set while words of erased records may still stand in the search index or the journal.
const SCRUB: &str = "scrub";

impl Work<'_> {
    /// Has what was erased here be wiped once this is in the file.
    pub(in crate::replica) fn want_scrub(&mut self) {
        self.scrub = true;
    }

    /// Notes it if something is to be wiped, so that the next opening wipes it if nobody else does.
    pub(super) fn note_scrub(&self) -> rusqlite::Result<()> {
        if self.scrub { self.set_meta(SCRUB, &true) } else { Ok(()) }
    }
}

impl File {
    /// Wipes what is to be wiped.
    ///
    /// Another process at work or a full disk can be in the way. That keeps nobody from working: the
    /// next feed batch or the next opening tries again.
    pub(in crate::replica) fn scrub(&self) {
        if self.place.is_lost() {
            return;
        }
        // Without waiting for others: nobody's edit should hang on this.
        let _ = self.db.busy_timeout(Duration::ZERO);
        let _ = self.try_scrub();
        let _ = self.db.busy_timeout(BUSY_TIMEOUT);
    }

    /// Moves what stands in the journal into the file, so that the file alone is the whole replica; not
    /// while another process uses it.
    pub(in crate::replica) fn gather(&self) {
        if self.place.is_lost() {
            return;
        }
        let _ = self.db.busy_timeout(Duration::ZERO);
        let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = self.db.busy_timeout(BUSY_TIMEOUT);
    }

    fn try_scrub(&self) -> rusqlite::Result<()> {
        if self.stored().meta::<bool>(SCRUB)? != Some(true) {
            return Ok(());
        }
        self.moments.tell(ReplicaMoment::Scrubbing);
        let db: &Connection = &self.db;
        db.execute("INSERT INTO search (search) VALUES ('optimize')", [])?;
        let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !busy {
            db.execute("UPDATE meta SET value = 0 WHERE key = ?1", [SCRUB])?;
        }
        Ok(())
    }
}
