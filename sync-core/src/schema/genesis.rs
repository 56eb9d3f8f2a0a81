//! The fixed first change of every kind.

use std::collections::HashMap;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ObjId, ObjType, ROOT, ReadDoc};
use sha2::{Digest, Sha256};

use super::field::{Field, FieldType};
use crate::ids::{Actor, ChangeHash};

/// Key at the root that holds the record's own id.
pub const ID_KEY: &str = "id";
/// Key at the root that names the kind; written by the genesis change.
pub const KIND_KEY: &str = "kind";

/// A kind's genesis: the document that holds it and nothing else, and where its containers are.
#[derive(Debug)]
pub struct Genesis {
    /// The document with the genesis change alone; clone it to begin a record.
    pub doc: Automerge,
    /// The genesis change's name: the one dependency of a creating change.
    pub hash: ChangeHash,
    /// The actor that wrote it; nobody may write as this actor again.
    pub actor: Actor,
    /// The container of each container field, by the field's name.
    pub containers: HashMap<&'static str, ObjId>,
    /// The field behind each container, by the operation counter that made it.
    pub by_counter: HashMap<u64, &'static str>,
}

/// Builds the genesis of a kind from its name and fields.
pub(super) fn build(kind: &str, fields: &[Field]) -> Genesis {
    let digest = Sha256::digest(format!("kitchen-pantry/genesis/{}/1", kind));
    let actor =
        Actor::from_slice(&digest[..16]).expect("BUG: sixteen bytes of a digest are an actor");
    let mut doc = Automerge::new().with_actor(ActorId::from(actor.0));
    let mut containers = HashMap::new();
    let mut by_counter = HashMap::new();
    let mut tx = doc.transaction();
    tx.put(ROOT, KIND_KEY, kind).expect("BUG: the root of a new document takes a key");
    for (index, field) in fields.iter().filter(|field| field.ty.is_container()).enumerate() {
        let ty = match field.ty {
            FieldType::Text => ObjType::Text,
            _ => ObjType::Map,
        };
        let id = tx.put_object(ROOT, field.name, ty).expect("BUG: the root takes a container");
        containers.insert(field.name, id);
        by_counter.insert(index as u64 + 2, field.name);
    }
    // Time 0, so that the change is the same bytes, and so the same name, everywhere.
    tx.commit_with(CommitOptions::default().with_time(0));
    let hash = doc.get_heads().first().copied().expect("BUG: the genesis change was committed");
    debug_assert!(containers.values().all(|id| doc.object_type(id).is_ok()));
    Genesis { doc, hash: hash.into(), actor, containers, by_counter }
}
