//! How long the server waits for the database, and the database for the server.
//!
//! One process that is stopped, or one connection that falls silent, may hold what everybody needs:
//! the clock. So Postgres is told on each connection when to give up on it, and the server gives up
//! by itself a moment later, since it may be the line between the two that is broken.
//!
//! **Invariant**: the limits stand in one order. A transaction that nobody goes on with ends before
//! whoever waits for its locks gives up, that before a statement does, and that before the commit.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

/// How long a statement of a reader may take, and a reader may hold a snapshot without reading.
/// Readers hold nothing that others wait for; and a device on a slow line takes its time.
const READING: Duration = Duration::from_secs(60);

/// How long a commit may take, from which all other limits follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience(Duration);

impl Default for Patience {
    /// Eight seconds: less than the ten after which a person takes a program for broken, and many
    /// times what a large commit takes.
    fn default() -> Self {
        Self(Duration::from_secs(8))
    }
}

impl Patience {
    /// So long for a commit.
    pub const fn of(commit: Duration) -> Self {
        Self(commit)
    }

    /// How long a commit may take in all.
    pub const fn commit(self) -> Duration {
        self.0
    }

    /// How long a transaction that writes may wait for its server's next word.
    pub const fn idle(self) -> Duration {
        self.eighths(5)
    }

    /// How long a transaction may wait for a lock.
    pub const fn lock(self) -> Duration {
        self.eighths(6)
    }

    /// How long one statement may take.
    pub const fn statement(self) -> Duration {
        self.eighths(7)
    }

    /// How long an idle connection may take to say that it is there.
    pub const fn ping(self) -> Duration {
        self.eighths(2)
    }

    /// How long a reader may take for one question.
    pub const fn reading(self) -> Duration {
        READING.saturating_add(self.0)
    }

    const fn eighths(self, count: u32) -> Duration {
        self.0.saturating_mul(count).checked_div(8).expect("BUG: eight is not zero")
    }

    /// Tells Postgres the limits of a connection. Given to the session and not to a role: a role's
    /// own settings act at login alone, and the server changes roles within its transactions.
    pub(super) async fn tell(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let ms = |of: Duration| of.as_millis().max(1);
        let (lock, statement, idle) = (ms(self.lock()), ms(self.statement()), ms(self.idle()));
        // A server that was stopped takes nothing from its socket: what Postgres has sent for so long
        // without its being taken ends the connection. Seconds, for keep-alives.
        let alive = self.idle().as_secs().max(1);
        let sql = format!(
            "SET lock_timeout = {lock}; SET statement_timeout = {statement};
             SET idle_in_transaction_session_timeout = {idle};
             SET tcp_user_timeout = {idle}; SET tcp_keepalives_idle = {alive};
             SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
        // Where the system cannot tell that the other end is gone, Postgres takes zero alone.
        let check = "SET client_connection_check_interval = 1000";
        if let Err(error) = sqlx::raw_sql(check).execute(connection).await {
            tracing::debug!(%error, "Postgres does not look whether its clients are gone");
        }
        Ok(())
    }
}

/// What gives a reader its time, within a transaction. Policies make plans that look dear, for which
/// PostgreSQL would compile code: that takes longer than any question of ours.
pub(super) fn reading() -> String {
    let ms = READING.as_millis();
    format!(
        "SET LOCAL statement_timeout = {ms}; SET LOCAL idle_in_transaction_session_timeout = {ms}; SET LOCAL jit = off"
    )
}

/// Waits for the database for so long and no longer.
///
/// # Errors
/// Those of the work, and a time-out of input and output when it took too long. Whether it happened
/// is not known then.
pub async fn within<T>(
    limit: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let text = format!("the database did not answer within {} ms", limit.as_millis());
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text)))
    })
}

/// Whether the store could not be reached or did not get to it in time, so that trying the same at
/// once, or a part of it, would only cost as much again.
pub fn out_of_reach(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed => true,
        // The connection ended (08, 57P), a transaction sat idle (25P03), a lock or a statement took
        // too long (55P03, 57014).
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08")
                || code.starts_with("57")
                || ["25P03", "55P03"].contains(&code.as_ref())
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_lock_ends_before_those_who_wait_for_it_give_up() {
        for seconds in [1, 2, 8, 60] {
            let patience = Patience::of(Duration::from_secs(seconds));
            assert!(patience.ping() < patience.idle());
            assert!(patience.idle() < patience.lock());
            assert!(patience.lock() < patience.statement());
            assert!(patience.statement() < patience.commit());
        }
        assert!(Patience::default().commit() < Duration::from_secs(10));
    }
}
