//! Events of a `Log` field, as they stand in the document: JSON under the event's id.

use serde::{Deserialize, Serialize};

use crate::ids::{EventId, UserId};
use crate::schema::LogKind;
use crate::time::UnixMs;

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

/// What happened, one shape a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventData {
    /// A stage of an opportunity.
    Stage {
        /// The stage's name.
        stage: String,
        /// Why, for closed deals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// On which day, for closed deals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        close_date: Option<String>,
        /// The order that shows it, for won deals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
        /// The writer's role at the time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
    },
    /// A state of an interaction.
    Status {
        /// completed, no_show, cancelled or scheduled.
        status: String,
    },
    /// An employer of a contact.
    Employer {
        /// The account.
        organization_id: uuid::Uuid,
    },
    /// An owner of an opportunity.
    Owner {
        /// The new owner.
        user_id: UserId,
    },
    /// A tombstone or restore; a completion or reopening.
    Action {
        /// delete, restore, complete or reopen.
        action: String,
    },
    /// An assignment of an account. The last to be tried, for all its parts may be absent.
    Assignment {
        /// First in charge.
        assigned_user_id: Option<UserId>,
        /// Second in charge.
        secondary_user_id: Option<UserId>,
        /// Where it belongs.
        territory_id: Option<uuid::Uuid>,
    },
}

impl Event {
    /// Reads an entry of a log; `None` when it is no event of that log.
    pub fn parse(log: LogKind, text: &str) -> Option<Self> {
        let event: Event = serde_json::from_str(text).ok()?;
        event.data.belongs_to(log).then_some(event)
    }

    /// The entry as it is written.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("BUG: an event serialises")
    }
}

impl EventData {
    /// Whether this is an event of that log, with words that the log knows.
    pub fn belongs_to(&self, log: LogKind) -> bool {
        match (log, self) {
            (LogKind::Life, Self::Action { action }) => action == "delete" || action == "restore",
            (LogKind::Completion, Self::Action { action }) => {
                action == "complete" || action == "reopen"
            }
            (LogKind::Assignment, Self::Assignment { .. })
            | (LogKind::Owner, Self::Owner { .. })
            | (LogKind::Employer, Self::Employer { .. })
            | (LogKind::Stage, Self::Stage { .. })
            | (LogKind::InteractionStatus, Self::Status { .. }) => true,
            _ => false,
        }
    }
}
