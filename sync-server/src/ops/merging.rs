//! Merging accounts, taking that back, and moving contacts.

use anyhow::{Context as _, bail, ensure};
use serde_json::Value as Json;
use sqlx::postgres::PgPool;
use sync_core::document::{FieldChange, RecordEdit, Value};
use sync_core::event::event_data;
use sync_core::ids::RecordId;
use sync_core::schema::{Field, Kind, RowView};
use uuid::Uuid;

use super::edits::{self, Plan};
use super::report;

fn field_of(kind: &str, field: &str) -> anyhow::Result<(Kind, Field)> {
    let schema = sync_core::crm::schema();
    let kind = schema.kind(kind).context("no such kind")?;
    let field = kind.field(field).context("no such field")?;
    Ok((kind.clone(), field.clone()))
}

/// Looks that somebody sees these records, so that a slip in an id is told before anything is changed.
async fn seen(
    pool: &PgPool,
    acting: Uuid,
    table: &str,
    column: &str,
    records: &[Uuid],
) -> anyhow::Result<Vec<Json>> {
    let mut found = Vec::with_capacity(records.len());
    for id in records {
        let sql = format!("SELECT {column} FROM public.{table} WHERE id = '{id}'");
        let rows = report::select(pool, &sql, acting).await?.rows;
        let Some(cell) = rows.into_iter().next().and_then(|row| row.into_iter().next()) else {
            bail!("{id} is none of the {table} that the person after --as sees");
        };
        found.push(cell);
    }
    Ok(found)
}

/// Works out how accounts are merged into another.
///
/// # Errors
/// When one of them is not there for whoever merges, the other is merged into a third itself, or an
/// account would be merged into itself.
pub async fn merge(
    pool: &PgPool,
    acting: Uuid,
    accounts: &[Uuid],
    into: Uuid,
) -> anyhow::Result<Plan> {
    ensure!(!accounts.contains(&into), "{into} cannot be merged into itself");
    let target = seen(pool, acting, "organizations", "merged_into", &[into]).await?;
    if let Some(further) = target[0].as_str() {
        bail!("{into} is merged into {further} itself; merge into that one");
    }
    seen(pool, acting, "organizations", "id", accounts).await?;
    plan_merged_into(pool, acting, accounts, Value::Str(into.to_string())).await
}

/// Works out how mergers are taken back.
///
/// # Errors
/// When one of the accounts is not there for whoever takes it back, or is not merged.
pub async fn unmerge(pool: &PgPool, acting: Uuid, accounts: &[Uuid]) -> anyhow::Result<Plan> {
    let merged = seen(pool, acting, "organizations", "merged_into", accounts).await?;
    if let Some(at) = merged.iter().position(Json::is_null) {
        bail!("{} is merged into no other account", accounts[at]);
    }
    plan_merged_into(pool, acting, accounts, Value::Null).await
}

async fn plan_merged_into(
    pool: &PgPool,
    acting: Uuid,
    accounts: &[Uuid],
    value: Value,
) -> anyhow::Result<Plan> {
    let (kind, field) = field_of("organization", "merged_into")?;
    let records: Vec<RecordId> = accounts.iter().copied().map(RecordId).collect();
    let wish =
        |_: RecordId, _: &RowView<'_>| Some(RecordEdit::default().set(&field, value.clone()));
    Ok(edits::plan(pool, acting, &kind, &records, wish).await?.only_changes())
}

/// Works out how contacts move to another account.
///
/// # Errors
/// When one of them, or the account, is not there for whoever moves them.
pub async fn move_contacts(
    pool: &PgPool,
    acting: Uuid,
    contacts: &[Uuid],
    to: Uuid,
) -> anyhow::Result<Plan> {
    seen(pool, acting, "organizations", "id", &[to]).await?;
    seen(pool, acting, "contacts", "id", contacts).await?;
    let (kind, field) = field_of("contact", "employer")?;
    let records: Vec<RecordId> = contacts.iter().copied().map(RecordId).collect();
    let to = to.to_string();
    let wish = |_: RecordId, _: &RowView<'_>| {
        let moved = event_data([("organization_id", Some(to.as_str()))]);
        Some(RecordEdit { changes: vec![(field.clone(), FieldChange::Append(moved))] })
    };
    Ok(edits::plan(pool, acting, &kind, &records, wish).await?.only_changes())
}
