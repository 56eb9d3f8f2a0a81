//! Where tokens come from. A session outlives its token when there is a newer one in time.

use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;

/// Longest time before its end that a token is replaced.
const AHEAD: Duration = Duration::from_secs(60);
/// How soon a source is asked again that had nothing newer.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a source has no token.
#[derive(Debug, thiserror::Error)]
#[error("there is no token: {0}")]
pub struct TokenError(pub String);

/// Gives the user's present token: asked when a session begins and again before its token runs out.
///
/// A text is a source too, one that never has anything newer.
pub trait TokenSource {
    /// The token to use now. When there is no newer one yet, the same as before.
    fn token(&mut self) -> impl Future<Output = Result<String, TokenError>>;
}

impl TokenSource for &str {
    async fn token(&mut self) -> Result<String, TokenError> {
        Ok((*self).to_owned())
    }
}

impl TokenSource for &String {
    async fn token(&mut self) -> Result<String, TokenError> {
        Ok((*self).clone())
    }
}

impl<S: TokenSource> TokenSource for &mut S {
    async fn token(&mut self) -> Result<String, TokenError> {
        (**self).token().await
    }
}

/// A file that holds a token and that somebody keeps up to date; read whenever a token is asked for.
#[derive(Clone, Debug)]
pub struct TokenFile(pub PathBuf);

impl TokenSource for TokenFile {
    async fn token(&mut self) -> Result<String, TokenError> {
        let text = std::fs::read_to_string(&self.0)
            .map_err(|error| TokenError(format!("{}: {error}", self.0.display())))?;
        match text.trim() {
            "" => Err(TokenError(format!("{} is empty", self.0.display()))),
            token => Ok(token.to_owned()),
        }
    }
}

/// What a token says, read without checking it: the server does that.
pub fn read_claims(token: &str) -> Option<serde_json::Value> {
    let claims = token.split('.').nth(1)?.trim_end_matches('=');
    serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).ok()?).ok()
}

/// Waits until a token is about to run out and returns a newer one, with the source it came from; a
/// source that has none is asked again.
pub(crate) async fn newer<S: TokenSource>(mut source: S, used: String) -> (S, String) {
    let expires = read_claims(&used).and_then(|claims| claims["exp"].as_f64());
    let Some(expires) = expires else { return std::future::pending().await };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let left = expires - now.unwrap_or_default().as_secs_f64();
    // A third of what is left, for a token of a few minutes or less.
    let ahead = AHEAD.as_secs_f64().min(left / 3.0);
    let wait = Duration::try_from_secs_f64(left - ahead).unwrap_or_default();
    tokio::time::sleep(wait).await;
    loop {
        match source.token().await {
            Ok(token) if token != used => return (source, token),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the token could not be renewed yet"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}
