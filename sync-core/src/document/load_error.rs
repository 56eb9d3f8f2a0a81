//! What may be wrong with stored documents.

/// Why stored bytes could not be opened as a document.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are damaged or not a document; restore the record from the server or a backup.
    #[error("stored document is damaged: {0}")]
    Damaged(String),
    /// A stored change does not fit the stored document.
    #[error("stored change does not apply: {0}")]
    Change(String),
    /// What a server sent does not fit what is stored, or is none; ask for it again.
    #[error("what the server sent does not apply: {0}")]
    Sent(String),
}
