//! What several people gave different values at once: who said what, and where all of them started from.
//!
//! Which fields are contested, [`super::hydrate`](fn@super::hydrate) says. Besides, a log may be disputed, and a
//! deletion is contested by whatever was changed without its author having seen it.

use std::collections::{BTreeSet, HashMap};

use automerge::{Automerge, ChangeHash, ObjId, ROOT, ReadDoc, Value as AutoValue};
use serde_json::Value as Json;

use super::compared::compared;
use super::hydrate::{FieldState, Hydrated, hydrate};
use super::reading::read_scalar;
use crate::cell::Cell;
use crate::event::{Event, Events};
use crate::ids::{Actor, EventId, UserId};
use crate::projection::author_of;
use crate::schema::{Field, FieldType, Kind, LIFE, LifeEvent, Log, is_step_actor};
use crate::time::UnixMs;

/// The column by which a contested deletion goes.
pub const DELETED: &str = "is_deleted";
/// Changes that a deletion had not seen, of which is looked at what they did.
const UNSEEN: usize = 8;

/// A field that is contested.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispute {
    /// The field, as [`super::Conflict`] names it; of a log its word; [`DELETED`] for a deletion.
    pub field: String,
    /// What all of them started from; null when there was nothing.
    pub base: Json,
    /// What each said, the shown one first.
    pub claims: Vec<Claim>,
}

/// One of the values that a field was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The value, as edits have it.
    pub value: Json,
    /// Who gave it.
    pub author: Option<UserId>,
    /// When, by the clock of its writer.
    pub at: UnixMs,
}

/// Every dispute of a record, by field.
pub fn disputes(doc: &Automerge, now: &Hydrated) -> Vec<Dispute> {
    let graph = Graph::of(doc);
    let mut all: Vec<Dispute> = Vec::new();
    for conflict in &now.conflicts {
        all.extend(of_value(doc, now, &graph, &conflict.field, &conflict.values));
    }
    for (field, state) in now.kind.fields.iter().zip(&now.fields) {
        if let (FieldType::Log(log), FieldState::Log(events)) = (field.ty, state) {
            all.extend(of_log(now, (field, log), events));
        }
    }
    all.extend(of_deletion(doc, now, &graph));
    all
}

/// Several values of a register, or of an entry of a map.
fn of_value(
    doc: &Automerge,
    now: &Hydrated,
    graph: &Graph,
    name: &str,
    values: &[Json],
) -> Option<Dispute> {
    let (field, entry) = place(&now.kind, name)?;
    let container = match entry {
        Some(_) => now.kind.genesis().container(now.id?, field.name)?,
        None => ROOT,
    };
    let all = doc.get_all(&container, entry.unwrap_or(field.name)).ok()?;
    let mut writers: Vec<(Json, usize)> = Vec::new();
    for (value, op) in all {
        let AutoValue::Scalar(scalar) = value else { continue };
        let json = match entry {
            Some(_) => scalar.as_str().map(Json::from),
            None => read_scalar(field, &scalar).ok().map(|value| value.to_json()),
        };
        writers.extend(json.zip(graph.writer(&op)));
    }
    let base = graph.base(doc, &now.kind, writers.iter().map(|(_, writer)| *writer));
    let claims = values.iter().map(|value| {
        let writer = writers.iter().find(|(written, _)| written == value);
        let node = writer.map(|(_, node)| &graph.nodes[*node]);
        Claim {
            value: value.clone(),
            author: node.and_then(|node| node.author),
            at: node.map_or(UnixMs(0), |node| node.at),
        }
    });
    let base = base.map_or(Json::Null, |base| match (entry, base.field(field.name)) {
        (Some(entry), Some(FieldState::Map(map))) => {
            map.get(entry).map_or(Json::Null, |text| Json::from(text.as_str()))
        }
        _ => base.json(field.name),
    });
    Some(Dispute { field: name.to_owned(), base, claims: claims.collect() })
}

/// The field behind a conflict's name, and the entry of it.
fn place<'a>(kind: &'a Kind, name: &'a str) -> Option<(&'a Field, Option<&'a str>)> {
    if let Some(field) = kind.field(name) {
        return Some((field, None));
    }
    let (map, entry) = name.split_once('.')?;
    Some((kind.field(map)?, Some(entry)))
}

/// A log whose own column says that it is disputed.
fn of_log(now: &Hydrated, (field, log): (&Field, &Log), events: &Events) -> Option<Dispute> {
    let disputed = log.columns.iter().position(|column| Some(column.name) == log.disputed)?;
    if log.project(events, now)[disputed] != Cell::Bool(true) {
        return None;
    }
    let (part, _) = log.words?;
    let state = log.state(events, Some(now));
    let mut claims: Vec<Claim> = Vec::new();
    let shown = state.shown.into_iter();
    for event in shown.chain(state.standing.iter().map(|(_, event)| *event)) {
        let Some(word) = event.text(part) else { continue };
        if !claims.iter().any(|claim| claim.value == word) {
            claims.push(Claim { value: word.into(), author: Some(event.by), at: event.at });
        }
    }
    // Before those that stand.
    let standing: BTreeSet<EventId> = state.standing.iter().map(|(id, _)| *id).collect();
    let mut earlier = events.clone();
    earlier.retain(|id, _| !standing.contains(id));
    let before = (log.back)(&log.state(&earlier, Some(now)));
    let base = before.and_then(|data| data.get(part).cloned()).unwrap_or(Json::Null);
    let name = log.typed.map_or(field.name, |typed| typed.names.first().unwrap_or(&field.name));
    Some(Dispute { field: name.to_owned(), base, claims })
}

