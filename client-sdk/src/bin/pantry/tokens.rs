//! The token of a command, as given or from a file.

use std::path::PathBuf;

use client_sdk::{TokenError, TokenFile, TokenSource};

/// Where a command has its token from.
pub(crate) enum Tokens {
    Given(String),
    File(TokenFile),
}

impl Tokens {
    /// The file goes first: it may be newer.
    pub(crate) fn of(token: Option<String>, file: Option<PathBuf>) -> Option<Self> {
        file.map(|file| Self::File(TokenFile(file))).or(token.map(Self::Given))
    }

    /// Whether there may be another one later.
    pub(crate) fn may_change(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl TokenSource for Tokens {
    async fn token(&mut self) -> Result<String, TokenError> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(file) => file.token().await,
        }
    }
}
