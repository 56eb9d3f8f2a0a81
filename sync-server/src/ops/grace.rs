//! For how long edits are taken that were made before a reassignment was heard of.

use sqlx::postgres::PgPool;

/// The grace, in whole days.
///
/// # Errors
/// When the database cannot be reached.
pub async fn days(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT (extract(epoch FROM grace) / 86400)::bigint FROM app.settings")
        .fetch_one(pool)
        .await
}

/// Sets the grace; it counts at once, also for accounts that were given away before.
///
/// # Errors
/// When the database cannot be reached.
pub async fn set_days(pool: &PgPool, days: u16) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("UPDATE app.settings SET grace = make_interval(days => $1)")
        .bind(i32::from(days))
        .execute(&mut *tx)
        .await?;
    super::people::audit(&mut tx, "settings.grace", serde_json::json!({ "days": days })).await?;
    tx.commit().await
}
