//! The file with what is kept beside it in memory, and how work on it begins.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::cache::{DocumentCache, Foreign};
use super::document::OpenDocument;
use super::place::Place;
use super::presence::{Presence, Present};
use super::rescue::Rescued;
use super::stored::Stored;
use super::tables::Tables;
use super::work::{Owner, Work};
use crate::ids::RecordId;
use crate::replica::error::ReplicaError;
use crate::replica::moments::{ReplicaMoment, ReplicaMoments};
use crate::replica::redated::Redated;
use crate::replica::touched::Touched;

/// A replica's file.
#[derive(Debug)]
pub(in crate::replica) struct File {
    pub(super) db: Connection,
    pub(super) tables: Tables,
    pub(super) owner: Owner,
    pub(super) cache: DocumentCache,
    pub(super) touched: Noticed,
    pub(super) redated: Vec<Redated>,
    pub(super) moments: ReplicaMoments,
    pub(super) place: Place,
}

/// What was touched and not yet asked for.
#[derive(Debug, Default)]
pub(super) struct Noticed {
    by_host: Touched,
    for_live: BTreeSet<&'static str>,
}

impl Noticed {
    fn add(&mut self, fresh: Touched) {
        self.for_live.extend(&fresh.tables);
        self.by_host.add(fresh);
    }
}

impl File {
    /// What stands in the file.
    pub(in crate::replica) fn stored(&self) -> Stored<'_> {
        Stored::new(&self.db, self.tables.schema())
    }

    pub(in crate::replica) fn tell_moments(&mut self, moments: ReplicaMoments) {
        self.moments = moments;
    }

    /// Says that a moment has come.
    pub(in crate::replica) fn tell(&self, moment: ReplicaMoment) {
        self.moments.tell(moment);
    }

    pub(in crate::replica) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(in crate::replica) fn owner(&self) -> Owner {
        self.owner
    }

    /// Does something in one write transaction; all of it is in the file when this returns, or none.
    ///
    /// On failure the cache is emptied: it may hold documents with changes that the file never got,
    /// and an edit built on those could not be opened again.
    pub(in crate::replica) fn write<T, E: From<ReplicaError>>(
        &mut self,
        job: impl FnOnce(&mut Work<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.stands()?;
        let Self { db, tables, owner, cache, touched, redated, moments, .. } = self;
        let outcome = begin(db).map_err(E::from).and_then(|tx| {
            note_foreign(Stored::new(&tx, tables.schema()), tables, cache, touched)?;
            let mut work = Work::new(tx, tables, cache, *owner, moments);
            let done = job(&mut work)?;
            let (scrub, fresh) = (work.scrub, std::mem::take(&mut work.redated));
            touched.add(work.commit().map_err(ReplicaError::from)?);
            redated.extend(fresh);
            Ok((done, scrub))
        });
        match &outcome {
            Ok(_) => moments.tell(ReplicaMoment::AfterCommit),
            Err(_) => cache.clear(),
        }
        let (done, scrub) = outcome?;
        if scrub {
            self.scrub();
        }
        Ok(done)
    }

    /// Whether the file still stands where it was opened. Nothing is written to one that does not: nobody
    /// would find it, and a journal of its name is another file's.
    pub(in crate::replica) fn stands(&self) -> Result<(), ReplicaError> {
        if self.place.is_lost() { Err(ReplicaError::Replaced) } else { Ok(()) }
    }

    /// Tells other processes on the file that this one runs, for as long as it is held.
    pub(in crate::replica) fn be_present(&self) -> Option<Presence> {
        Presence::hold(self.place.path())
    }

    /// Whether a process on the file said so and runs.
    pub(in crate::replica) fn somebody_present(&self) -> Present {
        Presence::of(self.place.path())
    }

    /// Does something in a transaction that is never committed.
    pub(in crate::replica) fn try_out<T, E: From<ReplicaError>>(
        &self,
        job: impl FnOnce(&mut Work<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        // The documents that it opens are not kept: they may have what is taken back.
        let mut cache = DocumentCache::new();
        let untold = ReplicaMoments::default();
        job(&mut Work::new(begin(&self.db)?, &self.tables, &mut cache, self.owner, &untold))
    }

    /// Opens a record's document to read it.
    pub(in crate::replica) fn read(
        &mut self,
        record: RecordId,
    ) -> Result<Option<&OpenDocument>, ReplicaError> {
        self.look_for_foreign_writes()?;
        let open = match self.cache.take(record) {
            Some(open) => Some(open),
            None => self.stored().open(record)?,
        };
        Ok(open.map(|open| self.cache.put(record, open)))
    }

    /// Finds out whether another process wrote to the file since the last look.
    pub(in crate::replica) fn look_for_foreign_writes(&mut self) -> Result<Foreign, ReplicaError> {
        self.stands()?;
        let Self { db, tables, cache, touched, .. } = self;
        note_foreign(Stored::new(db, tables.schema()), tables, cache, touched)
    }

    /// The edits that wait to be sent, and those that were refused.
    pub(in crate::replica) fn rescued(&self) -> rusqlite::Result<Rescued> {
        super::rescue::read(&self.db)
    }

    /// What was touched since this was last asked.
    pub(in crate::replica) fn take_touched(&mut self) -> Touched {
        std::mem::take(&mut self.touched.by_host)
    }

    /// What was changed of edits, because a clock was wrong, since this was last asked.
    pub(in crate::replica) fn take_redated(&mut self) -> Vec<Redated> {
        std::mem::take(&mut self.redated)
    }

    /// The tables that were touched since live queries were last looked at.
    pub(in crate::replica) fn take_touched_for_live(&mut self) -> BTreeSet<&'static str> {
        std::mem::take(&mut self.touched.for_live)
    }
}

fn begin(db: &Connection) -> Result<Transaction<'_>, ReplicaError> {
    Ok(Transaction::new_unchecked(db, TransactionBehavior::Immediate)?)
}

fn note_foreign(
    stored: Stored<'_>,
    tables: &Tables,
    cache: &mut DocumentCache,
    touched: &mut Noticed,
) -> Result<Foreign, ReplicaError> {
    let foreign = cache.refresh(stored)?;
    if foreign == Foreign::Wrote {
        if stored.meta::<Vec<u8>>("fingerprint")?.as_deref() != Some(tables.fingerprint()) {
            // Whoever asks next hears it too: a look must not use the warning up for an edit.
            cache.look_again();
            return Err(ReplicaError::OtherVersion);
        }
        let mut all = Touched::default();
        for kind in tables.schema().kinds() {
            all.add_whole(kind.table);
        }
        for table in ["changes", "documents", "search", "server_rows"] {
            all.add_table(table);
        }
        touched.add(all);
    }
    Ok(foreign)
}
