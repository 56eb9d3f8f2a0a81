//! One row of a file: what record it stands for, and what of it cannot be taken.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;
use sync_core::document::{FieldChange, FieldState, Hydrated, RecordEdit, Value};
use sync_core::ids::RecordId;
use sync_core::replica::{GroupEdit, QueryError};
use sync_core::schema::{Field, FieldType, Initial, Kind, Presence, Rule, SetOf};
use sync_core::time::UnixMs;

use super::cell::{Came, Reader, clean};
use super::cells::Row;
use super::directory::{Directory, Found, Place};
use super::names;
use super::plan::{ImportPlan, OnMatch};
use super::target::Target;
use crate::Client;

/// Something that is said of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line it begins on.
    pub line: u64,
    /// The column, where it is about one.
    pub column: String,
    /// What stands there.
    pub cell: String,
    /// What is said of it.
    pub reason: String,
    /// What is lost.
    pub loss: Loss,
}

/// What is lost of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Loss {
    /// Nothing; it is worth knowing.
    Nothing,
    /// The cell.
    Cell,
    /// The row.
    Row,
}

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

/// Reads rows, and knows what was read before.
pub(super) struct Judge<'a> {
    client: &'a Client,
    plan: &'a ImportPlan,
    targets: Vec<(String, Target, Vec<usize>)>,
    directories: HashMap<&'static str, Directory>,
    matches: Option<HashMap<String, Vec<RecordId>>>,
    /// Keys of this file, with the lines they stood on.
    seen: HashMap<String, u64>,
    emails: HashMap<String, u64>,
    now: UnixMs,
    /// Accounts that this import creates because they are named.
    pub(super) accounts: Vec<(RecordId, String)>,
}

/// What stands in a column.
struct Cell {
    column: String,
    text: String,
}

/// What is gathered of a row.
struct Gathered<'r> {
    row: &'r Row,
    pairs: Vec<(String, String)>,
    edit: RecordEdit,
    remarks: Vec<Remark>,
    place: BTreeMap<&'static str, Cell>,
    accounts: Vec<GroupEdit>,
    /// The same accounts with their names.
    named: Vec<(RecordId, String)>,
    account: Option<RecordId>,
}

impl Gathered<'_> {
    fn remark(&mut self, column: &str, cell: &str, reason: impl Into<String>, loss: Loss) {
        self.remarks.push(Remark {
            line: self.row.line,
            column: column.to_owned(),
            cell: cell.to_owned(),
            reason: reason.into(),
            loss,
        });
    }

    fn is_lost(&self) -> bool {
        self.remarks.iter().any(|remark| remark.loss == Loss::Row)
    }

    fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(target, _)| target == name)
            || self.edit.changes.iter().any(|(field, _)| field.name == name)
    }
}

impl<'a> Judge<'a> {
    pub(super) fn of(
        client: &'a Client,
        plan: &'a ImportPlan,
        now: UnixMs,
    ) -> Result<Self, QueryError> {
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
        let (directories, matches) = (HashMap::new(), None);
        let (seen, emails, accounts) = (HashMap::new(), HashMap::new(), Vec::new());
        let mut judge =
            Self { client, plan, targets, directories, matches, seen, emails, now, accounts };
        judge.read()?;
        Ok(judge)
    }

    /// Reads the records that are there, as far as rows refer to them.
    fn read(&mut self) -> Result<(), QueryError> {
        self.directories.clear();
        for (_, target, _) in &self.targets {
            let linked = match target {
                Target::Link(_, kind) => Some(*kind),
                Target::Keys(field, SetOf::Ids) => kind_of_set(field.name),
                _ => None,
            };
            if let Some(name) = linked
                && let Some(kind) = self.client.schema().kind(name)
                && !self.directories.contains_key(name)
            {
                self.directories.insert(name, Directory::of(self.client, kind)?);
            }
        }
        self.matches = match &self.plan.matching {
            Some(target) => Some(match_index(self.client, &self.plan.kind, target)?),
            None => None,
        };
        Ok(())
    }

