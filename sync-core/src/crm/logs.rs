//! The logs of the CRM: which events they take and what they come to.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::cell::Cell;
use crate::event::{Event, EventData, event_data};
use crate::ids::EventId;
use crate::schema::*;
use crate::words;

/// One entry of a log with its id.
type Entry<'a> = (EventId, &'a Event);

/// Who looks after an account, and in which territory; before the first assignment, its creator.
pub(super) static ASSIGNMENT: Log = Log {
    name: "assignment",
    doc: said(
        "Of several standing events the one with the greatest id is shown; the columns are its parts. Before the first event `assigned_user_id` is the record's `created_by`, and the others are NULL.",
    ),
    parts: &[
        may_have("assigned_user_id", EventPartType::Id),
        may_have("secondary_user_id", EventPartType::Id),
        may_have("territory_id", EventPartType::Id),
    ],
    standing: Standing::Frontier,
    order: greatest_id,
    columns: &[
        LogColumn {
            name: "assigned_user_id",
            ty: ColumnType::Uuid,
            read: |state| state.text_or_creator("assigned_user_id"),
        },
        LogColumn {
            name: "secondary_user_id",
            ty: ColumnType::Uuid,
            read: |state| state.text("secondary_user_id"),
        },
        LogColumn {
            name: "territory_id",
            ty: ColumnType::Uuid,
            read: |state| state.text("territory_id"),
        },
    ],
    words: None,
    typed: None,
    disputed: None,
    back: |_| None,
};

/// Whose deal it is; before the first event, its creator's.
pub(super) static OWNER: Log = Log {
    name: "owner",
    doc: said(
        "Of several standing events the one with the greatest id is shown. `user_id`: its part; before the first event, the record's `created_by`.",
    ),
    parts: &[needs("user_id", EventPartType::Id)],
    standing: Standing::Frontier,
    order: greatest_id,
    columns: &[LogColumn {
        name: "user_id",
        ty: ColumnType::Uuid,
        read: |state| state.text_or_creator("user_id"),
    }],
    words: None,
    typed: None,
    disputed: None,
    back: |_| None,
};

/// Where a person works; of concurrent moves, the one with the greatest id.
pub(super) static EMPLOYER: Log = Log {
    name: "employer",
    doc: said(
        "Of several standing events the one with the greatest id is shown. `organization_id`: its part; NULL before the first event.",
    ),
    parts: &[needs("organization_id", EventPartType::Id)],
    standing: Standing::Frontier,
    order: greatest_id,
    columns: &[LogColumn {
        name: "organization_id",
        ty: ColumnType::Uuid,
        read: |state| state.text("organization_id"),
    }],
    words: None,
    typed: Some(Typed { names: &["organization_id"], read: read_employer }),
    disputed: None,
    back: |state| state.again(),
};

fn read_employer(text: &str) -> Result<EventData, String> {
    let id: uuid::Uuid = text.parse().map_err(|_| "the id of an organization".to_owned())?;
    Ok(event_data([("organization_id", Some(id.to_string().as_str()))]))
}

/// Stages in the order of a deal's progress, terminal ones last.
pub const STAGES: &[&str] =
    &["prospecting", "qualification", "proposal", "negotiation", "closed-lost", "closed-won"];

fn is_terminal(stage: &str) -> bool {
    stage.starts_with("closed-")
}

