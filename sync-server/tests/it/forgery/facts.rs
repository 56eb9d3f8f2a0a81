//! What an attacker knows, and the honest change that a forged one is made from.

use std::cell::RefCell;

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{Automerge, Change, ExpandedChange, ObjId, ROOT, ReadDoc, ScalarValue};
use rand::Rng;
use rand::rngs::StdRng;
use sync_core::document::{self, FieldChange, Pen, PenRole, RecordEdit, hydrate};
use sync_core::event::EventData;
use sync_core::ids::{Actor, EventId, GroupId, RecordId, UserId};
use sync_core::protocol::{Blob, PushGroup, PushItem};
use sync_core::schema::Kind;
use sync_core::time::UnixMs;

use crate::harness::edit;

/// Everything that an attacker knows of the record attacked.
pub(super) struct Facts {
    pub(super) kind: Kind,
    pub(super) record: RecordId,
    pub(super) doc: Automerge,
    /// Another record of the kind.
    pub(super) other: RecordId,
    pub(super) other_doc: Automerge,
    /// A record of another kind.
    pub(super) elsewhere: (Kind, RecordId),
    /// An account of the attacker's own, if there is one.
    pub(super) own: Option<(RecordId, Automerge)>,
    /// The account that victim and colleague share.
    pub(super) shared: RecordId,
    /// An account that only the victim sees.
    pub(super) foreign: RecordId,
    pub(super) attacker: UserId,
    pub(super) victim: UserId,
    /// The writer of the victim's last accepted change of the record, and its number.
    pub(super) bound: Actor,
    pub(super) bound_seq: u64,
    /// The victim's writer of now.
    pub(super) unseen: Actor,
    /// A writer of the server's own.
    pub(super) server: Actor,
    /// The victim's last accepted change of the record, and the first.
    pub(super) accepted: Vec<u8>,
    pub(super) creating: Vec<u8>,
    /// The victim's changes of the record without an acceptance.
    pub(super) waiting: Vec<Vec<u8>>,
    pub(super) now: UnixMs,
    pub(super) dice: RefCell<StdRng>,
}

