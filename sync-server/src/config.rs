//! Configuration from the environment, checked as a whole: all problems at once, no secret shown.

mod origins;
mod web;

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;

use crate::http::auth::jwks::{self, JwksSource};
use crate::store::Patience;
use origins::origins;
pub use web::{SignIn, WebConfig};

const DEFAULT_TIMEOUT_SECONDS: u32 = 8;

/// What `serve` needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where Postgres is.
    pub database_url: String,
    /// Connections kept to it.
    pub pool_size: u32,
    /// How long a commit may take, and all that depends on it.
    pub patience: Patience,
    /// Port to listen on; 0 for any free one.
    pub port: u16,
    /// Where to say the metrics; nowhere if it is not set. Nobody is asked there who they are.
    pub metrics: Option<SocketAddr>,
    /// What tokens are checked by.
    pub tokens: TokenConfig,
    /// Web origins whose pages may connect, as `https://app.example`; apps that are no pages send
    /// none and always may.
    pub origins: Vec<String>,
    /// What the app in the browser is told and allowed.
    pub web: WebConfig,
}

/// What tokens are checked by: a shared secret, published keys, or both.
#[derive(Clone, Default)]
pub struct TokenConfig {
    /// Secret that tokens are signed with, HS256.
    pub secret: Option<String>,
    /// Where the public keys are that tokens are signed with, ES256 or RS256.
    pub jwks: Option<JwksSource>,
    /// Whom tokens must be for.
    pub audience: Option<String>,
    /// Who must have signed them.
    pub issuer: Option<String>,
}

impl TokenConfig {
    /// Only a shared secret.
    pub fn from_secret(secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..Self::default() }
    }

    fn read(lookup: impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Self {
        let secret = lookup("SUPABASE_JWT_SECRET").or_else(|| lookup("JWT_SECRET"));
        if secret.as_ref().is_some_and(|secret| secret.len() < 32) {
            problems
                .push("SUPABASE_JWT_SECRET (or JWT_SECRET) is shorter than 32 characters".into());
        }
        let jwks = match (lookup("JWKS_FILE"), lookup("JWKS_URL")) {
            (Some(_), Some(_)) => {
                problems.push("JWKS_FILE and JWKS_URL are both set; keep one of them".into());
                None
            }
            (Some(file), None) => {
                let path = std::path::PathBuf::from(file);
                match jwks::read_file(&path) {
                    Ok(set) if set.is_empty() && secret.is_none() => problems.push(format!(
                        "JWKS_FILE has no key that tokens could be checked with ({}), and SUPABASE_JWT_SECRET is not set",
                        if set.left_out.is_empty() { "it is empty".into() } else { set.left_out.join("; ") }
                    )),
                    Ok(_) => {}
                    Err(why) => problems.push(format!("JWKS_FILE cannot be used: {why}")),
                }
                Some(JwksSource::File(path))
            }
            (None, Some(url)) => match jwks_url(&url) {
                Some(url) => Some(JwksSource::Url(url)),
                None => {
                    problems.push("JWKS_URL must begin with https:// (or http:// on this machine itself) and hold no password".into());
                    None
                }
            },
            (None, None) => {
                if secret.is_none() {
                    problems.push("neither SUPABASE_JWT_SECRET (or JWT_SECRET), the secret that tokens are signed with, nor JWKS_FILE or JWKS_URL, where the public keys are, is set".into());
                }
                None
            }
        };
        let (audience, issuer) = (lookup("JWT_AUDIENCE"), lookup("JWT_ISSUER"));
        Self { secret, jwks, audience, issuer }
    }
}

