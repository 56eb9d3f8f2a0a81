//! Logs, declared: which events they take, which of them stand, which one is shown, and the columns
//! that follow.
//!
//! **Invariant**: a log is a function of its events alone (and, before the first, of the record's
//! registers, such as who created it), so that phone and server always agree. None looks at a clock: order
//! comes from what the writer had seen.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value as Json;

use super::columns::{Column, ColumnType, column};
use super::words::{Presence, Writer};
use crate::cell::{Cell, Row};
use crate::event::{Event, EventData, Events, frontier};
use crate::ids::{self, EventId};
use crate::nul::{NUL_PROBLEM, holds_nul, json_holds_nul};
use crate::time::is_day;

/// The declaration of a log.
pub struct Log {
    /// What it is called, for messages.
    pub name: &'static str,
    /// Which events stand, which of them is shown, and what the columns say, for the field reference:
    /// whoever computes rows elsewhere has nothing else to go by.
    pub doc: &'static str,
    /// The parts of its events.
    pub parts: &'static [EventPart],
    /// Which events stand.
    pub standing: Standing,
    /// The standing event that is shown: of several, the one that this puts first.
    pub order: fn(&(EventId, &Event), &(EventId, &Event)) -> std::cmp::Ordering,
    /// The columns that follow.
    pub columns: &'static [LogColumn],
    /// The part whose word the columns show, and the words that this version knows. Another one, of
    /// a newer app, shows as nothing and is a violation.
    pub words: Option<(&'static str, &'static [&'static str])>,
    /// How a person writes an event as `name=value`.
    pub typed: Option<Typed>,
    /// The column that says that the log is disputed, if it has one: what stands is to be settled by people.
    pub disputed: Option<&'static str>,
    /// The event that leads back to this state from a later one, to undo what led away from it; none
    /// where no event does.
    pub back: fn(&LogState<'_>) -> Option<EventData>,
}

/// One part of an event.
#[derive(Clone, Copy, Debug)]
pub struct EventPart {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub ty: EventPartType,
    /// Whether an event must have it.
    pub presence: Presence,
    /// Who may write it.
    pub writer: Writer,
}

/// What a part of an event takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventPartType {
    /// One of these words and no other.
    Word(&'static [&'static str]),
    /// Text of at most so many characters. A word that only a newer app knows is such a text.
    Text {
        /// Longest.
        max: usize,
    },
    /// A calendar day.
    Day,
    /// The id of a record or user.
    Id,
}

/// Which events of a log stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// What no other event supersedes.
    Frontier,
    /// Every event of one word that no event of another word supersedes, at once or through the events
    /// between them: done stays done, however often it was said, until a reopening that had seen it.
    /// A reopening that supersedes the last of several has seen those that this one had superseded.
    UnlessUndone {
        /// The part that holds the word.
        part: &'static str,
        /// What stands.
        done: &'static str,
        /// What takes it back.
        undone: &'static str,
    },
}

/// A column that follows from a log.
#[derive(Clone, Copy)]
pub struct LogColumn {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: ColumnType,
    /// What it shows.
    pub read: fn(&LogState<'_>) -> Cell,
}

/// What a record's registers say, for what a log comes to before its first event.
pub trait Registers {
    /// Who created the record.
    fn creator(&self) -> Option<&str>;
    /// Whether a register says anything.
    fn says(&self, name: &str) -> bool;
}

/// What a log comes to.
pub struct LogState<'a> {
    /// The event that is shown; none before the first.
    pub shown: Option<&'a Event>,
    /// Every event that stands.
    pub standing: Vec<(EventId, &'a Event)>,
    /// The record that it belongs to, where columns are asked for.
    pub record: Option<&'a dyn Registers>,
}

/// How a person writes an event.
#[derive(Clone, Copy)]
pub struct Typed {
    /// The names by which it goes.
    pub names: &'static [&'static str],
    /// Reads what stands behind the name; or says what is allowed.
    pub read: fn(&str) -> Result<EventData, String>,
}

impl Log {
    /// The columns that follow from the log.
    pub fn columns(&self) -> Vec<Column> {
        self.columns.iter().map(|one| column(one.name, one.ty)).collect()
    }

    /// The cells of these columns.
    pub fn project(&self, events: &Events, record: &dyn Registers) -> Row {
        let state = self.state(events, Some(record));
        self.columns.iter().map(|one| (one.read)(&state)).collect()
    }

    /// What the log comes to.
    pub fn state<'a>(&self, events: &'a Events, record: Option<&'a dyn Registers>) -> LogState<'a> {
        let standing = match self.standing {
            Standing::Frontier => frontier(events),
            Standing::UnlessUndone { part, done, undone } => {
                let undoing = events.values().filter(|event| event.says(part, undone));
                let taken_back = seen_by(events, undoing);
                let all = events.iter().map(|(id, event)| (*id, event));
                all.filter(|(id, event)| event.says(part, done) && !taken_back.contains(id))
                    .collect()
            }
        };
        let shown = standing.iter().min_by(|a, b| (self.order)(a, b)).map(|(_, event)| *event);
        LogState { shown, standing, record }
    }

