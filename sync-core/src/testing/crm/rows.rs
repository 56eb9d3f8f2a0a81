//! The CRM's rows, read and written as people and holdings.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::company::{Company, Holding, Person};
use crate::cell::Cell;
use crate::ids::{RecordId, UserId};
use crate::role::Role;
use crate::schema::RowView;
use crate::testing::records::Records;
use crate::testing::rules::ServerRecord;

pub(super) fn text(text: impl ToString) -> Cell {
    Cell::Text(text.to_string())
}

pub(super) fn id_cell(id: Option<Uuid>) -> Cell {
    id.map_or(Cell::Null, text)
}

/// An id that stands in a column.
pub(super) fn id_in(row: &RowView<'_>, column: &str) -> Option<Uuid> {
    row.text(column)?.parse().ok()
}

pub(super) fn user_row(id: UserId, person: &Person) -> ServerRecord {
    let cells = BTreeMap::from([
        ("full_name", text(format!("Person {id}"))),
        ("role", text(&person.role)),
        ("manager_id", id_cell(person.manager.map(|id| id.0))),
        ("territory_id", id_cell(person.territory)),
        ("time_zone", text("Europe/Berlin")),
        ("is_active", Cell::Bool(person.active)),
    ]);
    ServerRecord { kind: "user", id: RecordId(id.0), cells }
}

pub(super) fn company(records: &Records) -> Company {
    let mut company = Company::default();
    for (id, row) in records.all("user") {
        let person = Person {
            role: Role::from(row.text("role").unwrap_or_default()),
            active: *row.cell("is_active") == Cell::Bool(true),
            manager: id_in(&row, "manager_id").map(UserId),
            territory: id_in(&row, "territory_id"),
        };
        company.people.insert(UserId(id.0), person);
    }
    for (id, row) in records.all("territory") {
        company.territories.insert(id.0, id_in(&row, "parent_id"));
    }
    company
}

pub(super) fn holding(row: &RowView<'_>) -> Holding {
    Holding {
        assigned: id_in(row, "assigned_user_id").map(UserId),
        second: id_in(row, "secondary_user_id").map(UserId),
        territory: id_in(row, "territory_id"),
    }
}
