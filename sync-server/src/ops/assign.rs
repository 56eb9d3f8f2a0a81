//! Assigning accounts.

use std::collections::HashMap;

use sqlx::postgres::PgPool;
use sync_core::document::{FieldChange, RecordEdit};
use sync_core::event::event_data;
use sync_core::ids::RecordId;
use sync_core::schema::{Field, Kind, RowView};
use uuid::Uuid;

use super::edits::{self, Outcome, Plan};
use crate::committer::Committer;

/// Who is to look after an account, and where it is to lie: all of it is said.
#[derive(Clone, Copy, Debug)]
pub struct Assignment {
    /// The account.
    pub organization: Uuid,
    /// First in charge.
    pub to: Uuid,
    /// Second in charge.
    pub second: Option<Uuid>,
    /// Territory.
    pub territory: Option<Uuid>,
}

/// What becomes of one part of an assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Becomes {
    /// It stays as it is.
    #[default]
    AsItIs,
    /// Nobody, or nowhere.
    Nothing,
    /// This person or territory.
    This(Uuid),
}

impl Becomes {
    fn over(self, stands: Option<&str>) -> Option<String> {
        match self {
            Self::AsItIs => stands.map(str::to_owned),
            Self::Nothing => None,
            Self::This(id) => Some(id.to_string()),
        }
    }
}

/// What is to change about who looks after an account: only what is named.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reassignment {
    /// First in charge.
    pub first: Becomes,
    /// Second in charge.
    pub second: Becomes,
    /// Territory.
    pub territory: Becomes,
}

fn assignments() -> anyhow::Result<(Kind, Field)> {
    let schema = sync_core::crm::schema();
    let kind = schema.kind("organization").ok_or_else(|| anyhow::anyhow!("no such kind"))?;
    let field = kind.field("assignment").ok_or_else(|| anyhow::anyhow!("no such field"))?;
    Ok((kind.clone(), field.clone()))
}

impl Reassignment {
    /// The event that says who looks after an account from now on.
    fn edit(self, field: &Field, row: &RowView<'_>) -> RecordEdit {
        let first = self.first.over(row.text("assigned_user_id"));
        let second = self.second.over(row.text("secondary_user_id"));
        let territory = self.territory.over(row.text("territory_id"));
        let data = event_data([
            ("assigned_user_id", first.as_deref()),
            ("secondary_user_id", second.as_deref()),
            ("territory_id", territory.as_deref()),
        ]);
        RecordEdit { changes: vec![(field.clone(), FieldChange::Append(data))] }
    }
}

/// Works out how accounts are assigned anew; those that stand so already are left out.
///
/// # Errors
/// When the database cannot be reached or an account's document cannot be opened.
pub async fn plan(
    pool: &PgPool,
    acting: Uuid,
    list: &[(RecordId, Reassignment)],
) -> anyhow::Result<Plan> {
    let (kind, field) = assignments()?;
    let records: Vec<RecordId> = list.iter().map(|(record, _)| *record).collect();
    let wanted: HashMap<RecordId, Reassignment> = list.iter().copied().collect();
    let wish = |record: RecordId, row: &RowView<'_>| {
        wanted.get(&record).map(|wanted| wanted.edit(&field, row))
    };
    Ok(edits::plan(pool, acting, &kind, &records, wish).await?.only_changes())
}

/// Assigns accounts as a manager, through the same commit as every edit.
///
/// # Errors
/// When the database cannot be reached or an account's document cannot be opened.
pub async fn assign(
    pool: &PgPool,
    committer: &Committer,
    manager: Uuid,
    list: &[Assignment],
) -> anyhow::Result<Outcome> {
    let (kind, field) = assignments()?;
    let records: Vec<RecordId> = list.iter().map(|one| RecordId(one.organization)).collect();
    let wish = |record: RecordId, row: &RowView<'_>| {
        let one = list.iter().find(|one| one.organization == record.0)?;
        let named = |id: Option<Uuid>| id.map_or(Becomes::Nothing, Becomes::This);
        let (second, territory) = (named(one.second), named(one.territory));
        let wanted = Reassignment { first: Becomes::This(one.to), second, territory };
        Some(wanted.edit(&field, row))
    };
    edits::plan(pool, manager, &kind, &records, wish).await?.carry_out(committer).await
}
