//! Connections to Postgres.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor, Postgres, Row as _};

use tokio::time::Instant;

use super::patience::{self, Patience, out_of_reach, within};

/// How long a program waits for a database that cannot be reached when it starts.
pub const REACHED_WITHIN: Duration = Duration::from_secs(30);
/// How long one try may take, and the pause after it.
const TRY_FOR: Duration = Duration::from_secs(3);
const TRY_AGAIN: Duration = Duration::from_millis(300);

/// Waits until the database can be reached; says what it waits for if that is not so at once.
///
/// # Errors
/// When it cannot be reached in time, or does not let the login in.
pub async fn reach(url: &str, within: Duration, tell: impl Fn(&str)) -> sqlx::Result<()> {
    let options: PgConnectOptions = url.parse()?;
    let until = Instant::now() + within;
    let mut told = false;
    loop {
        let error = match patience::within(TRY_FOR, PgConnection::connect_with(&options)).await {
            Ok(connection) => return connection.close().await,
            Err(error) if !out_of_reach(&error) || Instant::now() >= until => return Err(error),
            Err(error) => error,
        };
        if !std::mem::replace(&mut told, true) {
            // Without the password that stands in the address.
            let (host, port) = (options.get_host(), options.get_port());
            let database = options.get_database().unwrap_or_default();
            let seconds = within.as_secs();
            tell(&format!(
                "waiting up to {seconds} s for the database at {host}:{port}/{database}, as DATABASE_URL names it: {error}"
            ));
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

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
