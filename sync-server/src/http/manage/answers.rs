//! What a preview shows: what becomes of each account, what hangs from it, what the rules would refuse.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use sync_core::cell::Cell;
use uuid::Uuid;

use super::problem::Problem;
use crate::app::App;
use crate::ops::deeds::{self, Deed};
use crate::ops::edits::Planned;
use crate::ops::work::{self, Hanging};
use crate::ops::{lookup, people, report};

/// Things named of each sort, beside their number.
const NAMED: usize = 20;
/// What hangs from accounts, by sort, as it is counted.
const SORTS: [(&str, &str); 4] =
    [("contact", "contacts"), ("task", "tasks"), ("visit", "visits"), ("deal", "deals")];
/// Columns of an account that no merger is about.
const OF_THE_RECORD: [&str; 15] = [
    "id",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "merged_into",
    "assigned_user_id",
    "secondary_user_id",
    "territory_id",
    "conflict_count",
    "violation_count",
    "is_deleted",
    "deleted_at",
    "needs_review",
    "position",
];

/// What a deed would come to. Nothing is changed.
pub(super) async fn preview(
    app: &App,
    user: Uuid,
    deed: Deed,
    accounts: &[Uuid],
) -> Result<Value, Problem> {
    let looking = people::new_id();
    let prepared = deeds::prepare(&app.pool, user, deed, accounts, looking).await?;
    let by_account = prepared.by_account();
    let concerned: Vec<Uuid> = by_account.keys().copied().collect();
    if concerned.is_empty() {
        return Ok(json!({ "accounts": [], "moves": {}, "as_it_is": accounts.len() }));
    }
    let refused = prepared.would_be_refused(&app.committer).await;
    let hanging = work::hanging(&app.pool, user, &concerned).await?;
    let rows = account_rows(app, user, deed, &concerned).await?;
    let names =
        names(app, user, &by_account.values().flatten().copied().collect::<Vec<_>>(), &hanging)
            .await?;
    let into = match deed {
        Deed::Merge { into } => rows.get(&into),
        Deed::HandOver(_) | Deed::Unmerge => None,
    };
    let mut shown = Vec::new();
    for (account, edits) in &by_account {
        let own = rows.get(account);
        let mut one = json!({
            "id": account,
            "name": own.and_then(|row| row.get("name")),
            "fingerprint": prepared.fingerprint(edits),
            "changes": edits.iter().flat_map(|edit| changes(edit, &names)).collect::<Vec<_>>(),
            "refused": refused.get(account),
            "moves": counts(hanging.iter().filter(|one| one.account == *account)),
        });
        if let (Some(own), Some(into)) = (own, into) {
            one["columns"] = side_by_side(own, into);
        }
        shown.push(one);
    }
    shown.sort_by_key(|one| one["name"].as_str().unwrap_or_default().to_lowercase());
    Ok(json!({
        "accounts": shown,
        "moves": moves(&hanging, &names),
        "former": former(app, user, by_account.values().flatten().copied()).await?,
        "as_it_is": accounts.len() - concerned.len(),
    }))
}

/// Who looks after the accounts first as it stands, and when their devices were heard last, as far as the user
/// may know: what is on them and was not sent may still come.
async fn former(
    app: &App,
    user: Uuid,
    edits: impl Iterator<Item = &Planned>,
) -> Result<Value, Problem> {
    let lost = edits.flat_map(|edit| &edit.columns).filter_map(|change| match &change.from {
        Cell::Text(id) if change.column == "assigned_user_id" => id.parse().ok(),
        _ => None,
    });
    let people: BTreeSet<Uuid> = lost.collect();
    if people.is_empty() {
        return Ok(json!([]));
    }
    let sql = format!(
        "SELECT u.id, u.full_name AS name,
             (SELECT max(r.last_sync) FROM sync.replicas r WHERE r.user_id = u.id) AS last_sync
         FROM public.users u WHERE u.id IN ({}) ORDER BY name, id",
        lookup::listed(&people.into_iter().collect::<Vec<_>>())
    );
    Ok(report::select(&app.pool, &sql, user).await?.to_json())
}

