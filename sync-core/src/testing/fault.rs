//! Named points at which a side may die, and what else may go wrong inside it.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::hub::Moment;
use crate::replica::ReplicaMoment;

macro_rules! points {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A point at which a side may die.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum FaultPoint { $($(#[$doc])* $variant,)* }

        impl FaultPoint {
            /// Every point.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in plans and reports.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text,)* } }

            /// Reads the name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

points! {
    /// The device wrote everything of a transaction, and nothing is durable.
    DeviceBeforeCommit = "device-before-commit",
    /// The device's transaction is durable, and nobody heard.
    DeviceAfterCommit = "device-after-commit",
    /// The device put a push together and sent nothing of it.
    DeviceBeforePush = "device-before-push",
    /// The device is taking in a feed batch.
    DeviceMidFeed = "device-mid-feed",
    /// The device is erasing what its user does not see any more.
    DeviceMidWipe = "device-mid-wipe",
    /// The device erased records and has not wiped their words.
    DeviceMidScrub = "device-mid-scrub",
    /// The device is filling tables that another schema laid out.
    DeviceMidRebuild = "device-mid-rebuild",
    /// The server is judging a batch.
    ServerMidJudging = "server-mid-judging",
    /// The server stored everything of a batch, and nothing is durable.
    ServerBeforeCommit = "server-before-commit",
    /// The server's transaction is durable, and nobody heard.
    ServerAfterCommit = "server-after-commit",
    /// The server is about to send a verdict.
    ServerBeforeVerdict = "server-before-verdict",
    /// The server is reading a feed batch.
    ServerMidFeed = "server-mid-feed",
}

impl FaultPoint {
    /// Whether it is a device that dies there.
    pub fn is_of_device(self) -> bool {
        match self {
            Self::DeviceBeforeCommit
            | Self::DeviceAfterCommit
            | Self::DeviceBeforePush
            | Self::DeviceMidFeed
            | Self::DeviceMidWipe
            | Self::DeviceMidScrub
            | Self::DeviceMidRebuild => true,
            Self::ServerMidJudging
            | Self::ServerBeforeCommit
            | Self::ServerAfterCommit
            | Self::ServerBeforeVerdict
            | Self::ServerMidFeed => false,
        }
    }
}

impl fmt::Display for FaultPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<ReplicaMoment> for FaultPoint {
    fn from(moment: ReplicaMoment) -> Self {
        match moment {
            ReplicaMoment::BeforeCommit => Self::DeviceBeforeCommit,
            ReplicaMoment::AfterCommit => Self::DeviceAfterCommit,
            ReplicaMoment::Pushing => Self::DeviceBeforePush,
            ReplicaMoment::TakingIn => Self::DeviceMidFeed,
            ReplicaMoment::Erasing => Self::DeviceMidWipe,
            ReplicaMoment::Scrubbing => Self::DeviceMidScrub,
            ReplicaMoment::Filling => Self::DeviceMidRebuild,
        }
    }
}

impl From<Moment> for FaultPoint {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Judging(_) => Self::ServerMidJudging,
            Moment::Storing => Self::ServerBeforeCommit,
            Moment::Stored => Self::ServerAfterCommit,
            Moment::Telling => Self::ServerBeforeVerdict,
            Moment::Reading => Self::ServerMidFeed,
        }
    }
}

/// What a side unwinds with when it dies at a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Killed;

/// Counts the points that one side reaches, and has it die at one.
#[derive(Clone, Debug, Default)]
pub(super) struct Trap(Arc<Mutex<Armed>>);

#[derive(Debug, Default)]
struct Armed {
    reached: BTreeMap<FaultPoint, u64>,
    died: BTreeMap<FaultPoint, u64>,
    /// At which point to die, after so many more times.
    at: Option<(FaultPoint, u64)>,
    /// After so many more commits of the file, one fails.
    failing_commit: Option<u64>,
    failed_commits: u64,
}

impl Trap {
    fn armed(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the side die when it comes to a point for the so manieth time.
    pub(super) fn arm(&self, point: FaultPoint, nth: u64) {
        self.armed().at = Some((point, nth));
    }

    /// Has the so manieth commit of the file fail.
    pub(super) fn fail_commit(&self, nth: u64) {
        self.armed().failing_commit = Some(nth);
    }

    /// Forgets what was to happen.
    pub(super) fn disarm(&self) {
        let mut armed = self.armed();
        (armed.at, armed.failing_commit) = (None, None);
    }

    /// The side came to a point. Unwinds if it dies there.
    pub(super) fn reach(&self, point: FaultPoint) {
        let mut armed = self.armed();
        *armed.reached.entry(point).or_default() += 1;
        let Some((at, left)) = armed.at else { return };
        if at != point {
            return;
        }
        if left > 1 {
            armed.at = Some((at, left - 1));
            return;
        }
        armed.at = None;
        *armed.died.entry(point).or_default() += 1;
        drop(armed);
        resume_unwind(Box::new(Killed));
    }

    /// Whether the commit that is being made fails.
    pub(super) fn commit_fails(&self) -> bool {
        let mut armed = self.armed();
        match armed.failing_commit {
            Some(left) if left > 1 => {
                armed.failing_commit = Some(left - 1);
                false
            }
            Some(_) => {
                armed.failing_commit = None;
                armed.failed_commits += 1;
                true
            }
            None => false,
        }
    }

    /// How often each point was reached, and how often the side died there.
    pub(super) fn counts(&self) -> (BTreeMap<FaultPoint, u64>, BTreeMap<FaultPoint, u64>) {
        let armed = self.armed();
        (armed.reached.clone(), armed.died.clone())
    }

    /// Commits that failed.
    pub(super) fn failed_commits(&self) -> u64 {
        self.armed().failed_commits
    }
}
