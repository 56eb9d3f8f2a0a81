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

/// What is said of a declaration, for those who read it: the field reference and the typed records are made
/// of it. The browser's engine has nobody to say it to, and is the smaller for it.
pub(crate) const fn said(text: &'static str) -> &'static str {
    if cfg!(target_arch = "wasm32") { "" } else { text }
}