    /// Reads anew what is there, and forgets the rows on these lines, which were judged and not written,
    /// with the records that were to begin with them.
    pub(super) fn read_anew(
        &mut self,
        lines: &BTreeSet<u64>,
        begun: &BTreeSet<RecordId>,
    ) -> Result<(), QueryError> {
        self.seen.retain(|_, line| !lines.contains(line));
        self.emails.retain(|_, line| !lines.contains(line));
        self.accounts.retain(|(id, _)| !begun.contains(id));
        self.read()
    }

    /// What becomes of a row, and what is to be said of it.
    pub(super) fn judge(&mut self, row: &Row) -> Result<(Verdict, Vec<Remark>), QueryError> {
        let mut gathered = Gathered {
            row,
            pairs: Vec::new(),
            edit: RecordEdit::default(),
            remarks: Vec::new(),
            place: BTreeMap::new(),
            accounts: Vec::new(),
            named: Vec::new(),
            account: None,
        };
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
            self.gather(&mut gathered, name, target, columns);
        }
        self.targets = targets;
        self.complete(&mut gathered);
        if gathered.is_lost() {
            return Ok((Verdict::LeftOut, gathered.remarks));
        }
        self.decide(gathered)
    }

    /// Reads the cells of one target.
    fn gather(
        &mut self,
        gathered: &mut Gathered<'_>,
        name: &str,
        target: &Target,
        columns: &[usize],
    ) {
        let mut cells: Vec<(usize, String)> = Vec::new();
        for place in columns {
            match clean(gathered.row.cell(*place)) {
                Ok(cell) if cell.is_empty() => {}
                Ok(cell) => cells.push((*place, cell)),
                Err(reason) => {
                    let cell = gathered.row.cell(*place).to_owned();
                    let loss = if target.is_essential() { Loss::Row } else { Loss::Cell };
                    gathered.remark(&self.heading(*place), &cell, reason, loss);
                }
            }
        }
        let Some((first, _)) = cells.first().cloned() else { return };
        let column = self.heading(first);
        let plan = self.plan;
        let reader = Reader { kind: &plan.kind, habits: &plan.habits, words: &plan.options.words };
        let joined =
            |with: &str| cells.iter().map(|(_, cell)| cell.as_str()).collect::<Vec<_>>().join(with);
        match target {
            Target::Account(part) => {
                let cell = Cell { column, text: joined(", ") };
                gathered.place.insert(part, cell);
            }
            Target::Link(field, kind) => {
                self.link(gathered, name, field, kind, &cells, target);
            }
            Target::FullName => {
                let (first, last) = names::split(&joined(" "));
                for (name, part) in [("first_name", first), ("last_name", last)] {
                    if !part.is_empty() && !gathered.has(name) {
                        gathered.pairs.push((name.to_owned(), part));
                    }
                }
            }
            Target::Entry(key) => {
                let text = joined("\n");
                gathered.pairs.push((format!("custom_fields.{key}"), text));
            }
            Target::Keys(field, SetOf::Ids) => {
                for (place, cell) in &cells {
                    self.link_keys(gathered, field, &self.heading(*place), cell);
                }
            }
            Target::Keys(field, of) => {
                for (place, cell) in &cells {
                    let came = reader.keys(field, *of, cell);
                    self.take(gathered, *place, cell, came, false);
                }
            }
            Target::Days(field) => {
                let cell = joined(" ");
                let came = reader.days(name, field, &cell);
                self.take(gathered, first, &cell, came, target.is_essential());
            }
            Target::Money(field) => {
                // A currency without an amount says nothing.
                if !cells.iter().any(|(_, cell)| cell.contains(|c: char| c.is_ascii_digit())) {
                    if columns.len() == 1 {
                        gathered.remark(&column, &joined(" "), "is no amount", Loss::Cell);
                    }
                    return;
                }
                let cell = joined(" ");
                let came = reader.words(name, field, &cell);
                self.take(gathered, first, &cell, came, false);
            }
            Target::Words(field) if matches!(field.ty, FieldType::Log(_)) => {
                // Of a stage and a state beside it, one that ends the deal says more.
                let ends = cells.iter().rev().find(|(_, cell)| {
                    matches!(super::words::ours(name, cell), Some("closed-won" | "closed-lost"))
                });
                let (place, cell) = ends.or(cells.first()).cloned().unwrap_or_default();
                let came = reader.words(name, field, &cell);
                self.take(gathered, place, &cell, came, true);
            }
            Target::Words(field) => {
                let with = if field.ty == FieldType::Text {
                    "\n"
                } else if name.ends_with("street") {
                    street_join(&column, &cells)
                } else {
                    " "
                };
                let cell = joined(with);
                let came = reader.words(name, field, &cell);
                self.take(gathered, first, &cell, came, target.is_essential());
            }
        }
    }

    fn heading(&self, place: usize) -> String {
        self.plan.columns.get(place).map(|column| column.heading.clone()).unwrap_or_default()
    }

    fn take(
        &self,
        gathered: &mut Gathered<'_>,
        place: usize,
        cell: &str,
        came: Came,
        essential: bool,
    ) {
        let column = self.heading(place);
        let loss = if essential { Loss::Row } else { Loss::Cell };
        for reason in came.lost {
            gathered.remark(&column, cell, reason, loss);
        }
        for note in came.notes {
            gathered.remark(&column, cell, note, Loss::Nothing);
        }
        gathered.pairs.extend(came.pairs);
        for change in came.changes {
            // Two spellings of one number or address are one.
            if !gathered.edit.changes.contains(&change) {
                gathered.edit.changes.push(change);
            }
        }
    }

    /// A reference: the first cell that leads somewhere.
    fn link(
        &mut self,
        gathered: &mut Gathered<'_>,
        name: &str,
        field: &sync_core::schema::Field,
        kind: &'static str,
        cells: &[(usize, String)],
        target: &Target,
    ) {
        let place = place_of(&gathered.place);
        let within = gathered.account.filter(|_| kind != "organization");
        let mut problem = None;
        for (column, cell) in cells {
            let Some(directory) = self.directories.get(kind) else { return };
            match directory.find(cell, within, &place) {
                found @ (Found::One(id) | Found::ByPlace(id)) => {
                    if matches!(found, Found::ByPlace(_)) {
                        let note =
                            "several are called so; the place of this row tells which is meant";
                        gathered.remark(&self.heading(*column), cell, note, Loss::Nothing);
                    }
                    if name == "organization_id" {
                        gathered.account = Some(id);
                    }
                    gathered.pairs.push((name.to_owned(), id.to_string()));
                    return;
                }
                Found::Several(count) => {
                    let reason = format!("{count} records are called so; give the id of one");
                    problem = Some((*column, cell.clone(), reason));
                }
                Found::None => {
                    let reason = format!("no {kind} of this name or id is on this device");
                    problem.get_or_insert((*column, cell.clone(), reason));
                }
            }
        }
        let Some((column, cell, reason)) = problem else { return };
        let create = kind == "organization"
            && name == "organization_id"
            && self.plan.options.create_accounts
            && reason.starts_with("no ");
        // What is created is called by the name, where there is an id beside it.
        let called = cells
            .iter()
            .map(|(_, cell)| cell)
            .find(|cell| cell.parse::<RecordId>().is_err() && cell.contains(char::is_alphabetic));
        if let Some(called) = called.filter(|_| create)
            && let Some(id) = self.create_account(gathered, called)
        {
            gathered.account = Some(id);
            gathered.pairs.push((name.to_owned(), id.to_string()));
            return;
        }
        let loss = if target.is_essential() && field.required == Presence::Required {
            Loss::Row
        } else {
            Loss::Cell
        };
        let hint = if kind == "organization" && reason.starts_with("no ") {
            "; --create-accounts creates it"
        } else {
            ""
        };
        gathered.remark(&self.heading(column), &cell, format!("{reason}{hint}"), loss);
    }

    fn link_keys(
        &self,
        gathered: &mut Gathered<'_>,
        field: &sync_core::schema::Field,
        column: &str,
        cell: &str,
    ) {
        let within = gathered.account;
        for part in cell.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
            let directory = kind_of_set(field.name).and_then(|kind| self.directories.get(kind));
            let found = directory.map(|all| all.find(part, within, &Place::default()));
            match found {
                Some(Found::One(id) | Found::ByPlace(id)) => {
                    let change = FieldChange::Add(id.to_string());
                    gathered.edit.changes.push((field.clone(), change));
                }
                _ => {
                    gathered.remark(
                        column,
                        part,
                        "no one record of this name or id is here",
                        Loss::Cell,
                    );
                }
            }
        }
    }

    /// An account that is named and not there.
    fn create_account(&mut self, gathered: &mut Gathered<'_>, name: &str) -> Option<RecordId> {
        let kind = self.client.schema().kind("organization")?.clone();
        let mut pairs = vec![("name".to_owned(), name.to_owned())];
        for (part, cell) in &gathered.place {
            pairs.push((format!("billing_address.{part}"), cell.text.clone()));
        }
        let each = |pairs: &[(String, String)]| {
            let pairs = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            RecordEdit::parse_with(&kind, pairs, &self.plan.habits)
        };
        let edit = each(&pairs).or_else(|_| each(&pairs[..1])).ok()?;
        let id = self.client.mint_id();
        gathered.named.push((id, name.to_owned()));
        gathered.accounts.push(GroupEdit::Create { id, kind, edit });
        Some(id)
    }

    /// The row is taken: later ones find the accounts that begin with it.
    fn begin_accounts(&mut self, gathered: &mut Gathered<'_>) {
        for (id, name) in std::mem::take(&mut gathered.named) {
            if let Some(directory) = self.directories.get_mut("organization") {
                directory.add(id, &name, "");
                directory.place(id, place_of(&gathered.place));
            }
            self.accounts.push((id, name));
        }
    }

    /// What the record needs beside its cells.
    fn complete(&mut self, gathered: &mut Gathered<'_>) {
        let kind = &self.plan.kind;
        if kind.name == "contact" && !gathered.has("last_name") {
            let first = gathered.pairs.iter_mut().find(|(name, _)| name == "first_name");
            if let Some((name, text)) = first {
                "last_name".clone_into(name);
                let text = text.clone();
                gathered.remark(
                    "",
                    &text,
                    "one name alone; it is taken as the last name",
                    Loss::Nothing,
                );
            }
        }
        self.look_at_future(gathered);
        let code = gathered.pairs.iter().find(|(name, _)| name.ends_with("address.postal_code"));
        if let Some((_, code)) = code.cloned()
            && code.len() == 4
            && code.bytes().all(|b| b.is_ascii_digit())
            && needs_five(&gathered.pairs)
        {
            let note = "a nought may be missing before this postal code; it is taken as it stands";
            gathered.remark("", &code, note, Loss::Nothing);
        }
        let own = ["created_at", "created_by", "user_id"];
        // A moment that nobody told is not that of the import.
        let needs = |field: &&Field| {
            field.required == Presence::Required || matches!(field.initial, Initial::NowUnless(_))
        };
        for field in kind.fields.iter().filter(needs) {
            let said = gathered.remarks.iter().any(|remark| remark.loss == Loss::Row);
            let instead = matches!(field.initial, Initial::NowUnless(other) if gathered.has(other));
            let may_lack = own.contains(&field.name) || instead;
            if !said && !may_lack && !gathered.has(field.name) {
                let missing =
                    if kind.name == "contact" { "the name of a person" } else { field.name };
                gathered.remark("", "", format!("{missing} is missing"), Loss::Row);
            }
        }
    }

    /// What lies ahead has not taken place.
    fn look_at_future(&self, gathered: &mut Gathered<'_>) {
        const GRACE_MS: i64 = sync_core::limits::FUTURE_CLAIM_MS;
        let place = gathered.pairs.iter().position(|(name, _)| name == "occurred_at");
        let Some(place) = place else { return };
        let text = gathered.pairs[place].1.clone();
        let ahead = UnixMs::parse(&text).is_some_and(|at| at.0 > self.now.0 + GRACE_MS);
        if !ahead {
            return;
        }
        if self.plan.kind.field("planned_at").is_some() {
            "planned_at".clone_into(&mut gathered.pairs[place].0);
            if !gathered.has("status") {
                gathered.pairs.push(("status".to_owned(), "scheduled".to_owned()));
            }
            gathered.remark("", &text, "it lies ahead, and is taken as planned", Loss::Nothing);
        } else {
            gathered.remark("", &text, "it lies ahead, and has not taken place", Loss::Row);
        }
    }

    /// Whether its record is there, begins, or changes.
    fn decide(&mut self, mut gathered: Gathered<'_>) -> Result<(Verdict, Vec<Remark>), QueryError> {
        let kind = self.plan.kind.clone();
        let pairs = gathered.pairs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        match RecordEdit::parse_with(&kind, pairs, &self.plan.habits) {
            Ok(parsed) => gathered.edit.changes.extend(parsed.changes),
            Err(error) => {
                gathered.remark("", "", error.to_string(), Loss::Row);
                return Ok((Verdict::LeftOut, gathered.remarks));
            }
        }
        let keys = self.keys_of(&gathered);
        let twice = keys.iter().find_map(|key| self.seen.get(key).map(|line| (key.clone(), *line)));
        for key in &keys {
            self.seen.entry(key.clone()).or_insert(gathered.row.line);
        }
        let found: Vec<RecordId> = match &self.matches {
            Some(matches) => {
                let mut all: Vec<RecordId> =
                    keys.iter().filter_map(|key| matches.get(key)).flatten().copied().collect();
                all.sort_unstable();
                all.dedup();
                all
            }
            None => Vec::new(),
        };
        let on_match = self.plan.options.on_match;
        match (found.as_slice(), on_match) {
            ([], _) | (_, OnMatch::Create) => {}
            ([_], OnMatch::Skip) => {
                if let Some((key, line)) = twice {
                    let reason = format!(
                        "line {line} has the same key \"{key}\"; --on-match update or create takes both"
                    );
                    gathered.remark("", &key, reason, Loss::Row);
                    return Ok((Verdict::LeftOut, gathered.remarks));
                }
                return Ok((Verdict::There, gathered.remarks));
            }
            ([id], OnMatch::Update) => {
                let edit = self.only_changes(*id, &mut gathered)?;
                self.note_addresses(&mut gathered);
                if edit.changes.is_empty() && gathered.accounts.is_empty() {
                    return Ok((Verdict::There, gathered.remarks));
                }
                self.begin_accounts(&mut gathered);
                let mut edits = std::mem::take(&mut gathered.accounts);
                edits.push(GroupEdit::Edit { id: *id, edit });
                return Ok((Verdict::Update(edits), gathered.remarks));
            }
            (several, _) => {
                let reason = format!("{} records match it", several.len());
                gathered.remark("", "", reason, Loss::Row);
                return Ok((Verdict::LeftOut, gathered.remarks));
            }
        }
        self.note_doubles(&mut gathered);
        self.note_addresses(&mut gathered);
        let id = self.client.mint_id();
        if let Some(matches) = &mut self.matches {
            for key in keys {
                matches.entry(key).or_default().push(id);
            }
        }
        self.remember(&gathered, id);
        self.begin_accounts(&mut gathered);
        let mut edits = std::mem::take(&mut gathered.accounts);
        edits.push(GroupEdit::Create { id, kind, edit: gathered.edit });
        Ok((Verdict::Create(edits), gathered.remarks))
    }

    /// Later rows may refer to this one, as to a parent.
    fn remember(&mut self, gathered: &Gathered<'_>, id: RecordId) {
        let said = |name: &str| gathered.pairs.iter().find(|(target, _)| target == name);
        let text = |name: &str| said(name).map(|(_, text)| text.clone()).unwrap_or_default();
        if let Some(directory) = self.directories.get_mut(self.plan.kind.name) {
            directory.add(id, &text("name"), &text("custom_fields.source_id"));
        }
    }

    /// An address is its account's: where none begins with this row, what does not tell accounts apart is
    /// written nowhere.
    fn note_addresses(&self, gathered: &mut Gathered<'_>) {
        if !gathered.accounts.is_empty() {
            return;
        }
        let known = gathered.account.is_some();
        let place = std::mem::take(&mut gathered.place);
        for (part, cell) in place {
            if known && matches!(part, "city" | "postal_code") {
                continue;
            }
            let reason = if known {
                "it belongs to the account, which is there; import accounts by themselves"
            } else {
                "it belongs to an account, and this row begins none; --create-accounts does"
            };
            gathered.remark(&cell.column, &cell.text, reason, Loss::Cell);
        }
    }

    /// The same address twice is perhaps the same person.
    fn note_doubles(&mut self, gathered: &mut Gathered<'_>) {
        let mails: Vec<String> = gathered
            .edit
            .changes
            .iter()
            .filter_map(|(field, change)| match change {
                FieldChange::Add(key) if field.name == "emails" => Some(key.clone()),
                _ => None,
            })
            .collect();
        let line = gathered.row.line;
        let twice = mails.iter().find_map(|mail| self.emails.get(mail).map(|line| (mail, *line)));
        if let Some((mail, other)) = twice {
            let reason = format!("perhaps a double: line {other} has the same address");
            gathered.remark("", mail, reason, Loss::Nothing);
        }
        for mail in mails {
            self.emails.entry(mail).or_insert(line);
        }
    }

    /// The keys by which the record of a row is found.
    fn keys_of(&self, gathered: &Gathered<'_>) -> Vec<String> {
        let Some(target) = &self.plan.matching else { return Vec::new() };
        let written = gathered.pairs.iter().filter(|(name, _)| name == target);
        let mut keys: Vec<String> = written.map(|(_, text)| match_key(target, text)).collect();
        for (field, change) in &gathered.edit.changes {
            if let FieldChange::Add(key) = change
                && field.name == target
            {
                keys.push(key.clone());
            }
        }
        keys.retain(|key| !key.is_empty());
        keys
    }

    /// An edit without what the record says already, and without what is written once.
    fn only_changes(
        &self,
        id: RecordId,
        gathered: &mut Gathered<'_>,
    ) -> Result<RecordEdit, QueryError> {
        let mut edit = std::mem::take(&mut gathered.edit);
        let Ok(Some(now)) = self.client.record(id) else { return Ok(edit) };
        let mut fixed = Vec::new();
        edit.changes.retain(|(field, change)| {
            let stands = *now.value(field.name) != Value::Null;
            if field.rule == Rule::Immutable || field.rule == Rule::Once && stands {
                if says_another(field, change, &now) {
                    fixed.push(field.name);
                }
                return false;
            }
            match (change, field.ty) {
                (FieldChange::Append(data), FieldType::Log(log)) => {
                    let events = now.log(field.name);
                    let state = events.map(|events| log.state(events, None));
                    let shown = state.and_then(|state| state.shown);
                    let same = shown.is_some_and(|event| {
                        data.iter().all(|(part, value)| event.data.get(part) == Some(value))
                    });
                    let reopens = data.get("action").and_then(Json::as_str) == Some("reopen");
                    !(same || reopens && shown.is_none())
                }
                (FieldChange::Set(_) | FieldChange::Parts(_), _) => {
                    says_another(field, change, &now)
                }
                (FieldChange::Add(key), _) => match now.field(field.name) {
                    Some(FieldState::Keys(keys)) => !keys.contains(key),
                    _ => true,
                },
                (FieldChange::Text(text), _) => match now.field(field.name) {
                    Some(FieldState::Text(said)) => said != text,
                    _ => true,
                },
                (FieldChange::Entry(key, text), _) => match now.field(field.name) {
                    Some(FieldState::Map(map)) => map.get(key) != text.as_ref(),
                    _ => true,
                },
                _ => true,
            }
        });
        for name in fixed {
            let reason = format!("{name} is written once, and says something else in the record");
            gathered.remark(name, "", reason, Loss::Cell);
        }
        Ok(edit)
    }
}

