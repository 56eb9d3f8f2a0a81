//! Whether a session lives by the heartbeat: a feed that finds something only because time passed, and
//! for which no wake-up comes afterwards either, was forgotten by whoever should have woken it.

/// Why the feed is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Reason {
    /// Something happened.
    #[default]
    News,
    /// Time passed.
    Beat,
}

/// What is remembered of looks that nobody but the heartbeat asked for.
#[derive(Debug, Default)]
pub(super) struct Vigil {
    next: Reason,
    present: Reason,
    /// Whether such a look found something, and no wake-up came since.
    found: bool,
}

/// Whether the feed was to be looked at in any case when the heartbeat came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Looking {
    Anyway,
    ByTheBeat,
}

/// Whether something was found that nobody told of from one heartbeat to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Watch {
    Kept,
    Overslept,
}

impl Vigil {
    /// A wake-up came. One that was on its way when the heartbeat came before it is none that is lost.
    pub(super) fn woken(&mut self) {
        *self = Self::default();
    }

    /// The feed is to be looked at for a reason of the session's own.
    pub(super) fn called(&mut self) {
        self.next = Reason::News;
    }

    /// The heartbeat came.
    pub(super) fn beat(&mut self, looking: Looking) -> Watch {
        if looking == Looking::ByTheBeat {
            self.next = Reason::Beat;
        }
        if std::mem::take(&mut self.found) { Watch::Overslept } else { Watch::Kept }
    }

    /// The feed is being looked at.
    pub(super) fn looks(&mut self) {
        self.present = std::mem::take(&mut self.next);
    }

    /// There was something to send.
    pub(super) fn finds(&mut self) {
        self.found |= self.present == Reason::Beat;
    }
}
