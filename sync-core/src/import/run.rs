//! Carrying a plan out, or trying it out, as one state machine for every host.
//!
//! It reads no record and writes none: [`ImportRun::step`] says what it wants next, and the host answers. The
//! device's file decides whether rows are written: a host hands them over with the mark of what it had read
//! before, and tells when another import came between, whereupon they are judged again.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;
use std::io;
use std::sync::Arc;

use serde_json::Value as Json;

use super::batch::ImportRow;
use super::cells::{Read, Row};
use super::gathered::{Loss, Remark};
use super::judge::{Judge, Mint, Verdict, Wanted};
use super::options::OnMatch;
use super::outcome::Outcome;
use super::plan::ImportPlan;
use super::sheet::TableRows;
use crate::document::{GroupEdit, News, RecordEdit};
use crate::ids::RecordId;
use crate::time::UnixMs;

/// Rows that become durable together, and that are read ahead.
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

/// What is wanted next.
#[derive(Clone, Debug)]
pub enum Step {
    /// The rows of these statements, for [`ImportRun::learn`]. The host notes before it reads them how far
    /// the imports of the device have come, and hands rows over with that.
    Read(Vec<String>),
    /// Which of these rows an import that stands has taken in, for [`ImportRun::taken`].
    Taken(Vec<[u8; 16]>),
    /// What of an edit is news to a record, for [`ImportRun::compared`].
    Compare {
        /// The record.
        id: RecordId,
        /// The edit.
        edit: RecordEdit,
    },
    /// These rows are to be written in one transaction; [`ImportRun::written`] hears what became of that.
    Write(Vec<ImportRow>),
    /// So many rows are done, and there are more.
    Judged(u64),
    /// The table is at its end, and everything is written.
    Done,
}

/// What became of rows that were to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Written {
    /// They stand in the file.
    Taken,
    /// Another import has taken in rows since what is there was read: nothing was written.
    Overtaken,
    /// An edit was refused, for this reason: nothing was written.
    Refused(String),
}

/// A plan that is carried out.
pub struct ImportRun {
    plan: Arc<ImportPlan>,
    mode: Mode,
    judge: Judge,
    rows: TableRows,
    at_end: bool,
    /// What tells rows that are alike.
    alike: HashMap<[u8; 16], u64>,
    /// Whether what is there was read.
    has_read: bool,
    /// Rows of the file that were not judged yet.
    ahead: VecDeque<Ahead>,
    /// Rows that are to be judged again, before those.
    again: VecDeque<Told>,
    /// Which of these rows were taken in before.
    known: HashMap<[u8; 16], bool>,
    waiting: Vec<Waiting>,
    /// Rows that are written one by one, since one of them was refused.
    singly: VecDeque<Waiting>,
    /// An earlier row about the same record is written before anything else.
    write_first: bool,
    /// The record that was asked about, and how many changes the edit has.
    asked: Option<(RecordId, usize)>,
    /// Rows that are done, and of how many of them the host was told.
    done: u64,
    told: u64,
    outcome: Outcome,
}

/// A row with what tells it from others.
type Told = (Row, [u8; 16]);

enum Ahead {
    Row(Told),
    Unreadable(u64, String),
}

/// A row that was judged and is to be written.
struct Waiting {
    row: Row,
    edits: ImportRow,
    /// Cells of it that are not taken.
    lost: u64,
}

impl fmt::Debug for ImportRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {:?}, {} rows done", self.mode, self.plan.sheet.source, self.done)
    }
}

