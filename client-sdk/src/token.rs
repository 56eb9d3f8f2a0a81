//! Where tokens come from. A session outlives its token when there is a newer one in time.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::pin::Pin;

use sync_core::replica::{LinkFault, Tokens};
use tokio::sync::oneshot;

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
        let text = read(self.0.clone()).await.map_err(|error| match error.kind() {
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

/// Bytes of a token file that are read at most: no server takes a longer token.
const TOKEN_FILE_BYTES: u64 = 64 << 10;

/// Reads a file on a thread of its own. It may be a pipe, which is waited for as long as nobody writes to
/// it; the program does everything else meanwhile, and ends without it.
async fn read(path: PathBuf) -> std::io::Result<String> {
    let (done, outcome) = oneshot::channel();
    std::thread::Builder::new().name("token file".to_owned()).spawn(move || {
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(TOKEN_FILE_BYTES).read_to_string(&mut text));
        // Nobody may wait any more.
        let _ = done.send(read.map(|_| text));
    })?;
    outcome.await.unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into()))
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
