//! Migrations: numbered pairs, compiled into the program.

use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::PgPool;

/// All migrations.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Applies what is missing.
///
/// # Errors
/// When a migration fails; it leaves nothing half-made.
pub async fn up(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATIONS.run(pool).await
}

/// Takes the last migration back, or all.
///
/// # Errors
/// When a migration fails.
pub async fn down(pool: &PgPool, all: bool) -> Result<(), sqlx::migrate::MigrateError> {
    let applied = applied(pool).await?;
    let target = match (all, applied.len()) {
        (true, _) | (_, 0 | 1) => 0,
        (false, n) => applied[n - 2],
    };
    MIGRATIONS.undo(pool, target).await
}

/// Versions applied, in order.
///
/// # Errors
/// When the database cannot be read.
pub async fn applied(pool: &PgPool) -> Result<Vec<i64>, sqlx::migrate::MigrateError> {
    let mut connection = pool.acquire().await?;
    let table = &MIGRATIONS.table_name;
    connection.ensure_migrations_table(table).await?;
    let applied = connection.list_applied_migrations(table).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}
