//! The fixed changes that make the containers of a kind's documents.
//!
//! Genesis goes in steps, and steps are only ever added. The first is one change that is the same in
//! every document of the kind and is never sent. A container that a later version of the declaration
//! brings belongs to a later step: a change of its own that is the same wherever it is made for one
//! record, depends on the step before, and travels and is stored like any other change. It is put
//! into a document when the container is first written to, so that a record nobody uses it in stays
//! as it was, and an app that does not know the step takes it like a change with unknown keys.
//!
//! The writer of a later step is a digest of the kind, the record, the step before and the step's
//! containers, under a mark that no other writer may have. So two devices make the same change, whoever
//! receives one can tell that it is what it says, and no other change can take its place.
//!
//! **Invariant**: where a container is follows from its name and step alone, never from its place in
//! the declaration.

use std::collections::HashMap;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, Change, ObjId, ObjType, ROOT, ReadDoc};
use sha2::{Digest, Sha256};

use super::field::{Field, FieldType};
use crate::ids::{Actor, ChangeHash, RecordId};

/// Key at the root that holds the record's own id.
pub const ID_KEY: &str = "id";
/// Key at the root that names the kind; written by the genesis change.
pub const KIND_KEY: &str = "kind";

/// A kind's genesis: the document that holds its first step and nothing else, and where containers
/// are.
#[derive(Debug)]
pub struct Genesis {
    /// The document with the first step alone; clone it to begin a record.
    pub doc: Automerge,
    /// The first step's name: the one dependency of a creating change.
    pub hash: ChangeHash,
    /// The actor that wrote it; nobody may write as this actor again.
    pub actor: Actor,
    /// The containers of the first step, by the field's name.
    pub containers: HashMap<&'static str, ObjId>,
    /// The field behind each of these, by the operation counter that made it.
    pub by_counter: HashMap<u64, &'static str>,
    kind: &'static str,
    /// Later steps in their order.
    later: Vec<Step>,
}

