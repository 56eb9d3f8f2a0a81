//! Fields by their names, and records as somebody sees them.

use anyhow::Context as _;
use serde_json::Value as Json;
use sqlx::postgres::PgPool;
use sync_core::schema::{Field, Kind};
use uuid::Uuid;

use super::report;
use super::slip::Slip;

/// Ids as SQL lists them. They are UUIDs, so that nothing in them needs quoting.
pub fn listed(ids: &[Uuid]) -> String {
    ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ")
}

pub(super) fn field_of(kind: &str, field: &str) -> anyhow::Result<(Kind, Field)> {
    let schema = sync_core::crm::schema();
    let kind = schema.kind(kind).context("no such kind")?;
    let field = kind.field(field).context("no such field")?;
    Ok((kind.clone(), field.clone()))
}

/// What a column says of these records, in their order, as somebody sees them, so that a slip in an id is told
/// before anything is changed.
pub(super) async fn seen(
    pool: &PgPool,
    acting: Uuid,
    table: &str,
    column: &str,
    records: &[Uuid],
) -> anyhow::Result<Vec<Json>> {
    let sql = format!(
        "SELECT id, {column} AS said FROM public.{table} WHERE id IN ({})",
        listed(records)
    );
    let rows = report::select(pool, &sql, acting).await?.rows;
    let of = |id: &Uuid| {
        let id = id.to_string();
        rows.iter().find(|row| row[0] == id.as_str()).map(|row| row[1].clone())
    };
    let not_seen =
        |id: &Uuid| Slip::NotSeen(format!("{id} is none of the {table} that can be seen"));
    records.iter().map(|id| Ok(of(id).ok_or_else(|| not_seen(id))?)).collect()
}
