//! Where tokens come from. A session outlives its token when there is a newer one in time.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::pin::Pin;

use sync_core::replica::{LinkFault, Tokens};

/// Why a source has no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The user is not signed in; sign in again.
    #[error("there is no token: {0}")]
    Missing(String),
    /// The source cannot be reached; it is asked again later.
    #[error("the token could not be fetched: {0}")]
    Unavailable(String),
}

impl From<TokenError> for LinkFault {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Missing(why) => Self::NoToken(why),
            TokenError::Unavailable(why) => Self::TokenUnavailable(why),
        }
    }
}

/// Gives the user's present token: asked when a session begins and again before its token runs out.
///
/// A text is a source too, one that never has anything newer.
pub trait TokenSource: Send + 'static {
    /// The token to use now. When there is no newer one yet, the same as before.
    fn token(&mut self) -> impl Future<Output = Result<String, TokenError>> + Send;

    /// Whether there may be another token later.
    fn tokens(&self) -> Tokens {
        Tokens::Renewable
    }
}

impl TokenSource for String {
    async fn token(&mut self) -> Result<String, TokenError> {
        Ok(self.clone())
    }

    fn tokens(&self) -> Tokens {
        Tokens::Fixed
    }
}

impl TokenSource for &'static str {
    async fn token(&mut self) -> Result<String, TokenError> {
        Ok((*self).to_owned())
    }

    fn tokens(&self) -> Tokens {
        Tokens::Fixed
    }
}

/// A file that holds a token and that somebody keeps up to date; read whenever a token is asked for.
#[derive(Clone, Debug)]
pub struct TokenFile(pub PathBuf);

impl TokenSource for TokenFile {
    async fn token(&mut self) -> Result<String, TokenError> {
        let name = self.0.display();
        let text = std::fs::read_to_string(&self.0).map_err(|error| match error.kind() {
            ErrorKind::NotFound => TokenError::Missing(format!("{name}: {error}")),
            _ => TokenError::Unavailable(format!("{name}: {error}")),
        })?;
        match text.trim() {
            // Whoever writes it anew may be between emptying and filling it.
            "" => Err(TokenError::Unavailable(format!("{name} is empty"))),
            token => Ok(token.to_owned()),
        }
    }
}

/// The future of a token.
pub(crate) type TokenFuture<'a> =
    Pin<Box<dyn Future<Output = Result<String, TokenError>> + Send + 'a>>;

/// A source whatever its type.
pub(crate) trait AnySource: Send {
    fn fetch(&mut self) -> TokenFuture<'_>;
}

impl<S: TokenSource> AnySource for S {
    fn fetch(&mut self) -> TokenFuture<'_> {
        Box::pin(self.token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever writes the file anew empties it first: that passes. One that is not there does not.
    #[tokio::test]
    async fn a_token_file_that_is_empty_for_a_moment_is_read_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        let mut file = TokenFile(path.clone());
        assert!(matches!(file.token().await, Err(TokenError::Missing(_))));
        std::fs::write(&path, "\n").expect("a file");
        assert!(matches!(file.token().await, Err(TokenError::Unavailable(_))));
        std::fs::write(&path, "a.b.c\n").expect("a file");
        assert!(matches!(file.token().await.as_deref(), Ok("a.b.c")));
    }
}
