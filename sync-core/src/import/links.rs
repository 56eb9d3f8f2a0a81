//! Cells that name other records, and accounts that begin because a row names them.

use super::directory::{Found, Place};
use super::gathered::{Gathered, Hint, Loss, place_of};
use super::judge::{Judge, Mint, kind_of_set};
use crate::document::{FieldChange, GroupEdit, RecordEdit};
use crate::ids::RecordId;
use crate::schema::{Field, Presence};

impl Judge {
    /// A reference: the first cell that leads somewhere.
    pub(super) fn link(
        &mut self,
        gathered: &mut Gathered<'_>,
        name: &str,
        field: &Field,
        kind: &'static str,
        cells: &[(usize, String)],
        mint: Mint<'_>,
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
            && let Some(id) = self.create_account(gathered, called, mint)
        {
            gathered.account = Some(id);
            gathered.pairs.push((name.to_owned(), id.to_string()));
            return;
        }
        let loss = if field.required == Presence::Required { Loss::Row } else { Loss::Cell };
        let could_begin = kind == "organization" && reason.starts_with("no ");
        gathered.remark(&self.heading(column), &cell, reason, loss);
        if could_begin {
            gathered.hint(Hint::CreateAccounts);
        }
    }

    pub(super) fn link_keys(
        &self,
        gathered: &mut Gathered<'_>,
        field: &Field,
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
    fn create_account(
        &mut self,
        gathered: &mut Gathered<'_>,
        name: &str,
        mint: Mint<'_>,
    ) -> Option<RecordId> {
        let kind = self.plan.schema.kind("organization")?.clone();
        let mut pairs = vec![("name".to_owned(), name.to_owned())];
        for (part, cell) in &gathered.place {
            pairs.push((format!("billing_address.{part}"), cell.text.clone()));
        }
        let each = |pairs: &[(String, String)]| {
            let pairs = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            RecordEdit::parse_with(&kind, pairs, &self.plan.habits)
        };
        let edit = each(&pairs).or_else(|_| each(&pairs[..1])).ok()?;
        let id = mint();
        gathered.named.push((id, name.to_owned()));
        gathered.accounts.push(GroupEdit::Create { id, kind, edit });
        Some(id)
    }

    /// The row is taken: later ones find the accounts that begin with it.
    pub(super) fn begin_accounts(&mut self, gathered: &mut Gathered<'_>) {
        for (id, name) in std::mem::take(&mut gathered.named) {
            if let Some(directory) = self.directories.get_mut("organization") {
                directory.add(id, &name, "");
                directory.place(id, place_of(&gathered.place));
            }
            self.accounts.push((id, name));
        }
    }
}
