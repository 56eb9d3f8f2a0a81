//! The work that hangs from accounts: what goes along when they are handed over, and what there is to tell.

use std::collections::HashMap;

use serde_json::Value as Json;
use sqlx::postgres::PgPool;
use sync_core::document::{FieldChange, RecordEdit, Value};
use sync_core::event::event_data;
use sync_core::ids::RecordId;
use sync_core::schema::RowView;
use uuid::Uuid;

use super::assign::{Becomes, Reassignment};
use super::edits::{self, Plan};
use super::lookup::{field_of, listed};
use super::report;

/// Tasks and deals of one account that go along with it: as many as fit into one group with the account. What
/// is more stays with whoever has it, and is seen with the account all the same.
const ALONG_WITH_ONE: usize = 56;
/// Rows of work that are looked at for a preview.
const WORK_SHOWN: usize = 20_000;

const OPEN_TASK: &str = "w.is_deleted IS NOT TRUE AND w.is_completed IS NOT TRUE";
const OPEN_DEAL: &str = "w.is_deleted IS NOT TRUE AND coalesce(w.stage::text NOT IN ('closed-won', 'closed-lost'), true)";

/// Works out which open tasks and deals go along when accounts get another first in charge: those of whoever
/// is it now. Says of each which account it belongs to.
///
/// # Errors
/// When the database cannot be reached or a document cannot be opened.
pub async fn go_along(
    pool: &PgPool,
    acting: Uuid,
    wanted: Reassignment,
    accounts: &[Uuid],
) -> anyhow::Result<(Plan, HashMap<RecordId, Uuid>)> {
    let Becomes::This(to) = wanted.first else {
        return Ok((Plan::of_nothing(acting), HashMap::new()));
    };
    if accounts.is_empty() {
        return Ok((Plan::of_nothing(acting), HashMap::new()));
    }
    let list = listed(accounts);
    let of = |kind: &str, table: &str, whose: &str, open: &str| {
        format!(
            "SELECT '{kind}' AS kind, w.id, w.organization_id FROM public.{table} w
             JOIN public.organizations o ON o.id = w.organization_id
             WHERE o.id IN ({list}) AND {open} AND {whose} = o.assigned_user_id AND o.assigned_user_id <> '{to}'"
        )
    };
    let tasks = of("task", "tasks", "coalesce(w.assignee_id, w.created_by)", OPEN_TASK);
    let deals = of("opportunity", "opportunities", "w.user_id", OPEN_DEAL);
    let sql = format!(
        "SELECT kind, id, organization_id FROM (
             SELECT *, row_number() OVER (PARTITION BY organization_id ORDER BY id) AS n
             FROM ({tasks} UNION ALL {deals}) w) w
         WHERE n <= {ALONG_WITH_ONE} ORDER BY id"
    );
    let (mut tasks, mut deals, mut whose) = (Vec::new(), Vec::new(), HashMap::new());
    for row in report::select(pool, &sql, acting).await?.rows {
        let id = |n: usize| row.get(n)?.as_str()?.parse::<Uuid>().ok();
        let (Some(record), Some(account)) = (id(1).map(RecordId), id(2)) else { continue };
        whose.insert(record, account);
        if row[0] == "task" { tasks.push(record) } else { deals.push(record) }
    }
    let to = to.to_string();
    let (task, assignee) = field_of("task", "assignee_id")?;
    let given = |_: RecordId, _: &RowView<'_>| {
        Some(RecordEdit::default().set(&assignee, Value::Str(to.clone())))
    };
    let tasks = edits::plan(pool, acting, &task, &tasks, given).await?;
    let (deal, owner) = field_of("opportunity", "owner")?;
    let given = |_: RecordId, _: &RowView<'_>| {
        let data = event_data([("user_id", Some(to.as_str()))]);
        Some(RecordEdit { changes: vec![(owner.clone(), FieldChange::Append(data))] })
    };
    let deals = edits::plan(pool, acting, &deal, &deals, given).await?;
    Ok((tasks.and(deals).only_changes(), whose))
}

/// One thing that hangs from an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hanging {
    /// `contact`, `task`, `visit` or `deal`.
    pub what: String,
    /// The record.
    pub id: String,
    /// The account.
    pub account: Uuid,
    /// What it is called.
    pub title: Option<String>,
    /// When it is due, planned or to be closed.
    pub at: Option<String>,
    /// Whose it is.
    pub whose: Option<String>,
}

/// What hangs from accounts and is not over: people, open tasks, planned visits, open deals, as somebody sees
/// them.
///
/// # Errors
/// When the database cannot be reached.
pub async fn hanging(
    pool: &PgPool,
    acting: Uuid,
    accounts: &[Uuid],
) -> anyhow::Result<Vec<Hanging>> {
    let list = listed(accounts);
    let sql = format!(
        "SELECT * FROM (
             SELECT 'contact' AS what, w.id, w.organization_id, w.full_name AS title, NULL AS at, NULL::uuid AS whose
             FROM public.contacts w WHERE w.organization_id IN ({list}) AND w.is_deleted IS NOT TRUE
             UNION ALL
             SELECT 'task', w.id, w.organization_id, w.title, w.due_date::text, coalesce(w.assignee_id, w.created_by)
             FROM public.tasks w WHERE w.organization_id IN ({list}) AND {OPEN_TASK}
             UNION ALL
             SELECT 'visit', w.id, w.organization_id, coalesce(w.subject, w.interaction_type::text),
                 to_char(w.planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), coalesce(w.user_id, w.created_by)
             FROM public.interactions w WHERE w.organization_id IN ({list}) AND w.is_deleted IS NOT TRUE
                 AND w.status::text = 'scheduled' AND w.check_in_at_ms IS NULL AND w.planned_at >= now() - interval '1 day'
             UNION ALL
             SELECT 'deal', w.id, w.organization_id, w.name, w.estimated_close_date::text, w.user_id
             FROM public.opportunities w WHERE w.organization_id IN ({list}) AND {OPEN_DEAL}
         ) w ORDER BY what, at NULLS LAST, title, id LIMIT {WORK_SHOWN}"
    );
    let text = |cell: Option<&Json>| cell.and_then(Json::as_str).map(str::to_owned);
    let rows = report::select(pool, &sql, acting).await?.rows;
    let hanging = rows.iter().filter_map(|row| {
        Some(Hanging {
            what: text(row.first())?,
            id: text(row.get(1))?,
            account: text(row.get(2))?.parse().ok()?,
            title: text(row.get(3)),
            at: text(row.get(4)),
            whose: text(row.get(5)),
        })
    });
    Ok(hanging.collect())
}
