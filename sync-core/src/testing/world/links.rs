//! Devices as processes: calls into them, their deaths, and what their links ask for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::World;
use crate::replica::{Dial, Foreign, LinkEffect, LinkEvent, Notice, OpenError, SteadyMs, Wanted};
use crate::testing::connection::{Connection, ConnectionId, End, Way};
use crate::testing::device::{DeviceEnv, DeviceId, Running};
use crate::testing::fault::Killed;
use crate::testing::happening::Happening;

/// Records that a device fills in at once after an update.
const FILL_AT_ONCE: u32 = 3;

impl World {
    /// The process of a device, if it is still in this life.
    pub(super) fn running(&mut self, device: DeviceId, life: u64) -> Option<&mut Running> {
        self.devices[device.0].running.as_mut().filter(|running| running.life == life)
    }

    pub(super) fn life(&self, device: DeviceId) -> u64 {
        self.devices[device.0].running.as_ref().map_or(0, |running| running.life)
    }

    /// Calls into a device; none when it does not run, or dies over it.
    pub(super) fn call<T>(
        &mut self,
        device: DeviceId,
        job: impl FnOnce(&mut Running, &mut DeviceEnv, SteadyMs) -> T,
    ) -> Option<T> {
        let (now, wall) = (SteadyMs(self.now), self.wall());
        let one = &mut self.devices[device.0];
        one.env.now.0 = wall.0 + one.skew_ms;
        let running = one.running.as_mut()?;
        let env = &mut one.env;
        match catch_unwind(AssertUnwindSafe(|| job(running, env, now))) {
            Ok(done) => Some(done),
            Err(payload) => {
                if !payload.is::<Killed>() {
                    let what = payload.downcast_ref::<String>().cloned();
                    let what = what.or_else(|| Some((*payload.downcast_ref::<&str>()?).to_owned()));
                    let what = what.unwrap_or_default();
                    self.wrong.push(format!("device {} panicked: {what}", device.0));
                }
                self.die(device);
                None
            }
        }
    }

    /// The process of a device ends where it stands, and starts again later.
    pub(super) fn die(&mut self, device: DeviceId) {
        if self.devices[device.0].running.take().is_none() {
            return;
        }
        self.count("device died");
        self.note(|| format!("device {} dies", device.0));
        let silently = self.random.percent(30);
        self.let_go(device, silently);
        self.after(50, 5000, Happening::Restart { device });
    }

    /// Ends the connection that a device has, if any; silently, when the server is not told.
    pub(super) fn let_go(&mut self, device: DeviceId, silently: bool) {
        let of_device = |(_, one): &(usize, &Connection)| {
            one.near == End::Open && one.device.is_some_and(|(id, ..)| id == device)
        };
        let open: Vec<usize> =
            self.connections.iter().enumerate().filter(of_device).map(|(n, _)| n).collect();
        for n in open {
            let connection = ConnectionId(n);
            self.connections[n].near = End::Closed;
            if silently {
                self.connections[n].silent = true;
            } else {
                let at = self.connections[n].arrival(self.now, Way::Up, 0);
                self.ahead.put(at, Happening::ClosedAtServer { connection });
            }
        }
    }

    /// Starts a device's process, if it does not run.
    pub(super) fn start(&mut self, device: DeviceId) {
        let wall = self.wall();
        let one = self.device_at(device);
        if one.running.is_some() {
            return;
        }
        one.env.now.0 = wall.0 + one.skew_ms;
        let opened = match catch_unwind(AssertUnwindSafe(|| one.open())) {
            Ok(opened) => opened,
            Err(_) => {
                self.wrong.push(format!("device {} panicked while it was opened", device.0));
                return;
            }
        };
        match opened {
            Ok(()) => {}
            Err(OpenError::Sqlite(error)) => {
                self.note(|| format!("device {} does not open: {error}", device.0));
                self.count("file could not be opened");
                return self.after(1000, 5000, Happening::Restart { device });
            }
            Err(error) => {
                self.wrong.push(format!("device {} does not open: {error}", device.0));
                return;
            }
        }
        self.note(|| format!("device {} starts", device.0));
        let life = self.life(device);
        self.ahead.put(self.now, Happening::Rebuild { device, life });
        if self.device_at(device).online {
            self.tell(device, LinkEvent::Wanted(Wanted::Always));
        }
    }

    /// Fills a device's tables further, if they are being filled.
    pub(super) fn rebuild(&mut self, device: DeviceId) {
        let filled = self.call(device, |running, _, _| running.replica.rebuild_some(FILL_AT_ONCE));
        let life = self.life(device);
        match filled {
            Some(Ok(None)) | None => {}
            Some(Ok(Some(_))) => self.after(5, 50, Happening::Rebuild { device, life }),
            Some(Err(_)) => self.after(500, 2000, Happening::Rebuild { device, life }),
        }
    }

