//! Who writes in the corpus, when, and with what ids: all of it fixed.

use automerge::Automerge;
use sync_core::document::{
    self, FieldChange, Habits, LocalChange, Pen, PenRole, RecordEdit, hydrate,
};
use sync_core::event::event_data;
use sync_core::ids::{Actor, EventId, RecordId, UserId};
use sync_core::schema::{FieldType, Kind};
pub(crate) use sync_core::testing::NOW;
use sync_core::time::UnixMs;
use uuid::Uuid;

/// What the server's clock says whenever it judges.
pub(crate) const JUDGED_AT: UnixMs = UnixMs(NOW.0 + 3_600_000);

/// A sales representative.
pub(crate) const ROSA: u128 = 1;
/// Another.
pub(crate) const OMAR: u128 = 2;
/// Their manager.
pub(crate) const MIA: u128 = 3;

pub(crate) fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128((0xa << 100) | n))
}

pub(crate) fn record(n: u128) -> RecordId {
    RecordId(Uuid::from_u128((0xb << 100) | n))
}

/// One writer with its clock and its count of events.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) pen: Pen,
    events: u64,
}

/// A user's writer. Its clock stands a minute behind that of the one with the next number.
pub(crate) fn writer(author: u128, actor: u8) -> Writer {
    let now = UnixMs(NOW.0 + i64::from(actor) * 60_000);
    let pen = Pen { actor: Actor([actor; 16]), author: user(author), now, role: PenRole::Device };
    Writer { pen, events: 0 }
}

/// The server's own writer, for fields that are closed to devices.
pub(crate) fn server(author: u128, actor: u8) -> Writer {
    let mut writer = writer(author, actor);
    writer.pen.role = PenRole::Server;
    writer
}

impl Writer {
    fn event(pen: &Pen, events: &mut u64) -> EventId {
        *events += 1;
        EventId(Uuid::from_u128(
            (0xc << 100) | u128::from(pen.actor.0[0]) << 32 | u128::from(*events),
        ))
    }

    /// Begins a record.
    pub(crate) fn create(
        &mut self,
        kind: &Kind,
        id: RecordId,
        pairs: &[(&str, &str)],
    ) -> (Automerge, LocalChange) {
        let Self { pen, events } = self;
        let mut mint = || Self::event(pen, events);
        document::create(kind, id, &edit(kind, pairs), pen, &mut mint).unwrap()
    }

    /// Edits a record by what it holds now; the last of the changes that it took, and the steps of
    /// the genesis that had to come first.
    pub(crate) fn write(
        &mut self,
        doc: &mut Automerge,
        kind: &Kind,
        edit: &RecordEdit,
    ) -> Vec<LocalChange> {
        let now = hydrate(doc, kind);
        let mut made = document::prepare(doc, kind, now.id.unwrap(), edit).unwrap();
        let Self { pen, events } = self;
        let mut mint = || Self::event(pen, events);
        made.extend(document::edit(doc, &now, edit, pen, &mut mint).unwrap());
        pen.now.0 += 1000;
        made
    }

    pub(crate) fn edit(
        &mut self,
        doc: &mut Automerge,
        kind: &Kind,
        pairs: &[(&str, &str)],
    ) -> Vec<LocalChange> {
        self.write(doc, kind, &edit(kind, pairs))
    }

    /// Appends an event to a log.
    pub(crate) fn append(
        &mut self,
        doc: &mut Automerge,
        kind: &Kind,
        log: &str,
        parts: &[(&str, &str)],
    ) -> Vec<LocalChange> {
        let data = event_data(parts.iter().map(|(name, text)| (*name, Some(*text))));
        let field = kind.field(log).unwrap().clone();
        self.write(doc, kind, &RecordEdit { changes: vec![(field, FieldChange::Append(data))] })
    }
}

/// What a person types, as an edit.
pub(crate) fn edit(kind: &Kind, pairs: &[(&str, &str)]) -> RecordEdit {
    let (whole, typed): (Vec<(&str, &str)>, Vec<_>) =
        pairs.iter().copied().partition(|(name, text)| is_whole(kind, name, text));
    let mut edit = RecordEdit::parse(kind, typed).unwrap();
    for (name, text) in whole {
        let field = kind.field(name).unwrap();
        edit = edit.set(field, document::read_value(field, text, &Habits::default()).unwrap());
    }
    edit
}

/// A value of several parts that is given as one.
fn is_whole(kind: &Kind, name: &str, text: &str) -> bool {
    let parts = |field: &sync_core::schema::Field| matches!(field.ty, FieldType::Parts(_));
    text.starts_with('{') && kind.field(name).is_some_and(parts)
}
