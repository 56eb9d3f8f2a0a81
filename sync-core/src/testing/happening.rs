//! What happens in a world.

use super::connection::ConnectionId;
use super::device::DeviceId;
use crate::hub::Unavailable;
use crate::protocol::{Opinion, Verdict};
use crate::replica::{Dial, SteadyMs};

/// What happens in a world.
#[derive(Debug)]
pub(super) enum Happening {
    /// A device's timer ran out.
    DeviceTick { device: DeviceId, life: u64, at: SteadyMs },
    /// The token that a device asked for.
    Token { device: DeviceId, life: u64 },
    /// A connection is made, if it can be.
    Connect { device: DeviceId, life: u64, dial: Dial },
    /// A device hears that another process wrote to its file.
    ForeignWrite { device: DeviceId, life: u64 },
    /// A device fills its tables further.
    Rebuild { device: DeviceId, life: u64 },
    /// A device starts again.
    Restart { device: DeviceId },
    /// A frame arrives at the server.
    ToServer { connection: ConnectionId, frame: Vec<u8> },
    /// A frame arrives at the device.
    ToDevice { connection: ConnectionId, frame: Vec<u8> },
    /// A part of a frame arrives at the server.
    PartToServer { connection: ConnectionId },
    /// A part of a frame arrives at the device.
    PartToDevice { connection: ConnectionId, bytes: u64 },
    /// A connection on a bad line breaks.
    Break { connection: ConnectionId },
    /// A ping arrives at the device, which answers below frames.
    Pinged { connection: ConnectionId },
    /// The answer to a ping arrives at the server.
    Ponged { connection: ConnectionId },
    /// The server hears that a connection ended.
    ClosedAtServer { connection: ConnectionId },
    /// The device hears that a connection ended.
    ClosedAtDevice { connection: ConnectionId },
    /// A session's timer ran out.
    SessionTick { connection: ConnectionId, at: u64 },
    /// A session hears that the store has news.
    Woken { connection: ConnectionId },
    /// A session's heartbeat.
    Beat { connection: ConnectionId },
    /// What was pushed is committed.
    Commit,
    /// What was said to be committed is: a bug made on purpose.
    LateCommit,
    /// A session hears what became of a push.
    Judged { connection: ConnectionId, push: u64, verdicts: Result<Vec<Verdict>, Unavailable> },
    /// A session hears what would become of a question.
    Answered { connection: ConnectionId, ask: u64, opinions: Vec<Opinion> },
    /// The server starts again.
    ServerUp,
}

impl Happening {
    /// Whether somebody may have something to do because of it, other than to look at a clock.
    pub(super) fn is_news(&self) -> bool {
        match self {
            Self::DeviceTick { .. }
            | Self::SessionTick { .. }
            | Self::Beat { .. }
            | Self::PartToServer { .. }
            | Self::PartToDevice { .. }
            | Self::Break { .. }
            | Self::Pinged { .. }
            | Self::Ponged { .. } => false,
            Self::Token { .. }
            | Self::Connect { .. }
            | Self::ForeignWrite { .. }
            | Self::Rebuild { .. }
            | Self::Restart { .. }
            | Self::ToServer { .. }
            | Self::ToDevice { .. }
            | Self::ClosedAtServer { .. }
            | Self::ClosedAtDevice { .. }
            | Self::Woken { .. }
            | Self::Commit
            | Self::LateCommit
            | Self::Judged { .. }
            | Self::Answered { .. }
            | Self::ServerUp => true,
        }
    }
}
