//! Carrying a plan out, or trying it out.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use sync_core::ids::{ImportId, RecordId};
use sync_core::replica::{Env, GroupEdit, ImportRow, NewImport};

use super::cells::{Read, Row};
use super::plan::{ImportError, ImportPlan};
use super::row::{Judge, Loss, Remark, Verdict};
use crate::{Client, SystemEnv};

/// Rows that become durable together.
const ROWS_AT_ONCE: usize = 64;
/// Records that a trial shows.
const SHOWN: usize = 10;

/// Whether anything is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Nothing is.
    Preview,
    /// Everything is.
    Write,
}

/// What came of it, or would.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The batch, when anything was written.
    pub import: Option<ImportId>,
    /// Rows of the table.
    pub rows: u64,
    /// Records that began.
    pub created: u64,
    /// Records that changed.
    pub changed: u64,
    /// Rows whose record was there, or that were taken in before.
    pub there: u64,
    /// Rows that are left out.
    pub left_out: u64,
    /// Cells that are left out of rows that are taken.
    pub cells_lost: u64,
    /// Accounts that began because they were named.
    pub accounts: Vec<String>,
    /// What is to be said of rows and cells, in their order.
    pub remarks: Vec<Remark>,
    /// The first records, as edits.
    pub examples: Vec<GroupEdit>,
}

impl Outcome {
    /// Whether everything is taken, or was there.
    pub fn is_whole(&self) -> bool {
        self.left_out == 0 && self.cells_lost == 0 && self.created + self.changed + self.there > 0
    }
}

impl ImportPlan {
    /// Takes the file in, or tries that out; tells how many rows are done. A file that was imported goes on
    /// where that stopped, and makes nothing twice.
    ///
    /// # Errors
    /// When something must be known first, or a file cannot be read or written. What was taken in until then
    /// stays, and is gone on with when the import is run again.
    pub fn run(
        &self,
        client: &Client,
        mode: Mode,
        mut told: impl FnMut(u64),
    ) -> Result<Outcome, ImportError> {
        if mode == Mode::Write && !self.asks.is_empty() {
            return Err(ImportError::Asks(self.asks.clone()));
        }
        let judge = Judge::of(client, self, SystemEnv.now())?;
        let (outcome, waiting) = (Outcome::default(), Vec::new());
        let mut running = Running { plan: self, client, mode, judge, outcome, waiting };
        let unreadable = |error| ImportError::File(self.sheet.path.display().to_string(), error);
        let mut rows = self.sheet.rows().map_err(unreadable)?;
        let mut alike: HashMap<[u8; 16], u64> = HashMap::new();
        while let Some(read) = rows.next().map_err(unreadable)? {
            running.outcome.rows += 1;
            match read {
                Read::Row(row) => {
                    let digest = self.digest(&row, &mut alike);
                    running.row(&row, digest)?;
                }
                Read::Unreadable { line, reason } => running.leave_out(line, reason),
            }
            told(running.outcome.rows);
        }
        running.flush()?;
        let Running { outcome, judge, .. } = running;
        let accounts = judge.accounts;
        let mut outcome = Outcome { accounts, ..outcome };
        if mode == Mode::Write && outcome.import.is_none() {
            // One that a killed process left without a row to add, or with its end alone.
            let new = self.named();
            let begun = client.read_replica(|replica| replica.unfinished_import(&new.digest))?;
            outcome.import = begun.map(|begun| begun.id);
        }
        if let Some(import) = outcome.import {
            client.with_replica(|replica, _| replica.end_import(import))?;
        }
        outcome.remarks.sort_by_key(|remark| remark.line);
        Ok(outcome)
    }

    fn named(&self) -> NewImport {
        let path = &self.sheet.path;
        let source = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut digest = Sha256::new();
        digest.update(self.sheet.bytes.digest);
        digest.update(self.kind.name);
        NewImport { source, kind: self.kind.name.to_owned(), digest: digest.finalize().into() }
    }

    /// What tells a row by its cells from all others; of several that are alike, by their order.
    fn digest(&self, row: &Row, alike: &mut HashMap<[u8; 16], u64>) -> [u8; 16] {
        let first_half = |digest: Sha256| {
            let whole: [u8; 32] = digest.finalize().into();
            let mut half = [0; 16];
            half.copy_from_slice(&whole[..16]);
            half
        };
        let mut digest = Sha256::new();
        digest.update(self.kind.name);
        for (heading, cell) in self.sheet.headings.iter().zip(&row.cells) {
            for text in [heading.as_str(), cell.trim()] {
                digest.update(text.len().to_le_bytes());
                digest.update(text);
            }
        }
        let count = alike.entry(first_half(digest.clone())).or_default();
        *count += 1;
        digest.update(count.to_le_bytes());
        first_half(digest)
    }
}

