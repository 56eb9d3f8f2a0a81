//! The server's database, kept and put back: what it accepted in between is only on devices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::World;
use crate::schema::Schema;
use crate::testing::check::held_in;
use crate::testing::device::DeviceId;
use crate::testing::journal::Owed;

impl World {
    /// The server starts again with a database that begins another life: what devices know of where its
    /// feed stood means nothing to it.
    pub fn begin_another_life(&mut self) {
        self.server.store.begin_another_life();
        self.crash_server();
    }

    /// Keeps a copy of the server's database.
    pub fn back_up_server(&mut self) {
        self.count("database kept");
        self.server.store.keep();
    }

    /// Puts the last copy of the server's database in its place, under connected devices or while the
    /// server is down. What it had accepted since is to come back from those who hold it.
    pub fn restore_server(&mut self) {
        let before = self.accepted_marks();
        if !self.server.store.restore() {
            return;
        }
        self.count("database restored");
        self.note(|| "the database is restored".into());
        self.server.settle_late();
        let after = self.accepted_marks();
        let lost: BTreeSet<&String> = before.difference(&after).collect();
        let held: BTreeMap<PathBuf, BTreeSet<String>> = self
            .files_of_the_active()
            .into_iter()
            .map(|(path, schema)| (path.clone(), held_in(&path, &schema).unwrap_or_default()))
            .collect();
        for entry in self.journal.iter_mut().filter(|entry| lost.contains(&entry.mark)) {
            let holds = |(_, marks): &(&PathBuf, &BTreeSet<String>)| marks.contains(&entry.mark);
            let holders: BTreeSet<PathBuf> =
                held.iter().filter(holds).map(|(path, _)| path.clone()).collect();
            if entry.owed == Owed::Yes {
                entry.owed = Owed::ByItself;
            }
            if holders.is_empty() {
                entry.owed = Owed::No;
            }
            entry.holders = Some(holders);
        }
        self.unaware.extend(held.into_keys());
        self.end_sessions_of_the_inactive();
        if self.random.percent(50) {
            self.crash_server();
        } else {
            self.wake_all();
        }
    }

    /// A device connects. If it is for the first time since the database was put back, what was on its
    /// way to it from before has arrived: it may have had to erase what it held until then.
    pub(super) fn note_what_is_held(&mut self, device: DeviceId) {
        let (path, schema) = {
            let one = &self.devices[device.0];
            (one.path.clone(), one.schema.clone())
        };
        if self.unaware.remove(&path) {
            let held = held_in(&path, &schema).unwrap_or_default();
            let gone = self.journal.iter_mut().filter(|entry| !held.contains(&entry.mark));
            gone.for_each(|entry| entry.not_in(&path));
        }
    }

    /// Whoever may not sign in any more brings nothing back.
    pub(super) fn forget_what_the_inactive_hold(&mut self) {
        let active: BTreeSet<PathBuf> =
            self.files_of_the_active().into_iter().map(|(path, _)| path).collect();
        let all: BTreeSet<PathBuf> = self.devices.iter().map(|one| one.path.clone()).collect();
        for path in all.difference(&active) {
            self.journal.iter_mut().for_each(|entry| entry.not_in(path));
        }
    }

    fn files_of_the_active(&self) -> Vec<(PathBuf, Arc<Schema>)> {
        let active = self.devices.iter().filter(|one| self.store().is_active(one.user));
        active.map(|one| (one.path.clone(), one.schema.clone())).collect()
    }
}
