//! Named moments inside the hub and its host, at which a test may do what a test wants: note, stop or
//! panic.

use std::fmt;
use std::sync::Arc;

use crate::ids::ChangeHash;

/// A moment inside the hub or its host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// A change is about to be judged against its document.
    Judging(ChangeHash),
    /// The host stored everything of a batch, and nothing is durable.
    Storing,
    /// A batch is durable, and nobody has heard.
    Stored,
    /// A session has verdicts, and the device has not.
    Telling,
    /// A session is about to read a part of a feed.
    Reading,
}

type Listener = dyn Fn(Moment) + Send + Sync;

/// Who hears of moments; usually nobody. A value and no global, so that two hubs in one process are
/// two hubs.
#[derive(Clone, Default)]
pub struct Moments(Option<Arc<Listener>>);

impl Moments {
    /// Tells a listener.
    pub fn told_to(listener: impl Fn(Moment) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Says that a moment has come.
    pub fn tell(&self, moment: Moment) {
        if let Some(listener) = &self.0 {
            listener(moment);
        }
    }
}

impl fmt::Debug for Moments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Moments(told)" } else { "Moments(untold)" })
    }
}