/// A deletion and what was changed without its author having seen it, or its taking back.
fn of_deletion(doc: &Automerge, now: &Hydrated, graph: &Graph) -> Option<Dispute> {
    let life = now.kind.life()?;
    let events = now.log(life.name)?;
    let state = LIFE.state(events, Some(now));
    let is = |event: &Event, what: LifeEvent| event.data == what.data();
    let (id, deletion) = *state.standing.iter().find(|(_, event)| is(event, LifeEvent::Delete))?;
    let deleted = Claim { value: true.into(), author: Some(deletion.by), at: deletion.at };
    let dispute =
        |claims| Some(Dispute { field: DELETED.to_owned(), base: Json::from(false), claims });
    if let Some(restored) = state.shown.filter(|event| is(event, LifeEvent::Restore)) {
        let kept = Claim { value: false.into(), author: Some(restored.by), at: restored.at };
        return dispute(vec![kept, deleted]);
    }
    let container = now.kind.genesis().container(now.id?, life.name)?;
    let (_, op) = doc.get(&container, id.to_string()).ok()??;
    let of_deletion = graph.writer(&op)?;
    let unseen = graph.beside(of_deletion).into_iter().take(UNSEEN);
    let changed = unseen.filter_map(|node| graph.changed(doc, &now.kind, node));
    let newest = changed.max_by_key(|node| node.at)?;
    let kept = Claim { value: false.into(), author: newest.author, at: newest.at };
    dispute(vec![deleted, kept])
}

/// Which change builds on which.
struct Graph {
    nodes: Vec<Node>,
}

struct Node {
    hash: ChangeHash,
    /// Places of those it builds on, which come before it.
    deps: Vec<usize>,
    actor: Option<Actor>,
    author: Option<UserId>,
    at: UnixMs,
    ops: std::ops::RangeInclusive<u64>,
}

impl Graph {
    fn of(doc: &Automerge) -> Self {
        let mut places: HashMap<ChangeHash, usize> = HashMap::new();
        let mut nodes = Vec::new();
        for meta in doc.get_changes_meta(&[]) {
            places.insert(meta.hash, nodes.len());
            nodes.push(Node {
                hash: meta.hash,
                deps: meta.deps.iter().filter_map(|dep| places.get(dep).copied()).collect(),
                actor: Actor::from_slice(meta.actor.to_bytes()),
                author: author_of(doc, &meta.actor),
                at: UnixMs::from_seconds(meta.timestamp),
                ops: meta.start_op..=meta.max_op,
            });
        }
        Self { nodes }
    }

    /// The change that wrote an operation.
    fn writer(&self, op: &ObjId) -> Option<usize> {
        let ObjId::Id(counter, actor, _) = op else { return None };
        let actor = Actor::from_slice(actor.to_bytes())?;
        let wrote = |node: &Node| node.actor == Some(actor) && node.ops.contains(counter);
        self.nodes.iter().position(wrote)
    }

    /// A change and all that it builds on, near or far.
    fn up_to(&self, node: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if seen.insert(node) {
                open.extend(&self.nodes[node].deps);
            }
        }
        seen
    }

    /// What the record said where all of these changes started from; none before it began.
    fn base(
        &self,
        doc: &Automerge,
        kind: &Kind,
        of: impl Iterator<Item = usize>,
    ) -> Option<Hydrated> {
        let below = of.map(|node| {
            let mut seen = self.up_to(node);
            seen.remove(&node);
            seen
        });
        let common = below.reduce(|one, other| one.intersection(&other).copied().collect())?;
        let covered: BTreeSet<usize> =
            common.iter().flat_map(|node| &self.nodes[*node].deps).copied().collect();
        let heads: Vec<ChangeHash> =
            common.difference(&covered).map(|node| self.nodes[*node].hash).collect();
        let base = hydrate(&doc.fork_at(&heads).ok()?, kind);
        base.id.is_some().then_some(base)
    }

    /// The changes that neither build on this one nor it on them, the newest first.
    fn beside(&self, node: usize) -> Vec<usize> {
        let below = self.up_to(node);
        let others = (0..self.nodes.len()).rev().filter(|other| !below.contains(other));
        others.filter(|other| !self.up_to(*other).contains(&node)).collect()
    }

    /// The change, if it changed a field.
    fn changed(&self, doc: &Automerge, kind: &Kind, node: usize) -> Option<&Node> {
        let node = &self.nodes[node];
        if node.actor.is_none_or(is_step_actor) {
            return None;
        }
        let deps: Vec<ChangeHash> = node.deps.iter().map(|dep| self.nodes[*dep].hash).collect();
        let before = hydrate(&doc.fork_at(&deps).ok()?, kind);
        let after = hydrate(&doc.fork_at(&[node.hash]).ok()?, kind);
        let of_life = |name: &str| LIFE.columns.iter().any(|column| column.name == name);
        let all = compared(&before, &after);
        all.iter().any(|one| !of_life(&one.field)).then_some(node)
    }
}