impl Facts {
    pub(super) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.dice.borrow_mut().fill_bytes(&mut bytes);
        bytes
    }

    pub(super) fn id(&self) -> RecordId {
        RecordId::mint(self.now, self.bytes())
    }

    /// A pen of the attacker's own, with a writer that no server has heard of. It writes what a
    /// device's pen would not.
    pub(super) fn pen(&self) -> Pen {
        let actor = Actor(self.bytes());
        Pen { actor, author: self.attacker, now: self.now, role: PenRole::Server }
    }

    /// The attacker's next change of the record, as it would be were it honest.
    pub(super) fn draft(&self) -> ExpandedChange {
        self.draft_on(&mut self.doc.clone(), &self.kind, self.pen())
    }

    /// As [`Facts::draft`], of any document, which then holds it.
    pub(super) fn draft_on(&self, doc: &mut Automerge, kind: &Kind, pen: Pen) -> ExpandedChange {
        let word = format!("forged {}", u32::from_le_bytes(self.bytes()));
        let field = match kind.name {
            "organization" => "cuisine",
            "contact" => "job_title",
            "opportunity" => "lead_source",
            "interaction" => "outcome",
            _ => "title",
        };
        self.written(doc, &edit(kind.name, &[(field, &word), ("tags", &word)]), kind, pen)
    }

    /// An edit of a document, which then holds it.
    pub(super) fn written(
        &self,
        doc: &mut Automerge,
        edit: &RecordEdit,
        kind: &Kind,
        pen: Pen,
    ) -> ExpandedChange {
        let now = hydrate(doc, kind);
        let mut mint = || EventId::mint(pen.now, self.bytes());
        let made = document::edit(doc, &now, edit, &pen, &mut mint).unwrap().unwrap();
        decoded(&made.bytes)
    }

    /// The change by which the attacker would begin such a record on an account.
    pub(super) fn creation(&self, id: RecordId, account: RecordId) -> ExpandedChange {
        let parent = account.to_string();
        let parent = ("organization_id", parent.as_str());
        let pairs: &[(&str, &str)] = match self.kind.name {
            "organization" => &[("name", "Forged")],
            "contact" => &[parent, ("last_name", "Forged")],
            "opportunity" => &[parent, ("name", "Forged")],
            "interaction" => &[parent, ("interaction_type", "VISIT")],
            _ => &[parent, ("title", "Forged")],
        };
        self.creation_of(id, pairs)
    }

    pub(super) fn creation_of(&self, id: RecordId, pairs: &[(&str, &str)]) -> ExpandedChange {
        let mut mint = || EventId::mint(self.now, self.bytes());
        let edit = edit(self.kind.name, pairs);
        let (_, made) = document::create(&self.kind, id, &edit, &self.pen(), &mut mint).unwrap();
        decoded(&made.bytes)
    }

    /// The draft with something altered, pushed for the record.
    pub(super) fn altered(&self, alter: impl FnOnce(&mut ExpandedChange)) -> Vec<PushGroup> {
        let mut change = self.draft();
        alter(&mut change);
        self.push(encoded(change))
    }

    /// The draft with other operations.
    pub(super) fn doing(&self, operations: Vec<Op>) -> Vec<PushGroup> {
        self.altered(|change| change.operations = operations)
    }

    /// An event appended to a log, altered in its text.
    pub(super) fn event(
        &self,
        field: &str,
        data: EventData,
        alter: impl FnOnce(String) -> String,
    ) -> Vec<PushGroup> {
        let field = self.kind.field(field).unwrap();
        let edit = RecordEdit { changes: vec![(field.clone(), FieldChange::Append(data))] };
        let mut change = self.written(&mut self.doc.clone(), &edit, &self.kind, self.pen());
        let OpType::Put(ScalarValue::Str(text)) = &change.operations[0].action else {
            panic!("an event is text");
        };
        let text = alter(text.to_string());
        change.operations[0].action = OpType::Put(ScalarValue::Str(text.as_str().into()));
        self.push(encoded(change))
    }

    /// Bytes pushed for the record, as a group of their own.
    pub(super) fn push(&self, change: Vec<u8>) -> Vec<PushGroup> {
        vec![self.group(vec![self.item(change)])]
    }

    /// Bytes pushed for another record, or as another kind.
    pub(super) fn push_as(&self, record: RecordId, kind: &str, change: Vec<u8>) -> Vec<PushGroup> {
        vec![self.group(vec![item_of(record, kind, change)])]
    }

    pub(super) fn item(&self, change: Vec<u8>) -> PushItem {
        item_of(self.record, self.kind.name, change)
    }

    pub(super) fn group(&self, items: Vec<PushItem>) -> PushGroup {
        PushGroup { group: GroupId(self.id().0), seen: None, items }
    }

    /// The names of the values that stand at a key of the root.
    pub(super) fn standing(&self, key: &str) -> Vec<OpId> {
        let names = self.doc.get_all(ROOT, key).unwrap().into_iter().map(|(_, id)| name_of(id));
        names.collect()
    }

    /// A container of the record, by its field's name.
    pub(super) fn container(&self, name: &str) -> ObjectId {
        let genesis = self.kind.genesis();
        let counter = genesis.by_counter.iter().find(|(_, field)| **field == name).unwrap().0;
        ObjectId::Id(OpId::new(*counter, &automerge::ActorId::from(genesis.actor.0)))
    }
}

pub(super) fn item_of(record: RecordId, kind: &str, change: Vec<u8>) -> PushItem {
    PushItem { record, kind: kind.to_owned(), change: Blob(change), receipt: None }
}

pub(super) fn decoded(bytes: &[u8]) -> ExpandedChange {
    Change::from_bytes(bytes.to_vec()).unwrap().decode()
}

pub(super) fn encoded(change: ExpandedChange) -> Vec<u8> {
    Change::from(change).raw_bytes().to_vec()
}

pub(super) fn name_of(id: ObjId) -> OpId {
    match id {
        ObjId::Id(counter, actor, _) => OpId::new(counter, &actor),
        ObjId::Root => unreachable!("the root is nobody's operation"),
    }
}

/// An operation on a key of a map.
pub(super) fn on_key(obj: ObjectId, key: &str, action: OpType, pred: Vec<OpId>) -> Op {
    Op { action, obj, key: Key::Map(key.into()), pred: pred.into(), insert: false }
}

/// A value put at a key of the root that has none.
pub(super) fn put(key: &str, value: impl Into<ScalarValue>) -> Op {
    on_key(ObjectId::Root, key, OpType::Put(value.into()), Vec::new())
}

/// Puts bytes in the author's place of a change.
pub(super) fn sign(change: &mut ExpandedChange, author: &[u8]) {
    // As the library writes it: that an author follows, and how long it is.
    change.extra_bytes = vec![1, u8::try_from(author.len()).unwrap()];
    change.extra_bytes.extend_from_slice(author);
}

/// Takes the author from a change.
pub(super) fn unsign(change: &mut ExpandedChange) {
    change.extra_bytes.clear();
}
