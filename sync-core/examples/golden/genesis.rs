//! How documents begin: each kind's fixed first change, and a later step.

use std::collections::BTreeMap;

use automerge::{ObjType, ReadDoc};
use serde_json::{Value as Json, json};
use sync_core::ids::RecordId;
use sync_core::schema::Kind;

use super::json::hex;
use super::pens::record;
use super::schemas;

/// The first step of every kind of document, and the later steps of one record.
pub(crate) fn all() -> Json {
    let crm = schemas::crm();
    let first: BTreeMap<&str, Json> =
        crm.document_kinds().map(|kind| (kind.name, first_step(kind))).collect();
    let account = schemas::later().kind("organization").unwrap().clone();
    let later: Vec<Json> = [1, 2].map(|n| later_steps(&account, record(n))).into_iter().collect();
    json!({ "first": first, "later": later })
}

/// The change that every document of a kind begins with.
pub(crate) fn first_step(kind: &Kind) -> Json {
    let genesis = kind.genesis();
    let changes = genesis.doc.get_changes(&[]);
    let [change] = &changes[..] else { panic!("BUG: the first step is one change") };
    let containers: BTreeMap<u64, Json> = genesis
        .by_counter
        .iter()
        .map(|(counter, name)| {
            let ty = match genesis.doc.object_type(&genesis.containers[name]) {
                Ok(ObjType::Text) => "text",
                _ => "map",
            };
            (*counter, json!({ "field": name, "type": ty, "counter": counter }))
        })
        .collect();
    json!({
        "actor_of": format!("kitchen-pantry/genesis/{}/1", kind.name),
        "actor": hex(genesis.actor.0),
        "hash": hex(genesis.hash.0),
        "change": hex(change.raw_bytes()),
        "containers": containers.into_values().collect::<Vec<_>>(),
    })
}

/// The steps that a record's document has once fields of them were written to.
pub(crate) fn later_steps(kind: &Kind, id: RecordId) -> Json {
    let genesis = kind.genesis();
    let steps = genesis.missing(&genesis.doc, id, "golden_extras");
    let step = |change: &automerge::Change| {
        json!({
            "actor": hex(change.actor_id().to_bytes()),
            "hash": hex(change.hash().0),
            "change": hex(change.raw_bytes()),
        })
    };
    json!({
        "kind": kind.name,
        "record": id.to_string(),
        "containers": [
            ["golden_certificates map", "golden_delivery text"],
            ["golden_extras map"],
        ],
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
    })
}
