//! What a feed reads, as the user it is for.

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};
use sync_core::ids::ChangeHash;
use uuid::Uuid;

/// The last position, the life of the database, and whether the user may still sign in.
///
/// # Errors
/// When the connection fails.
pub async fn clock(connection: &mut PgConnection) -> sqlx::Result<(i64, Uuid, bool)> {
    let row = sqlx::query(
        "SELECT last_position, epoch, app.current_user_id() IS NOT NULL FROM sync.clock",
    )
    .fetch_one(connection)
    .await?;
    Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
}

/// Changes of the user's access after a position, the last of each scope: scope (none for
/// everything) and reason.
///
/// # Errors
/// When the connection fails.
pub async fn access_events(
    connection: &mut PgConnection,
    user: Uuid,
    after: i64,
) -> sqlx::Result<Vec<(Option<Uuid>, String)>> {
    let rows = sqlx::query(
        "SELECT DISTINCT ON (scope_id) scope_id, reason FROM sync.access_events
         WHERE user_id = $1 AND position > $2 ORDER BY scope_id, position DESC, id DESC",
    )
    .bind(user)
    .bind(after)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Records that left a scope the user sees after a position, and that the user sees nowhere else.
///
/// # Errors
/// When the connection fails.
pub async fn moved_away(connection: &mut PgConnection, after: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "SELECT DISTINCT m.record_id FROM sync.moves m WHERE m.position > $1
           AND NOT EXISTS (SELECT 1 FROM sync.documents d WHERE d.id = m.record_id)",
    )
    .bind(after)
    .fetch_all(connection)
    .await
}

/// Every scope that the user sees.
///
/// # Errors
/// When the connection fails.
pub async fn visible_scopes(connection: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("SELECT sync.visible_scopes()").fetch_all(connection).await
}

/// A document that a replica is to get.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Position of its last change.
    pub position: i64,
    /// The record.
    pub id: Uuid,
    /// Its size as saved.
    pub bytes: usize,
}

fn listed(row: &PgRow) -> sqlx::Result<Listed> {
    let bytes: i32 = row.try_get(2)?;
    let bytes = usize::try_from(bytes).unwrap_or(0);
    Ok(Listed { position: row.try_get(0)?, id: row.try_get(1)?, bytes })
}

/// Documents that changed after a position, in the order of positions.
///
/// # Errors
/// When the connection fails.
pub async fn changed_after(connection: &mut PgConnection, after: i64) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query(
        "SELECT d.position, d.id, octet_length(d.snapshot) FROM sync.visible_scopes() s JOIN sync.documents d ON d.scope_id = s
         WHERE d.position > $1 ORDER BY d.position",
    )
    .bind(after)
    .fetch_all(connection)
    .await?;
    rows.iter().map(listed).collect()
}

/// Documents of some scopes.
///
/// # Errors
/// When the connection fails.
pub async fn of_scopes(
    connection: &mut PgConnection,
    scopes: &[Uuid],
) -> sqlx::Result<Vec<Listed>> {
    list(
        connection,
        "SELECT position, id, octet_length(snapshot) FROM sync.documents WHERE scope_id = ANY($1)",
        scopes,
    )
    .await
}

/// Documents by id.
///
/// # Errors
/// When the connection fails.
pub async fn of_ids(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Listed>> {
    list(
        connection,
        "SELECT position, id, octet_length(snapshot) FROM sync.documents WHERE id = ANY($1)",
        ids,
    )
    .await
}

async fn list(
    connection: &mut PgConnection,
    sql: &'static str,
    keys: &[Uuid],
) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query(sql).bind(keys).fetch_all(connection).await?;
    rows.iter().map(listed).collect()
}

/// A document as the feed sends it.
#[derive(Debug)]
pub struct FeedDocument {
    /// The record.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its scope.
    pub scope: Uuid,
    /// The merged document, if it was asked for.
    pub snapshot: Option<Vec<u8>>,
}

/// Documents by id, as far as the user sees them; with their snapshots if they began after a
/// position and not at one of some others.
///
/// # Errors
/// When the connection fails.
pub async fn documents(
    connection: &mut PgConnection,
    ids: &[Uuid],
    whole_after: i64,
    except: &[i64],
) -> sqlx::Result<Vec<FeedDocument>> {
    let rows = sqlx::query(
        "SELECT id, kind, scope_id, CASE WHEN created_position > $2 AND created_position <> ALL($3) THEN snapshot END
         FROM sync.documents WHERE id = ANY($1)",
    )
    .bind(ids)
    .bind(whole_after)
    .bind(except)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(FeedDocument {
                id: row.try_get(0)?,
                kind: row.try_get(1)?,
                scope: row.try_get(2)?,
                snapshot: row.try_get(3)?,
            })
        })
        .collect()
}

/// Positions of those changes that are stored.
///
/// # Errors
/// When the connection fails.
pub async fn positions(
    connection: &mut PgConnection,
    changes: &[ChangeHash],
) -> sqlx::Result<Vec<i64>> {
    let hashes: Vec<&[u8]> = changes.iter().map(|hash| hash.0.as_slice()).collect();
    sqlx::query_scalar("SELECT position FROM sync.changes WHERE hash = ANY($1)")
        .bind(hashes)
        .fetch_all(connection)
        .await
}

/// Changes of some records after a position and not at one of some others, oldest first.
///
/// # Errors
/// When the connection fails.
pub async fn changes_after(
    connection: &mut PgConnection,
    records: &[Uuid],
    after: i64,
    except: &[i64],
) -> sqlx::Result<Vec<(Uuid, Vec<u8>)>> {
    let rows = sqlx::query(
        "SELECT record_id, bytes FROM sync.changes
         WHERE record_id = ANY($1) AND position > $2 AND position <> ALL($3) ORDER BY position",
    )
    .bind(records)
    .bind(after)
    .bind(except)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
