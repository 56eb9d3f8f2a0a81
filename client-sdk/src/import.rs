//! Records from a table in a file: [`sync_core::import`] reads it, and here it meets a file on the disk and a
//! replica.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use sync_core::import::*;

use serde_json::Value as Json;
use sync_core::document::news;
use sync_core::ids::ImportId;
use sync_core::replica::{Env, ImportMark, Imported, Incomplete, QueryError, ReplicaError};

use crate::{Client, SystemEnv};

/// Why a file is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Nothing can be made of the file.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Not all of the user's records have come to this device. Sync first, or say that it is wanted all the
    /// same.
    #[error(
        "{0}; what is missing here would be created a second time. Sync first; --incomplete imports all the \
         same"
    )]
    Incomplete(Incomplete),
    /// The device's file cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The device's file cannot be written. Make room, or whatever it lacks, and run the import again: it
    /// goes on where it stopped.
    #[error(
        "{error}. {}; the same import, run again, goes on there and makes nothing twice",
        stand(.rows)
    )]
    Stopped {
        /// Rows that were taken in before, and stay.
        rows: u64,
        /// What went wrong.
        #[source]
        error: ReplicaError,
    },
}

fn stand(rows: &u64) -> String {
    match *rows {
        1 => "1 row was taken in and stands".to_owned(),
        rows => format!("{rows} rows were taken in and stand"),
    }
}

/// A file on the disk.
#[derive(Debug)]
struct OnDisk(PathBuf);

impl Source for OnDisk {
    fn name(&self) -> String {
        self.0.file_name().unwrap_or(self.0.as_os_str()).to_string_lossy().into_owned()
    }

    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn open(&self) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(Box::new(BufReader::new(File::open(&self.0)?)))
    }
}

impl Client {
    /// Looks at a file: what would become of it.
    ///
    /// # Errors
    /// When it cannot be read, is no table, or what was said does not fit it.
    pub fn plan_import(
        &self,
        path: &Path,
        options: ImportOptions,
    ) -> Result<ImportPlan, ImportError> {
        let habits = self.habits().map_err(QueryError::from)?;
        let prospects_only = options.prospects_only || self.begins_prospects()?;
        let options = ImportOptions { prospects_only, ..options };
        let source = Arc::new(OnDisk(path.to_owned()));
        Ok(ImportPlan::of(self.schema(), source, habits, options)?)
    }

    /// Takes a file in, or tries that out; tells how many rows are done. A file that was imported goes on
    /// where that stopped, and makes nothing twice.
    ///
    /// # Errors
    /// When something must be known first, when the device's copy is not complete, or when a file cannot be
    /// read or written. What was taken in until then stays, and is gone on with when the import is run again.
    pub fn import(
        &self,
        plan: &ImportPlan,
        mode: Mode,
        mut told: impl FnMut(u64),
    ) -> Result<Outcome, ImportError> {
        if mode == Mode::Write {
            self.may_import(plan)?;
        }
        let unreadable = |error| PlanError::File(plan.sheet.source.place(), error);
        let run = ImportRun::begin(Arc::new(plan.clone()), mode, SystemEnv.now());
        let mut run = run.map_err(unreadable)?;
        let mut writer = Writer { client: self, plan, import: None, judged: None, stands: 0 };
        loop {
            match run.step(&mut || self.mint_id()).map_err(unreadable)? {
                Step::Read(statements) => run.learn(&writer.read(&statements)?),
                Step::Taken(digests) => run.taken(&self.rows_taken(&digests)?),
                Step::Compare { id, edit } => {
                    let now = self.record(id).ok().flatten();
                    run.compared(now.map(|now| news(&now, &edit)));
                }
                Step::Write(rows) => run.written(writer.write(&rows)?),
                Step::Judged(rows) => told(rows),
                Step::Done => break,
            }
        }
        let mut outcome = run.outcome();
        outcome.import = writer.import;
        if mode == Mode::Write {
            outcome.import = writer.end()?;
        }
        Ok(outcome)
    }

    /// Whether the user begins prospects alone: the rules refuse others of a rep.
    fn begins_prospects(&self) -> Result<bool, QueryError> {
        let user = self.user();
        let sql = format!("SELECT 1 FROM users WHERE id = '{user}' AND role = 'sales_rep'");
        Ok(!self.query(&sql)?.rows.is_empty())
    }

    fn may_import(&self, plan: &ImportPlan) -> Result<(), ImportError> {
        if !plan.asks.is_empty() {
            return Err(PlanError::Asks(plan.asks.clone()).into());
        }
        if !plan.options.into_incomplete
            && let Some(incomplete) = self.incomplete().map_err(QueryError::from)?
        {
            return Err(ImportError::Incomplete(incomplete));
        }
        Ok(())
    }

    /// Which of these rows an import that stands has taken in.
    fn rows_taken(&self, digests: &[[u8; 16]]) -> Result<HashSet<[u8; 16]>, QueryError> {
        self.read_replica(|replica| replica.rows_taken(digests))
    }
}

/// Writes the rows of one import.
struct Writer<'a> {
    client: &'a Client,
    plan: &'a ImportPlan,
    import: Option<ImportId>,
    /// How far the imports of this device had come when what is there was read.
    judged: Option<ImportMark>,
    /// Rows that this run has written.
    stands: u64,
}

impl Writer<'_> {
    fn read(&mut self, statements: &[String]) -> Result<Vec<Vec<Vec<Json>>>, QueryError> {
        // Before anything is read that rows are judged by.
        self.judged = Some(self.client.read_replica(|replica| replica.import_mark())?);
        let rows = |sql: &String| self.client.query(sql).map(|table| table.rows);
        statements.iter().map(rows).collect()
    }

    fn write(&mut self, rows: &[ImportRow]) -> Result<Written, ImportError> {
        let import = match self.import {
            Some(import) => import,
            None => {
                let new = self.plan.named();
                let begun =
                    self.client.with_replica(|replica, env| replica.begin_import(&new, env));
                *self.import.insert(begun.map_err(|error| self.ends(error))?.id)
            }
        };
        let Some(judged) = self.judged else { return Ok(Written::Overtaken) };
        let done =
            self.client.with_replica(|replica, env| replica.import_rows(import, rows, judged, env));
        match done {
            Ok(Imported::Taken(_, mark)) => {
                self.judged = Some(mark);
                self.stands += rows.len() as u64;
                Ok(Written::Taken)
            }
            Ok(Imported::Overtaken(_)) => Ok(Written::Overtaken),
            Err(error) if rows.len() > 1 || error.is_of_the_edit() => {
                Ok(Written::Refused(error.to_string()))
            }
            Err(error) => Err(self.ends(error)),
        }
    }

    /// Notes the end of the import, also of one that a killed process left without a row to add, or with
    /// its end alone.
    fn end(&self) -> Result<Option<ImportId>, ImportError> {
        let import = match self.import {
            Some(import) => Some(import),
            None => {
                let new = self.plan.named();
                let begun =
                    self.client.read_replica(|replica| replica.unfinished_import(&new.digest))?;
                begun.map(|begun| begun.id)
            }
        };
        if let Some(import) = import {
            let ended = self.client.with_replica(|replica, _| replica.end_import(import));
            ended.map_err(|error| self.ends(error))?;
        }
        Ok(import)
    }

    /// The import ends here, and says how many rows stand.
    fn ends(&self, error: ReplicaError) -> ImportError {
        ImportError::Stopped { rows: self.stands, error }
    }
}
