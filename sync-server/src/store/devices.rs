//! Which devices were heard, and whose they are.

use sqlx::postgres::PgPool;
use sync_core::hub::DeviceNoted;
use sync_core::ids::{ReplicaId, UserId};
use sync_core::limits;

/// Notes that a device of the user was heard; a device belongs to one user.
///
/// # Errors
/// When the database cannot be reached.
pub async fn note(
    pool: &PgPool,
    user: UserId,
    replica: ReplicaId,
    app: &str,
) -> sqlx::Result<DeviceNoted> {
    let app: String = app.chars().take(100).collect();
    let done: Option<bool> = sqlx::query_scalar(
        "INSERT INTO sync.replicas (replica_id, user_id, app, last_sync) VALUES ($1, $2, $3, now())
         ON CONFLICT (replica_id) DO UPDATE SET app = excluded.app, last_sync = now()
         WHERE sync.replicas.user_id = excluded.user_id
         RETURNING xmax = 0",
    )
    .bind(replica.0)
    .bind(user.0)
    .bind(app)
    .fetch_optional(pool)
    .await?;
    match done {
        None => return Ok(DeviceNoted::AnotherUsers),
        Some(true) => forget_oldest(pool, user).await?,
        Some(false) => {}
    }
    Ok(DeviceNoted::Own)
}

/// Forgets devices of a user who has more than are remembered: those that were heard longest ago.
async fn forget_oldest(pool: &PgPool, user: UserId) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM sync.replicas WHERE replica_id IN (
             SELECT replica_id FROM sync.replicas WHERE user_id = $1
             ORDER BY last_sync DESC, replica_id OFFSET $2)",
    )
    .bind(user.0)
    .bind(limits::DEVICES_PER_USER as i64)
    .execute(pool)
    .await
    .map(drop)
}
