//! What must hold once everything was put right and everything was said.

mod device_file;
mod marks;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub(super) use device_file::held_in;

use super::journal::Owed;
use super::world::World;
use crate::ids::{GroupId, UserId};

impl World {
    /// Everything that does not hold: devices and server agree, no edit that an app was told of is
    /// lost, nobody holds what the rules deny, groups are whole, and rows are what their documents say.
    ///
    /// To be asked after [`World::heal`].
    pub fn check(&mut self) -> Vec<String> {
        let mut wrong = std::mem::take(&mut self.wrong);
        server::check(self.store(), &mut wrong);
        let accepted = self.accepted_marks();
        let authors: BTreeMap<String, UserId> =
            self.journal.iter().map(|entry| (entry.mark.clone(), entry.user)).collect();
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for (path, device) in self.files() {
            let file = device_file::DeviceFile {
                name: format!("device {device}"),
                user: self.devices[device].user,
                schema: self.devices[device].schema.clone(),
                path,
            };
            match file.check(self.store(), &authors, &mut wrong) {
                Ok(marks) => kept.extend(marks),
                Err(error) => wrong.push(format!("{} cannot be read: {error}", file.name)),
            }
        }
        self.check_journal(&accepted, &kept, &mut wrong);
        wrong
    }

    /// Each file with the first device that works on it.
    fn files(&self) -> BTreeMap<PathBuf, usize> {
        let mut files = BTreeMap::new();
        for (n, device) in self.devices.iter().enumerate() {
            files.entry(device.path.clone()).or_insert(n);
        }
        files
    }

    /// The marks of all changes that the server has.
    pub(super) fn accepted_marks(&self) -> BTreeSet<String> {
        let changes = self.store().contents().changes();
        changes.flat_map(|accepted| marks::found_in(&accepted.change.bytes)).collect()
    }

    /// Every edit is in the record or kept with a reason, and the server has all of a group or none.
    fn check_journal(
        &self,
        accepted: &BTreeSet<String>,
        kept: &BTreeSet<String>,
        wrong: &mut Vec<String>,
    ) {
        let mut groups: BTreeMap<GroupId, Vec<bool>> = BTreeMap::new();
        for entry in self.journal.iter().filter(|entry| entry.owed != Owed::No) {
            let there = accepted.contains(&entry.mark);
            if entry.owed == Owed::Yes {
                groups.entry(entry.group).or_default().push(there);
            }
            if !there && !kept.contains(&entry.mark) {
                let (record, mark) = (entry.record, &entry.mark);
                wrong.push(format!("lost: the edit {mark} of {record} by {}", entry.user));
            }
        }
        for (group, there) in groups {
            if there.contains(&true) && there.contains(&false) {
                wrong.push(format!("torn: the group {group} is stored in part"));
            }
        }
    }
}
