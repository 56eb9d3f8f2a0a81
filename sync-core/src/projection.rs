//! Documents → rows, purely: the same function on phone and server.
//!
//! Knows no database. A row is a list of cells in the order of `Kind::columns`.
//!
//! **Invariant**: a row is a function of the document and its stamp alone, so that tables can be
//! dropped and rebuilt to identical rows.

use crate::cell::{Cell, Row};
use crate::document::FieldState;
use crate::document::{Hydrated, Value};
use crate::ids::{ChangeHash, RecordId, ScopeId, UserId};
use crate::schema::{Field, FieldType, Kind, Part, Registers, RowView, Scope, Use};
use crate::time::UnixMs;

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
            by: author_of(doc, change.actor_id()),
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

/// Who writes to a document under this actor's name.
pub(crate) fn author_of(doc: &automerge::Automerge, actor: &automerge::ActorId) -> Option<UserId> {
    let author = doc.get_author_for_actor(actor)?;
    UserId::from_slice(author.as_bytes())
}

/// The field that says who created a record, in every kind of document.
const CREATOR: &str = "created_by";

impl Registers for Hydrated {
    fn creator(&self) -> Option<&str> {
        self.text(CREATOR)
    }

    fn says(&self, name: &str) -> bool {
        *self.value(name) != Value::Null
    }
}

/// What decides who may see a record, as the document says.
pub fn scope_of(record: RecordId, hydrated: &Hydrated) -> ScopeId {
    match hydrated.kind.scope {
        Scope::Itself => ScopeId(record.0),
        Scope::Everyone => ScopeId::EVERYONE,
        Scope::Follows { column, or_user } => {
            let id = |column: &str| id_in(hydrated, column);
            // Without anything to hang from, the record's own id: nobody's, but never everybody's.
            let found = id(column).or_else(|| id(or_user)).or_else(|| id(CREATOR));
            ScopeId(found.unwrap_or(record.0))
        }
    }
}

/// The id that stands in a column, which is a register's or follows from a log.
fn id_in(hydrated: &Hydrated, column: &str) -> Option<uuid::Uuid> {
    let of_log = |(field, state): (&Field, &FieldState)| match (field.ty, state) {
        (FieldType::Log(log), FieldState::Log(events)) => {
            let index = log.columns.iter().position(|one| one.name == column)?;
            log.project(events, hydrated).swap_remove(index).into_text()
        }
        _ => None,
    };
    let register = hydrated.text(column).map(str::to_owned);
    let mut fields = hydrated.kind.fields.iter().zip(&hydrated.fields);
    register.or_else(|| fields.find_map(of_log))?.parse().ok()
}

/// The row of a record.
pub fn project(record: RecordId, hydrated: &Hydrated, stamp: Option<Stamp>) -> Row {
    let kind = &hydrated.kind;
    let mut row = Vec::with_capacity(64);
    row.push(Cell::Text(record.to_string()));
    for (field, state) in kind.fields.iter().zip(&hydrated.fields) {
        project_field(field, state, hydrated, &mut row);
    }
    derive(kind, &mut row);
    row.push(stamp.map_or(Cell::Null, |stamp| moment(stamp.at)));
    row.push(stamp.and_then(|stamp| stamp.by).map_or(Cell::Null, |by| Cell::Text(by.to_string())));
    row.push(Cell::Int(hydrated.conflicts.len() as i64));
    row.push(Cell::Int(hydrated.violations.len() as i64));
    row
}

fn project_field(field: &Field, state: &FieldState, hydrated: &Hydrated, row: &mut Row) {
    if field.usage == Use::Retired {
        return;
    }
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
            row.extend(log.project(events, hydrated));
        }
        (_, FieldState::Log(_)) => row.push(Cell::Null),
    }
}

fn derive(kind: &Kind, row: &mut Row) {
    for derived in &kind.derived {
        let cell = (derived.read)(&RowView::new(kind.columns(), row));
        row.push(cell);
    }
}

fn part_cell(part: &Part, value: &Value) -> Cell {
    let Value::Parts(parts) = value else { return Cell::Null };
    match parts.get(part.name) {
        None | Some(serde_json::Value::Null) => Cell::Null,
        Some(serde_json::Value::Number(number)) => match part.ty {
            crate::schema::PartType::Float { .. } => {
                number.as_f64().map_or(Cell::Null, Cell::Float)
            }
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
