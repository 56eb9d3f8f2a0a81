//! Migrations: numbered pairs, compiled into the program; and how a database stands to them.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection as _, Executor as _};

/// Where the list of applied migrations is. Not in `public`, where platforms let everybody write to
/// whatever is made without a word about it.
const SCHEMA: &str = "setup";

/// All migrations.
pub static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!("../migrations");
    migrator.create_schema(SCHEMA);
    migrator.dangerous_set_table_name(format!("{SCHEMA}.migrations"));
    migrator
});

/// How a database's tables stand to those that this program knows.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Mismatch {
    /// Nothing was applied: run `sync-server migrate up`.
    #[error(
        "the database has none of the server's tables; make them with `sync-server migrate up`"
    )]
    Absent,
    /// Not all was applied: run `sync-server migrate up`.
    #[error(
        "the database's tables are older than this program: it is at migration {at} of {knows}; bring it up to date with `sync-server migrate up`"
    )]
    Older {
        /// The last migration that was applied.
        at: i64,
        /// The last one that the program knows.
        knows: i64,
    },
    /// A later release migrated the database: use that one.
    #[error(
        "the database's tables are newer than this program: it is at migration {at}, this program knows {knows}; use the release whose `sync-server migrate up` made them"
    )]
    Newer {
        /// The last migration that was applied.
        at: i64,
        /// The last one that the program knows.
        knows: i64,
    },
    /// A migration has another text here than the one that was applied.
    #[error(
        "migration {0} of the database is not the one that this program has; use the release whose `sync-server migrate up` made it"
    )]
    Different(i64),
}

/// How long a migration waits for a table that somebody uses. Whoever asks for the table after it waits
/// for both.
pub const LOCKED_FOR: Duration = Duration::from_secs(5);

/// Why migrations did not come to their end. What was applied before stays.
#[derive(Debug, thiserror::Error)]
pub enum MigrateFault {
    /// Somebody uses a table that is to be changed: run it again when their work has ended.
    #[error(
        "a table that a migration changes is in use and was not free within {waited_ms} ms; nothing of that migration was done, and nobody waits for it. Run it again when long queries and other migrations have ended, or end them with pg_terminate_backend{longest}"
    )]
    InUse {
        /// How long it was waited for.
        waited_ms: u128,
        /// The longest transaction there is, in words.
        longest: String,
    },
    /// A migration failed; nothing of it was done.
    #[error(transparent)]
    Failed(#[from] MigrateError),
    /// The database could not be reached.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Applies what is missing, and waits for no table for longer than [`LOCKED_FOR`].
///
/// # Errors
/// When a migration fails; it leaves nothing half-made.
pub async fn up(pool: &PgPool) -> Result<(), MigrateFault> {
    up_within(pool, LOCKED_FOR).await
}

/// The same, with a wait of so long for a table.
///
/// # Errors
/// As [`up`].
pub async fn up_within(pool: &PgPool, wait: Duration) -> Result<(), MigrateFault> {
    let mut connection = impatient(pool, wait).await?;
    let done = MIGRATIONS.run(&mut connection).await;
    ended(pool, connection, wait, done).await
}

/// Takes the last migration back, or all.
///
/// # Errors
/// When a migration fails.
pub async fn down(pool: &PgPool, all: bool) -> Result<(), MigrateFault> {
    let applied = applied(pool).await?;
    let target = match (all, applied.len()) {
        (true, _) | (_, 0 | 1) => 0,
        (false, n) => applied[n - 2],
    };
    if !applied.is_empty() {
        let mut connection = impatient(pool, LOCKED_FOR).await?;
        let done = MIGRATIONS.undo(&mut connection, target).await;
        ended(pool, connection, LOCKED_FOR, done).await?;
    }
    if target == 0 {
        // The list itself goes last.
        let sql = "DROP SCHEMA IF EXISTS setup CASCADE";
        sqlx::query(sql).execute(pool).await?;
    }
    Ok(())
}

/// A connection of its own that waits so long for a lock.
async fn impatient(pool: &PgPool, wait: Duration) -> sqlx::Result<PgConnection> {
    let mut connection = pool.acquire().await?.detach();
    let sql = format!("SET lock_timeout = {}", wait.as_millis());
    connection.execute(sqlx::AssertSqlSafe(sql)).await?;
    Ok(connection)
}

async fn ended(
    pool: &PgPool,
    connection: PgConnection,
    wait: Duration,
    done: Result<(), MigrateError>,
) -> Result<(), MigrateFault> {
    // It may hold the lock that keeps two from migrating at once.
    connection.close().await?;
    match done {
        Err(error) if is_in_use(&error) => {
            let longest = longest(pool).await?;
            Err(MigrateFault::InUse { waited_ms: wait.as_millis(), longest })
        }
        done => Ok(done?),
    }
}

/// Whether a lock was not to be had in time.
fn is_in_use(error: &MigrateError) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(one) = cause {
        if let Some(sqlx::Error::Database(said)) = one.downcast_ref() {
            return said.code().as_deref() == Some("55P03");
        }
        cause = one.source();
    }
    false
}

