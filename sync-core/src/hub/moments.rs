//! Named moments inside the hub, at which a test may do what a test wants: note, stop or panic.

use std::fmt;
use std::sync::Arc;

use crate::ids::ChangeHash;

/// A moment inside the hub.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// A change is about to be judged against its document.
    Judging(ChangeHash),
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

    pub(super) fn tell(&self, moment: Moment) {
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
