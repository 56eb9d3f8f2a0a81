//! People and territories, and who sees an account.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::ids::UserId;
use crate::role::Role;

/// A person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// What they are.
    pub role: Role,
    /// Whether they may sign in.
    pub active: bool,
    /// To whom they report.
    pub manager: Option<UserId>,
    /// Where they work.
    pub territory: Option<Uuid>,
}

/// What decides who sees an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// Who looks after it.
    pub assigned: Option<UserId>,
    /// Who does besides.
    pub second: Option<UserId>,
    /// Where it lies.
    pub territory: Option<Uuid>,
}

/// Everybody, and every territory with the one it lies in.
#[derive(Clone, Default, Debug)]
pub struct Company {
    /// The people.
    pub people: BTreeMap<UserId, Person>,
    /// The territories.
    pub territories: BTreeMap<Uuid, Option<Uuid>>,
}

impl Company {
    /// What somebody is; a stranger reads nothing.
    pub fn role(&self, who: UserId) -> &Role {
        self.people.get(&who).map_or(&Role::ReadOnly, |person| &person.role)
    }

    /// Whether somebody reports to a manager, directly or through others.
    pub fn reports_to(&self, who: UserId, manager: UserId) -> bool {
        let above = |who: UserId| self.people.get(&who).and_then(|person| person.manager);
        let mut met = BTreeSet::new();
        let mut next = above(who);
        while let Some(here) = next.filter(|here| met.insert(*here)) {
            if here == manager {
                return true;
            }
            next = above(here);
        }
        false
    }

    /// Whether a territory is a region or lies in it.
    pub fn lies_in(&self, territory: Uuid, region: Uuid) -> bool {
        let mut met = BTreeSet::new();
        let mut next = Some(territory);
        while let Some(here) = next.filter(|here| met.insert(*here)) {
            if here == region {
                return true;
            }
            next = self.territories.get(&here).copied().flatten();
        }
        false
    }

    /// Whether somebody sees an account.
    pub fn sees(&self, who: UserId, account: &Holding) -> bool {
        let Some(person) = self.people.get(&who).filter(|person| person.active) else {
            return false;
        };
        let mut holders = [account.assigned, account.second].into_iter().flatten();
        let region = match (person.territory, account.territory) {
            (Some(region), Some(territory)) => self.lies_in(territory, region),
            _ => false,
        };
        match person.role {
            Role::Admin => true,
            Role::Manager => region || holders.any(|h| h == who || self.reports_to(h, who)),
            Role::ReadOnly => region || holders.any(|h| h == who),
            Role::SalesRep | Role::Other(_) => holders.any(|h| h == who),
        }
    }

    /// Whether somebody may write to an account.
    pub fn writes(&self, who: UserId, account: &Holding) -> bool {
        *self.role(who) != Role::ReadOnly && self.sees(who, account)
    }

    /// Whether somebody may give an account to others. Saying what is so already is no reassignment.
    pub fn assigns(&self, who: UserId, before: &Holding, after: &Holding) -> bool {
        let may = before == after || self.deals_with_finances(who);
        may && self.writes(who, before) && self.writes(who, after)
    }

    /// Whether somebody sees the finances of the accounts they see.
    pub fn deals_with_finances(&self, who: UserId) -> bool {
        matches!(self.role(who), Role::Manager | Role::Admin)
    }
}
