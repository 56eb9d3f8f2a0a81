//! What the apps were told: every edit that a device said was made.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::ids::{GroupId, RecordId, UserId};

/// Whether an edit must be found in the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Owed {
    /// It must, and where it is the others of its group are too.
    Yes,
    /// It must, wherever the others of its group are: somebody made it again by itself.
    ByItself,
    /// It went with a file that was lost, or somebody threw it away.
    No,
}

/// One edit of one record.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// In which file.
    pub(super) path: PathBuf,
    pub(super) user: UserId,
    pub(super) group: GroupId,
    pub(super) record: RecordId,
    /// The word by which it is found.
    pub(super) mark: String,
    pub(super) owed: Owed,
    /// The files that hold it, once the server lost it.
    pub(super) holders: Option<BTreeSet<PathBuf>>,
}

impl Entry {
    /// A file holds the edit no longer: with the last one it is gone for good.
    pub(super) fn not_in(&mut self, path: &PathBuf) {
        if let Some(holders) = &mut self.holders
            && holders.remove(path)
            && holders.is_empty()
        {
            self.owed = Owed::No;
        }
    }
}
