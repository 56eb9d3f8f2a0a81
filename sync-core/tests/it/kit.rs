//! Pens, documents and a world whose clock and entropy are counters.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{Author, Automerge, ROOT, ReadDoc};
use serde_json::Value as Json;
use sync_core::crm;
use sync_core::document::{self, FieldChange, FieldState, LocalChange, Pen, PenRole, RecordEdit};
use sync_core::document::{Value, hydrate};
use sync_core::event::{Event, frontier};
use sync_core::ids::{Actor, EventId, RecordId, ScopeId, ServerEpoch, UserId};
use sync_core::protocol::{Blob, FeedItem, ServerMessage, Welcome};
use sync_core::replica::{OpenOptions, Replica};
use sync_core::schema::{Field, FieldType, ID_KEY, Kind};
use sync_core::testing::session_limits;
pub(crate) use sync_core::testing::{Counted as World, NOW};
use sync_core::time::UnixMs;
use uuid::Uuid;

pub(crate) fn kind(name: &str) -> &'static Kind {
    let schema: &'static sync_core::schema::Schema = Box::leak(Box::new(crm::schema()));
    schema.kind(name).unwrap()
}

pub(crate) fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

pub(crate) fn record(n: u128) -> RecordId {
    RecordId(Uuid::from_u128(n))
}

pub(crate) fn pen(author: u128, actor: u8) -> Pen {
    Pen { actor: Actor([actor; 16]), author: user(author), now: NOW, role: PenRole::Device }
}

pub(crate) fn edit(kind: &Kind, pairs: &[(&str, &str)]) -> RecordEdit {
    RecordEdit::parse(kind, pairs.iter().copied()).unwrap()
}

/// Event ids that differ by writer and by count.
pub(crate) fn mint(pen: &Pen, count: &mut u64) -> EventId {
    *count += 1;
    EventId(Uuid::from_u128(u128::from(pen.actor.0[0]) << 64 | u128::from(*count)))
}

pub(crate) fn created(kind: &Kind, pairs: &[(&str, &str)], pen: &Pen) -> (Automerge, LocalChange) {
    let mut count = 0;
    document::create(kind, record(1), &edit(kind, pairs), pen, &mut || mint(pen, &mut count))
        .unwrap()
}

pub(crate) fn edited(
    doc: &mut Automerge,
    kind: &Kind,
    pairs: &[(&str, &str)],
    pen: &Pen,
    count: &mut u64,
) -> Option<LocalChange> {
    let now = hydrate(doc, kind);
    document::edit(doc, &now, &edit(kind, pairs), pen, &mut || mint(pen, count)).unwrap()
}

/// What an app writes that checks nothing; the document is left as it was.
pub(crate) fn unchecked(
    doc: &Automerge,
    kind: &Kind,
    changes: &[(Field, FieldChange)],
    pen: &Pen,
    count: &mut u64,
) -> Option<Vec<u8>> {
    let mut doc = doc.clone();
    let now = hydrate(&doc, kind);
    let begins = now.id.is_none();
    doc.set_author(Some(Author::from(pen.author.as_bytes().to_vec())));
    doc.set_actor(pen.actor.automerge());
    let mut tx = doc.transaction();
    if begins {
        tx.put(ROOT, ID_KEY, record(1).to_string()).unwrap();
    }
    for (field, change) in changes {
        let container = kind.genesis().container(record(1), field.name);
        let is_text = field.ty == FieldType::Text;
        if container.is_some() && matches!(change, FieldChange::Text(_)) != is_text {
            // No library writes characters into a map, or entries into a text.
            continue;
        }
        match (change, container) {
            (FieldChange::Set(value), None) => tx.put(ROOT, field.name, value.to_scalar()).unwrap(),
            (FieldChange::Parts(some), None) => {
                let mut whole = match now.value(field.name) {
                    Value::Parts(whole) => whole.clone(),
                    _ => Default::default(),
                };
                whole.extend(some.clone());
                let whole = Json::Object(whole.into_iter().collect()).to_string();
                tx.put(ROOT, field.name, whole).unwrap();
            }
            (FieldChange::Text(text), Some(id)) => tx.splice_text(&id, 0, 0, text).unwrap(),
            (FieldChange::Add(key), Some(id)) => tx.put(&id, key.as_str(), true).unwrap(),
            (FieldChange::Entry(key, Some(text)), Some(id)) => {
                tx.put(&id, key.as_str(), text.as_str()).unwrap();
            }
            (FieldChange::Remove(key) | FieldChange::Entry(key, None), Some(id))
                if tx.get(&id, key.as_str()).unwrap().is_some() =>
            {
                tx.delete(&id, key.as_str()).unwrap();
            }
            (FieldChange::Append(data), Some(id)) => {
                let supersedes = match now.field(field.name) {
                    Some(FieldState::Log(events)) => {
                        frontier(events).into_iter().map(|(id, _)| id).collect()
                    }
                    _ => Vec::new(),
                };
                let (at, by, data) = (pen.now, pen.author, data.clone());
                let text = Event { at, by, supersedes, data }.to_text();
                tx.put(&id, mint(pen, count).to_string(), text).unwrap();
            }
            _ => {}
        }
    }
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(pen.now.seconds()));
    Some(doc.get_change_by_hash(&hash?).unwrap().raw_bytes().to_vec())
}

pub(crate) fn replica(path: &std::path::Path, owner: u128, env: &mut World) -> Replica {
    let db = rusqlite::Connection::open(path).unwrap();
    Replica::open(db, OpenOptions { schema: crm::schema(), user: Some(user(owner)) }, env).unwrap()
}

/// The server takes user 1 in.
pub(crate) fn welcome() -> Vec<u8> {
    welcome_with(None)
}

/// The server takes user 1 in, and says what its clock says.
pub(crate) fn welcome_at(now: UnixMs) -> Vec<u8> {
    welcoming(None, now)
}

/// The server takes user 1 in, and says what its rows are of.
pub(crate) fn welcome_with(fingerprint: Option<Blob>) -> Vec<u8> {
    welcoming(fingerprint, NOW)
}

fn welcoming(fingerprint: Option<Blob>, now: UnixMs) -> Vec<u8> {
    ServerMessage::Welcome(Welcome {
        protocol: 1,
        user: user(1),
        role: "sales_rep".into(),
        epoch: ServerEpoch(Uuid::from_u128(1)),
        now,
        limits: session_limits(),
        live: false,
        fingerprint,
    })
    .to_bytes()
}

/// A record of a feed batch, with nothing in it yet.
pub(crate) fn item(record: RecordId) -> FeedItem {
    FeedItem {
        record,
        kind: "organization".into(),
        scope: ScopeId(record.0),
        snapshot: None,
        changes: Vec::new(),
        receipts: Vec::new(),
        row: None,
        fields: None,
    }
}