/// Of concurrent stages: terminal beats open, then evidence, then the writer's role, then won over
/// lost, then the further stage, then the lowest event id.
pub(super) static STAGE: Log = Log {
    name: "stage",
    doc: said(
        "The stages in their order: prospecting, qualification, proposal, negotiation, closed-lost, closed-won; a stage is terminal when its word begins with `closed-`. Of several standing events is shown: a terminal one before an open one; of terminal ones, one with `evidence` before one without, then the one of the higher `role` (admin, manager, sales_rep, anything else); then the stage further on in the order, an unknown one counting as the first; then the lowest id. `stage`: the shown one; prospecting before the first event; NULL, and a violation, when it is not in the list. `stage_entered_at`: the `at` of the shown event. `stage_disputed`: whether two different terminal stages stand. `close_reason`: the `reason` of the shown event. `actual_close_date`: of a terminal one, its `close_date`, or the day of its `at` in UTC.",
    ),
    parts: &[
        needs("stage", EventPartType::Text { max: 100 }),
        may_have("reason", EventPartType::Text { max: 2000 }),
        may_have("close_date", EventPartType::Day),
        may_have("evidence", EventPartType::Text { max: 2000 }),
        // Who wins a disputed deal hangs on it, and a device does not say what its user may do.
        EventPart {
            name: "role",
            ty: EventPartType::Text { max: 100 },
            presence: Presence::Optional,
            writer: Writer::Server,
        },
    ],
    standing: Standing::Frontier,
    order: |a, b| stage_rank(b.1).cmp(&stage_rank(a.1)).then(a.0.cmp(&b.0)),
    columns: &[
        LogColumn { name: "stage", ty: ColumnType::Enum("opportunity_stage"), read: shown_stage },
        LogColumn { name: "stage_entered_at", ty: ColumnType::Timestamp, read: |state| state.at() },
        LogColumn { name: "stage_disputed", ty: ColumnType::Bool, read: is_disputed },
        LogColumn {
            name: "close_reason",
            ty: ColumnType::Text,
            read: |state| state.text("reason"),
        },
        LogColumn { name: "actual_close_date", ty: ColumnType::Date, read: close_date },
    ],
    words: Some(("stage", STAGES)),
    typed: Some(Typed { names: &["stage"], read: read_stage }),
    disputed: Some("stage_disputed"),
    back: |state| state.again().or_else(|| Some(event_data([("stage", Some(STAGES[0]))]))),
};

fn stage_rank(event: &Event) -> (bool, bool, u8, usize) {
    let stage = event.text("stage").unwrap_or_default();
    let authority = match event.text("role") {
        Some("admin") => 3,
        Some("manager") => 2,
        Some("sales_rep") => 1,
        _ => 0,
    };
    let progress = STAGES.iter().position(|name| *name == stage).unwrap_or(0);
    let terminal = is_terminal(stage);
    // Evidence and role settle a dispute between terminal stages; open ones go by progress alone.
    let evidence = terminal && event.text("evidence").is_some();
    (terminal, evidence, if terminal { authority } else { 0 }, progress)
}

/// NULL when the standing event names a stage that this version does not know.
fn shown_stage(state: &LogState<'_>) -> Cell {
    let stage = state.shown.map_or(STAGES[0], |event| event.text("stage").unwrap_or_default());
    if STAGES.contains(&stage) { Cell::Text(stage.to_owned()) } else { Cell::Null }
}

/// Whether two different terminal stages stand at once.
fn is_disputed(state: &LogState<'_>) -> Cell {
    let stages = state.standing.iter().filter_map(|(_, event)| event.text("stage"));
    let terminal: BTreeSet<&str> = stages.filter(|stage| is_terminal(stage)).collect();
    Cell::Bool(terminal.len() > 1)
}

fn close_date(state: &LogState<'_>) -> Cell {
    let closed = |event: &&Event| event.text("stage").is_some_and(is_terminal);
    let Some(event) = state.shown.filter(closed) else { return Cell::Null };
    let day = event.text("close_date").map(str::to_owned).or_else(|| event.at.utc_date());
    day.map_or(Cell::Null, Cell::Text)
}

/// `closed-lost: too expensive` carries the reason behind the colon.
fn read_stage(text: &str) -> Result<EventData, String> {
    let (stage, reason) = match text.split_once(':') {
        Some((stage, reason)) => (stage.trim(), Some(reason.trim())),
        None => (text, None),
    };
    let stage = words::one_of(stage, STAGES);
    let stage = stage.ok_or_else(|| format!("one of {}", STAGES.join(", ")))?;
    Ok(event_data([("stage", Some(stage)), ("reason", reason)]))
}

/// States of an interaction, the weakest first.
pub const STATUSES: &[&str] = &["scheduled", "cancelled", "no_show", "completed"];