    /// What an event that is written now supersedes: all that it sees standing. What stands although
    /// an event of the same word superseded it is among that, so that a reopening takes back every
    /// completion and not the last one alone.
    pub fn superseded(&self, events: &Events) -> Vec<EventId> {
        let state = self.state(events, None);
        let all = frontier(events).into_iter().chain(state.standing).map(|(id, _)| id);
        let all: BTreeSet<EventId> = all.collect();
        all.into_iter().collect()
    }

    /// The word that the shown event has and this version does not know, if it has such a one.
    pub fn unknown_word<'a>(&self, events: &'a Events) -> Option<&'a str> {
        let (part, known) = self.words?;
        let word = self.state(events, None).shown?.text(part)?;
        (!known.contains(&word)).then_some(word)
    }

    /// What is wrong with an event's parts, if anything.
    pub fn problem(&self, data: &EventData) -> Option<String> {
        for part in self.parts {
            match data.get(part.name) {
                None | Some(Json::Null) if part.presence == Presence::Required => {
                    return Some(format!("{} is missing", part.name));
                }
                None | Some(Json::Null) => {}
                Some(value) => {
                    let text = value.as_str().map(|text| part.ty.problem(text));
                    if let Some(what) = text.unwrap_or_else(|| Some("is no text".into())) {
                        return Some(format!("{} {what}", part.name));
                    }
                }
            }
        }
        let known = |name: &str| self.parts.iter().any(|part| part.name == name);
        let odd = data.iter().find(|(name, value)| {
            let plain = !value.is_object() && !value.is_array();
            !known(name) && (!plain || holds_nul(name) || json_holds_nul(value))
        });
        odd.map(|_| "holds a part that is no plain value".to_owned())
    }

    /// A part that only the server writes and that these have.
    pub fn server_part(&self, data: &EventData) -> Option<&'static str> {
        let servers = self.parts.iter().filter(|part| part.writer == Writer::Server);
        servers.map(|part| part.name).find(|name| data.get(*name).is_some_and(|v| !v.is_null()))
    }
}

/// The events that these supersede, and all that those supersede, and so on. A cycle, which only a
/// faulty app can write, is walked once.
fn seen_by<'a>(events: &Events, from: impl Iterator<Item = &'a Event>) -> BTreeSet<EventId> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<EventId> = from.flat_map(|event| event.supersedes.iter().copied()).collect();
    while let Some(id) = open.pop() {
        if seen.insert(id)
            && let Some(event) = events.get(&id)
        {
            open.extend(&event.supersedes);
        }
    }
    seen
}

impl EventPartType {
    fn problem(self, text: &str) -> Option<String> {
        match self {
            Self::Word(words) => {
                (!words.contains(&text)).then(|| format!("is not one of {}", words.join(", ")))
            }
            Self::Text { .. } if holds_nul(text) => Some(NUL_PROBLEM.into()),
            Self::Text { max } => {
                let fits = text.len() <= max || text.chars().count() <= max;
                let length = || text.chars().count();
                (!fits).then(|| format!("is {} characters long, and takes {max}", length()))
            }
            Self::Day => {
                (!is_day(text)).then(|| "is not a day as YYYY-MM-DD of the years 1 to 9999".into())
            }
            Self::Id => (!ids::is_canonical(text)).then(|| "is not an id".into()),
        }
    }
}

/// A part that every event has.
pub const fn needs(name: &'static str, ty: EventPartType) -> EventPart {
    EventPart { name, ty, presence: Presence::Required, writer: Writer::Anyone }
}

/// A part that an event may have.
pub const fn may_have(name: &'static str, ty: EventPartType) -> EventPart {
    EventPart { name, ty, presence: Presence::Optional, writer: Writer::Anyone }
}

/// The first of concurrent events by their ids.
pub fn lowest_id(a: &(EventId, &Event), b: &(EventId, &Event)) -> std::cmp::Ordering {
    a.0.cmp(&b.0)
}

/// The last of concurrent events by their ids.
pub fn greatest_id(a: &(EventId, &Event), b: &(EventId, &Event)) -> std::cmp::Ordering {
    b.0.cmp(&a.0)
}

impl LogState<'_> {
    /// A part of the shown event as text; NULL when there is none.
    pub fn text(&self, part: &str) -> Cell {
        text(self.shown.and_then(|event| event.text(part)))
    }

    /// A part of the shown event; before the first, the creator.
    pub fn text_or_creator(&self, part: &str) -> Cell {
        match self.shown {
            Some(event) => text(event.text(part)),
            None => text(self.record.and_then(Registers::creator)),
        }
    }

    /// Whether a register of the record says anything.
    pub fn says(&self, register: &str) -> bool {
        self.record.is_some_and(|record| record.says(register))
    }

    /// The shown event's parts, to be said again; none before the first event.
    pub fn again(&self) -> Option<EventData> {
        self.shown.map(|event| event.data.clone())
    }

    /// When the shown event happened.
    pub fn at(&self) -> Cell {
        self.shown.map_or(Cell::Null, |event| Cell::Text(event.at.to_string()))
    }
}

fn text(value: Option<&str>) -> Cell {
    value.map_or(Cell::Null, |text| Cell::Text(text.to_owned()))
}

/// Two logs are equal when they are the same declaration.
impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}
impl Eq for Log {}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({})", self.name)
    }
}