/// The kind that keys of a set of ids are of.
fn kind_of_set(field: &str) -> Option<&'static str> {
    match field {
        "distributors" | "principals" => Some("organization"),
        "attendees" | "contacts" => Some("contact"),
        _ => None,
    }
}

fn place_of(parts: &BTreeMap<&'static str, Cell>) -> Place {
    let part = |name: &str| parts.get(name).map(|cell| cell.text.clone()).unwrap_or_default();
    Place { city: part("city"), postal_code: part("postal_code") }
}

/// Building and street belong on one line; lines of an address are told apart.
fn street_join(heading: &str, cells: &[(usize, String)]) -> &'static str {
    if ["building", "house"].iter().any(|word| heading.to_lowercase().contains(word)) {
        return " ";
    }
    let number = cells
        .first()
        .is_some_and(|(_, cell)| cell.len() <= 8 && cell.contains(|c: char| c.is_ascii_digit()));
    if number { " " } else { ", " }
}

/// Whether postal codes there have five digits.
fn needs_five(pairs: &[(String, String)]) -> bool {
    let part = |end: &str| {
        pairs.iter().find(|(name, _)| name.ends_with(end)).map(|(_, text)| text.as_str())
    };
    match part("address.country").map(names::key).as_deref() {
        Some(
            "us"
            | "usa"
            | "united states"
            | "united states of america"
            | "de"
            | "germany"
            | "deutschland",
        ) => true,
        None => part("address.state").is_some_and(|state| state.len() == 2),
        Some(_) => false,
    }
}