/// Of concurrent states: completed > no_show > cancelled > scheduled; without an event, completed once it
/// is said when it took place, and scheduled until then.
pub(super) static STATUS: Log = Log {
    name: "status",
    doc: said(
        "The states in their order: scheduled, cancelled, no_show, completed. Of several standing events the one furthest on in the order is shown, an unknown state coming before all others, then the lowest id. `status`: the shown one; before the first event completed when `occurred_at` says anything, and scheduled when not; NULL, and a violation, when it is not in the list. `status_at`: the `at` of the shown event.",
    ),
    parts: &[needs("status", EventPartType::Text { max: 100 })],
    standing: Standing::Frontier,
    order: |a, b| status_rank(b.1).cmp(&status_rank(a.1)).then(a.0.cmp(&b.0)),
    columns: &[
        LogColumn { name: "status", ty: ColumnType::Text, read: shown_status },
        LogColumn { name: "status_at", ty: ColumnType::Timestamp, read: |state| state.at() },
    ],
    words: Some(("status", STATUSES)),
    typed: Some(Typed { names: &["status"], read: read_status }),
    disputed: None,
    back: |state| state.again().or_else(|| first_status(state)),
};

fn status_rank(event: &Event) -> Option<usize> {
    let status = event.text("status")?;
    STATUSES.iter().position(|word| *word == status)
}

fn shown_status(state: &LogState<'_>) -> Cell {
    let status = match state.shown {
        Some(event) => event.text("status").unwrap_or_default(),
        None if state.says("occurred_at") => "completed",
        None => "scheduled",
    };
    if STATUSES.contains(&status) { Cell::Text(status.to_owned()) } else { Cell::Null }
}

/// The event that says what is shown before the first one.
fn first_status(state: &LogState<'_>) -> Option<EventData> {
    let status = shown_status(state).into_text()?;
    Some(event_data([("status", Some(status.as_str()))]))
}

fn read_status(text: &str) -> Result<EventData, String> {
    let status = words::one_of(text, STATUSES);
    let status = status.ok_or_else(|| format!("one of {}", STATUSES.join(", ")))?;
    Ok(event_data([("status", Some(status))]))
}

/// Done if any completion is not superseded by a reopening; by the earliest.
pub(super) static COMPLETION: Log = Log {
    name: "completion",
    doc: said(
        "A `complete` stands unless a `reopen` supersedes it, at once or through the events between them: one that supersedes the later of two has seen the earlier, which that one supersedes. Of those that stand the earliest by `at`, then by id, is shown. `is_completed`: whether one stands; `completed_at` and `completed_by`: its `at` and `by`.",
    ),
    parts: &[needs("action", EventPartType::Word(&["complete", "reopen"]))],
    standing: Standing::UnlessUndone { part: "action", done: "complete", undone: "reopen" },
    order: earliest,
    columns: &[
        LogColumn {
            name: "is_completed",
            ty: ColumnType::Bool,
            read: |state| Cell::Bool(state.shown.is_some()),
        },
        LogColumn { name: "completed_at", ty: ColumnType::Timestamp, read: |state| state.at() },
        LogColumn {
            name: "completed_by",
            ty: ColumnType::Uuid,
            read: |state| state.shown.map_or(Cell::Null, |event| Cell::Text(event.by.to_string())),
        },
    ],
    words: None,
    typed: Some(Typed { names: &["completed", "is_completed"], read: read_completion }),
    disputed: None,
    back: |state| Some(completion(state.shown.is_some())),
};

fn earliest(a: &Entry<'_>, b: &Entry<'_>) -> Ordering {
    (a.1.at, a.0).cmp(&(b.1.at, b.0))
}

fn read_completion(text: &str) -> Result<EventData, String> {
    let done = words::done_or_open(text).ok_or_else(|| "yes or no".to_owned())?;
    Ok(completion(done))
}

fn completion(done: bool) -> EventData {
    event_data([("action", Some(if done { "complete" } else { "reopen" }))])
}
