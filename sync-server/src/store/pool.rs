//! Connections to Postgres.

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Executor, Row as _};

/// Connects a pool whose every connection becomes `pantry_server`.
///
/// # Errors
/// When Postgres cannot be reached, or the login may not become `pantry_server`.
pub async fn connect(url: &str, size: u32) -> sqlx::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(std::time::Duration::from_secs(10))
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute("SET ROLE pantry_server; SET synchronous_commit = on; SET jit = off")
                    .await
                    .map(drop)
            })
        })
        // A unit of work that is dropped half-way may leave its transaction open, a BEGIN whose
        // answer nobody awaited even without sqlx knowing. Whoever comes next must find neither that
        // nor whose it was: a connection on which time stands still, or that is not itself, is closed.
        .after_release(|connection, _| {
            Box::pin(async move {
                let sound =
                    "SELECT now() = statement_timestamp() AND current_user = 'pantry_server'";
                // In one message: a prepared statement's clock runs from its preparation.
                sqlx::raw_sql(sound).fetch_one(connection).await?.try_get(0)
            })
        })
        .connect(url)
        .await
}

/// Connects as the login itself, for operators' commands.
///
/// # Errors
/// When Postgres cannot be reached.
pub async fn connect_as_owner(url: &str) -> sqlx::Result<PgPool> {
    PgPoolOptions::new().max_connections(4).connect(url).await
}
