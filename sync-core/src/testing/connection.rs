//! One connection between a device and the server: ordered in each direction, and of any fate.

use super::device::DeviceId;
use crate::hub::Session;
use crate::ids::UserId;
use crate::random::Random;
use crate::replica::Dial;

/// Which connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct ConnectionId(pub(super) usize);

/// Whether an end knows of the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Open,
    Closed,
}

/// Which way something goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Up,
    Down,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Whose; none of a ghost, which repeats what was said on another one and hears nothing.
    pub(super) device: Option<(DeviceId, u64, Dial)>,
    pub(super) session: Session,
    /// When it began.
    pub(super) began: u64,
    /// Who signed in.
    pub(super) user: Option<UserId>,
    pub(super) near: End,
    pub(super) far: End,
    /// Nothing gets through, and nobody is told.
    pub(super) silent: bool,
    /// What the device sent, to be repeated by a ghost.
    pub(super) said: Vec<Vec<u8>>,
    /// When the session is to be told that time passed.
    pub(super) tick_at: Option<u64>,
    /// How many bytes it carries in a second; none when it carries any number at once.
    pub(super) bytes_per_s: Option<u64>,
    /// Until when it is busy with what was sent.
    busy: [u64; 2],
    /// When what was sent last arrives.
    last: [u64; 2],
    random: Random,
}

impl Connection {
    pub(super) fn new(
        device: Option<(DeviceId, u64, Dial)>,
        session: Session,
        began: u64,
        random: Random,
    ) -> Self {
        Self {
            device,
            session,
            began,
            user: None,
            near: if device.is_some() { End::Open } else { End::Closed },
            far: End::Open,
            silent: false,
            said: Vec::new(),
            tick_at: None,
            bytes_per_s: None,
            busy: [began; 2],
            last: [began; 2],
            random,
        }
    }

    /// When so many bytes that are sent now have arrived: after what was sent before them.
    pub(super) fn arrival(&mut self, now: u64, way: Way, bytes: usize) -> u64 {
        let begins = self.begins(now, way);
        let takes = self.bytes_per_s.map_or(0, |rate| bytes as u64 * 1000 / rate);
        self.busy[way as usize] = begins + takes;
        let now = begins + takes;
        let slow = if self.random.percent(5) { 2000 } else { 80 };
        let at = now + self.random.between(1, slow);
        let last = &mut self.last[way as usize];
        *last = at.max(*last);
        *last
    }

    /// When something that is sent now begins to arrive.
    pub(super) fn begins(&self, now: u64, way: Way) -> u64 {
        now.max(self.busy[way as usize])
    }
}
