//! Which devices were heard, and whose they are.

use sqlx::postgres::PgPool;
use sync_core::hub::DeviceNoted;
use sync_core::ids::{ReplicaId, UserId};

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
    let done = sqlx::query(
        "INSERT INTO sync.replicas (replica_id, user_id, app, last_sync) VALUES ($1, $2, $3, now())
         ON CONFLICT (replica_id) DO UPDATE SET app = excluded.app, last_sync = now()
         WHERE sync.replicas.user_id = excluded.user_id",
    )
    .bind(replica.0)
    .bind(user.0)
    .bind(app)
    .execute(pool)
    .await?;
    Ok(if done.rows_affected() == 0 { DeviceNoted::AnotherUsers } else { DeviceNoted::Own })
}