/// The longest transaction in this database that the login may know of, in words.
async fn longest(pool: &PgPool) -> sqlx::Result<String> {
    let found: Option<(i32, String, i64)> = sqlx::query_as(
        "SELECT pid, usename::text, extract(epoch FROM clock_timestamp() - xact_start)::bigint
         FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
         ORDER BY xact_start LIMIT 1",
    )
    .fetch_optional(pool)
    .await?;
    let said = |(pid, user, seconds)| {
        format!("; the longest that is seen is process {pid} of {user}, for {seconds} s")
    };
    Ok(found.map(said).unwrap_or_default())
}

/// Versions applied, in order.
///
/// # Errors
/// When the database cannot be read.
pub async fn applied(pool: &PgPool) -> sqlx::Result<Vec<i64>> {
    let mut connection = pool.acquire().await?;
    let found = list(&mut connection).await?;
    Ok(found.into_iter().map(|(version, _)| version).collect())
}

/// Whether the database's tables are those that this program knows; none if they are.
///
/// # Errors
/// When the database cannot be read.
pub async fn mismatch(connection: &mut PgConnection) -> sqlx::Result<Option<Mismatch>> {
    Ok(compare(&list(connection).await?))
}

/// The same of a database that may never have heard of the server's role.
///
/// # Errors
/// When it cannot be reached, or when the login may not become the server.
pub async fn mismatch_at(url: &str) -> sqlx::Result<Option<Mismatch>> {
    let mut connection = PgConnection::connect(url).await?;
    let sql = "SELECT to_regrole('pantry_server') IS NOT NULL";
    let role: bool = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    if !role {
        return Ok(Some(Mismatch::Absent));
    }
    connection.execute("SET ROLE pantry_server").await?;
    mismatch(&mut connection).await
}

/// What was applied, with the digest of each text. Asked of the catalogue first: without a list
/// nothing was applied.
async fn list(connection: &mut PgConnection) -> sqlx::Result<Vec<(i64, Vec<u8>)>> {
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'setup' AND c.relname = 'migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !there {
        return Ok(Vec::new());
    }
    sqlx::query_as("SELECT version, checksum FROM setup.migrations ORDER BY version")
        .fetch_all(connection)
        .await
}

fn compare(applied: &[(i64, Vec<u8>)]) -> Option<Mismatch> {
    let known: Vec<_> =
        MIGRATIONS.iter().filter(|one| !one.migration_type.is_down_migration()).collect();
    let knows = known.iter().map(|one| one.version).max().unwrap_or(0);
    let Some((at, _)) = applied.last() else { return Some(Mismatch::Absent) };
    if *at > knows {
        return Some(Mismatch::Newer { at: *at, knows });
    }
    for one in known {
        match applied.iter().find(|(version, _)| *version == one.version) {
            None => return Some(Mismatch::Older { at: *at, knows }),
            Some((_, checksum)) if **checksum != *one.checksum => {
                return Some(Mismatch::Different(one.version));
            }
            Some(_) => {}
        }
    }
    None
}
