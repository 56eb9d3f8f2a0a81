//! The browser's door to `sync-core`: a replica in a worker, on the browser's own file system or in memory.
//!
//! The worker's script (`npm/src/worker`) holds the socket, the timers and the lock; everything that is
//! decided is decided here, by the same replica and link as in every other host. What crosses the border
//! is JSON text, and frames as bytes.

mod calls;
mod env;
mod failure;
mod files;
mod host;
mod panic;
mod rescue;

pub use host::Host;