/// What becomes of the columns of one record.
fn changes(edit: &Planned, names: &HashMap<String, String>) -> Vec<Value> {
    let cell = |cell: &Cell| match cell {
        Cell::Text(id) => json!({ "value": id, "name": names.get(id) }),
        cell => json!({ "value": cell, "name": null }),
    };
    let of = |change: &crate::ops::edits::ColumnChange| {
        json!({
            "kind": edit.kind, "record": edit.record.to_string(), "title": edit.title,
            "column": change.column, "from": cell(&change.from), "to": cell(&change.to),
        })
    };
    edit.columns.iter().map(of).collect()
}

fn counts<'a>(hanging: impl Iterator<Item = &'a Hanging>) -> Value {
    let mut counts: Map<String, Value> =
        SORTS.iter().map(|(_, plural)| ((*plural).to_owned(), json!(0))).collect();
    for one in hanging {
        let sort = SORTS.iter().find(|(what, _)| *what == one.what);
        if let Some(count) = sort.and_then(|(_, plural)| counts.get_mut(*plural)) {
            *count = json!(count.as_u64().unwrap_or_default() + 1);
        }
    }
    Value::Object(counts)
}

/// Of each sort how many there are, and the first by name.
fn moves(hanging: &[Hanging], names: &HashMap<String, String>) -> Value {
    let of = |(what, plural): &(&str, &str)| {
        let these = || hanging.iter().filter(|one| one.what == *what);
        let named = |one: &Hanging| {
            let who = one.whose.as_ref().and_then(|id| names.get(id));
            json!({ "id": one.id, "account": one.account, "title": one.title, "at": one.at, "who": who })
        };
        let named: Vec<Value> = these().take(NAMED).map(named).collect();
        ((*plural).to_owned(), json!({ "count": these().count(), "named": named }))
    };
    Value::Object(SORTS.iter().map(of).collect())
}

/// The accounts' rows as the user sees them, with that of the account which replaces them.
async fn account_rows(
    app: &App,
    user: Uuid,
    deed: Deed,
    accounts: &[Uuid],
) -> Result<HashMap<Uuid, Value>, Problem> {
    let (columns, into) = match deed {
        Deed::Merge { into } => ("*", Some(into)),
        Deed::HandOver(_) | Deed::Unmerge => ("id, name", None),
    };
    let ids: Vec<Uuid> = accounts.iter().copied().chain(into).collect();
    let sql = format!(
        "SELECT {columns} FROM public.organizations WHERE id IN ({})",
        lookup::listed(&ids)
    );
    let Value::Array(rows) = report::select(&app.pool, &sql, user).await?.to_json() else {
        return Ok(HashMap::new());
    };
    let keyed = |row: Value| Some((row["id"].as_str()?.parse().ok()?, row));
    Ok(rows.into_iter().filter_map(keyed).collect())
}

/// Every column in which the two differ: what stays, and what is seen no more.
fn side_by_side(own: &Value, into: &Value) -> Value {
    let Value::Object(cells) = own else { return json!([]) };
    let differs = |(column, given_up): &(&String, &Value)| {
        !OF_THE_RECORD.contains(&column.as_str()) && into[column.as_str()] != **given_up
    };
    let cell = |(column, given_up): (&String, &Value)| json!({ "column": column, "kept": into[column.as_str()], "given_up": given_up });
    cells.iter().filter(differs).map(cell).collect()
}

/// What ids are called: people, territories, accounts, as the user sees them.
async fn names(
    app: &App,
    user: Uuid,
    edits: &[&Planned],
    hanging: &[Hanging],
) -> Result<HashMap<String, String>, Problem> {
    let cells = edits.iter().flat_map(|edit| &edit.columns);
    let texts = cells.flat_map(|change| [&change.from, &change.to]).filter_map(|cell| match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    });
    let whose = hanging.iter().filter_map(|one| one.whose.as_ref());
    let ids: BTreeSet<Uuid> = texts.chain(whose).filter_map(|text| text.parse().ok()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let list = lookup::listed(&ids.into_iter().collect::<Vec<_>>());
    let sql = format!(
        "SELECT id, full_name AS name FROM public.users WHERE id IN ({list})
         UNION ALL SELECT id, name FROM public.territories WHERE id IN ({list})
         UNION ALL SELECT id, name FROM public.organizations WHERE id IN ({list})"
    );
    let rows = report::select(&app.pool, &sql, user).await?.rows;
    let named = |row: &Vec<Value>| {
        Some((row.first()?.as_str()?.to_owned(), row.get(1)?.as_str()?.to_owned()))
    };
    Ok(rows.iter().filter_map(named).collect())
}
