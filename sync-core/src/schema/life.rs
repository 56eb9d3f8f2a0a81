//! The log that every kind of document has: tombstones and restores.

use std::cmp::Ordering;

use super::columns::ColumnType;
use super::log::{EventPartType, Log, LogColumn, LogState, Standing, needs};
use super::words::said;
use crate::cell::Cell;
use crate::event::{Event, EventData, event_data};
use crate::ids::EventId;

const ACTION: &str = "action";
const DELETE: &str = "delete";
const RESTORE: &str = "restore";

/// Deleted when a tombstone stands and no concurrent restore does.
pub static LIFE: Log = Log {
    name: "life",
    doc: said(
        "Of several standing events a restore is shown before any delete, and of each sort the earliest by `at`, then the lowest id. `is_deleted`: whether a delete is shown; `deleted_at`: its `at`.",
    ),
    parts: &[needs(ACTION, EventPartType::Word(&[DELETE, RESTORE]))],
    standing: Standing::Frontier,
    order,
    columns: &[
        LogColumn {
            name: "is_deleted",
            ty: ColumnType::Bool,
            read: |state| Cell::Bool(deletion(state).is_some()),
        },
        LogColumn {
            name: "deleted_at",
            ty: ColumnType::Timestamp,
            read: |state| deletion(state).map_or(Cell::Null, |_| state.at()),
        },
    ],
    words: None,
    typed: None,
    disputed: None,
    back: |state| {
        let event = if deletion(state).is_some() { LifeEvent::Delete } else { LifeEvent::Restore };
        Some(event.data())
    },
};

/// A restore before any tombstone, and of tombstones the earliest.
fn order(a: &(EventId, &Event), b: &(EventId, &Event)) -> Ordering {
    let key = |(id, event): &(EventId, &Event)| (event.says(ACTION, DELETE), event.at, *id);
    key(a).cmp(&key(b))
}

fn deletion<'a>(state: &LogState<'a>) -> Option<&'a Event> {
    state.shown.filter(|event| event.says(ACTION, DELETE))
}

/// What the log of a record's life takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LifeEvent {
    /// A tombstone.
    Delete,
    /// It is taken back.
    Restore,
}

impl LifeEvent {
    /// The event's parts.
    pub fn data(self) -> EventData {
        let word = match self {
            Self::Delete => DELETE,
            Self::Restore => RESTORE,
        };
        event_data([(ACTION, Some(word))])
    }
}
