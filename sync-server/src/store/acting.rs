//! As whom statements run, and what the rules made of them.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};
use sync_core::ids::{FeedPosition, RecordId, UserId};

use super::patience;

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
    let (role, on, seen) = match access {
        Access::Read => ("authenticated", "", None),
        Access::Write { seen } => ("pantry_writer", "on", seen),
    };
    let seen = seen.map(|position| position.0.to_string()).unwrap_or_default();
    let time = match access {
        Access::Read => format!("; {}", patience::reading()),
        Access::Write { .. } => String::new(),
    };
    // A user id is a UUID, so that nothing in it needs quoting.
    let sql = format!(
        "SELECT set_config('request.jwt.claims', '{{\"sub\":\"{user}\",\"role\":\"authenticated\"}}', true);
         SET LOCAL ROLE {role}; SET LOCAL pantry.refused = ''; SET LOCAL pantry.skip_refused = '{on}';
         SET LOCAL pantry.projects = '{on}'; SET LOCAL pantry.seen = '{seen}'; SET LOCAL pantry.moved = ''{time}"
    );
    connection.execute(AssertSqlSafe(sql)).await.map(drop)
}

/// Says of which records an edit writes what they hang from, until somebody else is acted as.
///
/// # Errors
/// When Postgres refuses.
pub(super) async fn say_moved(
    connection: &mut PgConnection,
    records: impl Iterator<Item = RecordId>,
) -> sqlx::Result<()> {
    let records: Vec<String> = records.map(|record| record.to_string()).collect();
    let query = sqlx::query("SELECT set_config('pantry.moved', $1, true)");
    query.bind(records.join(" ")).execute(connection).await.map(drop)
}

/// Makes the rest of the savepoint put rows back that were accepted before, as the server itself.
///
/// # Errors
/// When Postgres refuses.
pub(super) async fn put_back(connection: &mut PgConnection) -> sqlx::Result<()> {
    connection
        .execute(
            "SET LOCAL pantry.refused = ''; SET LOCAL pantry.skip_refused = 'on';
             SET LOCAL pantry.seen = ''; SET LOCAL pantry.puts_back = 'on'; SET LOCAL pantry.projects = 'on'",
        )
        .await
        .map(drop)
}

/// Makes the rest of a transaction write rows as what documents say: nobody else writes them.
///
/// # Errors
/// When Postgres refuses.
pub async fn project(connection: &mut PgConnection) -> sqlx::Result<()> {
    connection.execute("SET LOCAL pantry.projects = 'on'").await.map(drop)
}

/// Back to the server's own role within a transaction.
///
/// # Errors
/// When Postgres refuses.
pub async fn become_server(connection: &mut PgConnection) -> sqlx::Result<()> {
    connection
        .execute(
            "SET LOCAL ROLE pantry_server; SET LOCAL pantry.puts_back = ''; SET LOCAL pantry.projects = '';
             SELECT set_config('request.jwt.claims', '', true)",
        )
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
