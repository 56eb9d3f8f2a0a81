//! What managers and administrators of the CRM do at the server.

use super::company::{Company, Holding, Person};
use super::rows::{holding, user_row};
use crate::event::event_data;
use crate::ids::{RecordId, UserId};
use crate::random::Random;
use crate::role::Role;
use crate::testing::records::Records;
use crate::testing::rules::ServerStep;

/// Accounts change hands, people change roles, places and managers, leave, come back, and begin.
pub(super) fn step(
    company: &Company,
    records: &Records,
    random: &mut Random,
) -> Option<ServerStep> {
    if random.percent(55) {
        return reassign(company, records, random);
    }
    let people: Vec<UserId> = company.people.keys().copied().collect();
    let who = *random.pick(&people)?;
    let mut person = company.people.get(&who)?.clone();
    match random.below(100) {
        0..30 => person.role = random.pick(&ROLES)?.clone(),
        30..55 => {
            let territories: Vec<_> = company.territories.keys().copied().collect();
            person.territory = random.pick(&territories).copied();
        }
        55..75 => person.active = !person.active,
        75..90 => {
            let manager = *random.pick(&people)?;
            if manager == who || company.reports_to(manager, who) {
                return None;
            }
            person.manager = Some(manager);
        }
        _ => {
            let manager = Some(*random.pick(&people)?);
            let new = Person { role: Role::SalesRep, active: true, manager, territory: None };
            return Some(ServerStep::Put(user_row(UserId(random.uuid()), &new)));
        }
    }
    Some(ServerStep::Put(user_row(who, &person)))
}

const ROLES: [Role; 4] = [Role::Admin, Role::Manager, Role::SalesRep, Role::ReadOnly];

fn reassign(company: &Company, records: &Records, random: &mut Random) -> Option<ServerStep> {
    let accounts: Vec<(RecordId, Holding)> =
        records.all("organization").map(|(id, row)| (id, holding(&row))).collect();
    let (record, before) = *random.pick(&accounts)?;
    let people: Vec<UserId> = company.people.keys().copied().collect();
    let territories: Vec<_> = company.territories.keys().copied().collect();
    let after = Holding {
        assigned: random.pick(&people).copied(),
        second: if random.percent(30) { random.pick(&people).copied() } else { None },
        territory: if random.percent(50) { random.pick(&territories).copied() } else { None },
    };
    let may: Vec<UserId> =
        people.into_iter().filter(|who| company.assigns(*who, &before, &after)).collect();
    let [assigned, second] = [after.assigned, after.second].map(|id| id.map(|id| id.to_string()));
    let territory = after.territory.map(|id| id.to_string());
    Some(ServerStep::Append {
        by: *random.pick(&may)?,
        record,
        kind: "organization",
        field: "assignment",
        data: event_data([
            ("assigned_user_id", assigned.as_deref()),
            ("secondary_user_id", second.as_deref()),
            ("territory_id", territory.as_deref()),
        ]),
    })
}
