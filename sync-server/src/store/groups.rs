//! Which groups of edits were accepted.

use sqlx::postgres::PgPool;
use sync_core::ids::GroupId;
use uuid::Uuid;

/// Which of these groups, of these records, are stored as somebody's.
///
/// # Errors
/// When the database cannot be reached.
pub async fn stored_groups(
    pool: &PgPool,
    author: Uuid,
    groups: impl Iterator<Item = GroupId>,
    records: impl Iterator<Item = Uuid>,
) -> sqlx::Result<Vec<GroupId>> {
    let groups: Vec<Uuid> = groups.map(|group| group.0).collect();
    let stored: Vec<Uuid> = sqlx::query_scalar(
        "SELECT DISTINCT group_id FROM sync.changes
         WHERE record_id = ANY($2) AND group_id = ANY($1) AND author = $3",
    )
    .bind(groups)
    .bind(records.collect::<Vec<Uuid>>())
    .bind(author)
    .fetch_all(pool)
    .await?;
    Ok(stored.into_iter().map(GroupId).collect())
}
