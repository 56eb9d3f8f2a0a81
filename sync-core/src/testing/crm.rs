//! The CRM's rules once more, in plain Rust: a second opinion on the policies in `migrations/`, and
//! what a simulation of the CRM goes by.

mod administering;
mod company;
mod rows;

use std::collections::BTreeMap;

use uuid::Uuid;

pub use company::{Company, Holding, Person};
use rows::{company, holding, id_cell, id_in, text, user_row};

use super::records::Records;
use super::rules::{Rules, ServerRecord, ServerStep, Writing};
use crate::cell::Cell;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{RecordId, ScopeId, UserId};
use crate::random::Random;
use crate::role::Role;
use crate::schema::RowView;

/// The CRM's rules, with a company of seven in three territories to begin with.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrmRules;

/// Territories of the beginning.
const TERRITORIES: [(u128, Option<u128>); 3] =
    [(0x71, None), (0x72, Some(0x71)), (0x73, Some(0x71))];
/// People of the beginning, each with role, manager and territory.
const PEOPLE: [(u128, &str, Option<u128>, Option<u128>); 7] = [
    (0x11, "sales_rep", Some(0x14), None),
    (0x12, "sales_rep", Some(0x14), None),
    (0x13, "sales_rep", Some(0x15), Some(0x72)),
    (0x14, "manager", None, None),
    (0x15, "manager", None, Some(0x72)),
    (0x16, "admin", None, None),
    (0x17, "read_only", None, Some(0x71)),
];

fn denied(policy: &str, sentence: &str) -> Refusal {
    Refusal { policy: Some(policy.into()), ..Refusal::new(RefusalCode::Denied, sentence) }
}

/// One row that somebody writes, and what it is judged by.
struct Case<'a> {
    company: Company,
    records: &'a Records,
    writing: &'a Writing<'a>,
}

impl Case<'_> {
    fn role(&self) -> &Role {
        self.company.role(self.writing.user)
    }

    fn leads(&self) -> bool {
        matches!(self.role(), Role::Manager | Role::Admin)
    }

    fn sees_account(&self, account: Uuid) -> bool {
        let row = self.records.row("organization", RecordId(account));
        row.is_some_and(|row| self.company.sees(self.writing.user, &holding(&row)))
    }

    /// Whether the account was lost without the device having heard of it.
    fn is_excused(&self, account: Uuid) -> bool {
        let there = self.records.row("organization", RecordId(account)).is_some();
        there && self.records.lost_unheard(self.writing.user, ScopeId(account), self.writing.seen)
    }

    fn reaches(&self, account: Uuid) -> bool {
        self.sees_account(account) || self.is_excused(account)
    }

    fn account(&self) -> Result<(), Refusal> {
        let Writing { user, record, before, after, .. } = self.writing;
        let excused = self.is_excused(record.0);
        let after_sees = self.company.sees(*user, &holding(after)) || excused;
        let Some(before) = before else {
            if *self.role() == Role::SalesRep && after.text("organization_type") != Some("prospect")
            {
                return Err(denied("reps_create_prospects", "A rep creates prospects only."));
            }
            return after_sees
                .then_some(())
                .ok_or_else(|| denied("account_must_be_yours", "This account is not yours."));
        };
        let sees = self.company.sees(*user, &holding(before));
        if !sees && !excused {
            return Err(denied("account_is_yours", "This account is not yours."));
        }
        if !after_sees {
            return Err(denied("account_must_stay_yours", "It would be out of your reach."));
        }
        if holding(before) != holding(after) && !(self.leads() && sees) {
            return Err(denied("only_managers_reassign", "Only a manager may assign an account."));
        }
        let became = [before, after].map(|row| row.text("organization_type"));
        if became[0] != became[1]
            && became != [Some("prospect"), Some("customer")]
            && *self.role() == Role::SalesRep
        {
            return Err(denied("reps_win_customers", "A rep makes prospects customers only."));
        }
        if before.cell("merged_into") != after.cell("merged_into") && !self.leads() {
            return Err(denied("only_managers_merge", "Only a manager may merge accounts."));
        }
        Ok(())
    }

    /// What hangs from an account; or from a person, when it hangs from none.
    fn beside_account(&self, holder: &str) -> Result<(), Refusal> {
        let Writing { user, before, after, .. } = self.writing;
        let may = |row: &RowView<'_>| match id_in(row, "organization_id") {
            Some(account) => self.reaches(account),
            None => {
                let holder = id_in(row, holder).or_else(|| id_in(row, "created_by"));
                holder == Some(user.0) || *self.role() == Role::Admin
            }
        };
        let is_task = self.writing.kind.name == "task";
        if let Some(before) = before {
            let place = id_in(before, "organization_id");
            if !may(before) {
                return Err(denied("follows_its_account", "Its account is not yours."));
            }
            let moves = self.writing.moved || place != id_in(after, "organization_id");
            if moves && place.is_some_and(|account| !self.sees_account(account)) {
                let sentence = "Its account was given to somebody else, so it stays there.";
                return Err(denied("grace_takes_nothing_away", sentence));
            }
            let gives = is_task && place.is_none() && id_in(after, "organization_id").is_none();
            if may(after) || gives {
                return Ok(());
            }
            return Err(denied("account_must_stay_visible", "The account is not yours."));
        }
        let made = id_in(after, "created_by") == Some(user.0);
        if may(after) || is_task && made && id_in(after, "organization_id").is_none() {
            return Ok(());
        }
        Err(denied("account_must_be_visible", "The account is not yours."))
    }

    /// A record bears an id of its own, and names people where people are to be named.
    fn names(&self) -> Result<(), Refusal> {
        let Writing { record, kind, before, after, .. } = self.writing;
        let taken = [Uuid::nil(), ScopeId::EVERYONE.0].contains(&record.0)
            || self.company.people.contains_key(&UserId(record.0))
            || self.company.territories.contains_key(&record.0);
        if before.is_none() && taken {
            return Err(denied("id_is_its_own", "The record bears the id of something else."));
        }
        let columns: &[&str] = match kind.name {
            "organization" => &["assigned_user_id", "secondary_user_id"],
            "opportunity" | "interaction" => &["user_id"],
            "task" => &["assignee_id"],
            _ => &[],
        };
        let is_nobody = |id: Uuid| !self.company.people.contains_key(&UserId(id));
        for column in columns {
            let named = id_in(after, column).filter(|id| is_nobody(*id));
            let already = before.as_ref().and_then(|row| id_in(row, column));
            if named.is_some() && named != already {
                return Err(denied("names_somebody", "The person named here is not known."));
            }
        }
        Ok(())
    }

    fn finances(&self) -> Result<(), Refusal> {
        if !self.leads() {
            let sentence = "Only managers see and change an account's finances.";
            return Err(denied("account_finances_are_for_managers", sentence));
        }
        let rows = self.writing.before.iter().chain([&self.writing.after]);
        let places = rows.map(|row| id_in(row, "organization_id"));
        for account in places {
            if !account.is_some_and(|account| self.reaches(account)) {
                return Err(denied("account_must_be_visible", "The account is not in your team."));
            }
        }
        Ok(())
    }
}