struct Running<'a> {
    plan: &'a ImportPlan,
    client: &'a Client,
    mode: Mode,
    judge: Judge<'a>,
    outcome: Outcome,
    waiting: Vec<ImportRow>,
}

impl Running<'_> {
    fn row(&mut self, row: &Row, digest: [u8; 16]) -> Result<(), ImportError> {
        if self.plan.sheet.repeats_heading(row) {
            let reason = "the heading once more".to_owned();
            self.outcome.rows -= 1;
            self.remark(row.line, reason, Loss::Nothing);
            return Ok(());
        }
        // What was said to be matched is matched; else a row that was taken in is not taken again.
        let matched = self.plan.options.matching.is_some();
        if !matched && self.client.read_replica(|replica| replica.row_taken(&digest))?.is_some() {
            self.outcome.there += 1;
            return Ok(());
        }
        let (mut verdict, mut remarks) = self.judge.judge(row)?;
        if let Verdict::Update(edits) = &verdict
            && self.mode == Mode::Write
            && edits.last().is_some_and(|edit| self.waits_for(edit.record()))
        {
            // An earlier row is about the same record: this one is judged by what that one wrote.
            self.flush()?;
            (verdict, remarks) = self.judge.judge(row)?;
        }
        let lost = remarks.iter().filter(|remark| remark.loss == Loss::Cell).count() as u64;
        match verdict {
            Verdict::Create(edits) => {
                self.outcome.created += 1;
                self.outcome.cells_lost += lost;
                if self.outcome.examples.len() < SHOWN {
                    self.outcome.examples.extend(edits.last().cloned());
                }
                self.waiting.push(ImportRow { line: row.line, digest, edits });
            }
            Verdict::Update(edits) => {
                self.outcome.changed += 1;
                self.outcome.cells_lost += lost;
                self.waiting.push(ImportRow { line: row.line, digest, edits });
            }
            Verdict::There => self.outcome.there += 1,
            Verdict::LeftOut => self.outcome.left_out += 1,
        }
        self.outcome.remarks.extend(remarks);
        if self.waiting.len() >= ROWS_AT_ONCE { self.flush() } else { Ok(()) }
    }

    fn waits_for(&self, record: RecordId) -> bool {
        let mut edits = self.waiting.iter().flat_map(|row| &row.edits);
        edits.any(|edit| edit.record() == record)
    }

    fn remark(&mut self, line: u64, reason: String, loss: Loss) {
        let (column, cell) = (String::new(), String::new());
        self.outcome.remarks.push(Remark { line, column, cell, reason, loss });
    }

    fn leave_out(&mut self, line: u64, reason: String) {
        self.outcome.left_out += 1;
        self.remark(line, reason, Loss::Row);
    }

    /// Writes what waits, in one transaction. Where one row is refused, the others are written without it.
    fn flush(&mut self) -> Result<(), ImportError> {
        let rows = std::mem::take(&mut self.waiting);
        if self.mode == Mode::Preview || rows.is_empty() {
            return Ok(());
        }
        let import = match self.outcome.import {
            Some(import) => import,
            None => {
                let new = self.plan.named();
                let begun =
                    self.client.with_replica(|replica, env| replica.begin_import(&new, env))?;
                *self.outcome.import.insert(begun.id)
            }
        };
        let write = |rows: &[ImportRow]| {
            self.client.with_replica(|replica, env| replica.import_rows(import, rows, env))
        };
        let Err(error) = write(&rows) else { return Ok(()) };
        if rows.len() == 1 {
            return self.refused(&rows[0], error);
        }
        for row in &rows {
            let written = self.client.with_replica(|replica, env| {
                replica.import_rows(import, std::slice::from_ref(row), env)
            });
            if let Err(error) = written {
                self.refused(row, error)?;
            }
        }
        Ok(())
    }

    /// A row whose edit the device refuses; anything else ends the import.
    fn refused(
        &mut self,
        row: &ImportRow,
        error: sync_core::replica::ReplicaError,
    ) -> Result<(), ImportError> {
        use sync_core::replica::ReplicaError as Error;
        match error {
            Error::Edit(_) | Error::TooLarge(_) | Error::UnknownRecord(_) => {
                let begins = matches!(row.edits.last(), Some(GroupEdit::Create { .. }));
                let count =
                    if begins { &mut self.outcome.created } else { &mut self.outcome.changed };
                *count -= 1;
                self.leave_out(row.line, error.to_string());
                Ok(())
            }
            other => Err(other.into()),
        }
    }
}
