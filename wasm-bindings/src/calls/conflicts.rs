//! What several people gave different values at once, and settling it.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use sync_core::ids::RecordId;
use sync_core::replica::{Contested, ContestedValue, Replica};

use crate::env::WorkerEnv;
use crate::failure::{Answer, Failure};

#[derive(Deserialize)]
pub(super) struct Settlement {
    id: RecordId,
    field: String,
    value: Json,
}

/// Every contested field of every record.
pub(super) fn list(replica: &mut Replica) -> Answer {
    Ok(replica.conflicts()?.into_iter().map(contested).collect())
}

/// The contested fields of one record.
pub(super) fn of(replica: &mut Replica, id: RecordId) -> Result<Json, Failure> {
    Ok(replica.conflicts_of(id)?.into_iter().map(contested).collect())
}

fn contested(one: Contested) -> Json {
    let value = |one: ContestedValue| json!({ "value": one.value, "author": one.author, "name": one.name, "at": one.at });
    json!({
        "kind": one.kind,
        "id": one.id,
        "title": one.title,
        "field": one.field,
        "base": one.base,
        "values": one.values.into_iter().map(value).collect::<Vec<_>>(),
    })
}

/// Gives a contested field a value.
pub(super) fn settle(replica: &mut Replica, args: &Settlement) -> Answer {
    replica.settle(args.id, &args.field, &args.value, &mut WorkerEnv)?;
    Ok(Json::Null)
}