/// A later step: its containers in the order of their names, and the counter of the first.
#[derive(Debug)]
struct Step {
    number: u16,
    containers: Vec<(&'static str, ObjType)>,
    first: u64,
}

impl Step {
    /// The counter of a container that the step makes.
    fn counter_of(&self, field: &str) -> Option<u64> {
        let index = self.containers.iter().position(|(name, _)| *name == field)?;
        Some(self.first + index as u64)
    }
}

/// Builds the genesis of a kind from its name and fields.
pub(super) fn build(kind: &'static str, fields: &[Field]) -> Genesis {
    let mut containers: Vec<(u16, &'static str, ObjType)> = fields
        .iter()
        .filter(|field| field.ty.is_container())
        .map(|field| (field.since, field.name, object_type(field.ty)))
        .collect();
    containers.sort_by_key(|(since, name, _)| (*since, *name));
    let of = |number: u16| {
        let of_step = containers.iter().filter(move |(since, ..)| *since == number);
        of_step.map(|(_, name, ty)| (*name, *ty)).collect::<Vec<_>>()
    };
    let digest = Sha256::digest(format!("kitchen-pantry/genesis/{kind}/1"));
    let actor = Actor::from_slice(&digest[..16]).expect("BUG: sixteen bytes are an actor");
    let mut doc = Automerge::new().with_actor(ActorId::from(actor.0));
    let (mut first_containers, mut by_counter) = (HashMap::new(), HashMap::new());
    let mut tx = doc.transaction();
    tx.put(ROOT, KIND_KEY, kind).expect("BUG: the root of a new document takes a key");
    for (index, (name, ty)) in of(1).into_iter().enumerate() {
        let id = tx.put_object(ROOT, name, ty).expect("BUG: the root takes a container");
        first_containers.insert(name, id);
        by_counter.insert(index as u64 + 2, name);
    }
    // Time 0, so that the change is the same bytes, and so the same name, everywhere.
    tx.commit_with(CommitOptions::default().with_time(0));
    let hash = doc.get_heads().first().copied().expect("BUG: the genesis change was committed");
    let last = containers.last().map_or(1, |(since, ..)| *since);
    let mut first = first_containers.len() as u64 + 2;
    let mut later = Vec::new();
    for number in 2..=last {
        let containers = of(number);
        let count = containers.len() as u64;
        later.push(Step { number, containers, first });
        first += count;
    }
    later.retain(|step| !step.containers.is_empty());
    Genesis { doc, hash: hash.into(), actor, containers: first_containers, by_counter, kind, later }
}

fn object_type(ty: FieldType) -> ObjType {
    match ty {
        FieldType::Text => ObjType::Text,
        _ => ObjType::Map,
    }
}

/// What the name of a later step's writer begins with. Nobody edits under such a name, so that
/// nobody's edit takes the place of a step, also of one that is not declared yet.
const STEP_MARK: [u8; 6] = *b"kpstep";

/// The writer of a later step. Its name says what the step may hold and what it follows, so that there
/// is one change at most of each name.
pub fn step_actor<'a>(
    kind: &str,
    record: RecordId,
    before: Actor,
    containers: impl IntoIterator<Item = (&'a str, ObjType)>,
) -> Actor {
    let mut digest = Sha256::new_with_prefix(format!("kitchen-pantry/genesis/{kind}/step"));
    digest.update(record.as_bytes());
    digest.update(before.0);
    for (name, ty) in containers {
        let ty = match ty {
            ObjType::Map | ObjType::Table => "map",
            ObjType::List => "list",
            ObjType::Text => "text",
        };
        digest.update(format!("\n{ty} {name}"));
    }
    let mut name = [0; 16];
    name[..STEP_MARK.len()].copy_from_slice(&STEP_MARK);
    name[STEP_MARK.len()..].copy_from_slice(&digest.finalize()[..16 - STEP_MARK.len()]);
    Actor(name)
}

/// Whether only a later step may be written under this name.
pub fn is_step_actor(actor: Actor) -> bool {
    actor.0.starts_with(&STEP_MARK)
}

impl Genesis {
    /// Where a field's container is in a record's document; it need not be there yet.
    pub fn container(&self, record: RecordId, field: &str) -> Option<ObjId> {
        if let Some(id) = self.containers.get(field) {
            return Some(id.clone());
        }
        let found = |(step, actor): (&Step, Actor)| Some((step.counter_of(field)?, actor));
        let (counter, actor) = self.steps(record).find_map(found)?;
        Some(ObjId::Id(counter, actor.automerge(), 0))
    }

    /// The field behind a container of a later step, by what made it.
    pub fn later_field(
        &self,
        record: RecordId,
        counter: u64,
        actor: Actor,
    ) -> Option<&'static str> {
        let (step, _) = self.steps(record).find(|(_, writer)| *writer == actor)?;
        let index = usize::try_from(counter.checked_sub(step.first)?).ok()?;
        Some(step.containers.get(index)?.0)
    }

    /// The writer of the declared step that makes a field's container; none of the first step.
    pub fn later_writer(&self, record: RecordId, field: &str) -> Option<Actor> {
        let made = |(step, actor): (&Step, Actor)| step.counter_of(field).map(|_| actor);
        self.steps(record).find_map(made)
    }

    /// The changes that a record's document lacks before it has the container of this field, in the
    /// order in which they build on each other; none when it has it.
    pub fn missing(&self, doc: &Automerge, record: RecordId, field: &str) -> Vec<Change> {
        let Some(wanted) = self.later.iter().find(|step| step.counter_of(field).is_some()) else {
            return Vec::new();
        };
        let mut base = self.doc.clone();
        let mut missing = Vec::new();
        for (step, actor) in self.steps(record).filter(|(step, _)| step.number <= wanted.number) {
            let change = make(&mut base, step, actor);
            if doc.get_change_by_hash(&change.hash()).is_none() {
                missing.push(change);
            }
        }
        missing
    }

    /// The later steps in their order, each with its writer.
    fn steps(&self, record: RecordId) -> impl Iterator<Item = (&Step, Actor)> {
        let mut before = self.actor;
        self.later.iter().map(move |step| {
            before = step_actor(self.kind, record, before, step.containers.iter().copied());
            (step, before)
        })
    }
}

/// Makes a step on a document that has the steps before it and nothing else.
fn make(base: &mut Automerge, step: &Step, actor: Actor) -> Change {
    base.set_actor(actor.automerge());
    let mut tx = base.transaction();
    for (name, ty) in &step.containers {
        tx.put_object(ROOT, *name, *ty).expect("BUG: the root takes a container");
    }
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(0));
    let change = hash.and_then(|hash| base.get_change_by_hash(&hash));
    change.expect("BUG: a step makes containers")
}