impl Rules for CrmRules {
    fn founding(&self) -> Vec<ServerRecord> {
        let territory = |(id, within): (u128, Option<u128>)| ServerRecord {
            kind: "territory",
            id: RecordId(Uuid::from_u128(id)),
            cells: BTreeMap::from([
                ("name", text(format!("Territory {id:x}"))),
                ("parent_id", id_cell(within.map(Uuid::from_u128))),
            ]),
        };
        let person = |(id, role, manager, territory): (u128, &str, Option<u128>, Option<u128>)| {
            let person = Person {
                role: Role::from(role),
                active: true,
                manager: manager.map(|id| UserId(Uuid::from_u128(id))),
                territory: territory.map(Uuid::from_u128),
            };
            user_row(UserId(Uuid::from_u128(id)), &person)
        };
        TERRITORIES.into_iter().map(territory).chain(PEOPLE.into_iter().map(person)).collect()
    }

    fn people(&self, records: &Records) -> Vec<UserId> {
        records.all("user").map(|(id, _)| UserId(id.0)).collect()
    }

    fn is_active(&self, records: &Records, user: UserId) -> bool {
        let row = records.row("user", RecordId(user.0));
        row.is_some_and(|row| *row.cell("is_active") == Cell::Bool(true))
    }

    fn role(&self, records: &Records, user: UserId) -> Role {
        company(records).role(user).clone()
    }

    fn sees(&self, records: &Records, user: UserId, scope: ScopeId) -> bool {
        let company = company(records);
        let sees_account = |account: Uuid| {
            let row = records.row("organization", RecordId(account));
            row.is_some_and(|row| company.sees(user, &holding(&row)))
        };
        if let Some(finances) = records.row("organization_finance", RecordId(scope.0)) {
            return match company.role(user) {
                Role::Admin => true,
                Role::Manager => id_in(&finances, "organization_id").is_some_and(sees_account),
                Role::SalesRep | Role::ReadOnly | Role::Other(_) => false,
            };
        }
        let of_person = company.people.contains_key(&UserId(scope.0));
        sees_account(scope.0) || of_person && *company.role(user) == Role::Admin
    }

    fn judge(&self, records: &Records, writing: &Writing<'_>) -> Result<(), Refusal> {
        let case = Case { company: company(records), records, writing };
        if *case.role() == Role::ReadOnly {
            return Err(denied(
                "readers_do_not_write",
                "You may read records but not change them.",
            ));
        }
        case.names()?;
        match writing.kind.name {
            "organization" => case.account(),
            "organization_finance" => case.finances(),
            "interaction" => case.beside_account("user_id"),
            "task" => case.beside_account("assignee_id"),
            _ => case.beside_account("created_by"),
        }
    }

    fn administer(&self, records: &Records, random: &mut Random) -> Option<ServerStep> {
        administering::step(&company(records), records, random)
    }
}
