//! Who is at the door: tokens in, users out. The role comes from the users table, never the token.

pub mod jwks;
pub mod keys;

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::postgres::PgPool;
use sync_core::ids::UserId;
use sync_core::limits;
use sync_core::protocol::{Goodbye, GoodbyeCode};
use sync_core::role::Role;
use sync_core::time::UnixMs;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::config::TokenConfig;
use jwks::{Address, Freshness, JwksSource, Published};
use keys::{Key, KeyName, KeySet};

/// Longest time a session may live on one token, whatever the token says.
const LONGEST_MS: i64 = 7 * 24 * 3600 * 1000;
/// How far the signer's clock may be ahead of ours. What has run out has run out: the end of a token
/// has no such allowance.
const AHEAD_MS: i64 = 30_000;

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id.
    pub sub: String,
    /// When it runs out, in seconds since 1970.
    pub exp: u64,
    /// The database role, as Supabase writes it; not the user's role here.
    #[serde(default)]
    pub role: String,
}

/// What is read of a token. Its role is not.
#[derive(Deserialize)]
struct Said {
    sub: String,
    /// Seconds since 1970, perhaps with a fraction.
    exp: f64,
    nbf: Option<f64>,
}

/// What a sound token says. Whether its user may come in is not known yet.
#[derive(Debug)]
pub struct Checked {
    user: UserId,
    exp: f64,
    key: KeyName,
    at: tokio::time::Instant,
}

/// A user who was let in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: UserId,
    /// Their role, from the users table.
    pub role: Role,
    /// When the token runs out.
    pub expires: UnixMs,
    /// The key that the token was checked with.
    pub key: KeyName,
    /// When it was; what was found out about the user before counts for nothing.
    pub at: tokio::time::Instant,
}

/// Why a token is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TokenFault {
    /// It is no token, is not signed with a key of ours, or does not say what it must.
    Bad,
    /// It has run out.
    Expired,
    /// It is not valid yet.
    Early,
    /// It may be signed with a key that could not be fetched.
    KeysUnavailable,
}

impl TokenFault {
    fn goodbye(self) -> Goodbye {
        match self {
            Self::Bad => goodbye(
                GoodbyeCode::BadToken,
                "Your sign-in is not valid here; sign in again. Your edits are kept.",
            ),
            Self::Expired => expired(),
            Self::Early => goodbye(
                GoodbyeCode::BadToken,
                "Your sign-in is not valid yet; sign in again, and if that does not help ask an administrator to check the clocks. Your edits are kept.",
            ),
            Self::KeysUnavailable => Goodbye {
                code: GoodbyeCode::Unavailable.as_str().into(),
                sentence: "Your sign-in cannot be checked at the moment; your edits are kept."
                    .into(),
                retry_after_ms: Some(10_000),
            },
        }
    }
}

fn goodbye(code: GoodbyeCode, sentence: &str) -> Goodbye {
    Goodbye { code: code.as_str().into(), sentence: sentence.into(), retry_after_ms: None }
}

/// Checks tokens: what they are signed with, for whom, and until when.
#[derive(Debug)]
pub struct Verifier {
    secret: Option<Key>,
    published: watch::Sender<Published>,
    address: Option<Arc<Address>>,
    audience: Option<String>,
    issuer: Option<String>,
}

impl Verifier {
    /// Reads the keys for the first time, and follows them until the server stops.
    ///
    /// # Errors
    /// When keys at an address could never be fetched, for want of root certificates.
    pub async fn start(
        config: &TokenConfig,
        stopping: &CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        let none = Published { set: Arc::new(KeySet::default()), freshness: Freshness::Current };
        let published = watch::Sender::new(none);
        let mut address = None;
        match &config.jwks {
            None => {}
            Some(JwksSource::File(path)) => {
                published.send_modify(|now| now.freshness = Freshness::Outdated);
                if let Ok(set) = jwks::read_file(path) {
                    let set = Published { set: Arc::new(set), freshness: Freshness::Current };
                    published.send_replace(set);
                }
                let follow = jwks::follow_file(path.clone(), published.clone(), stopping.clone());
                tokio::spawn(follow);
            }
            Some(JwksSource::Url(url)) => {
                published.send_modify(|now| now.freshness = Freshness::Outdated);
                let source = Arc::new(Address::new(url.clone(), published.clone())?);
                source.refresh().await;
                tokio::spawn(source.clone().follow(stopping.clone()));
                address = Some(source);
            }
        }
        Ok(Self {
            secret: config.secret.as_deref().map(Key::secret),
            published,
            address,
            audience: config.audience.clone(),
            issuer: config.issuer.clone(),
        })
    }

    /// Tells when keys come and go.
    pub fn subscribe(&self) -> watch::Receiver<Published> {
        self.published.subscribe()
    }

    /// Whether tokens of this key are still taken.
    pub fn holds(&self, key: &KeyName) -> bool {
        match key {
            KeyName::Secret => self.secret.is_some(),
            KeyName::Published { .. } => self.published.borrow().set.holds(key),
        }
    }

