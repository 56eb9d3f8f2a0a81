//! Dating edits: by the server's clock, once its welcome told what that says. What waits by then under a
//! moment that no server takes is dated anew.
//!
//! **Invariant**: no edit is lost for its moment. It waits under the device's own clock until a server
//! was heard, and is refused for it once at most.

use super::again::Again;
use super::clock::{AHEAD, ClockAhead};
use super::device::Replica;
use super::env::Env;
use super::error::ReplicaError;
use super::store::Work;
use crate::error::Refusal;
use crate::ids::ChangeHash;
use crate::limits;
use crate::time::UnixMs;

impl Replica {
    /// The moment under which an edit is made.
    pub(super) fn dated(&self, env: &mut dyn Env) -> Result<UnixMs, ReplicaError> {
        self.file.stands()?;
        Ok(ClockAhead::of(self.file.stored())?.by_the_server(env.now()))
    }
}

/// What the server's time made of the edits that wait.
#[derive(Debug)]
pub(super) enum Dating {
    /// They stay as they are.
    Stands,
    /// Some were made anew; these could not be.
    Anew(Vec<(ChangeHash, Refusal)>),
}

/// Takes note of the server's clock, and dates anew what waits under a moment that the server would not
/// take.
pub(super) fn heard(
    work: &mut Work<'_>,
    own: UnixMs,
    server: UnixMs,
) -> Result<Dating, ReplicaError> {
    // A server that was never set knows no better.
    if server < limits::EARLIEST {
        return Ok(Dating::Stands);
    }
    let before = ClockAhead::of(work.stored())?;
    work.set_meta(AHEAD, &own.0.saturating_sub(server.0))?;
    let after = ClockAhead::of(work.stored())?;
    let latest = UnixMs(server.0.saturating_add(limits::FUTURE_CLAIM_MS));
    let misdated = work.stored().misdated(limits::EARLIEST, latest)?;
    if misdated.is_empty() {
        return Ok(Dating::Stands);
    }
    let mut again = Again::read_entangled(work, &misdated)?;
    if !again.is_complete() || !again.is_of_here() {
        // The server says what it takes of them.
        return Ok(Dating::Stands);
    }
    again.redate(before.0.saturating_sub(after.0), server);
    again.set_aside(work)?;
    let refused = again.make(work)?;
    Ok(Dating::Anew(work.stored().refused_edits(refused)?))
}
