//! Events of a `Log` field, as they stand in the document: JSON under the event's id.
//!
//! An event names the events it supersedes: those its writer had before them. What no event
//! supersedes is the *frontier*; several events there are concurrent, and the log's rule decides.
//! Knows nothing of what events mean: their parts are declared with the log.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::ids::{EventId, UserId};
use crate::time::UnixMs;

/// What happened: the event's parts by name. Parts that no declaration knows are kept.
pub type EventData = BTreeMap<String, Json>;

/// The events of one log.
pub type Events = BTreeMap<EventId, Event>;

/// One entry of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the clock of the device: a claim.
    pub at: UnixMs,
    /// Who; the guard checks it against the author of the change.
    pub by: UserId,
    /// The events that the writer had before them and that this one replaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<EventId>,
    /// What happened.
    #[serde(flatten)]
    pub data: EventData,
}

impl Event {
    /// Reads an entry as it stands in the document; `None` when it is no event at all.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The entry as it is written.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("BUG: an event serialises")
    }

    /// A part that is text.
    pub fn text(&self, part: &str) -> Option<&str> {
        self.data.get(part)?.as_str()
    }

    /// Whether a part is this word.
    pub fn says(&self, part: &str, word: &str) -> bool {
        self.text(part) == Some(word)
    }
}

/// Parts of an event from names and texts; those without a text are left out.
pub fn event_data<'a>(parts: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> EventData {
    let given = parts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into())));
    given.collect()
}

/// The events that no other event supersedes, in order of their ids.
///
/// A cycle of events, which only a faulty app can write, leaves all of them standing.
pub fn frontier(events: &Events) -> Vec<(EventId, &Event)> {
    let superseded: BTreeSet<EventId> =
        events.values().flat_map(|event| event.supersedes.iter().copied()).collect();
    let all = events.iter().map(|(id, event)| (*id, event));
    let standing: Vec<_> = all.clone().filter(|(id, _)| !superseded.contains(id)).collect();
    if standing.is_empty() { all.collect() } else { standing }
}
