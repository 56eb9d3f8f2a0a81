//! Signs of life of the other end: bytes that come from it, and bytes that it takes.
//!
//! That the system takes bytes to send proves nothing at first: its own buffer takes some for a line that
//! is dead. Only when it has taken no more for a while and then does, the other end has made room.

use sync_core::hub::SILENT_FOR;
use tokio::time::Instant;

/// When the other end last showed a sign of life.
#[derive(Debug)]
pub(super) struct Life(Instant);

/// Something that is being sent, and how much had gone out when it was last looked.
#[derive(Debug, Default)]
pub(super) struct Sending(Option<u64>);

impl Life {
    pub(super) fn begins(now: Instant) -> Self {
        Self(now)
    }

    /// A byte came then.
    pub(super) fn heard(&mut self, at: Instant) {
        self.0 = self.0.max(at);
    }

    /// It is looked how much went out of what is being sent.
    pub(super) fn look(&mut self, sending: &mut Sending, sent: u64, now: Instant) {
        if sending.0.replace(sent).is_some_and(|before| before != sent) {
            self.0 = now;
        }
    }

    pub(super) fn last(&self) -> Instant {
        self.0
    }

    /// When it counts as dead, unless there is another sign.
    pub(super) fn ends(&self) -> Instant {
        self.0 + SILENT_FOR
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seconds() -> impl Fn(u64) -> Instant {
        let began = Instant::now();
        move |seconds| began + Duration::from_secs(seconds)
    }

    /// The last byte came at 0. At 30 seconds something large is sent: the system's buffer takes some of
    /// it, and then nothing goes out any more.
    #[test]
    fn a_line_that_dies_before_something_large_is_sent_is_dead_within_forty_five_seconds() {
        let at = seconds();
        let mut life = Life::begins(at(0));
        let mut sending = Sending::default();
        for (second, sent) in [(32, 200_000), (34, 200_000), (36, 200_000), (38, 200_000)] {
            life.look(&mut sending, sent, at(second));
        }
        assert!(life.ends() <= at(45));
    }

    #[test]
    fn a_slow_line_that_takes_bytes_lives() {
        let at = seconds();
        let mut life = Life::begins(at(0));
        let mut sending = Sending::default();
        for second in 1..100 {
            life.look(&mut sending, 200_000 + second * 300, at(second * 2));
        }
        assert!(life.ends() > at(200));
        life.heard(at(10));
        assert!(life.ends() > at(200), "an earlier sign takes nothing back");
    }
}
