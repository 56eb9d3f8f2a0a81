//! What goes wrong: lines, power, disks and clocks.

use super::World;
use crate::testing::connection::{Connection, ConnectionId, End, Way};
use crate::testing::device::{DeviceId, Disk};
use crate::testing::fault::FaultPoint;
use crate::testing::happening::Happening;

impl World {
    fn connection_of(&self, device: DeviceId) -> Option<ConnectionId> {
        let of_device = |one: &Connection| one.device.is_some_and(|(id, ..)| id == device);
        self.connections.iter().rposition(of_device).map(ConnectionId)
    }

    /// A device's connection breaks, with whatever is on its way; both ends hear of it.
    pub fn cut(&mut self, device: DeviceId) {
        let Some(id) = self.connection_of(device) else { return };
        if self.connections[id.0].near == End::Closed || self.connections[id.0].silent {
            return;
        }
        self.count("connection cut");
        let up = self.now + self.random.between(0, 60);
        let down = self.now + self.random.between(0, 60);
        self.ahead.put(up, Happening::ClosedAtServer { connection: id });
        self.ahead.put(down, Happening::ClosedAtDevice { connection: id });
    }

    /// Nothing gets through a device's connection any more, and neither end is told.
    pub fn silence(&mut self, device: DeviceId) {
        let Some(id) = self.connection_of(device) else { return };
        if self.connections[id.0].near == End::Open {
            self.count("connection silenced");
            self.connection_at(id).silent = true;
        }
    }

    /// A device's line carries so many bytes in a second each way, its present connection included; any
    /// number at once if that is 0.
    pub fn slow_line(&mut self, device: DeviceId, bytes_per_s: u64) {
        self.count("line slowed");
        let rate = Some(bytes_per_s).filter(|rate| *rate > 0);
        self.device_at(device).line.bytes_per_s = rate;
        if let Some(id) = self.connection_of(device) {
            self.connection_at(id).bytes_per_s = rate;
        }
    }

    /// A device's connections break after so many milliseconds on average, with whatever is on its way; 0
    /// ends that.
    pub fn cut_every(&mut self, device: DeviceId, ms: u64) {
        self.count("line goes bad");
        self.device_at(device).line.cut_every_ms = Some(ms).filter(|ms| *ms > 0);
        if let Some(id) = self.connection_of(device) {
            self.break_later(id);
        }
    }

    /// Has a connection break some time, if its line is a bad one.
    pub(super) fn break_later(&mut self, id: ConnectionId) {
        let Some((device, ..)) = self.connections[id.0].device else { return };
        if let Some(ms) = self.devices[device.0].line.cut_every_ms {
            self.after(1, 2 * ms, Happening::Break { connection: id });
        }
    }

    pub(super) fn break_on_a_bad_line(&mut self, id: ConnectionId) {
        let Some((device, ..)) = self.connections[id.0].device else { return };
        let bad = self.devices[device.0].line.cut_every_ms.is_some();
        if bad && self.connection_of(device) == Some(id) {
            self.cut(device);
        }
    }

    /// How many connections a device has made.
    pub fn connections_of(&self, device: DeviceId) -> usize {
        let of_device = |one: &&Connection| one.device.is_some_and(|(id, ..)| id == device);
        self.connections.iter().filter(of_device).count()
    }

    /// A device can make no connection for a while, and the one it has falls silent.
    pub fn partition(&mut self, device: DeviceId, ms: u64) {
        self.count("partition");
        let until = self.now + ms;
        self.device_at(device).partitioned_until = until;
        self.silence(device);
    }

    /// Everything that a device said on its last connection comes to the server once more, on another
    /// connection, as if a proxy had kept it.
    pub fn repeat(&mut self, device: DeviceId) {
        let Some(id) = self.connection_of(device).filter(|_| self.down_until.is_none()) else {
            return;
        };
        self.count("connection repeated");
        let said = self.connections[id.0].said.clone();
        let ghost = self.open_session(None);
        for frame in said {
            let at = self.connections[ghost.0].arrival(self.now, Way::Up, frame.len());
            self.ahead.put(at, Happening::ToServer { connection: ghost, frame });
        }
        let at = self.now + self.random.between(3000, 9000);
        self.ahead.put(at, Happening::ClosedAtServer { connection: ghost });
    }

    /// A side dies when it comes to a point for the so manieth time from now on.
    pub fn kill_at(&mut self, device: DeviceId, point: FaultPoint, nth: u64) {
        let trap =
            if point.is_of_device() { &self.devices[device.0].trap } else { &self.server.trap };
        trap.arm(point, nth);
    }

    /// A device's process ends where it stands, and starts again later.
    pub fn crash(&mut self, device: DeviceId) {
        self.die(device);
    }

    /// The server's process ends where it stands, and starts again later.
    pub fn crash_server(&mut self) {
        self.server_dies();
    }

    /// A device starts anew with a disk that is all but full.
    pub fn fill_disk(&mut self, device: DeviceId) {
        self.count("disk filled");
        self.device_at(device).disk = Disk::Full;
        self.die(device);
    }

    /// A device starts anew with room on its disk.
    pub fn clear_disk(&mut self, device: DeviceId) {
        if self.devices[device.0].disk == Disk::Full {
            self.device_at(device).disk = Disk::Roomy;
            self.die(device);
        }
    }

    /// The so manieth commit to a device's file fails.
    pub fn fail_write(&mut self, device: DeviceId, nth: u64) {
        self.device_at(device).trap.fail_commit(nth);
    }

    /// The so manieth commit of the server's store fails.
    pub fn fail_store(&mut self, nth: u64) {
        self.server.failing_commit = Some(nth);
    }

    /// The server's clock is off by so much from now on.
    pub fn set_server_clock(&mut self, skew_ms: i64) {
        self.count("server clock set");
        self.server_skew_ms = skew_ms;
    }

    /// A device's clock is off by so much from now on.
    pub fn set_clock(&mut self, device: DeviceId, skew_ms: i64) {
        self.count("clock set");
        self.device_at(device).skew_ms = skew_ms;
    }
}
