//! Words that fields and events have in common.

/// Whether a value must be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// May be absent.
    Optional,
    /// Must be given when the record is created and cannot be cleared.
    Required,
}

/// Who may write a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writer {
    /// Whoever may write the record.
    Anyone,
    /// The server's own actor alone.
    Server,
}