    /// Finds the key by the name in the token and checks the token with it.
    async fn check(&self, token: &str) -> Result<(Said, KeyName), TokenFault> {
        if token.len() > limits::TOKEN_BYTES {
            return Err(TokenFault::Bad);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Bad)?;
        // Whatever it is that must be understood, we do not.
        if header.crit.is_some() {
            return Err(TokenFault::Bad);
        }
        let Published { set, freshness } = self.published.borrow().clone();
        let Some(kid) = header.kid else {
            return match (self.secret.as_ref().or_else(|| set.only()), freshness) {
                (Some(key), _) => self.check_with(key, token),
                (None, Freshness::Outdated) if set.is_empty() => Err(TokenFault::KeysUnavailable),
                (None, _) => Err(TokenFault::Bad),
            };
        };
        if let Some(key) = set.find(&kid) {
            return self.check_with(key, token);
        }
        // Some signers name their secret too.
        if let Some(secret) = &self.secret {
            match self.check_with(secret, token) {
                Err(TokenFault::Bad) => {}
                other => return other,
            }
        }
        if let Some(address) = &self.address {
            address.refetch().await;
        }
        let Published { set, freshness } = self.published.borrow().clone();
        match (set.find(&kid), freshness) {
            (Some(key), _) => self.check_with(key, token),
            (None, Freshness::Current) => Err(TokenFault::Bad),
            (None, Freshness::Outdated) => Err(TokenFault::KeysUnavailable),
        }
    }

    fn check_with(&self, key: &Key, token: &str) -> Result<(Said, KeyName), TokenFault> {
        let mut validation = Validation::new(key.algorithm);
        // Checked below, to the millisecond and each with its own allowance.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut required = vec!["exp", "sub"];
        match &self.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        let said = match jsonwebtoken::decode::<Said>(token, &key.decoding, &validation) {
            Ok(data) => data.claims,
            Err(error) => {
                // The kind alone: the error may carry parts of the token.
                let kind = match error.kind() {
                    ErrorKind::InvalidSignature => "signature",
                    ErrorKind::InvalidAlgorithm => "algorithm",
                    ErrorKind::InvalidAudience => "audience",
                    ErrorKind::InvalidIssuer => "issuer",
                    ErrorKind::MissingRequiredClaim(_) => "a claim is missing",
                    _ => "form",
                };
                tracing::debug!(reason = kind, "a token was refused");
                return Err(TokenFault::Bad);
            }
        };
        let now = now();
        if millis(said.exp) <= now.0 {
            return Err(TokenFault::Expired);
        }
        if said.nbf.is_some_and(|nbf| millis(nbf) > now.0.saturating_add(AHEAD_MS)) {
            return Err(TokenFault::Early);
        }
        Ok((said, key.name.clone()))
    }
}

/// A token's seconds as milliseconds; what does not fit is the end of time.
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

/// Signs a token for development.
///
/// # Errors
/// When signing fails.
pub fn sign(secret: &str, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key)
}

/// Checks a token, without the database.
///
/// # Errors
/// What to say to the replica.
pub async fn check(verifier: &Verifier, token: &str) -> Result<Checked, Goodbye> {
    let at = tokio::time::Instant::now();
    let (said, key) = verifier.check(token).await.map_err(TokenFault::goodbye)?;
    let user: UserId = said.sub.parse().map_err(|_| TokenFault::Bad.goodbye())?;
    Ok(Checked { user, exp: said.exp, key, at })
}

/// Looks up the user of a token.
///
/// # Errors
/// What to say to the replica.
pub async fn sign_in(pool: &PgPool, checked: Checked) -> Result<SignedIn, Goodbye> {
    let Checked { user, exp, key, at } = checked;
    let found = sqlx::query("SELECT role, is_active FROM public.users WHERE id = $1")
        .bind(user.0)
        .fetch_optional(pool)
        .await
        .map_err(|_| unavailable())?;
    let Some(row) = found else { return Err(unknown()) };
    if !row.try_get::<bool, _>(1).map_err(|_| unavailable())? {
        return Err(disabled());
    }
    let role: &str = row.try_get(0).map_err(|_| unavailable())?;
    let role = Role::from(role);
    let longest = now().0.saturating_add(LONGEST_MS);
    let expires = UnixMs(millis(exp).min(longest));
    Ok(SignedIn { user, role, expires, key, at })
}

/// What somebody hears whose token has run out.
pub fn expired() -> Goodbye {
    let sentence = "Your sign-in has run out; sign in again. Your edits are kept.";
    goodbye(GoodbyeCode::ExpiredToken, sentence)
}

/// What somebody hears whose token's key was taken out of the published set.
pub fn withdrawn() -> Goodbye {
    let sentence = "Your sign-in was withdrawn; sign in again. Your edits are kept.";
    goodbye(GoodbyeCode::BadToken, sentence)
}

/// What somebody hears whom the users table does not know. Unknown is not disabled: whoever asks the
/// wrong server must not lose what they hold.
pub fn unknown() -> Goodbye {
    let sentence = "You are unknown here; ask an administrator. Your edits are kept.";
    goodbye(GoodbyeCode::BadToken, sentence)
}

/// What somebody hears who may no longer sign in; their device then erases what it holds.
pub fn disabled() -> Goodbye {
    let sentence = "Your account is no longer active; ask an administrator. Unsent edits are kept.";
    goodbye(GoodbyeCode::Disabled, sentence)
}

/// What somebody hears while the database does not answer.
pub fn unavailable() -> Goodbye {
    Goodbye {
        code: GoodbyeCode::Unavailable.as_str().into(),
        sentence: "The server is not available; your edits are kept.".into(),
        retry_after_ms: Some(2000),
    }
}
