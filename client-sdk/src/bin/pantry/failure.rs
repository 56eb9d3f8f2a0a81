//! Why a command failed, and with which exit code.

/// An error with its exit code: 1 the data or command, 3 the server or network, 4 a damaged file. (2
/// is a command line that does not parse; 5 and 6 are answers of `pantry check`.)
pub(crate) struct Failure(pub(crate) u8, pub(crate) String);

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(1, error.to_string())
    }
}

pub(crate) fn failure(code: u8, text: impl std::fmt::Display) -> Failure {
    Failure(code, text.to_string())
}
