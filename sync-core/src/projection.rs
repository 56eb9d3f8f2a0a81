//! Documents → rows, purely: the same function on phone and server.
//!
//! Knows no database. A row is a list of cells in the order of `Kind::columns`.
//!
//! **Invariant**: a row is a function of the document and its stamp alone, so that tables can be
//! dropped and rebuilt to identical rows.

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::document::FieldState;
use crate::document::{Hydrated, Value};
use crate::ids::{ChangeHash, RecordId, ScopeId, UserId};
use crate::merge::{self, Completion, Life};
use crate::schema::{Field, FieldType, Kind, LogKind, Part, Scope};
use crate::time::UnixMs;

/// One value of a row, in a form that both databases and the wire can hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// Boolean.
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Floating-point number.
    Float(f64),
    /// Text; days, moments and ids too, in their ISO forms.
    Text(String),
    /// Sorted keys.
    List(Vec<String>),
}

/// By hand, since a derived one tries every form in turn and words an error for each that fails;
/// a bootstrap reads half a million cells.
impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nothing, a boolean, a number, text or a list of text")
    }
    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Cell, E> {
        Ok(Cell::Bool(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Int(number))
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Cell, E> {
        let number = i64::try_from(number).map_err(|_| E::custom("a number is too great"))?;
        Ok(Cell::Int(number))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
        Ok(Cell::Float(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Cell, E> {
        Ok(Cell::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = items.next_element()? {
            keys.push(key);
        }
        Ok(Cell::List(keys))
    }
}

/// Cells in the order of `Kind::columns`.
pub type Row = Vec<Cell>;

/// The newest change of a document by its claimed time: what `updated_at` and `updated_by` show.
///
/// The greater of two stamps is the same whatever order they are met in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// When, in whole seconds, as the change says.
    pub at: UnixMs,
    /// The change; settles ties.
    pub hash: ChangeHash,
    /// Who.
    pub by: Option<UserId>,
}

impl Stamp {
    /// The stamp of one change of a document. Only an actor's first change names its author; the
    /// document knows them all.
    pub fn of(change: &automerge::Change, doc: &automerge::Automerge) -> Self {
        Self {
            at: UnixMs::from_seconds(change.timestamp()),
            hash: change.hash().into(),
            by: doc
                .get_author_for_actor(change.actor_id())
                .and_then(|author| UserId::from_slice(author.as_bytes())),
        }
    }

    /// The stamp of a whole document, read from all its changes.
    pub fn of_document(doc: &automerge::Automerge) -> Option<Self> {
        doc.get_changes_meta(&[])
            .into_iter()
            .map(|meta| Self {
                at: UnixMs::from_seconds(meta.timestamp),
                hash: meta.hash.into(),
                by: meta.author.as_ref().and_then(|a| UserId::from_slice(a.as_bytes())),
            })
            .max()
    }
}

/// What decides who may see a record, as the document says.
pub fn scope_of(record: RecordId, hydrated: &Hydrated) -> ScopeId {
    match hydrated.kind.scope {
        Scope::Itself => ScopeId(record.0),
        Scope::Everyone => ScopeId::EVERYONE,
        Scope::Organization { field, or_user } => {
            let account = hydrated.text(field).and_then(|id| id.parse().ok());
            let employer = || hydrated.log("employer").and_then(merge::employer);
            let user = || hydrated.text(or_user).and_then(|id| id.parse().ok());
            let creator = || hydrated.text("created_by").and_then(|id| id.parse().ok());
            // Without anything to hang from, the record's own id: nobody's, but never everybody's.
            ScopeId(account.or_else(employer).or_else(user).or_else(creator).unwrap_or(record.0))
        }
    }
}

/// The row of a record.
pub fn project(record: RecordId, hydrated: &Hydrated, stamp: Option<Stamp>) -> Row {
    let kind = &hydrated.kind;
    let mut row = Vec::with_capacity(64);
    row.push(Cell::Text(record.to_string()));
    for (field, state) in kind.fields.iter().zip(&hydrated.fields) {
        project_field(field, state, hydrated, &mut row);
    }
    derive(kind, hydrated, &mut row);
    row.push(stamp.map_or(Cell::Null, |stamp| moment(stamp.at)));
    row.push(stamp.and_then(|stamp| stamp.by).map_or(Cell::Null, |by| Cell::Text(by.to_string())));
    row.push(Cell::Int(hydrated.conflicts.len() as i64));
    row.push(Cell::Int(hydrated.violations.len() as i64));
    row
}

fn project_field(field: &Field, state: &FieldState, hydrated: &Hydrated, row: &mut Row) {
    match (field.ty, state) {
        (FieldType::Parts(parts), FieldState::Value(value)) => {
            row.extend(parts.iter().map(|part| part_cell(part, value)));
        }
        (_, FieldState::Value(value)) => row.push(cell(value)),
        (_, FieldState::Text(text)) if text.is_empty() => row.push(Cell::Null),
        // A NUL cannot stand in a Postgres text; the guard refuses it, old documents may hold one.
        (_, FieldState::Text(text)) => row.push(Cell::Text(text.replace('\0', ""))),
        (_, FieldState::Keys(keys)) => row.push(Cell::List(keys.clone())),
        (_, FieldState::Map(map)) => {
            row.push(Cell::Text(serde_json::to_string(map).expect("BUG: strings serialise")));
        }
        (FieldType::Log(log), FieldState::Log(events)) => {
            project_log(log, events, hydrated, row);
        }
        (_, FieldState::Log(_)) => row.push(Cell::Null),
    }
}

fn project_log(
    log: LogKind,
    events: &std::collections::BTreeMap<crate::ids::EventId, crate::document::Event>,
    hydrated: &Hydrated,
    row: &mut Row,
) {
    let creator = || hydrated.text("created_by").and_then(|id| id.parse::<UserId>().ok());
    match log {
        LogKind::Life => match merge::life(events) {
            Life::Alive => row.extend([Cell::Bool(false), Cell::Null]),
            Life::Deleted(at) => row.extend([Cell::Bool(true), moment(at)]),
        },
        LogKind::Assignment => {
            let assigned = merge::assignment(events, creator());
            row.push(text_or_null(assigned.assigned_user_id));
            row.push(text_or_null(assigned.secondary_user_id));
            row.push(text_or_null(assigned.territory_id));
        }
        LogKind::Owner => row.push(text_or_null(merge::owner(events, creator()))),
        LogKind::Employer => row.push(text_or_null(merge::employer(events))),
        LogKind::Stage => {
            let stage = merge::stage(events);
            row.push(text_or_null(stage.stage));
            row.push(stage.entered_at.map_or(Cell::Null, moment));
            row.push(Cell::Bool(stage.disputed));
            row.push(text_or_null(stage.reason));
            row.push(text_or_null(stage.close_date));
        }
        LogKind::InteractionStatus => {
            let (status, at) = merge::interaction_status(events);
            row.push(text_or_null(status));
            row.push(at.map_or(Cell::Null, moment));
        }
        LogKind::Completion => match merge::completion(events) {
            Completion::Open => row.extend([Cell::Bool(false), Cell::Null, Cell::Null]),
            Completion::Done(at, by) => {
                row.extend([Cell::Bool(true), moment(at), Cell::Text(by.to_string())]);
            }
        },
    }
}

/// Chance of closing by stage, in percent.
fn probability_of(stage: &str) -> i64 {
    match stage {
        "closed-won" => 100,
        "negotiation" => 75,
        "proposal" => 50,
        "qualification" => 25,
        "prospecting" => 10,
        _ => 0,
    }
}

fn derive(kind: &Kind, hydrated: &Hydrated, row: &mut Row) {
    for column in &kind.derived {
        let cell = match (kind.name, column.name.as_ref()) {
            ("contact", "full_name") => {
                let names = [hydrated.text("first_name"), hydrated.text("last_name")];
                let full = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
                if full.is_empty() { Cell::Null } else { Cell::Text(full) }
            }
            ("opportunity", "probability") => probability(hydrated).map_or(Cell::Null, Cell::Int),
            ("opportunity", "weighted_value_minor") => weighted(hydrated),
            _ => Cell::Null,
        };
        row.push(cell);
    }
}

fn probability(hydrated: &Hydrated) -> Option<i64> {
    let stage = hydrated.log("stage_log").map(merge::stage)?.stage?;
    match (stage.as_str(), hydrated.value("probability_override")) {
        ("closed-won" | "closed-lost", _) => Some(probability_of(&stage)),
        (_, Value::Int(own)) => Some(*own),
        _ => Some(probability_of(&stage)),
    }
}

fn weighted(hydrated: &Hydrated) -> Cell {
    let Value::Parts(money) = hydrated.value("estimated_value") else { return Cell::Null };
    let minor = money.get("minor").and_then(serde_json::Value::as_i64);
    match (minor, probability(hydrated)) {
        // 128 bits, so that no amount overflows on the way; a percent of an i64 is an i64 again.
        (Some(minor), Some(percent)) => {
            let weighted = i128::from(minor) * i128::from(percent) / 100;
            i64::try_from(weighted).map_or(Cell::Null, Cell::Int)
        }
        _ => Cell::Null,
    }
}

fn part_cell(part: &Part, value: &Value) -> Cell {
    let Value::Parts(parts) = value else { return Cell::Null };
    match parts.get(part.name) {
        None | Some(serde_json::Value::Null) => Cell::Null,
        Some(serde_json::Value::Number(number)) => match part.ty {
            crate::schema::PartType::Float => number.as_f64().map_or(Cell::Null, Cell::Float),
            _ => number.as_i64().map_or(Cell::Null, Cell::Int),
        },
        Some(serde_json::Value::String(text)) => Cell::Text(text.clone()),
        Some(_) => Cell::Null,
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null | Value::Parts(_) => Cell::Null,
        Value::Bool(flag) => Cell::Bool(*flag),
        Value::Int(number) => Cell::Int(*number),
        Value::Instant(at) => moment(*at),
        Value::Str(text) => Cell::Text(text.clone()),
    }
}

fn moment(at: UnixMs) -> Cell {
    Cell::Text(at.to_string())
}

fn text_or_null(value: Option<impl ToString>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Text(value.to_string()))
}
