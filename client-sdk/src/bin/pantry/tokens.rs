//! The token of a command, as given or from a file.

use std::path::PathBuf;

use clap::Args;
use client_sdk::{TokenError, TokenFile, TokenSource};

use crate::failure::{Failure, failure};

/// Which server to speak to, and as whom.
#[derive(Args)]
pub(crate) struct Server {
    #[arg(long, env = "PANTRY_SERVER", default_value = "ws://127.0.0.1:3000/sync")]
    server: String,
    /// The token to sign in with. Every user of this system can read a command line: give it in the
    /// variable, or in a file.
    #[arg(long, env = "PANTRY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file that holds it and is kept up to date by whoever signs you in: read again before
    /// the token runs out. Goes before --token.
    #[arg(long, env = "PANTRY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl Server {
    /// The server as the client takes it.
    pub(crate) fn client(&self) -> Result<client_sdk::Server, Failure> {
        let tokens = Tokens::of(self.token.clone(), self.token_file.clone())
            .ok_or_else(|| failure(1, "set PANTRY_TOKEN, or give --token-file FILE"))?;
        let app = concat!("pantry ", env!("CARGO_PKG_VERSION"));
        Ok(client_sdk::Server::new(&self.server, tokens).app(app))
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
}

impl TokenSource for Tokens {
    async fn token(&mut self) -> Result<String, TokenError> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(file) => file.token().await,
        }
    }

    /// Only a file may have another one later.
    fn tokens(&self) -> client_sdk::core::replica::Tokens {
        match self {
            Self::Given(token) => token.tokens(),
            Self::File(file) => file.tokens(),
        }
    }
}