fn match_key(target: &str, text: &str) -> String {
    match target {
        "name" | "full_name" | "last_name" | "first_name" | "title" | "subject" => names::key(text),
        _ => text.trim().to_owned(),
    }
}

/// The records of a kind by what a target says of them.
fn match_index(
    client: &Client,
    kind: &Kind,
    target: &str,
) -> Result<HashMap<String, Vec<RecordId>>, QueryError> {
    let column = match target.strip_prefix("custom_fields.") {
        Some(key) => {
            let path = format!("$.\"{}\"", key.replace('"', ""));
            format!("json_extract(custom_fields, '{}')", path.replace('\'', "''"))
        }
        None => target.replace('.', "_"),
    };
    let sql = format!("SELECT id, {column} FROM {} WHERE NOT is_deleted", kind.table);
    let is_set = matches!(kind.field(target).map(|field| field.ty), Some(FieldType::Set(_)));
    let mut index: HashMap<String, Vec<RecordId>> = HashMap::new();
    for row in client.query(&sql)?.rows {
        let Some(id) = row[0].as_str().and_then(|id| id.parse::<RecordId>().ok()) else { continue };
        let text = match &row[1] {
            Json::Null => continue,
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let keys: Vec<String> = match is_set {
            true => serde_json::from_str(&text).unwrap_or_default(),
            false => vec![match_key(target, &text)],
        };
        for key in keys.into_iter().filter(|key| !key.is_empty()) {
            index.entry(key).or_default().push(id);
        }
    }
    Ok(index)
}

/// Whether a change of one value would make the record say something else.
fn says_another(field: &Field, change: &FieldChange, now: &Hydrated) -> bool {
    match (change, now.value(field.name)) {
        (FieldChange::Set(value), said) => value != said,
        (FieldChange::Parts(parts), Value::Parts(said)) => {
            parts.iter().any(|(part, value)| said.get(part).unwrap_or(&Json::Null) != value)
        }
        _ => true,
    }
}
