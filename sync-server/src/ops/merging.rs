//! Merging accounts, taking that back, and moving contacts.

use serde_json::Value as Json;
use sqlx::postgres::PgPool;
use sync_core::document::{FieldChange, RecordEdit, Value};
use sync_core::event::event_data;
use sync_core::ids::RecordId;
use sync_core::schema::RowView;
use uuid::Uuid;

use super::edits::{self, Plan};
use super::lookup::{field_of, seen};
use super::slip::Slip;

fn senseless(sentence: String) -> anyhow::Error {
    Slip::Senseless(sentence).into()
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
    if accounts.contains(&into) {
        return Err(senseless(format!("{into} cannot be merged into itself")));
    }
    let target = seen(pool, acting, "organizations", "merged_into", &[into]).await?;
    if let Some(further) = target[0].as_str() {
        let sentence = format!("{into} is merged into {further} itself; merge into that one");
        return Err(senseless(sentence));
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
        let account = accounts[at];
        return Err(senseless(format!("{account} is merged into no other account")));
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
