//! Bytes of one connection, counted below HTTP and the WebSocket: there a long frame on a slow line
//! shows, and whoever sends too much before anybody knows who it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sync_core::limits;
use tokio::time::Instant;

/// Nothing more is held against the connection.
const OPENED: u64 = u64::MAX;
/// Nor is anything of a connection that is over, though nobody has signed in.
const ENDED: u64 = u64::MAX - 1;

/// More came down a connection than may before somebody signs in.
#[derive(Debug, thiserror::Error)]
#[error("more than {most} bytes before somebody signed in", most = limits::EARLY_BYTES)]
pub struct TooEarly;

/// What one connection has moved so far.
#[derive(Debug)]
pub struct Traffic {
    began: Instant,
    received: AtomicU64,
    /// When a byte came last, in milliseconds since it began.
    heard_ms: AtomicU64,
    sent: AtomicU64,
    /// What may have come when nobody has signed in.
    allowed: AtomicU64,
}

impl Default for Traffic {
    fn default() -> Self {
        let allowed = AtomicU64::new(limits::EARLY_BYTES as u64);
        Self {
            began: Instant::now(),
            received: AtomicU64::new(0),
            heard_ms: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            allowed,
        }
    }
}

impl Traffic {
    /// Bytes that came.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// When a byte came last, or the connection itself.
    pub fn heard(&self) -> Instant {
        self.began + Duration::from_millis(self.heard_ms.load(Ordering::Relaxed))
    }

    /// Bytes that the system took to send.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// A request came: one after the other may, on the same connection, for as long as it likes.
    pub(crate) fn asked(&self) {
        if !self.is_opened() {
            let allowed = self.received() + limits::EARLY_BYTES as u64;
            self.allowed.store(allowed, Ordering::Relaxed);
        }
    }

    /// From here on it is for the WebSocket alone to say how long a frame may be.
    pub(crate) fn open(&self) {
        self.allowed.store(OPENED, Ordering::Relaxed);
    }

    /// What comes from here on is dropped.
    pub(crate) fn end(&self) {
        if !self.is_opened() {
            self.allowed.store(ENDED, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_opened(&self) -> bool {
        self.allowed.load(Ordering::Relaxed) == OPENED
    }

    /// Bytes came; whether they are the first.
    pub(crate) fn came(&self, bytes: usize) -> bool {
        let before = self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        if bytes > 0 {
            let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.heard_ms.store(ms, Ordering::Relaxed);
        }
        bytes > 0 && before == 0
    }

    pub(crate) fn went(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn is_too_much(&self) -> bool {
        self.received() >= self.allowed.load(Ordering::Relaxed)
    }
}