/// An address that keys may be fetched from. Without encryption only from this very machine: whoever
/// is on the way could put in keys of their own.
fn jwks_url(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let here = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
    let secure = url.scheme() == "https" || (url.scheme() == "http" && here);
    let login = !url.username().is_empty() || url.password().is_some();
    (secure && !login).then_some(url)
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("pool_size", &self.pool_size)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Every problem found; fix them all and start again.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has problems: {}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the configuration through a lookup, such as `|name| std::env::var(name).ok()`.
    ///
    /// # Errors
    /// Lists every variable that is missing or wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let lookup = &|name: &str| lookup(name).filter(|value| !value.is_empty());
        let database_url = lookup("DATABASE_URL").unwrap_or_else(|| {
            problems.push("DATABASE_URL is not set: the address of PostgreSQL, as postgres://USER:PASSWORD@HOST/DATABASE".into());
            String::new()
        });
        if !database_url.is_empty()
            && !["postgres://", "postgresql://"].iter().any(|p| database_url.starts_with(p))
        {
            problems.push("DATABASE_URL does not begin with postgres://".into());
        }
        let mut number = |name: &str, default: u32, most: u32| match lookup(name) {
            None => default,
            Some(text) => match text.parse::<u32>() {
                Ok(number) if number <= most => number,
                _ => {
                    problems.push(format!("{name} must be a whole number up to {most}"));
                    default
                }
            },
        };
        let pool_size = number("DATABASE_POOL_SIZE", 10, 1000).max(3);
        let patience = number("DATABASE_TIMEOUT", DEFAULT_TIMEOUT_SECONDS, 600).max(1);
        let port = number("PORT", 3000, 65535);
        let metrics = lookup("METRICS_ADDR").and_then(|text| {
            let address = text.parse();
            if address.is_err() {
                problems.push(
                    "METRICS_ADDR must be an address and a port, such as 127.0.0.1:9100".into(),
                );
            }
            address.ok()
        });
        let origins = origins(lookup, "ALLOWED_ORIGINS", &mut problems);
        let web = WebConfig::read(lookup, &mut problems);
        let tokens = TokenConfig::read(lookup, &mut problems);
        if !problems.is_empty() {
            return Err(ConfigError(problems));
        }
        Ok(Self {
            database_url,
            pool_size,
            patience: Patience::of(Duration::from_secs(patience.into())),
            port: u16::try_from(port).unwrap_or(3000),
            metrics,
            tokens,
            origins,
            web,
        })
    }
}

/// Reads what concerns the app in the browser alone, as for a host of files that runs no server.
///
/// # Errors
/// Lists every variable that is missing or wrong.
pub fn read_web(lookup: impl Fn(&str) -> Option<String>) -> Result<WebConfig, ConfigError> {
    let mut problems = Vec::new();
    let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let web = WebConfig::read(lookup, &mut problems);
    if problems.is_empty() { Ok(web) } else { Err(ConfigError(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_listed_at_once_and_no_secret_is_shown() {
        let error = Config::read(|name| match name {
            "DATABASE_URL" => Some("mysql://u:geheim@h/d".into()),
            "PORT" => Some("many".into()),
            "JWT_SECRET" => Some("tiny".into()),
            _ => None,
        })
        .expect_err("three problems");
        assert_eq!(error.0.len(), 3, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("DATABASE_URL") && text.contains("PORT") && text.contains("JWT_SECRET")
        );
        assert!(!text.contains("geheim") && !text.contains("tiny"));
    }

    fn problems(set: &[(&str, &str)]) -> Vec<String> {
        let lookup = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut problems = Vec::new();
        TokenConfig::read(lookup, &mut problems);
        problems
    }

    #[test]
    fn tokens_need_a_secret_or_published_keys() {
        let secret = "a secret that is long enough for this";
        assert_eq!(problems(&[]).len(), 1);
        assert_eq!(problems(&[("JWT_SECRET", secret)]), Vec::<String>::new());
        let known = "https://project.supabase.co/auth/v1/.well-known/jwks.json";
        assert_eq!(problems(&[("JWKS_URL", known)]), Vec::<String>::new());
        assert_eq!(problems(&[("JWKS_URL", known), ("JWT_SECRET", secret)]).len(), 0);
        assert_eq!(problems(&[("JWKS_URL", "http://127.0.0.1:9/keys")]).len(), 0);
        assert_eq!(problems(&[("JWKS_URL", known), ("JWKS_FILE", "/nowhere")]).len(), 1);
        assert_eq!(problems(&[("JWKS_FILE", "/nowhere"), ("JWT_SECRET", "tiny")]).len(), 2);
    }

    #[test]
    fn keys_are_not_fetched_where_others_could_put_in_their_own() {
        for url in ["http://keys.example/", "ftp://keys.example/", "keys", "http://localhost.evil/"]
        {
            assert_eq!(problems(&[("JWKS_URL", url)]).len(), 1, "{url}");
        }
        let told = problems(&[("JWKS_URL", "https://me:geheim@keys.example/")]);
        assert!(told.len() == 1 && !told[0].contains("geheim"), "{told:?}");
    }
}
