//! What became of a record, and undoing.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use sync_core::ids::{ChangeHash, RecordId};
use sync_core::replica::{HistoryEntry, Replica, Standing};

use crate::env::WorkerEnv;
use crate::failure::{Answer, Failure};

/// Changes that are told when nobody says how many.
const TOLD: usize = 200;

#[derive(Deserialize)]
pub(super) struct Told {
    id: RecordId,
    most: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Undo {
    id: RecordId,
    change: String,
}

/// The changes of a record, newest first.
pub(super) fn tell(replica: &mut Replica, args: &Told) -> Answer {
    let all = replica.history(args.id, args.most.unwrap_or(TOLD))?;
    Ok(all.into_iter().map(entry).collect())
}

fn entry(one: HistoryEntry) -> Json {
    let refused = match &one.standing {
        Standing::Refused(refusal) => {
            json!({ "code": refusal.code, "policy": refusal.policy, "sentence": refusal.sentence })
        }
        Standing::Accepted | Standing::Unsent => Json::Null,
    };
    json!({
        "hash": one.hash.to_string(),
        "at": one.at,
        "author": one.author,
        "name": one.name,
        "state": one.standing.as_str(),
        "refused": refused,
        "did": one.did.as_str(),
        "fields": one.fields,
    })
}

/// Undoes a change.
pub(super) fn undo(replica: &mut Replica, args: &Undo) -> Answer {
    let change: ChangeHash =
        args.change.parse().map_err(|_| Failure::call("the change's name is none"))?;
    let done = replica.undo(args.id, change, &mut WorkerEnv)?;
    Ok(json!({ "hash": done.hash.to_string(), "undone": done.undone, "left": done.left }))
}
