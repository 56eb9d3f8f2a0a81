//! When a session must end: its token runs out, its key is withdrawn, its user is disabled.
//!
//! This is watched beside the session and not in it, so that it ends also while it waits for the
//! database, or for a client that reads nothing. One query a moment asks for all users connected to
//! this process.
//!
//! **Invariant**: a session ends within a second of its permission.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPool;
use sync_core::ids::UserId;
use sync_core::protocol::Goodbye;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::now;
use crate::http::auth::{self, SignedIn, Verifier};
use crate::places::Places;

/// How often the users table is asked.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// How long it may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How often a session compares its token with the clock, which may be set.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(500);

/// Why a user may no longer be here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Revocation {
    Disabled,
    /// The users table has no such row.
    Unknown,
}

/// Connected users who may no longer be.
#[derive(Debug)]
pub struct Revoked {
    /// When the question was put.
    asked: Instant,
    users: HashMap<UserId, Revocation>,
}

impl Default for Revoked {
    fn default() -> Self {
        Self { asked: Instant::now(), users: HashMap::new() }
    }
}

impl Revoked {
    /// What this says to a session, unless it signed in later than the question was put.
    fn about(&self, signed_in: &SignedIn) -> Option<Goodbye> {
        let revocation = self.users.get(&signed_in.user).filter(|_| self.asked > signed_in.at)?;
        Some(match revocation {
            Revocation::Disabled => auth::disabled(),
            Revocation::Unknown => auth::unknown(),
        })
    }
}

/// Asks again and again which of the connected users may no longer be. On a connection of its own:
/// the others may all be at work.
pub async fn watch_users(
    pool: PgPool,
    places: Arc<Places>,
    revoked: watch::Sender<Revoked>,
    stopping: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(ASK_EVERY) => {}
        }
        let users = places.connected_users();
        if users.is_empty() {
            continue;
        }
        let asked = Instant::now();
        match timeout(ANSWER_WITHIN, ask(&pool, &users)).await {
            Ok(Ok(revoked)) if revoked.is_empty() => {}
            Ok(Ok(users)) => {
                revoked.send_replace(Revoked { asked, users });
            }
            Ok(Err(error)) => tracing::warn!(%error, "who may be connected is not known"),
            Err(_) => tracing::warn!("who may be connected is not known: no answer in time"),
        }
    }
    pool.close().await;
}

async fn ask(pool: &PgPool, users: &[UserId]) -> sqlx::Result<HashMap<UserId, Revocation>> {
    let ids: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let sql = "SELECT id, is_active FROM public.users WHERE id = ANY($1)";
    let found: Vec<(Uuid, bool)> = sqlx::query_as(sql).bind(&ids).fetch_all(pool).await?;
    let found: HashMap<Uuid, bool> = found.into_iter().collect();
    let revoked = users.iter().filter_map(|user| match found.get(&user.0) {
        Some(true) => None,
        Some(false) => Some((*user, Revocation::Disabled)),
        None => Some((*user, Revocation::Unknown)),
    });
    Ok(revoked.collect())
}

/// Waits until a session must end, once somebody has signed in to it; says why.
pub async fn ended(
    revoked: &watch::Sender<Revoked>,
    verifier: &Verifier,
    mut permission: watch::Receiver<Option<SignedIn>>,
) -> Goodbye {
    let mut revoked = revoked.subscribe();
    let mut keys = verifier.subscribe();
    loop {
        let Some(signed_in) = permission.borrow_and_update().clone() else {
            // Nobody has signed in yet.
            let _ = permission.changed().await;
            continue;
        };
        if let Some(goodbye) = revoked.borrow_and_update().about(&signed_in) {
            return goodbye;
        }
        keys.mark_unchanged();
        if !verifier.holds(&signed_in.key) {
            return auth::withdrawn();
        }
        let left = signed_in.expires.0.saturating_sub(now().0);
        let Ok(left @ 1..) = u64::try_from(left) else { return auth::expired() };
        let wait = Duration::from_millis(left).min(LOOK_AT_LEAST_EVERY);
        // Any of them is a reason to look again.
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            Ok(()) = permission.changed() => {}
            Ok(()) = revoked.changed() => {}
            Ok(()) = keys.changed() => {}
        }
    }
}
