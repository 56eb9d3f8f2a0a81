//! Pens, documents and a world whose clock and entropy are counters.

use automerge::Automerge;
use sync_core::crm;
use sync_core::document::{self, LocalChange, Pen, PenRole, RecordEdit, hydrate};
use sync_core::ids::{Actor, EventId, RecordId, ScopeId, ServerEpoch, UserId};
use sync_core::protocol::{Blob, FeedItem, ServerMessage, Welcome};
use sync_core::replica::{OpenOptions, Replica};
use sync_core::schema::Kind;
use sync_core::testing::session_limits;
pub(crate) use sync_core::testing::{Counted as World, NOW};
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

pub(crate) fn replica(path: &std::path::Path, owner: u128, env: &mut World) -> Replica {
    let db = rusqlite::Connection::open(path).unwrap();
    Replica::open(db, OpenOptions { schema: crm::schema(), user: Some(user(owner)) }, env).unwrap()
}

/// The server takes user 1 in.
pub(crate) fn welcome() -> Vec<u8> {
    welcome_with(None)
}

/// The server takes user 1 in, and says what its rows are of.
pub(crate) fn welcome_with(fingerprint: Option<Blob>) -> Vec<u8> {
    ServerMessage::Welcome(Welcome {
        protocol: 1,
        user: user(1),
        role: "sales_rep".into(),
        epoch: ServerEpoch(Uuid::from_u128(1)),
        now: NOW,
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