    /// Has a device look whether another process wrote to its file.
    pub(super) fn look(&mut self, device: DeviceId) {
        let looked = self.call(device, |one, _, _| one.replica.look_for_foreign_writes());
        match looked {
            Some(Ok(Foreign::Wrote)) => self.tell(device, LinkEvent::ForeignWrite),
            Some(Ok(Foreign::Quiet)) | None => {}
            // As an app does that finds its file in another version's hands.
            Some(Err(_)) => self.die(device),
        }
    }

    /// Tells a device's link what happened.
    pub(super) fn tell(&mut self, device: DeviceId, event: LinkEvent) {
        let handled = self.call(device, |running, env, now| {
            running.link.handle(event, now, &mut running.replica, env)
        });
        if let Some(effects) = handled {
            self.carry_out(device, effects);
            self.wake_beside(device);
        }
    }

    /// Other processes on the file look at it from time to time.
    pub(super) fn wake_beside(&mut self, device: DeviceId) {
        let path = &self.devices[device.0].path;
        let beside = |(n, other): (usize, &crate::testing::device::Device)| {
            let running = other.running.as_ref()?;
            (n != device.0 && other.path == *path).then_some((DeviceId(n), running.life))
        };
        let beside: Vec<_> = self.devices.iter().enumerate().filter_map(beside).collect();
        for (device, life) in beside {
            self.after(1, 250, Happening::ForeignWrite { device, life });
        }
    }

    pub(super) fn carry_out(&mut self, device: DeviceId, effects: Vec<LinkEffect>) {
        for effect in effects {
            let life = self.life(device);
            match effect {
                LinkEffect::FetchToken => self.after(1, 50, Happening::Token { device, life }),
                LinkEffect::Connect(dial) => {
                    self.let_go(device, false);
                    self.after(1, 100, Happening::Connect { device, life, dial });
                }
                LinkEffect::Send { dial, bytes } => self.send_up(device, dial, bytes),
                LinkEffect::Close(_) => self.let_go(device, false),
                LinkEffect::WakeAt(at) => {
                    if let Some(running) = self.running(device, life) {
                        running.wake = Some(at);
                    }
                    let due = at.0.max(self.now);
                    self.ahead.put(due, Happening::DeviceTick { device, life, at });
                }
                LinkEffect::RowsChanged(_) => {}
                LinkEffect::Status(status) => {
                    self.note(|| format!("device {} is {:?}", device.0, status.state));
                    if let Some(running) = self.running(device, life) {
                        running.status = Some(status);
                    }
                }
                LinkEffect::Notice(notice) => self.noticed(device, &notice),
                LinkEffect::Ended { outcome, .. } => {
                    self.note(|| format!("device {} ends: {outcome:?}", device.0));
                }
            }
        }
    }

    fn noticed(&mut self, device: DeviceId, notice: &Notice) {
        match notice {
            Notice::Refused(refused) => {
                for (_, refusal) in refused {
                    self.note(|| format!("device {} is refused: {}", device.0, refusal.code));
                }
                self.count("refusal");
            }
            Notice::Redated(redated) => {
                for one in redated {
                    self.note(|| format!("device {}: {one}", device.0));
                }
            }
            Notice::Evicted(_) => self.count("eviction"),
            Notice::Granted(_) => self.count("grant"),
            Notice::Answered { .. } => self.count("question answered"),
            Notice::Retrying { fault, .. } => {
                self.note(|| format!("device {} tries again: {fault}", device.0));
            }
            Notice::Connected
            | Notice::Remaining(_)
            | Notice::Pushed
            | Notice::WaitsForToken(_) => {}
        }
    }

    fn send_up(&mut self, device: DeviceId, dial: Dial, frame: Vec<u8>) {
        let of_dial = |one: &Connection| {
            one.near == End::Open
                && one.device.is_some_and(|(id, _, known)| id == device && known == dial)
        };
        let Some(n) = self.connections.iter().rposition(of_dial) else { return };
        let connection = ConnectionId(n);
        let begins = self.connections[n].begins(self.now, Way::Up);
        let at = self.connections[n].arrival(self.now, Way::Up, frame.len());
        if self.connections[n].bytes_per_s.is_some() {
            for part in super::sessions::parts(begins, at) {
                self.ahead.put(part, Happening::PartToServer { connection });
            }
        }
        self.connections[n].said.push(frame.clone());
        self.ahead.put(at, Happening::ToServer { connection, frame });
    }

    /// The device at a connection's near end, if anything comes through to it.
    pub(super) fn near_end(&mut self, id: ConnectionId) -> Option<(DeviceId, Dial)> {
        let connection = &self.connections[id.0];
        let (device, life, dial) = connection.device?;
        let through = connection.near == End::Open && !connection.silent;
        (through && self.running(device, life).is_some()).then_some((device, dial))
    }
}
