//! The token of a command, as given or from a file.

use std::path::PathBuf;

use clap::Args;
use client_sdk::{TokenError, TokenFile, TokenSource};

use crate::{Failure, failure};

/// Which server to speak to, and as whom.
#[derive(Args)]
pub(crate) struct Server {
    #[arg(long, env = "PANTRY_SERVER", default_value = "ws://127.0.0.1:3000/sync")]
    pub(crate) server: String,
    /// The token to sign in with.
    #[arg(long, env = "PANTRY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file that holds it and is kept up to date by whoever signs you in: read again before
    /// the token runs out. Goes before --token.
    #[arg(long, env = "PANTRY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl Server {
    pub(crate) fn tokens(&self) -> Result<Tokens, Failure> {
        Tokens::of(self.token.clone(), self.token_file.clone())
            .ok_or_else(|| failure(1, "give --token TOKEN or --token-file FILE"))
    }
}

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
