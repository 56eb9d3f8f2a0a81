//! The server's only SQL on the path of a push and a feed.
//!
//! **Invariant**: rows of records are written as `pantry_writer` and read as `authenticated`, with
//! the claims of the user concerned; everything else happens as `pantry_server`.

pub mod documents;
pub mod feed;
pub mod rows;

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor, Row as _};
use sync_core::ids::{FeedPosition, RecordId, UserId};

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

/// Under which role a user's statements run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Reading: `authenticated`.
    Read,
    /// Writing projected rows: `pantry_writer`.
    Write {
        /// How far the device's feed had come when the edit was made, if it says so.
        seen: Option<FeedPosition>,
    },
}

/// Makes the rest of the transaction, or of the savepoint, run as a user.
///
/// # Errors
/// When Postgres refuses.
pub async fn become_user(
    connection: &mut PgConnection,
    user: UserId,
    access: Access,
) -> sqlx::Result<()> {
    let (role, skip, seen) = match access {
        Access::Read => ("authenticated", "", None),
        Access::Write { seen } => ("pantry_writer", "on", seen),
    };
    let seen = seen.map(|position| position.0.to_string()).unwrap_or_default();
    // A user id is a UUID, so that nothing in it needs quoting.
    let sql = format!(
        "SELECT set_config('request.jwt.claims', '{{\"sub\":\"{user}\",\"role\":\"authenticated\"}}', true);
         SET LOCAL ROLE {role}; SET LOCAL pantry.refused = ''; SET LOCAL pantry.skip_refused = '{skip}';
         SET LOCAL pantry.seen = '{seen}'"
    );
    connection.execute(AssertSqlSafe(sql)).await.map(drop)
}

/// Back to the server's own role within a transaction.
///
/// # Errors
/// When Postgres refuses.
pub async fn become_server(connection: &mut PgConnection) -> sqlx::Result<()> {
    connection
        .execute("SET LOCAL ROLE pantry_server; SELECT set_config('request.jwt.claims', '', true)")
        .await
        .map(drop)
}

/// A row that a rule refused and that was therefore not written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The record.
    pub record: RecordId,
    /// The trigger that says so.
    pub rule: String,
    /// Its error code.
    pub state: String,
}

/// Rows that were skipped since the connection became a user.
///
/// # Errors
/// When the connection fails.
pub async fn skipped(connection: &mut PgConnection) -> sqlx::Result<Vec<Skipped>> {
    let notes: String = sqlx::query_scalar("SELECT current_setting('pantry.refused')")
        .fetch_one(connection)
        .await?;
    let note = |note: &str| {
        let mut parts = note.split(',');
        let (record, rule, state) = (parts.next()?, parts.next()?, parts.next()?);
        let record = record.parse().ok()?;
        Some(Skipped { record, rule: rule.to_owned(), state: state.to_owned() })
    };
    let read = |one: &str| {
        note(one).ok_or_else(|| sqlx::Error::Decode(format!("not a refused row: {one}").into()))
    };
    notes.split(';').filter(|one| !one.is_empty()).map(read).collect()
}
