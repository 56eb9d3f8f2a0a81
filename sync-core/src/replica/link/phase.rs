//! Where a link stands, with exactly what exists there.

use std::collections::BTreeMap;

use super::super::device::Replica;
use super::super::push::{Pushed, Rest};
use super::timing::{SteadyMs, Timing};
use crate::limits;
use crate::pace::{Pace, Parcel, Size};

/// More bytes than a keep-alive has: so many without a whole frame are progress too.
const PROGRESS_BYTES: u64 = 256;

/// What the app wants; both may be wanted at the same time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    pub(super) once: bool,
    pub(super) always: bool,
}

impl Wishes {
    pub(super) fn any(self) -> bool {
        self.once || self.always
    }
}

/// Whether a token was asked for and has not come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fetching {
    No,
    Since(SteadyMs),
}

#[derive(Debug)]
pub(super) enum Phase {
    /// There is nothing to do.
    Idle,
    /// After a failure that may pass.
    Resting { until: SteadyMs },
    /// A token is on its way; a connection comes next.
    Fetching,
    /// The server did not take this token; another one is asked for from time to time.
    WaitingForToken { refused: String, ask_at: SteadyMs },
    /// A connection is being made.
    Dialing { token: String, until: SteadyMs },
    /// A connection stands.
    Open(Box<Open>),
}

/// A connection that stands.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) token: String,
    /// When to ask for a newer token.
    pub(super) renew_at: Option<SteadyMs>,
    /// When the last byte came.
    pub(super) heard: SteadyMs,
    /// When the last frame was sent.
    pub(super) sent: SteadyMs,
    /// Since when the server owes an answer without any progress; none when it owes nothing.
    pub(super) owes_since: Option<SteadyMs>,
    /// What the way to the server bears.
    pub(super) outgoing: Pace,
    /// Pushes on that way, by number.
    pushes: BTreeMap<u64, Parcel>,
    /// Bytes since the last whole frame.
    pub(super) unframed: u64,
    pub(super) welcomed: bool,
    /// How far the server's clock is ahead of the device's, which may be off by days: tokens end by
    /// the server's.
    pub(super) clock_ahead_ms: i64,
    /// Whether the feed is taken in. It is not when the connection is there for questions only: a
    /// record should not go away under whoever asks about it.
    pub(super) feed: Feed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Feed {
    Taken,
    Dropped,
}

/// What an open connection calls for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Due {
    /// The other side is gone, or owes an answer for too long.
    pub(super) dead: bool,
    /// A newer token.
    pub(super) renewal: bool,
    /// A keep-alive.
    pub(super) ping: bool,
}

impl Open {
    pub(super) fn new(token: String, feed: Feed, now: SteadyMs) -> Self {
        Self {
            token,
            renew_at: None,
            heard: now,
            sent: now,
            owes_since: Some(now),
            outgoing: Pace::new(limits::PUSHED_BYTES),
            pushes: BTreeMap::new(),
            unframed: 0,
            welcomed: false,
            clock_ahead_ms: 0,
            feed,
        }
    }

    /// Bytes came that are no whole frame yet, or are counted before their frame is told.
    pub(super) fn hear(&mut self, bytes: u64, now: SteadyMs) {
        self.heard = now;
        self.unframed = self.unframed.saturating_add(bytes);
        if self.unframed >= PROGRESS_BYTES {
            self.unframed = 0;
            self.owes_since = self.owes_since.map(|_| now);
        }
    }

    /// A push is sent.
    pub(super) fn sends(&mut self, push: &Pushed, now: SteadyMs) {
        let size = match push.rest {
            Rest::Waits => Size::Full,
            Rest::Nothing => Size::Partial,
        };
        self.pushes.insert(push.push, self.outgoing.sent(push.bytes, size, now.0));
    }

    /// Verdicts may have come: of those pushes it is known that they arrived.
    pub(super) fn note_arrivals(&mut self, replica: &Replica, now: SteadyMs) {
        let arrived = self.pushes.extract_if(.., |push, _| !replica.is_in_flight(*push));
        for (_, parcel) in arrived {
            self.outgoing.came(parcel, now.0);
        }
    }

    /// Until when an answer must come, if one is owed.
    fn owed_by(&self, timing: &Timing) -> Option<SteadyMs> {
        let within_ms = timing.answer_within_ms.saturating_add(self.outgoing.allowance_ms());
        self.owes_since.map(|since| since.after(within_ms))
    }

    pub(super) fn due(&self, timing: &Timing, now: SteadyMs) -> Due {
        let silent = self.heard.after(timing.silent_for_ms) <= now;
        let owed = self.owed_by(timing).is_some_and(|until| until <= now);
        Due {
            dead: silent || owed,
            renewal: self.renew_at.is_some_and(|at| at <= now),
            ping: self.sent.after(timing.ping_after_ms) <= now,
        }
    }

    fn next_moment(&self, timing: &Timing, fetching: Fetching) -> Option<SteadyMs> {
        let dead = self.heard.after(timing.silent_for_ms);
        let owed = self.owed_by(timing);
        let ping = self.sent.after(timing.ping_after_ms);
        let renewal = self.renew_at.filter(|_| fetching == Fetching::No);
        [Some(dead), Some(ping), owed, renewal].into_iter().flatten().min()
    }
}

impl Phase {
    /// When something is due next.
    pub(super) fn next_moment(&self, timing: &Timing, fetching: Fetching) -> Option<SteadyMs> {
        match self {
            Self::Idle | Self::Fetching => None,
            Self::Resting { until } | Self::Dialing { until, .. } => Some(*until),
            Self::WaitingForToken { ask_at, .. } => (fetching == Fetching::No).then_some(*ask_at),
            Self::Open(open) => open.next_moment(timing, fetching),
        }
    }
}
