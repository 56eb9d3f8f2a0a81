//! Named moments inside a replica, at which a test may stop the process.

use std::fmt;
use std::sync::Arc;

/// A moment inside a replica.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReplicaMoment {
    /// Everything of a transaction is written and nothing is durable.
    BeforeCommit,
    /// A transaction is durable, and its caller has not heard.
    AfterCommit,
    /// A push was put together, and nothing of it is sent.
    Pushing,
    /// Between two records of a feed batch.
    TakingIn,
    /// Between two records that are erased.
    Erasing,
    /// Records were erased, and their words may still stand in the index or the journal.
    Scrubbing,
    /// Between two records that are put back into tables laid out anew.
    Filling,
}

type Listener = dyn Fn(ReplicaMoment) + Send + Sync;

/// Who hears of moments; usually nobody. A value and no global, so that two replicas in one process
/// are two devices.
#[derive(Clone, Default)]
pub struct ReplicaMoments {
    listener: Option<Arc<Listener>>,
    /// Whether erasing a record leaves its words in the search index: a fault made on purpose, which
    /// the simulator must find.
    #[cfg(feature = "testing")]
    pub(super) keep_words: bool,
}

impl ReplicaMoments {
    /// Tells a listener. One that unwinds is a process that ends there: the replica must be dropped,
    /// and the file opened anew.
    pub fn told_to(listener: impl Fn(ReplicaMoment) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Arc::new(listener)), ..Self::default() }
    }

    /// Has erasing leave words behind.
    #[cfg(feature = "testing")]
    pub(crate) fn keeping_words(self) -> Self {
        Self { keep_words: true, ..self }
    }

    pub(super) fn tell(&self, moment: ReplicaMoment) {
        if let Some(listener) = &self.listener {
            listener(moment);
        }
    }
}

impl fmt::Debug for ReplicaMoments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.listener.is_some() { "told" } else { "untold" })
    }
}
