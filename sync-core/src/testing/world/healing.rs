//! Putting everything right, and waiting until nothing happens any more.

use super::World;
use crate::testing::connection::{Connection, End};
use crate::testing::device::{DeviceId, Disk, LineQuality};
use crate::testing::happening::Happening;

/// How long a world that was put right may take to come to rest.
const REST_WITHIN_MS: u64 = 10 * 60 * 1000;
/// How often it is looked whether it has.
const LOOK_EVERY_MS: u64 = 1000;

impl World {
    /// Ends all faults, has everybody connect, and waits until everything was said.
    ///
    /// # Errors
    /// Who does not come to rest.
    pub fn heal(&mut self) -> Result<(), String> {
        self.note(|| "everything is put right".into());
        self.server.trap.disarm();
        self.server.failing_commit = None;
        self.server_skew_ms = 0;
        self.server.settle_late();
        for device in self.devices() {
            let one = self.device_at(device);
            one.trap.disarm();
            one.partitioned_until = 0;
            one.line = LineQuality::default();
            if one.disk == Disk::Full {
                self.clear_disk(device);
            }
            let one = self.device_at(device);
            one.online = true;
            if one.running.is_none() {
                self.ahead.put(self.now + 1, Happening::Restart { device });
            } else {
                self.go_online(device);
            }
        }
        self.connections.iter_mut().for_each(|one| one.bytes_per_s = None);
        let until = self.now + REST_WITHIN_MS;
        while self.now < until {
            self.run_for(LOOK_EVERY_MS);
            if self.restless().is_none() {
                // What is still on its way may be news to somebody.
                self.run_for(LOOK_EVERY_MS);
                if self.restless().is_none() {
                    return Ok(());
                }
            }
        }
        Err(self.restless().unwrap_or_else(|| "somebody never rests".into()))
    }

    /// Who has not come to rest, and why.
    fn restless(&mut self) -> Option<String> {
        if !self.jobs.is_empty() || self.down_until.is_some() {
            return Some("the server has work".into());
        }
        if self.ahead.ahead().any(Happening::is_news) {
            return Some("something is on its way".into());
        }
        let devices: Vec<DeviceId> = self.devices().collect();
        devices.into_iter().find_map(|device| self.restless_device(device))
    }

    fn restless_device(&mut self, device: DeviceId) -> Option<String> {
        let name = device.0;
        let deaf = |one: &Connection| {
            one.silent && one.near == End::Open && one.device.is_some_and(|(id, ..)| id == device)
        };
        if self.connections.iter().any(deaf) {
            return Some(format!("device {name} has not noticed that nobody hears it"));
        }
        let active = self.store().is_active(self.devices[name].user);
        let Some(running) = &mut self.devices[name].running else {
            return Some(format!("device {name} does not run"));
        };
        let rebuilding = running.replica.rebuilding().ok().flatten();
        if rebuilding.is_some() {
            return Some(format!("device {name} is still filling its tables"));
        }
        let status = running.status.clone();
        if !active {
            // Told that its user is disabled, it does not try again.
            let ended = status.is_some_and(|one| one.fault.is_some() && one.retry_at.is_none());
            return (!ended).then(|| format!("device {name} of a disabled user goes on"));
        }
        let (unsent, incomplete) = match running.replica.status() {
            Ok(status) => (status.unsent, status.incomplete),
            Err(error) => return Some(format!("device {name}: {error}")),
        };
        if unsent > 0 {
            return Some(format!("device {name} is stuck with {unsent} unsent: {status:?}"));
        }
        if let Some(incomplete) = incomplete {
            return Some(format!("device {name}: {incomplete}: {status:?}"));
        }
        (!self.is_live(device)).then(|| format!("device {name} is not live: {status:?}"))
    }
}
