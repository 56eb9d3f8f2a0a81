//! What a worker is asked for, by name, with JSON for arguments and answers.

mod conflicts;
mod duplicates;
mod history;
mod imports;
mod reports;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sync_core::document::RecordEdit;
use sync_core::ids::{GroupId, RecordId};
use sync_core::replica::{
    Deleted, Env, GroupEdit, ListOptions, LiveQuery, Quarantined, Replica, SubscriptionId,
};
use sync_core::schema::Kind;

use crate::env::WorkerEnv;
use crate::failure::{Answer, Failure};
use crate::rescue;

/// Does what the name says.
pub fn call(replica: &mut Replica, name: &str, args: &str) -> Result<String, Failure> {
    let answer = match name {
        "about" => Ok(json!({ "replica": replica.id(), "user": replica.user() })),
        "commit" => commit(replica, args),
        "get" => get(replica, &read::<OneRecord>(args)?),
        "list" => list(replica, &read::<Listing>(args)?),
        "query" => query(replica, &read::<Query>(args)?),
        "search" => search(replica, &read::<Search>(args)?),
        "subscribe" => subscribe(replica, args),
        "unsubscribe" => {
            replica.unsubscribe(SubscriptionId(read::<Subscribed>(args)?.subscription));
            Ok(Json::Null)
        }
        "status" => status(replica),
        "conflicts" => conflicts::list(replica),
        "settle" => conflicts::settle(replica, &read(args)?),
        "history" => history::tell(replica, &read(args)?),
        "undo" => history::undo(replica, &read(args)?),
        "duplicates" => duplicates::list(replica, &read(args)?),
        "reports" => Ok(reports::list(replica)),
        "report" => reports::run(replica, &read(args)?),
        "report_csv" => reports::csv(replica, &read(args)?),
        "quarantine" => quarantine(replica),
        "resubmit" => resubmit(replica, &read::<Resubmission>(args)?),
        "discard" => {
            let edit = read::<Refused>(args)?.find(replica)?;
            Ok(json!(replica.discard(edit.hash)?))
        }
        "begin_term" => Ok(json!(replica.begin_term()?)),
        "rescue" => rescue::save(replica),
        "preview_bring_back" => rescue::preview(replica, &read(args)?),
        "bring_back" => rescue::bring_back(replica, &read(args)?),
        "imports" => imports::list(replica),
        "import_mark" => imports::mark(replica),
        "import_taken" => imports::taken(replica, &read(args)?),
        "import_compare" => imports::compare(replica, &read(args)?),
        "import_begin" => imports::begin(replica, read(args)?),
        "import_unfinished" => imports::unfinished(replica, read(args)?),
        "import_rows" => imports::rows(replica, &read(args)?),
        "import_end" => imports::end(replica, &read(args)?),
        "import_undo" => imports::undo(replica, &read(args)?),
        "zone" => Ok(json!(replica.zone()?)),
        "set_zone" => Ok(json!(replica.set_zone(&read::<Zone>(args)?.zone)?)),
        "rebuild" => {
            let progress = replica.rebuild_some(read::<Most>(args)?.most)?;
            Ok(progress.map_or(Json::Null, |at| json!({ "done": at.done, "total": at.total })))
        }
        _ => Err(Failure::call(format!("there is no call \"{name}\""))),
    };
    Ok(answer?.to_string())
}

fn read<'a, T: Deserialize<'a>>(args: &'a str) -> Result<T, Failure> {
    Ok(serde_json::from_str(args)?)
}

#[derive(Deserialize)]
struct OneRecord {
    id: RecordId,
}

#[derive(Deserialize)]
struct Listing {
    kind: String,
    filter: Option<String>,
    #[serde(default)]
    deleted: bool,
    limit: Option<u32>,
}

#[derive(Deserialize)]
struct Query {
    sql: String,
    #[serde(default)]
    params: Vec<Json>,
}

#[derive(Deserialize)]
struct Search {
    text: String,
    most: u32,
}

#[derive(Deserialize)]
struct Subscribed {
    subscription: u64,
}

#[derive(Deserialize)]
struct Zone {
    zone: String,
}

#[derive(Deserialize)]
struct Most {
    most: u32,
}

#[derive(Deserialize)]
struct Refused {
    hash: String,
}

impl Refused {
    fn find(&self, replica: &Replica) -> Result<Quarantined, Failure> {
        let mut all = replica.quarantine()?.into_iter();
        let found = all.find(|edit| edit.hash.to_string() == self.hash);
        found.ok_or_else(|| Failure::new("unknown_edit", "there is no such refused edit"))
    }
}

#[derive(Deserialize)]
struct Resubmission {
    #[serde(flatten)]
    of: Refused,
    #[serde(default)]
    set: Map<String, Json>,
}

/// One edit of a group: exactly one of its parts besides `id` and `set`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Edit {
    Create { kind: String, id: Option<RecordId>, set: Map<String, Json> },
    Update { id: RecordId, set: Map<String, Json> },
    Delete { id: RecordId },
    Restore { id: RecordId },
}

/// Reads the edits of a group.
pub fn edits(replica: &mut Replica, args: &str) -> Result<Vec<GroupEdit>, Failure> {
    group_edits(replica, read(args)?)
}

fn group_edits(replica: &mut Replica, edits: Vec<Edit>) -> Result<Vec<GroupEdit>, Failure> {
    edits.into_iter().map(|edit| group_edit(replica, edit)).collect()
}

