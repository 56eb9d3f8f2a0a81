//! Carrying a plan out, or trying it out.

use std::collections::{BTreeSet, HashMap, VecDeque};

use sha2::{Digest, Sha256};
use sync_core::ids::{ImportId, RecordId};
use sync_core::replica::{
    Env, GroupEdit, ImportMark, ImportRow, Imported, NewImport, QueryError, ReplicaError,
};

use super::cells::{Read, Row};
use super::plan::{ImportError, ImportPlan, OnMatch};
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
    /// When something must be known first, when the device's copy is not complete, or when a file cannot be
    /// read or written. What was taken in until then stays, and is gone on with when the import is run again.
    pub fn run(
        &self,
        client: &Client,
        mode: Mode,
        mut told: impl FnMut(u64),
    ) -> Result<Outcome, ImportError> {
        if mode == Mode::Write && !self.asks.is_empty() {
            return Err(ImportError::Asks(self.asks.clone()));
        }
        if mode == Mode::Write
            && !self.options.into_incomplete
            && let Some(incomplete) = client.incomplete().map_err(QueryError::from)?
        {
            return Err(ImportError::Incomplete(incomplete));
        }
        // Before anything is read that rows are judged by.
        let judged = client.read_replica(|replica| replica.import_mark())?;
        let judge = Judge::of(client, self, SystemEnv.now())?;
        let (outcome, waiting, stands) = (Outcome::default(), Vec::new(), 0);
        let mut running =
            Running { plan: self, client, mode, judge, judged, outcome, waiting, stands };
        let unreadable = |error| ImportError::File(self.sheet.path.display().to_string(), error);
        let mut rows = self.sheet.rows().map_err(unreadable)?;
        let mut alike: HashMap<[u8; 16], u64> = HashMap::new();
        while let Some(read) = rows.next().map_err(unreadable)? {
            running.outcome.rows += 1;
            match read {
                Read::Row(row) => {
                    let digest = self.digest(&row, &mut alike);
                    running.take(VecDeque::from([(row, digest)]))?;
                }
                Read::Unreadable { line, reason } => running.leave_out(line, reason),
            }
            told(running.outcome.rows);
        }
        running.finish()?;
        let Running { outcome, judge, stands: rows, .. } = running;
        let accounts = judge.accounts.into_iter().map(|(_, name)| name).collect();
        let mut outcome = Outcome { accounts, ..outcome };
        if mode == Mode::Write && outcome.import.is_none() {
            // One that a killed process left without a row to add, or with its end alone.
            let new = self.named();
            let begun = client.read_replica(|replica| replica.unfinished_import(&new.digest))?;
            outcome.import = begun.map(|begun| begun.id);
        }
        if let Some(import) = outcome.import {
            let ended = client.with_replica(|replica, _| replica.end_import(import));
            ended.map_err(|error| ImportError::Stopped { rows, error })?;
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
    /// How far the imports of this device had come when the judge read what is there.
    judged: ImportMark,
    outcome: Outcome,
    waiting: Vec<Waiting>,
    /// Rows that this run has written.
    stands: u64,
}

/// A row with what tells it from others.
type Told = (Row, [u8; 16]);

/// A row that was judged and is to be written.
struct Waiting {
    row: Row,
    edits: ImportRow,
    /// Cells of it that are not taken.
    lost: u64,
}

/// What is to be done next about a row.
enum Next {
    /// Nothing.
    Done,
    /// An earlier row that waits is about the same record: this one is judged by what that one wrote.
    WriteFirst(Row),
}

impl Running<'_> {
    /// Takes rows one after the other, and writes whenever enough of them wait.
    fn take(&mut self, mut rows: VecDeque<Told>) -> Result<(), ImportError> {
        while let Some((row, digest)) = rows.pop_front() {
            let next = self.row(row, digest)?;
            let again = match next {
                Next::Done if self.waiting.len() < ROWS_AT_ONCE => continue,
                Next::Done => self.write()?,
                Next::WriteFirst(row) => {
                    rows.push_front((row, digest));
                    self.write()?
                }
            };
            for row in again.into_iter().rev() {
                rows.push_front(row);
            }
        }
        Ok(())
    }

    /// Writes what waits still.
    fn finish(&mut self) -> Result<(), ImportError> {
        while !self.waiting.is_empty() {
            let again = self.write()?;
            self.take(again.into())?;
        }
        Ok(())
    }

    fn row(&mut self, row: Row, digest: [u8; 16]) -> Result<Next, ImportError> {
        if self.plan.sheet.repeats_heading(&row) {
            let reason = "the heading once more".to_owned();
            self.outcome.rows -= 1;
            self.remark(row.line, reason, Loss::Nothing);
            return Ok(Next::Done);
        }
        // What was said to be matched, or changed, is matched; else a row that was taken in is not taken
        // again.
        let options = &self.plan.options;
        let changes = options.on_match == OnMatch::Update && self.plan.matching.is_some();
        let matched = options.matching.is_some() || changes;
        if !matched && self.client.read_replica(|replica| replica.row_taken(&digest))?.is_some() {
            self.outcome.there += 1;
            return Ok(Next::Done);
        }
        let (verdict, remarks) = self.judge.judge(&row)?;
        if let Verdict::Update(edits) = &verdict
            && self.mode == Mode::Write
            && edits.last().is_some_and(|edit| self.waits_for(edit.record()))
        {
            return Ok(Next::WriteFirst(row));
        }
        let lost = remarks.iter().filter(|remark| remark.loss == Loss::Cell).count() as u64;
        self.outcome.remarks.extend(remarks);
        let edits = match verdict {
            Verdict::Create(edits) => {
                if self.outcome.examples.len() < SHOWN {
                    self.outcome.examples.extend(edits.last().cloned());
                }
                self.outcome.created += 1;
                edits
            }
            Verdict::Update(edits) => {
                self.outcome.changed += 1;
                edits
            }
            Verdict::There => {
                self.outcome.there += 1;
                return Ok(Next::Done);
            }
            Verdict::LeftOut => {
                self.outcome.left_out += 1;
                return Ok(Next::Done);
            }
        };
        self.outcome.cells_lost += lost;
        let edits = ImportRow { line: row.line, digest, edits };
        if self.mode == Mode::Write {
            self.waiting.push(Waiting { row, edits, lost });
        }
        Ok(Next::Done)
    }

    fn waits_for(&self, record: RecordId) -> bool {
        let mut edits = self.waiting.iter().flat_map(|waiting| &waiting.edits.edits);
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
    /// Returns the rows that are to be judged again, since another import has written meanwhile.
    fn write(&mut self) -> Result<Vec<Told>, ImportError> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let import = match self.outcome.import {
            Some(import) => import,
            None => {
                let new = self.plan.named();
                let begun =
                    self.client.with_replica(|replica, env| replica.begin_import(&new, env));
                let begun = begun.map_err(|error| self.ends(error))?;
                *self.outcome.import.insert(begun.id)
            }
        };
        let rows: Vec<ImportRow> = waiting.iter().map(|waiting| waiting.edits.clone()).collect();
        match self.hand_in(import, &rows) {
            Ok(Imported::Taken(..)) => return Ok(Vec::new()),
            Ok(Imported::Overtaken(mark)) => return self.judge_again(waiting, mark),
            Err(error) if rows.len() == 1 => {
                self.refused(&waiting[0], error)?;
                return Ok(Vec::new());
            }
            Err(_) => {}
        }
        let mut waiting = VecDeque::from(waiting);
        while let Some(one) = waiting.pop_front() {
            match self.hand_in(import, std::slice::from_ref(&one.edits)) {
                Ok(Imported::Taken(..)) => {}
                Ok(Imported::Overtaken(mark)) => {
                    waiting.push_front(one);
                    return self.judge_again(waiting.into(), mark);
                }
                Err(error) => self.refused(&one, error)?,
            }
        }
        Ok(Vec::new())
    }

    fn hand_in(&mut self, import: ImportId, rows: &[ImportRow]) -> Result<Imported, ReplicaError> {
        let judged = self.judged;
        let done = self
            .client
            .with_replica(|replica, env| replica.import_rows(import, rows, judged, env))?;
        if let Imported::Taken(_, mark) = &done {
            self.judged = *mark;
            self.stands += rows.len() as u64;
        }
        Ok(done)
    }

    /// Takes back what was said of rows that are not written, and reads anew what is there.
    fn judge_again(
        &mut self,
        waiting: Vec<Waiting>,
        mark: ImportMark,
    ) -> Result<Vec<Told>, ImportError> {
        let lines: BTreeSet<u64> = waiting.iter().map(|waiting| waiting.edits.line).collect();
        let mut begun: BTreeSet<RecordId> = BTreeSet::new();
        for one in &waiting {
            self.uncount(one);
            begun.extend(one.edits.edits.iter().map(GroupEdit::record));
        }
        self.outcome.remarks.retain(|remark| !lines.contains(&remark.line));
        self.outcome.examples.retain(|edit| !begun.contains(&edit.record()));
        self.judged = mark;
        self.judge.read_anew(&lines, &begun)?;
        Ok(waiting.into_iter().map(|one| (one.row, one.edits.digest)).collect())
    }

    /// A row is not written that was counted as if it were.
    fn uncount(&mut self, waiting: &Waiting) {
        let begins = matches!(waiting.edits.edits.last(), Some(GroupEdit::Create { .. }));
        let count = if begins { &mut self.outcome.created } else { &mut self.outcome.changed };
        *count -= 1;
        self.outcome.cells_lost -= waiting.lost;
    }

    /// A row whose edit the device refuses; anything else ends the import.
    fn refused(&mut self, waiting: &Waiting, error: ReplicaError) -> Result<(), ImportError> {
        match error {
            ReplicaError::Edit(_) | ReplicaError::TooLarge(_) | ReplicaError::UnknownRecord(_) => {
                self.uncount(waiting);
                self.leave_out(waiting.edits.line, error.to_string());
                Ok(())
            }
            other => Err(self.ends(other)),
        }
    }

    /// The import ends here, and says how many rows stand.
    fn ends(&self, error: ReplicaError) -> ImportError {
        ImportError::Stopped { rows: self.stands, error }
    }
}
