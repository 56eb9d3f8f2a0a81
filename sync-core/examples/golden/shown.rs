//! What a device's file shows when an app opens it, and what it then pushes.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Map, Value as Json, json};
use sync_core::ids::RecordId;
use sync_core::protocol::{ServerMessage, Welcome};
use sync_core::replica::{OpenOptions, Replica};
use sync_core::schema::Schema;
use sync_core::testing::{Counted, session_limits};

use super::conversations::spoken;
use super::json::hex;
use super::messages::epoch;
use super::pens::{NOW, ROSA, user};

/// Opens a file of Rosa's and fills its tables, if another schema laid them out.
pub(crate) fn open(file: &Path, schema: Arc<Schema>, env: &mut Counted) -> Replica {
    let options = OpenOptions { schema, user: Some(user(ROSA)) };
    let mut device = Replica::open(Connection::open(file).unwrap(), options, env).unwrap();
    while device.rebuild_some(2).unwrap().is_some() {}
    device
}

pub(crate) fn connect(device: &mut Replica, env: &mut Counted) -> Json {
    let hello = device.connect("token", "golden 1.0").unwrap();
    let welcome = Welcome {
        protocol: 1,
        user: user(ROSA),
        role: "sales_rep".into(),
        epoch: epoch(),
        now: NOW,
        limits: session_limits(),
        live: false,
        fingerprint: None,
    };
    device.handle_frame(&ServerMessage::Welcome(welcome).to_bytes(), env).unwrap();
    let mut said = spoken(&hello)["content"]["body"].take();
    let hello = said.as_object_mut().unwrap();
    let kept = ["cursor", "replica"];
    hello.retain(|name, _| kept.contains(&name.as_str()));
    said
}

/// What an opened file shows, and what it pushes.
pub(crate) fn shows(file: &Path, schema: Arc<Schema>) -> Json {
    let mut env = Counted::new(900);
    let mut device = open(file, schema, &mut env);
    let mut tables = Map::new();
    let (mut conflicts, mut heads) = (Map::new(), Map::new());
    for kind in device.schema().clone().kinds() {
        let table = device.query(&format!("SELECT * FROM {} ORDER BY id", kind.table)).unwrap();
        let row = |row: &Vec<Json>| -> Json {
            Json::Object(table.columns.iter().cloned().zip(row.iter().cloned()).collect())
        };
        for id in table.rows.iter().map(|row| row[0].as_str().unwrap()) {
            let id: RecordId = id.parse().unwrap();
            let Some(said) = device.record(id).unwrap() else { continue };
            let doc = sync_core::document::load(&device.save_document(id).unwrap(), &[]).unwrap();
            heads.insert(id.to_string(), super::meaning::heads(&doc));
            let of_record: Map<String, Json> = said
                .conflicts
                .iter()
                .map(|one| (one.field.to_owned(), json!(one.values)))
                .collect();
            if !of_record.is_empty() {
                conflicts.insert(id.to_string(), Json::Object(of_record));
            }
        }
        tables.insert(kind.table.to_owned(), table.rows.iter().map(row).collect());
    }
    let found = |word: &str| -> Json {
        let mut found: Vec<String> =
            device.search(word, 99).unwrap().iter().map(|hit| hit.id.to_string()).collect();
        found.sort_unstable();
        json!(found)
    };
    let search: Map<String, Json> = ["zoe", "noodle", "samples", "yard"]
        .map(|word| (word.to_owned(), found(word)))
        .into_iter()
        .collect();
    let status = device.status().unwrap();
    let quarantine: Json = device.quarantine().unwrap().iter().map(quarantined).collect();
    let hello = connect(&mut device, &mut env);
    let mut pushes = Vec::new();
    while let Some(frame) = device.poll_push().unwrap() {
        pushes.push(spoken(&frame)["content"].take());
    }
    json!({
        "user": device.user().to_string(),
        "replica": device.id().to_string(),
        "tables": tables,
        "heads": heads,
        "conflicts": conflicts,
        "search": search,
        "quarantine": quarantine,
        "status": {
            "unsent": status.unsent,
            "refused": status.refused,
            "conflicts": status.conflicts,
            "records": status.records,
            "oldest_unsent": status.oldest_unsent.map(|at| at.to_string()),
            "last_sync": status.last_sync.map(|at| at.to_string()),
        },
        "hello": hello,
        "pushes": pushes,
    })
}

fn quarantined(one: &sync_core::replica::Quarantined) -> Json {
    json!({
        "change": hex(one.hash.0),
        "record": one.record.to_string(),
        "kind": one.kind,
        "made_at": one.made_at.to_string(),
        "code": one.refusal.code,
        "policy": one.refusal.policy,
        "edit": one.edit,
    })
}
