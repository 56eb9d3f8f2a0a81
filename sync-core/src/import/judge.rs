//! One row of a file after another: what record each stands for, and what of it cannot be taken.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use super::alike::{Accounts, Alike};
use super::cells::Row;
use super::directory::Directory;
use super::gathered::{Gathered, Loss, Remark};
use super::matches;
use super::plan::ImportPlan;
use super::target::Target;
use crate::document::{GroupEdit, News, RecordEdit};
use crate::ids::RecordId;
use crate::schema::{Kind, SetOf};
use crate::time::UnixMs;

/// Gives a new record's id.
pub(super) type Mint<'a> = &'a mut dyn FnMut() -> RecordId;

/// What becomes of a row.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// A record begins, perhaps with an account for it.
    Create(Vec<GroupEdit>),
    /// A record is changed.
    Update(Vec<GroupEdit>),
    /// Its record is there.
    There,
    /// Nothing, for the reason that is remarked.
    LeftOut,
}

/// What must be known before a row can be judged: what of an edit is news to a record.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) id: RecordId,
    pub(super) edit: RecordEdit,
}

/// Reads rows, and knows what was read before.
pub(super) struct Judge {
    pub(super) plan: Arc<ImportPlan>,
    targets: Vec<(String, Target, Vec<usize>)>,
    pub(super) directories: HashMap<&'static str, Directory>,
    pub(super) matches: Option<HashMap<String, Vec<RecordId>>>,
    /// Keys of this file, with the lines they stood on.
    pub(super) seen: HashMap<String, u64>,
    pub(super) emails: HashMap<String, u64>,
    pub(super) now: UnixMs,
    /// Accounts that this import creates because they are named.
    pub(super) accounts: Vec<(RecordId, String)>,
    /// Accounts that rows may be about already, when the file is of accounts.
    pub(super) known: Option<Accounts>,
    /// Rows that probably are.
    pub(super) alike: Vec<Alike>,
    /// What of the edit that was asked about last is news to its record.
    pub(super) news: Option<(RecordId, News)>,
}

impl Judge {
    pub(super) fn of(plan: Arc<ImportPlan>, now: UnixMs) -> Self {
        let mut targets = Vec::new();
        for (name, columns) in plan.targets() {
            if let Ok(target) = Target::named(&plan.kind, name) {
                targets.push((name.to_owned(), target, columns));
            }
        }
        // Accounts come before what hangs from them, and where they are before that.
        targets.sort_by_key(|(_, target, _)| match target {
            Target::Account(_) => 0,
            Target::Link(_, "organization") => 1,
            _ => 2,
        });
        Self {
            plan,
            targets,
            directories: HashMap::new(),
            matches: None,
            seen: HashMap::new(),
            emails: HashMap::new(),
            now,
            accounts: Vec::new(),
            known: None,
            alike: Vec::new(),
            news: None,
        }
    }

    /// The kinds that rows refer to.
    fn linked(&self) -> Vec<Kind> {
        let mut all: Vec<Kind> = Vec::new();
        for (_, target, _) in &self.targets {
            let linked = match target {
                Target::Link(_, kind) => Some(*kind),
                Target::Keys(field, SetOf::Ids) => kind_of_set(field.name),
                _ => None,
            };
            if let Some(kind) = linked.and_then(|name| self.plan.schema.kind(name))
                && !all.iter().any(|known| known.name == kind.name)
            {
                all.push(kind.clone());
            }
        }
        all
    }

    /// The statements whose rows tell which records are there, as far as rows refer to them.
    pub(super) fn statements(&self) -> Vec<String> {
        let linked = self.linked();
        let directories = linked.iter().map(Directory::statement);
        let matches = self.plan.matching.iter();
        let matches = matches.map(|target| matches::statement(&self.plan.kind, target));
        let accounts = self.compares().then(|| Accounts::statement(&self.plan.kind));
        directories.chain(matches).chain(accounts).collect()
    }

    /// Takes in the rows of [`Judge::statements`], in their order.
    pub(super) fn learn(&mut self, answers: &[Vec<Vec<Json>>]) {
        let mut answers = answers.iter();
        let mut next = || answers.next().map_or(&[][..], Vec::as_slice);
        self.directories =
            self.linked().iter().map(|kind| (kind.name, Directory::of(next()))).collect();
        let matching = self.plan.matching.clone();
        self.matches = matching.map(|target| matches::index(&self.plan.kind, &target, next()));
        self.known = self.compares().then(|| Accounts::of(next()));
    }

    /// Whether rows are compared with the accounts that are there.
    fn compares(&self) -> bool {
        self.plan.kind.name == "organization"
    }

    /// Forgets the rows on these lines, which were judged and not written, with the records that were to
    /// begin with them.
    pub(super) fn forget(&mut self, lines: &BTreeSet<u64>, begun: &BTreeSet<RecordId>) {
        self.seen.retain(|_, line| !lines.contains(line));
        self.emails.retain(|_, line| !lines.contains(line));
        self.accounts.retain(|(id, _)| !begun.contains(id));
        self.alike.retain(|alike| !lines.contains(&alike.line));
        if let Some(known) = &mut self.known {
            known.forget(lines);
        }
    }

    /// What becomes of a row, and what is to be said of it; or what must be known before.
    pub(super) fn judge(
        &mut self,
        row: &Row,
        mint: Mint<'_>,
    ) -> Result<(Verdict, Vec<Remark>), Wanted> {
        let mut gathered = Gathered::of(row);
        let width = self.plan.columns.len();
        if let Some(extra) =
            row.cells.get(width..).and_then(|rest| rest.iter().find(|c| !c.trim().is_empty()))
        {
            let reason = format!("{} cells where the heading has {width}", row.cells.len());
            gathered.remark("", extra, reason, Loss::Row);
            return Ok((Verdict::LeftOut, gathered.remarks));
        }
        let targets = std::mem::take(&mut self.targets);
        for (name, target, columns) in &targets {
            self.gather(&mut gathered, name, target, columns, mint);
        }
        self.targets = targets;
        self.complete(&mut gathered);
        if gathered.is_lost() {
            return Ok((Verdict::LeftOut, gathered.remarks));
        }
        self.decide(gathered, mint)
    }
}

/// The kind that keys of a set of ids are of.
pub(super) fn kind_of_set(field: &str) -> Option<&'static str> {
    match field {
        "distributors" | "principals" => Some("organization"),
        "attendees" | "contacts" => Some("contact"),
        _ => None,
    }
}
