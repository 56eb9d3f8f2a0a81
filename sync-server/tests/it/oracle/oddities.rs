//! What few would do: records that hang from nobody's account, or bear the id of something else; people
//! deleted with SQL; cursors that mean nothing.

use std::collections::BTreeSet;

use client_sdk::core::ids::{RecordId, ScopeId, UserId};
use client_sdk::core::replica::GroupEdit;
use client_sdk::core::role::Role;
use client_sdk::core::testing::crm::Person;
use rand::RngExt;
use rand::seq::IndexedRandom;
use sqlx::Executor;
use sync_server::ops::people;
use uuid::Uuid;

use super::{Alone, Model, ROLES, Run, What};
use crate::harness::{create, edit, kind};

/// Kinds whose records may hang from a person, with their table and what begins one.
const ALONE: [(&str, &str, Pair); 2] =
    [("contact", "contacts", ("last_name", "Lee")), ("task", "tasks", ("title", "Call"))];

/// A field's name and its value.
type Pair = (&'static str, &'static str);

impl Model {
    /// Of records that hang from people: their holder's, and administrators'.
    pub(super) fn alone_of(&self, who: Uuid, table: &str) -> BTreeSet<RecordId> {
        let Some(person) = self.company.people.get(&UserId(who)).filter(|one| one.active) else {
            return BTreeSet::new();
        };
        let all = person.role == Role::Admin;
        let of_table = self.alone.iter().filter(|(_, one)| one.table == table);
        of_table.filter(|(_, one)| all || one.holder == who).map(|(id, _)| *id).collect()
    }
}

impl Run {
    /// A record that hangs from its maker alone, or a task from whom it is given to.
    pub(super) fn make_alone(&mut self, who: Uuid) {
        let (name, table, first) = *ALONE.choose(&mut self.random).unwrap();
        let whose = self.somebody().to_string();
        let device = self.devices.get_mut(&who).unwrap();
        let (record, holder) = match name {
            "task" => {
                let pairs = [first, ("assignee_id", whose.as_str())];
                (create(device, name, &pairs), whose.parse().unwrap())
            }
            _ => (create(device, name, &[first]), who),
        };
        self.note(who, record, What::Alone(Alone { table, holder }));
    }

    /// A record under an id that is somebody's, some place's, everybody's, or another record's.
    pub(super) fn take_an_id(&mut self, who: Uuid) {
        let held: BTreeSet<RecordId> = self.held(who, "organization").into_iter().collect();
        let unseen = self.model.accounts.keys().filter(|id| !held.contains(id)).map(|id| id.0);
        let mut ids: Vec<Uuid> = unseen.take(3).collect();
        ids.extend([ScopeId::EVERYONE.0, Uuid::nil(), self.somebody(), self.somewhere()]);
        let id = RecordId(*ids.choose(&mut self.random).unwrap());
        let (name, _, first) = *ALONE.choose(&mut self.random).unwrap();
        let (name, first) = match self.random.random_bool(0.5) {
            true => (name, first),
            false => ("organization", ("name", "Everybody's")),
        };
        let group = [GroupEdit::Create { id, kind: kind(name), edit: edit(name, &[first]) }];
        // Whoever tried it before and was refused may not try the same again.
        if self.devices[&who].commit(&group).is_ok() {
            self.note(who, id, What::Never);
        }
    }

    /// A task for somebody who is nobody.
    pub(super) fn give_to_nobody(&mut self, who: Uuid) {
        let account = self.model.accounts.keys().next().map(|id| id.0);
        let mut nobody = vec![ScopeId::EVERYONE.0, people::new_id(), self.somewhere()];
        nobody.extend(account);
        let whose = nobody.choose(&mut self.random).unwrap().to_string();
        let device = self.devices.get_mut(&who).unwrap();
        let task = create(device, "task", &[("title", "Call"), ("assignee_id", &whose)]);
        self.note(who, task, What::Never);
    }

    /// Somebody is deleted with SQL, where the database lets that happen, and somebody else joins. What
    /// hung from the former is left to administrators.
    pub(super) async fn replace(&mut self, who: Uuid) {
        let leads = self.model.company.people.values().any(|one| one.manager == Some(UserId(who)));
        let founders = [self.world.admin, self.world.manager];
        if leads || founders.contains(&who) {
            return;
        }
        let gone = sqlx::query("DELETE FROM public.users WHERE id = $1").bind(who);
        gone.execute(&self.world.owner).await.unwrap();
        self.model.changed(who);
        self.model.company.people.remove(&UserId(who));
        self.pending.remove(&who);
        self.devices.remove(&who);
        self.count += 1;
        let (name, role) = (format!("new{}", self.count), *ROLES.choose(&mut self.random).unwrap());
        let id = self.world.person(&name, role, None, None).await;
        let person = Person { role: role.into(), active: true, manager: None, territory: None };
        self.model.company.people.insert(UserId(id), person);
        self.devices.insert(id, self.world.device(&format!("{id}.db"), id));
    }

    /// The database begins another life: no cursor means anything any more.
    pub(super) async fn begin_another_life(&self) {
        let another = "UPDATE sync.clock SET epoch = gen_random_uuid()";
        self.world.owner.execute(another).await.unwrap();
    }

    /// A device's cursor is damaged, or is of a time that has not come.
    pub(super) fn damage_cursor(&mut self, who: Uuid) {
        let file = self.world.files.path().join(format!("{who}.db"));
        let db = rusqlite::Connection::open(file).unwrap();
        let known: Option<Vec<u8>> =
            db.query_row("SELECT value FROM meta WHERE key = 'cursor'", [], |row| row.get(0)).ok();
        let Some(mut cursor) = known else { return };
        match self.random.random_range(0..3) {
            0 => cursor.truncate(self.random.random_range(0..cursor.len())),
            1 => cursor[0] ^= 0x55,
            // The position's first byte but one: far ahead of the clock.
            _ => cursor[17] = 0x7f,
        }
        db.execute("UPDATE meta SET value = ?1 WHERE key = 'cursor'", [cursor]).unwrap();
    }
}
