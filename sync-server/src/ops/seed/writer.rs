//! Writes records as people write them: each edit is a change of a document, by somebody, at a moment.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use automerge::Automerge;
use serde_json::Value as Json;
use sync_core::document::{self, LocalChange, Pen, PenRole, RecordEdit, hydrate};
use sync_core::guard;
use sync_core::hub::{PushJob, PushedChange, PushedGroup};
use sync_core::ids::{Actor, EventId, GroupId, RecordId, ReplicaId, UserId};
use sync_core::random::Random;
use sync_core::schema::{Kind, Schema};
use sync_core::time::UnixMs;
use uuid::Uuid;

/// Somebody who writes, and as what: a manager assigns with the server's pen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Hand {
    pub(super) user: Uuid,
    pub(super) part: Part,
}

/// What is written first, and what builds on it: the accounts, the work of reps on them, and then what a
/// manager does to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Part {
    Accounts,
    Work,
    Managing,
}

impl Part {
    fn pen(self) -> PenRole {
        match self {
            Self::Accounts => PenRole::Server,
            Self::Work | Self::Managing => PenRole::Device,
        }
    }
}

/// A record that is being written, with its document.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) id: RecordId,
    kind: Kind,
    doc: Automerge,
}

/// Writes for several people, and keeps what they wrote until it is handed over.
pub(super) struct Writer<'s> {
    schema: &'s Schema,
    random: Random,
    devices: HashMap<Hand, (Actor, ReplicaId)>,
    groups: BTreeMap<Hand, Vec<PushedGroup>>,
    changes: usize,
    /// Records begun so far, by kind.
    pub(super) begun: BTreeMap<&'static str, usize>,
}

impl<'s> Writer<'s> {
    pub(super) fn new(schema: &'s Schema, random: Random) -> Self {
        let (devices, groups, begun) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { schema, random, devices, groups, changes: 0, begun }
    }

    /// Begins a record.
    pub(super) fn create(
        &mut self,
        hand: Hand,
        at: UnixMs,
        kind: &str,
        says: &Json,
    ) -> anyhow::Result<Draft> {
        let id = RecordId::mint(at, self.random.bytes());
        self.create_as(id, hand, at, kind, says)
    }

    /// Begins a record under an id.
    pub(super) fn create_as(
        &mut self,
        id: RecordId,
        hand: Hand,
        at: UnixMs,
        kind: &str,
        says: &Json,
    ) -> anyhow::Result<Draft> {
        let kind = self.schema.kind(kind).context("no such kind")?.clone();
        let edit = edit_of(&kind, says)?;
        let pen = self.pen(hand, at);
        let random = &mut self.random;
        let mut mint = || EventId::mint(at, random.bytes());
        let (doc, change) = document::create(&kind, id, &edit, &pen, &mut mint)?;
        *self.begun.entry(kind.name).or_default() += 1;
        let draft = Draft { id, kind, doc };
        self.keep(hand, at, &draft, [change]);
        Ok(draft)
    }

    /// Edits a record.
    pub(super) fn edit(
        &mut self,
        draft: &mut Draft,
        hand: Hand,
        at: UnixMs,
        says: &Json,
    ) -> anyhow::Result<()> {
        let edit = edit_of(&draft.kind, says)?;
        let pen = self.pen(hand, at);
        let Draft { id, kind, doc } = draft;
        let steps = document::prepare(doc, kind, *id, &edit)?;
        let random = &mut self.random;
        let mut mint = || EventId::mint(at, random.bytes());
        let made = document::edit(doc, &hydrate(doc, kind), &edit, &pen, &mut mint)?;
        self.keep(hand, at, draft, steps.into_iter().chain(made));
        Ok(())
    }

    fn pen(&mut self, hand: Hand, now: UnixMs) -> Pen {
        let random = &mut self.random;
        let device = || (Actor(random.bytes()), ReplicaId::mint(now, random.bytes()));
        let (actor, _) = *self.devices.entry(hand).or_insert_with(device);
        Pen { actor, author: UserId(hand.user), now, role: hand.part.pen() }
    }

    fn keep(
        &mut self,
        hand: Hand,
        at: UnixMs,
        draft: &Draft,
        changes: impl IntoIterator<Item = LocalChange>,
    ) {
        let pushed = |change: LocalChange| PushedChange {
            record: draft.id,
            kind: draft.kind.name.to_owned(),
            hash: change.hash,
            parsed: guard::parse(&change.bytes),
            receipt: None,
        };
        let changes: Vec<PushedChange> = changes.into_iter().map(pushed).collect();
        self.changes += changes.len();
        let group = GroupId::mint(at, self.random.bytes());
        let group = PushedGroup { group, seen: None, changes };
        self.groups.entry(hand).or_default().push(group);
    }

    /// How many changes wait to be handed over.
    pub(super) fn waiting(&self) -> usize {
        self.changes
    }

    /// What was written since it was last asked for, to be pushed one after another. What builds on
    /// somebody else's comes after it.
    pub(super) fn pushes(&mut self, at_once: usize) -> Vec<PushJob> {
        self.changes = 0;
        let mut written: Vec<(Hand, Vec<PushedGroup>)> =
            std::mem::take(&mut self.groups).into_iter().collect();
        written.sort_by_key(|(hand, _)| (hand.part, hand.user));
        let mut jobs = Vec::new();
        for (hand, mut groups) in written {
            let Some((_, replica)) = self.devices.get(&hand) else { continue };
            while !groups.is_empty() {
                let rest = groups.split_off(groups.len().min(at_once));
                let mut job = PushJob::of_device(UserId(hand.user), *replica, groups);
                job.pen = hand.part.pen();
                jobs.push(job);
                groups = rest;
            }
        }
        jobs
    }
}

fn edit_of(kind: &Kind, says: &Json) -> anyhow::Result<RecordEdit> {
    let says = says.as_object().context("an edit is an object")?;
    Ok(RecordEdit::from_object(kind, says, None)?)
}
