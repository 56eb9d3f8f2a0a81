//! What a replica needs of the world, as arguments.

use crate::time::UnixMs;

/// What a replica needs of the world, as arguments.
pub trait Env {
    /// The wall clock.
    fn now(&mut self) -> UnixMs;
    /// Random bytes.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// Random bytes, as many as an id takes.
pub(super) fn draw<const N: usize>(env: &mut dyn Env) -> [u8; N] {
    let mut bytes = [0; N];
    env.fill(&mut bytes);
    bytes
}
