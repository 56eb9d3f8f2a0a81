//! The life of the database: whether it was restored from a backup since the server last looked.

use sqlx::PgExecutor;
use sqlx::postgres::PgPool;
use uuid::Uuid;

/// Whether the database was restored, and nobody has begun another life of it yet.
///
/// # Errors
/// When the connection fails.
pub async fn is_restored(connection: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT sync.is_restored()").fetch_one(connection).await
}

/// Begins another life of a database that was restored; its name. None when somebody else did so
/// meanwhile, or it was not restored.
///
/// # Errors
/// When the connection fails.
pub async fn begin_another(connection: impl PgExecutor<'_>) -> sqlx::Result<Option<Uuid>> {
    let begun: Option<Uuid> = sqlx::query_scalar(
        "UPDATE sync.clock SET last_position = last_position WHERE sync.is_restored() RETURNING epoch",
    )
    .fetch_optional(connection)
    .await?;
    if let Some(epoch) = begun {
        metrics::counter!("sync_restores_noticed_total").increment(1);
        tracing::warn!(%epoch, "this database was restored from a backup, or is new: its devices bring back what it lacks");
    }
    Ok(begun)
}

/// Looks whether the database was restored, and begins another life of it then.
///
/// # Errors
/// When the database cannot be reached.
pub async fn look(pool: &PgPool) -> sqlx::Result<()> {
    if is_restored(pool).await? {
        begin_another(pool).await?;
    }
    Ok(())
}
