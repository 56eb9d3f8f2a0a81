//! What a sync did.

use sync_core::replica::Redated;

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncSummary {
    /// Pushes sent, each of many edits.
    pub pushes: u64,
    /// Edits that the server refused; they stand in quarantine with its reasons.
    pub refused: u64,
    /// Moments that edits of this device said and that were changed, since a clock was wrong.
    pub redated: Vec<Redated>,
    /// Why records disappeared from this device, if any did.
    pub evicted: Vec<String>,
    /// Why accounts came to this device that its user did not see before, if any did.
    pub granted: Vec<String>,
    /// Frames in both directions.
    pub frames: u64,
    /// Bytes of these frames.
    pub bytes: u64,
}
