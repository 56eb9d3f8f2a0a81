//! What becomes of files: older copies, copies that live on, second processes, newer apps.

use std::path::PathBuf;
use std::sync::Arc;

use super::World;
use crate::schema::Schema;
use crate::testing::device::DeviceId;
use crate::testing::files::copy;
use crate::testing::happening::Happening;
use crate::testing::journal::Owed;

impl World {
    fn on_file(&self, path: &PathBuf) -> Vec<DeviceId> {
        let on = self.devices.iter().enumerate().filter(|(_, one)| one.path == *path);
        on.map(|(n, _)| DeviceId(n)).collect()
    }

    /// Keeps a copy of a device's file.
    pub fn back_up(&mut self, device: DeviceId) {
        let path = self.devices[device.0].path.clone();
        let kept = self.directory.file();
        if copy(&path, &kept).is_ok() {
            self.count("file kept");
            self.backups.insert(path, (kept, self.journal.len()));
        }
    }

    /// Puts the last copy of a device's file in its place: what was not sent since is lost with it.
    pub fn restore(&mut self, device: DeviceId) {
        let path = self.devices[device.0].path.clone();
        let Some((kept, known)) = self.backups.get(&path).cloned() else { return };
        for one in self.on_file(&path) {
            self.die(one);
        }
        if copy(&kept, &path).is_err() {
            return;
        }
        self.count("file restored");
        let accepted = self.accepted_marks();
        for (n, entry) in self.journal.iter_mut().enumerate() {
            if accepted.contains(&entry.mark) {
                continue;
            }
            if n >= known && entry.path == path && entry.holders.is_none() {
                entry.owed = Owed::No;
            }
            entry.not_in(&path);
        }
    }

    /// Copies a device's file to a new device of the same person; both go on with it.
    pub fn copy_device(&mut self, device: DeviceId) -> Option<DeviceId> {
        let (path, one) = (self.directory.file(), &self.devices[device.0]);
        let (user, schema) = (one.user, one.schema.clone());
        copy(&one.path, &path).ok()?;
        self.count("file copied");
        let copy = self.add_device(user, schema, path);
        self.go_online(copy);
        Some(copy)
    }

    /// Starts another process on a device's file.
    pub fn second_process(&mut self, device: DeviceId) -> DeviceId {
        self.count("second process");
        let one = &self.devices[device.0];
        let (user, schema, path) = (one.user, one.schema.clone(), one.path.clone());
        let second = self.add_device(user, schema, path);
        self.go_online(second);
        second
    }

    /// Starts a device anew with an app of another schema, and every other process on its file too.
    pub fn update(&mut self, device: DeviceId, schema: Arc<Schema>) {
        self.count("app updated");
        let path = self.devices[device.0].path.clone();
        for one in self.on_file(&path) {
            self.die(one);
            self.device_at(one).schema = schema.clone();
            self.after(1, 100, Happening::Restart { device: one });
        }
    }
}
