//! What a sync did.

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncSummary {
    /// Pushes sent, each of many edits.
    pub pushes: u64,
    /// Edits that the server refused; they stand in quarantine with its reasons.
    pub refused: u64,
    /// Why records disappeared from this device, if any did.
    pub evicted: Vec<String>,
    /// Why accounts came to this device that its user did not see before, if any did.
    pub granted: Vec<String>,
    /// Frames in both directions.
    pub frames: u64,
    /// Bytes of these frames.
    pub bytes: u64,
}