fn group_edit(replica: &mut Replica, edit: Edit) -> Result<GroupEdit, Failure> {
    Ok(match edit {
        Edit::Create { kind, id, set } => {
            let kind = kind_named(replica, &kind)?;
            let edit = RecordEdit::from_object(&kind, &set, None).map_err(edit_failure)?;
            let id = id.unwrap_or_else(|| replica.mint_id(&mut WorkerEnv));
            GroupEdit::Create { id, kind, edit }
        }
        Edit::Update { id, set } => {
            let kind = replica.kind_of(id)?.ok_or_else(|| unknown(id))?;
            let now = replica.record(id)?;
            let edit = RecordEdit::from_object(&kind, &set, now.as_ref()).map_err(edit_failure)?;
            GroupEdit::Edit { id, edit }
        }
        Edit::Delete { id } => GroupEdit::Delete { id },
        Edit::Restore { id } => GroupEdit::Restore { id },
    })
}

fn edit_failure(error: sync_core::document::EditError) -> Failure {
    Failure::new("bad_edit", error.to_string())
}

fn unknown(id: RecordId) -> Failure {
    Failure::new("unknown_record", format!("no record {id} on this device"))
}

fn kind_named(replica: &Replica, name: &str) -> Result<Kind, Failure> {
    let kind = replica.schema().kind(name).cloned();
    kind.ok_or_else(|| Failure::call(format!("there is no kind \"{name}\"")))
}

/// A group with its name, so that whoever heard no answer may ask again.
#[derive(Deserialize)]
struct Group {
    group: GroupId,
    edits: Vec<Edit>,
}

fn commit(replica: &mut Replica, args: &str) -> Answer {
    let Group { group, edits } = read(args)?;
    let edits = group_edits(replica, edits)?;
    let ids: Vec<RecordId> = edits
        .iter()
        .map(|edit| match edit {
            GroupEdit::Create { id, .. }
            | GroupEdit::Edit { id, .. }
            | GroupEdit::Delete { id }
            | GroupEdit::Restore { id } => *id,
        })
        .collect();
    let committed = replica.commit_once(group, &edits, &mut WorkerEnv)?;
    Ok(json!({ "ids": ids, "changes": committed.changes.len() }))
}

fn get(replica: &mut Replica, args: &OneRecord) -> Answer {
    let Some(kind) = replica.kind_of(args.id)? else { return Ok(Json::Null) };
    let options = ListOptions {
        filter: Some(format!("id = '{}'", args.id)),
        deleted: Deleted::Shown,
        limit: Some(1),
    };
    let table = replica.list(&kind, &options)?;
    let Some(row) = table.rows.into_iter().next() else { return Ok(Json::Null) };
    let record: Map<String, Json> = table.columns.into_iter().zip(row).collect();
    let conflicts = conflicts::of(replica, args.id)?;
    Ok(json!({ "kind": kind.name, "record": record, "conflicts": conflicts }))
}

fn options(args: &Listing) -> ListOptions {
    ListOptions {
        filter: args.filter.clone(),
        deleted: if args.deleted { Deleted::Shown } else { Deleted::Hidden },
        limit: args.limit,
    }
}

fn list(replica: &Replica, args: &Listing) -> Answer {
    let kind = kind_named(replica, &args.kind)?;
    let table = replica.list(&kind, &options(args))?;
    Ok(json!({ "columns": table.columns, "rows": table.rows }))
}

fn query(replica: &Replica, args: &Query) -> Answer {
    let table = replica.query_with(&args.sql, &args.params)?;
    Ok(json!({ "columns": table.columns, "rows": table.rows }))
}

fn search(replica: &Replica, args: &Search) -> Answer {
    let hits = replica.search(&args.text, args.most)?.into_iter();
    Ok(hits.map(|hit| json!({ "id": hit.id, "kind": hit.kind, "title": hit.title, "subtitle": hit.subtitle })).collect())
}

/// Of SQL, or of the records of a kind.
fn subscribe(replica: &mut Replica, args: &str) -> Answer {
    let live = match read::<Query>(args) {
        Ok(query) => LiveQuery::SqlWith(query.sql, query.params),
        Err(_) => {
            let listing: Listing = read(args)?;
            LiveQuery::List {
                kind: kind_named(replica, &listing.kind)?,
                options: options(&listing),
            }
        }
    };
    let (subscription, table) = replica.subscribe(live)?;
    Ok(json!({ "subscription": subscription, "columns": table.columns, "rows": table.rows }))
}

fn status(replica: &Replica) -> Answer {
    let status = replica.status_at(WorkerEnv.now())?;
    Ok(json!({
        "link": status.link,
        "unsent": status.unsent,
        "oldestUnsent": status.oldest_unsent,
        "conflicts": status.conflicts,
        "refused": status.refused,
        "comparing": status.comparing,
        "records": status.records,
        "incomplete": status.incomplete.map(|one| json!({ "came": one.came, "toCome": one.to_come })),
        "rebuilding": status.rebuilding.map(|at| json!({ "done": at.done, "total": at.total })),
        "clock": status.clock.said(),
        "lastSync": status.last_sync,
        "lastFault": status.last_fault,
        "said": status.to_string(),
    }))
}

fn quarantine(replica: &Replica) -> Answer {
    let one = |edit: Quarantined| {
        json!({
            "hash": edit.hash.to_string(),
            "record": edit.record,
            "kind": edit.kind,
            "madeAt": edit.made_at,
            "code": edit.refusal.code,
            "policy": edit.refusal.policy,
            "sentence": edit.refusal.sentence,
            "edit": edit.edit,
        })
    };
    Ok(replica.quarantine()?.into_iter().map(one).collect())
}

fn resubmit(replica: &mut Replica, args: &Resubmission) -> Answer {
    let refused = args.of.find(replica)?;
    let kind = kind_named(replica, &refused.kind)?;
    let edit = RecordEdit::from_object(&kind, &args.set, None).map_err(edit_failure)?;
    replica.resubmit(refused.hash, edit, &mut WorkerEnv)?;
    Ok(Json::Null)
}
