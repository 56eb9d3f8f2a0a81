//! Whether the record of a row begins, changes, or is there.

use super::alike::{Common, Looks};
use super::gathered::{Gathered, Hint, Loss, Remark};
use super::judge::{Judge, Mint, Verdict, Wanted};
use super::matches::match_key;
use super::options::{OnAlike, OnMatch};
use crate::document::{FieldChange, GroupEdit, News, RecordEdit};
use crate::ids::RecordId;

impl Judge {
    /// Whether its record is there, begins, or changes.
    ///
    /// Nothing is remembered of a row before all that it is judged by is known.
    pub(super) fn decide(
        &mut self,
        mut gathered: Gathered<'_>,
        mint: Mint<'_>,
    ) -> Result<(Verdict, Vec<Remark>), Wanted> {
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
        let found = self.found(&keys);
        let on_match = self.plan.options.on_match;
        let news = match (found.as_slice(), on_match) {
            ([id], OnMatch::Update) => Some(self.news_to(*id, &gathered.edit)?),
            _ => None,
        };
        let twice = keys.iter().find_map(|key| self.seen.get(key).map(|line| (key.clone(), *line)));
        for key in &keys {
            self.seen.entry(key.clone()).or_insert(gathered.row.line);
        }
        match (found.as_slice(), on_match) {
            ([], _) | (_, OnMatch::Create) => {}
            ([_], OnMatch::Skip) => {
                if let Some((key, line)) = twice {
                    let reason = format!("line {line} has the same key \"{key}\"");
                    gathered.remark("", &key, reason, Loss::Row);
                    gathered.hint(Hint::TakeBoth);
                    return Ok((Verdict::LeftOut, gathered.remarks));
                }
                return Ok((Verdict::There, gathered.remarks));
            }
            ([id], OnMatch::Update) => {
                let edit = only_news(&mut gathered, news.unwrap_or_default());
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
        if self.is_alike(&mut gathered) {
            return Ok((Verdict::LeftOut, gathered.remarks));
        }
        self.note_doubles(&mut gathered);
        self.note_addresses(&mut gathered);
        let id = mint();
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

    /// Whether a row is left out since its account is probably there already; it is named in any case.
    fn is_alike(&mut self, gathered: &mut Gathered<'_>) -> bool {
        let Some(known) = &mut self.known else { return false };
        let said = |name: &str| {
            let pair = gathered.pairs.iter().find(|(target, _)| target == name);
            pair.map(|(_, text)| text.clone()).unwrap_or_default()
        };
        let row = Looks {
            line: gathered.row.line,
            name: said("name"),
            phones: keys_added(&gathered.edit, "phones"),
            city: said("billing_address.city"),
        };
        let found = known.find(&row);
        known.add(&row);
        let Some(alike) = found else { return false };
        let common = match alike.by {
            Common::Phone => "the same telephone number",
            Common::Name => "the same name and city",
        };
        let where_from = if alike.id.is_some() { "" } else { " further up" };
        let reason = format!("{common} as {}{where_from}", alike.other);
        self.alike.push(alike);
        let leaves = self.plan.options.on_alike == OnAlike::LeaveOut;
        let loss = if leaves { Loss::Row } else { Loss::Nothing };
        gathered.remark("", &row.name, reason, loss);
        if leaves {
            gathered.hint(Hint::TakeAlike);
        }
        leaves
    }

    /// The records that have one of these keys.
    fn found(&self, keys: &[String]) -> Vec<RecordId> {
        let Some(matches) = &self.matches else { return Vec::new() };
        let mut all: Vec<RecordId> =
            keys.iter().filter_map(|key| matches.get(key)).flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What of an edit is news to a record, as far as that was answered.
    fn news_to(&mut self, id: RecordId, edit: &RecordEdit) -> Result<News, Wanted> {
        match self.news.take() {
            Some((known, news)) if known == id => Ok(news),
            _ => Err(Wanted { id, edit: edit.clone() }),
        }
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
                "it belongs to an account, and this row begins none"
            };
            gathered.remark(&cell.column, &cell.text, reason, Loss::Cell);
            if !known {
                gathered.hint(Hint::CreateAccounts);
            }
        }
    }

    /// The same address twice is perhaps the same person.
    fn note_doubles(&mut self, gathered: &mut Gathered<'_>) {
        let mails = keys_added(&gathered.edit, "emails");
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
}

/// The keys that an edit adds to a set.
fn keys_added(edit: &RecordEdit, name: &str) -> Vec<String> {
    let added = edit.changes.iter().filter_map(|(field, change)| match change {
        FieldChange::Add(key) if field.name == name => Some(key.clone()),
        _ => None,
    });
    added.collect()
}

/// The edit of a row without what its record says already, and without what is written once.
fn only_news(gathered: &mut Gathered<'_>, news: News) -> RecordEdit {
    let edit = std::mem::take(&mut gathered.edit);
    let changes = edit.changes.into_iter().enumerate();
    let changes = changes.filter(|(place, _)| news.changes.contains(place));
    for name in news.fixed {
        let reason = format!("{name} is written once, and says something else in the record");
        gathered.remark(&name, "", reason, Loss::Cell);
    }
    RecordEdit { changes: changes.map(|(_, change)| change).collect() }
}
