//! Connections to Postgres.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor, Postgres, Row as _};

use super::patience::{Patience, within};

/// Connects a pool whose every connection becomes `pantry_server`.
///
/// # Errors
/// When Postgres cannot be reached, or the login may not become `pantry_server`.
pub async fn connect(url: &str, size: u32, patience: Patience) -> sqlx::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(patience.idle())
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection
                    .execute("SET ROLE pantry_server; SET synchronous_commit = on; SET jit = off")
                    .await?;
                patience.tell(connection).await
            })
        })
        // Both ways of sqlx to test a connection wait for ever if it is silent, hence these.
        .test_before_acquire(false)
        .before_acquire(move |connection, _| {
            Box::pin(async move {
                within(patience.ping(), connection.ping()).await?;
                Ok(true)
            })
        })
        // A unit of work that is dropped half-way may leave its transaction open, a BEGIN whose
        // answer nobody awaited even without sqlx knowing. Whoever comes next must find neither that
        // nor whose it was: a connection on which time stands still, or that is not itself, is closed.
        .after_release(move |connection, _| {
            Box::pin(async move {
                let sound =
                    "SELECT now() = statement_timestamp() AND current_user = 'pantry_server'";
                // In one message: a prepared statement's clock runs from its preparation.
                let answer = sqlx::raw_sql(sound).fetch_one(connection);
                within(patience.lock(), answer).await?.try_get(0)
            })
        })
        .connect(url)
        .await
}

/// Connects as the login itself, for operators' commands. A command that is stopped half-way holds
/// up nobody for longer than a server would.
///
/// # Errors
/// When Postgres cannot be reached.
pub async fn connect_as_owner(url: &str, patience: Patience) -> sqlx::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(4)
        .after_connect(move |connection, _| {
            let ms = patience.idle().as_millis();
            let sql = format!(
                "SET idle_in_transaction_session_timeout = {ms}; SET tcp_user_timeout = {ms}"
            );
            Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(sql)).await.map(drop) })
        })
        .connect(url)
        .await
}

/// A connection that is used again only after its work succeeded. Otherwise it is cut at once: on one
/// that fell silent even to say goodbye would take for ever.
#[derive(Debug)]
pub struct Held(Option<PoolConnection<Postgres>>);

impl Held {
    /// Takes a connection from a pool.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn take(pool: &PgPool) -> sqlx::Result<Self> {
        Ok(Self(Some(pool.acquire().await?)))
    }

    /// The connection.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("BUG: it is taken only when it is given back")
    }

    /// Gives it back, to be used again.
    pub fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}
