//! Who is at the door: tokens in, users out. The role comes from the users table, never the token.

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sync_core::ids::{ReplicaId, UserId};
use sync_core::protocol::{Goodbye, GoodbyeCode};
use tokio::time::Instant;

use crate::app::App;

/// Longest time a session may live on one token, whatever the token says.
const LONGEST_SECONDS: u64 = 7 * 24 * 3600;

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

/// A user who was let in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: UserId,
    /// Their role, from the users table.
    pub role: String,
    /// When the token runs out.
    pub expires: Instant,
}

fn goodbye(code: GoodbyeCode, sentence: &str) -> Goodbye {
    Goodbye { code: code.as_str().into(), sentence: sentence.into(), retry_after_ms: None }
}

/// Signs a token for development.
///
/// # Errors
/// When signing fails.
pub fn sign(secret: &str, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key)
}

/// Checks a token and looks its user up.
///
/// # Errors
/// What to say to the replica.
pub async fn sign_in(app: &App, token: &str) -> Result<SignedIn, Goodbye> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_nbf = true;
    validation.validate_aud = false;
    validation.leeway = 30;
    let key = DecodingKey::from_secret(app.jwt_secret.as_bytes());
    let bad = || goodbye(GoodbyeCode::BadToken, "Your sign-in is not valid here; sign in again.");
    let claims = match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
        Ok(data) => data.claims,
        Err(error) if *error.kind() == ErrorKind::ExpiredSignature => {
            let sentence = "Your sign-in has run out; sign in again. Your edits are kept.";
            return Err(goodbye(GoodbyeCode::ExpiredToken, sentence));
        }
        Err(_) => return Err(bad()),
    };
    let user: UserId = claims.sub.parse().map_err(|_| bad())?;
    let found = sqlx::query("SELECT role, is_active FROM public.users WHERE id = $1")
        .bind(user.0)
        .fetch_optional(&app.pool)
        .await
        .map_err(|_| unavailable())?;
    // Unknown is not disabled: whoever asks the wrong server must not lose what they hold.
    let Some(row) = found else {
        let sentence = "You are unknown here; ask an administrator. Your edits are kept.";
        return Err(goodbye(GoodbyeCode::BadToken, sentence));
    };
    if !row.try_get::<bool, _>(1).map_err(|_| unavailable())? {
        return Err(disabled());
    }
    let role = row.try_get(0).map_err(|_| unavailable())?;
    let now = u64::try_from(crate::committer::now().seconds()).unwrap_or(0);
    let left = claims.exp.saturating_add(30).saturating_sub(now).min(LONGEST_SECONDS);
    Ok(SignedIn { user, role, expires: Instant::now() + Duration::from_secs(left) })
}

/// Notes that a device of the user was heard; a device belongs to one user.
///
/// # Errors
/// What to say to the replica.
pub async fn note_replica(
    app: &App,
    signed_in: &SignedIn,
    replica: ReplicaId,
    name: &str,
) -> Result<(), Goodbye> {
    let name: String = name.chars().take(100).collect();
    let done = sqlx::query(
        "INSERT INTO sync.replicas (replica_id, user_id, app, last_sync) VALUES ($1, $2, $3, now())
         ON CONFLICT (replica_id) DO UPDATE SET app = excluded.app, last_sync = now()
         WHERE sync.replicas.user_id = excluded.user_id",
    )
    .bind(replica.0)
    .bind(signed_in.user.0)
    .bind(name)
    .execute(&app.pool)
    .await
    .map_err(|_| unavailable())?;
    if done.rows_affected() == 0 {
        let sentence = "This device's database belongs to another user.";
        return Err(goodbye(GoodbyeCode::WrongUser, sentence));
    }
    Ok(())
}

/// What somebody hears who may no longer sign in; their device then erases what it holds.
pub fn disabled() -> Goodbye {
    let sentence = "Your account is no longer active; ask an administrator. Unsent edits are kept.";
    goodbye(GoodbyeCode::Disabled, sentence)
}

fn unavailable() -> Goodbye {
    Goodbye {
        code: GoodbyeCode::Unavailable.as_str().into(),
        sentence: "The server is not available; your edits are kept.".into(),
        retry_after_ms: Some(2000),
    }
}
