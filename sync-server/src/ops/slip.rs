//! What is wrong with what somebody asked for.

/// What was asked for cannot be done as it was said: a slip of whoever asks, told before anything is changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Slip {
    /// A record is not there, or whoever asks does not see it. Look at the id, or ask who manages it.
    #[error("{0}")]
    NotSeen(String),
    /// It makes no sense. Say something else.
    #[error("{0}")]
    Senseless(String),
}
