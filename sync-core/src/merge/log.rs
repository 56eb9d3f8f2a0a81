//! What a log of events comes to.
//!
//! An event names the events it supersedes: those its writer had before them. What no event
//! supersedes is the *frontier*; several events there are concurrent, and the rule decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Event, EventData};
use crate::ids::{EventId, UserId};
use crate::time::UnixMs;

type Events = BTreeMap<EventId, Event>;

/// The events that no other event supersedes, in order of their ids.
///
/// A cycle of events, which only a faulty app can write, leaves all of them standing.
pub fn frontier(events: &Events) -> Vec<(EventId, &Event)> {
    let superseded: BTreeSet<EventId> =
        events.values().flat_map(|event| event.supersedes.iter().copied()).collect();
    let standing: Vec<_> = events
        .iter()
        .filter(|(id, _)| !superseded.contains(*id))
        .map(|(id, event)| (*id, event))
        .collect();
    if standing.is_empty() { events.iter().map(|(id, e)| (*id, e)).collect() } else { standing }
}

/// Whether a record is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// It is.
    Alive,
    /// It was deleted at that moment, by the clock of who did it.
    Deleted(UnixMs),
}

/// Deleted when a tombstone stands and no concurrent restore does.
pub fn life(events: &Events) -> Life {
    let standing = frontier(events);
    let restored = standing.iter().any(|(_, event)| is_action(event, "restore"));
    let deleted = standing.iter().filter(|(_, e)| is_action(e, "delete")).map(|(_, e)| e.at).min();
    match (restored, deleted) {
        (false, Some(at)) => Life::Deleted(at),
        _ => Life::Alive,
    }
}

/// Who looks after an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Assignment {
    /// First in charge.
    pub assigned_user_id: Option<UserId>,
    /// Second in charge.
    pub secondary_user_id: Option<UserId>,
    /// Territory.
    pub territory_id: Option<uuid::Uuid>,
}

/// The standing assignment; before the first, the creator's.
pub fn assignment(events: &Events, created_by: Option<UserId>) -> Assignment {
    let last = frontier(events).into_iter().next_back().map(|(_, event)| &event.data);
    match last {
        Some(EventData::Assignment { assigned_user_id, secondary_user_id, territory_id }) => {
            Assignment {
                assigned_user_id: *assigned_user_id,
                secondary_user_id: *secondary_user_id,
                territory_id: *territory_id,
            }
        }
        _ => Assignment { assigned_user_id: created_by, ..Assignment::default() },
    }
}

/// The standing owner; before the first, the creator.
pub fn owner(events: &Events, created_by: Option<UserId>) -> Option<UserId> {
    match frontier(events).into_iter().next_back().map(|(_, event)| &event.data) {
        Some(EventData::Owner { user_id }) => Some(*user_id),
        _ => created_by,
    }
}

/// The standing employer; of concurrent moves, the one with the greatest id.
pub fn employer(events: &Events) -> Option<uuid::Uuid> {
    match frontier(events).into_iter().next_back().map(|(_, event)| &event.data) {
        Some(EventData::Employer { organization_id }) => Some(*organization_id),
        _ => None,
    }
}

/// Stages in the order of a deal's progress, terminal ones last.
pub const STAGES: &[&str] =
    &["prospecting", "qualification", "proposal", "negotiation", "closed-lost", "closed-won"];

/// Where a deal stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StageState {
    /// The stage; `None` when the standing event names one that this version does not know.
    pub stage: Option<String>,
    /// Since when, by the clock of who moved it.
    pub entered_at: Option<UnixMs>,
    /// Whether two different terminal stages stand at once.
    pub disputed: bool,
    /// Why, for closed deals.
    pub reason: Option<String>,
    /// On which day, for closed deals.
    pub close_date: Option<String>,
}

/// Of concurrent stages: terminal beats open, then evidence, then the writer's role, then won over
/// lost, then the further stage, then the lowest event id.
pub fn stage(events: &Events) -> StageState {
    let mut standing: Vec<_> = frontier(events);
    standing.sort_by_key(|(id, event)| (std::cmp::Reverse(stage_rank(event)), *id));
    let terminals: BTreeSet<&str> = standing
        .iter()
        .filter_map(|(_, event)| stage_name(event))
        .filter(|name| name.starts_with("closed-"))
        .collect();
    let Some((_, event)) = standing.first() else {
        return StageState { stage: Some(STAGES[0].to_owned()), ..StageState::default() };
    };
    let EventData::Stage { stage, reason, close_date, .. } = &event.data else {
        return StageState::default();
    };
    let closed = stage.starts_with("closed-");
    StageState {
        stage: STAGES.contains(&stage.as_str()).then(|| stage.clone()),
        entered_at: Some(event.at),
        disputed: terminals.len() > 1,
        reason: reason.clone(),
        close_date: if closed { close_date.clone().or_else(|| event.at.utc_date()) } else { None },
    }
}

fn stage_name(event: &Event) -> Option<&str> {
    match &event.data {
        EventData::Stage { stage, .. } => Some(stage),
        _ => None,
    }
}

fn stage_rank(event: &Event) -> (bool, bool, u8, usize) {
    let EventData::Stage { stage, evidence, role, .. } = &event.data else {
        return (false, false, 0, 0);
    };
    let authority = match role.as_deref() {
        Some("admin") => 3,
        Some("manager") => 2,
        Some("sales_rep") => 1,
        _ => 0,
    };
    let progress = STAGES.iter().position(|name| name == stage).unwrap_or(0);
    let terminal = stage.starts_with("closed-");
    // Evidence and role settle a dispute between terminal stages; open ones go by progress alone.
    (terminal, terminal && evidence.is_some(), if terminal { authority } else { 0 }, progress)
}

/// Of concurrent states: completed > no_show > cancelled > scheduled; without an event, completed.
pub fn interaction_status(events: &Events) -> (Option<String>, Option<UnixMs>) {
    const ORDER: &[&str] = &["scheduled", "cancelled", "no_show", "completed"];
    let best = frontier(events)
        .into_iter()
        .filter_map(|(id, event)| match &event.data {
            EventData::Status { status } => {
                let rank = ORDER.iter().position(|word| word == status);
                Some((rank, std::cmp::Reverse(id), status, event.at))
            }
            _ => None,
        })
        .max_by_key(|(rank, id, ..)| (*rank, *id));
    match best {
        Some((Some(_), _, status, at)) => (Some(status.clone()), Some(at)),
        Some((None, _, _, at)) => (None, Some(at)),
        None => (Some("completed".to_owned()), None),
    }
}

/// Whether a task is done, when first and by whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Completion {
    /// It is to be done.
    Open,
    /// It was done at that moment by that user.
    Done(UnixMs, UserId),
}

/// Done when any completion is not superseded by a reopening; completed by the earliest of them.
pub fn completion(events: &Events) -> Completion {
    let reopened: BTreeSet<EventId> = events
        .values()
        .filter(|event| is_action(event, "reopen"))
        .flat_map(|event| event.supersedes.iter().copied())
        .collect();
    events
        .iter()
        .filter(|(id, event)| is_action(event, "complete") && !reopened.contains(*id))
        .map(|(id, event)| (event.at, *id, event.by))
        .min()
        .map_or(Completion::Open, |(at, _, by)| Completion::Done(at, by))
}

fn is_action(event: &Event, wanted: &str) -> bool {
    matches!(&event.data, EventData::Action { action } if action == wanted)
}