impl ImportRun {
    /// Begins.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn begin(plan: Arc<ImportPlan>, mode: Mode, now: UnixMs) -> io::Result<Self> {
        Ok(Self {
            rows: plan.sheet.rows()?,
            judge: Judge::of(plan.clone(), now),
            plan,
            mode,
            at_end: false,
            alike: HashMap::new(),
            has_read: false,
            ahead: VecDeque::new(),
            again: VecDeque::new(),
            known: HashMap::new(),
            waiting: Vec::new(),
            singly: VecDeque::new(),
            write_first: false,
            asked: None,
            done: 0,
            told: 0,
            outcome: Outcome::default(),
        })
    }

    /// Goes on until something is wanted. `mint` gives ids of new records.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn step(&mut self, mint: Mint<'_>) -> io::Result<Step> {
        loop {
            if let Some(step) = self.try_step(mint)? {
                return Ok(step);
            }
        }
    }

    /// As [`ImportRun::step`], or nothing where it just goes on.
    fn try_step(&mut self, mint: Mint<'_>) -> io::Result<Option<Step>> {
        if !self.has_read {
            return Ok(Some(Step::Read(self.judge.statements())));
        }
        if let Some(one) = self.singly.front() {
            return Ok(Some(Step::Write(vec![one.edits.clone()])));
        }
        if self.ahead.is_empty() && self.again.is_empty() {
            self.read_ahead()?;
        }
        let is_over = self.ahead.is_empty() && self.again.is_empty();
        let is_due = self.write_first || is_over || self.waiting.len() >= ROWS_AT_ONCE;
        if is_due && !self.waiting.is_empty() {
            let rows = self.waiting.iter().map(|one| one.edits.clone());
            return Ok(Some(Step::Write(rows.collect())));
        }
        self.write_first = false;
        if is_over {
            return Ok(Some(Step::Done));
        }
        let unknown = self.unknown();
        if !unknown.is_empty() {
            return Ok(Some(Step::Taken(unknown)));
        }
        let step = self.next_row(mint);
        Ok(step.or_else(|| self.judged()))
    }

    /// Takes in the rows of the statements of [`Step::Read`], in their order.
    pub fn learn(&mut self, answers: &[Vec<Vec<Json>>]) {
        self.judge.learn(answers);
        self.has_read = true;
    }

    /// Takes in which rows were taken in before.
    pub fn taken(&mut self, taken: &HashSet<[u8; 16]>) {
        for digest in self.unknown() {
            self.known.insert(digest, taken.contains(&digest));
        }
    }

    /// Takes in what of an edit is news to a record; none where the record is not there.
    pub fn compared(&mut self, news: Option<News>) {
        let Some((id, all)) = self.asked.take() else { return };
        let news = news.unwrap_or_else(|| News { changes: (0..all).collect(), fixed: Vec::new() });
        self.judge.news = Some((id, news));
    }

    /// Takes in what became of the rows of [`Step::Write`].
    pub fn written(&mut self, written: Written) {
        let singly = !self.singly.is_empty();
        match (written, singly) {
            (Written::Taken, false) => self.waiting.clear(),
            (Written::Taken, true) => {
                self.singly.pop_front();
            }
            (Written::Overtaken, _) => self.judge_again(),
            (Written::Refused(reason), false) if self.waiting.len() == 1 => {
                if let Some(one) = self.waiting.pop() {
                    self.refused(&one, reason);
                }
            }
            // The others are written without the one that is refused.
            (Written::Refused(_), false) => self.singly = std::mem::take(&mut self.waiting).into(),
            (Written::Refused(reason), true) => {
                if let Some(one) = self.singly.pop_front() {
                    self.refused(&one, reason);
                }
            }
        }
    }

    /// What it came to; remarks in the order of their lines.
    pub fn outcome(&self) -> Outcome {
        let accounts = self.judge.accounts.iter().map(|(_, name)| name.clone()).collect();
        let alike = self.judge.alike.clone();
        let mut outcome = Outcome { accounts, alike, ..self.outcome.clone() };
        outcome.remarks.sort_by_key(|remark| remark.line);
        outcome
    }

    fn read_ahead(&mut self) -> io::Result<()> {
        while !self.at_end && self.ahead.len() < ROWS_AT_ONCE {
            match self.rows.next()? {
                Some(Read::Row(row)) => {
                    let digest = self.plan.digest(&row, &mut self.alike);
                    self.ahead.push_back(Ahead::Row((row, digest)));
                }
                Some(Read::Unreadable { line, reason }) => {
                    self.ahead.push_back(Ahead::Unreadable(line, reason));
                }
                None => self.at_end = true,
            }
        }
        Ok(())
    }

    /// Rows of which it must be known whether they were taken in before.
    ///
    /// What was said to be matched, or changed, is matched; else a row that was taken in is not taken again.
    fn unknown(&self) -> Vec<[u8; 16]> {
        let options = &self.plan.options;
        let changes = options.on_match == OnMatch::Update && self.plan.matching.is_some();
        if options.matching.is_some() || changes {
            return Vec::new();
        }
        let ahead = self.ahead.iter().filter_map(|ahead| match ahead {
            Ahead::Row((_, digest)) => Some(digest),
            Ahead::Unreadable(..) => None,
        });
        let all = self.again.iter().map(|(_, digest)| digest).chain(ahead);
        all.filter(|digest| !self.known.contains_key(*digest)).copied().collect()
    }

    /// How many rows are done, once for each.
    fn judged(&mut self) -> Option<Step> {
        let is_new = self.told < self.done;
        self.told = self.done;
        is_new.then_some(Step::Judged(self.done))
    }

    fn next_row(&mut self, mint: Mint<'_>) -> Option<Step> {
        if let Some(told) = self.again.pop_front() {
            return self.row(told, mint);
        }
        self.done += 1;
        match self.ahead.pop_front() {
            Some(Ahead::Unreadable(line, reason)) => {
                self.outcome.rows += 1;
                self.leave_out(line, reason);
            }
            Some(Ahead::Row((row, _))) if self.plan.sheet.repeats_heading(&row) => {
                self.remark(row.line, "the heading once more".to_owned(), Loss::Nothing);
            }
            Some(Ahead::Row(told)) => {
                self.outcome.rows += 1;
                return self.row(told, mint);
            }
            None => {}
        }
        None
    }

    /// Judges a row; or says what must be known before, and keeps it.
    fn row(&mut self, (row, digest): Told, mint: Mint<'_>) -> Option<Step> {
        if self.known.remove(&digest) == Some(true) {
            self.outcome.there += 1;
            return None;
        }
        let (verdict, remarks) = match self.judge.judge(&row, mint) {
            Ok(judged) => judged,
            Err(Wanted { id, edit }) => {
                self.again.push_front((row, digest));
                if self.waits_for(id) {
                    self.write_first = true;
                    return None;
                }
                self.asked = Some((id, edit.changes.len()));
                return Some(Step::Compare { id, edit });
            }
        };
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
                return None;
            }
            Verdict::LeftOut => {
                self.outcome.left_out += 1;
                return None;
            }
        };
        self.outcome.cells_lost += lost;
        if self.mode == Mode::Write {
            let edits = ImportRow { line: row.line, digest, edits };
            self.waiting.push(Waiting { row, edits, lost });
        }
        None
    }

    /// Whether a row that is not written yet is about this record.
    fn waits_for(&self, record: RecordId) -> bool {
        let mut edits = self.waiting.iter().flat_map(|waiting| &waiting.edits.edits);
        edits.any(|edit| edit.record() == record)
    }

    fn remark(&mut self, line: u64, reason: String, loss: Loss) {
        let (column, cell) = (String::new(), String::new());
        self.outcome.remarks.push(Remark { line, column, cell, reason, loss, hint: None });
    }

    fn leave_out(&mut self, line: u64, reason: String) {
        self.outcome.left_out += 1;
        self.remark(line, reason, Loss::Row);
    }

    /// Takes back what was said of rows that are not written; what is there is read anew.
    fn judge_again(&mut self) {
        let mut waiting: Vec<Waiting> = std::mem::take(&mut self.singly).into();
        waiting.append(&mut self.waiting);
        let lines: BTreeSet<u64> = waiting.iter().map(|waiting| waiting.edits.line).collect();
        let mut begun: BTreeSet<RecordId> = BTreeSet::new();
        for one in &waiting {
            self.uncount(one);
            begun.extend(one.edits.edits.iter().map(GroupEdit::record));
        }
        self.outcome.remarks.retain(|remark| !lines.contains(&remark.line));
        self.outcome.examples.retain(|edit| !begun.contains(&edit.record()));
        self.judge.forget(&lines, &begun);
        self.known.clear();
        self.has_read = false;
        for one in waiting.into_iter().rev() {
            self.again.push_front((one.row, one.edits.digest));
        }
    }

    /// A row is not written that was counted as if it were.
    fn uncount(&mut self, waiting: &Waiting) {
        let begins = matches!(waiting.edits.edits.last(), Some(GroupEdit::Create { .. }));
        let count = if begins { &mut self.outcome.created } else { &mut self.outcome.changed };
        *count -= 1;
        self.outcome.cells_lost -= waiting.lost;
    }

    fn refused(&mut self, waiting: &Waiting, reason: String) {
        self.uncount(waiting);
        self.leave_out(waiting.edits.line, reason);
    }
}
