//! What several people gave different values at once, as people settle it: listed with who said what and
//! where all of them started from, and settled by writing it again.

use serde_json::{Map, Value as Json};

use super::device::Replica;
use super::edit::Committed;
use super::env::Env;
use super::error::ReplicaError;
use super::store::QueryError;
use crate::document::{
    Claim, DELETED, Dispute, EditError, FieldChange, FieldState, GroupEdit, Hydrated, RecordEdit,
    disputes,
};
use crate::event::EventData;
use crate::ids::{RecordId, UserId};
use crate::schema::{Field, FieldType, Kind, Log, Writer};
use crate::time::UnixMs;

/// Deleted records that are looked through for a deletion that is contested, the latest first.
const DELETED_RECORDS: u32 = 200;

/// A field of a record that is contested.
#[derive(Clone, Debug, PartialEq)]
pub struct Contested {
    /// The record's kind.
    pub kind: &'static str,
    /// The record.
    pub id: RecordId,
    /// Its name or the like.
    pub title: String,
    /// The field's name: of custom fields theirs with a full stop and the entry's, `is_deleted` for a
    /// deletion of what somebody else was working on.
    pub field: String,
    /// The value that all of them started from; null when there was none.
    pub base: Json,
    /// All values, the shown one first.
    pub values: Vec<ContestedValue>,
}

/// One of the values that a contested field was given.
#[derive(Clone, Debug, PartialEq)]
pub struct ContestedValue {
    /// The value, as edits have it.
    pub value: Json,
    /// Who gave it.
    pub author: Option<UserId>,
    /// Their name, where this device knows it.
    pub name: Option<String>,
    /// When, by the clock of its writer.
    pub at: UnixMs,
}

/// Why a field was not settled. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// It is not contested, perhaps no longer: look again.
    #[error("{0} is not contested; somebody may have settled it already")]
    Nothing(String),
    /// The value does not fit, or the file cannot be written.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl Replica {
    /// Every field of every record here that is contested. A deletion that its author made without having
    /// seen what somebody else changed is among them, if it is one of the latest two hundred of its kind.
    ///
    /// # Errors
    /// When the file cannot be read or a document is damaged.
    pub fn conflicts(&mut self) -> Result<Vec<Contested>, ReplicaError> {
        self.file.look_for_foreign_writes()?;
        let kinds: Vec<Kind> = self.schema().document_kinds().cloned().collect();
        let mut all = Vec::new();
        for kind in kinds {
            for id in self.candidates(&kind)? {
                all.extend(self.conflicts_of(id)?);
            }
        }
        Ok(all)
    }

    /// The contested fields of one record.
    ///
    /// # Errors
    /// When its document is damaged.
    pub fn conflicts_of(&mut self, id: RecordId) -> Result<Vec<Contested>, ReplicaError> {
        let Some(open) = self.file.read(id)? else { return Ok(Vec::new()) };
        let kind = open.kind.clone();
        let found = disputes(&open.doc, &open.hydrated);
        let stored = self.file.stored();
        let title = match kind.title.filter(|_| !found.is_empty()) {
            Some(column) => stored.text_of(kind.table, column, id)?,
            None => String::new(),
        };
        let value = |claim: Claim| {
            let name = match claim.author {
                Some(author) => stored.name_of(author)?,
                None => None,
            };
            Ok(ContestedValue { value: claim.value, author: claim.author, name, at: claim.at })
        };
        let one = |dispute: Dispute| {
            let values = dispute.claims.into_iter().map(value).collect::<rusqlite::Result<_>>()?;
            let (field, base) = (dispute.field, dispute.base);
            Ok(Contested { kind: kind.name, id, title: title.clone(), field, base, values })
        };
        found.into_iter().map(one).collect()
    }

    /// Settles a contested field by giving it this value, one of those it was given or another. A deletion
    /// is settled by `true`, which deletes again, or `false`, which restores.
    ///
    /// # Errors
    /// When the field is not contested or the value does not fit.
    pub fn settle(
        &mut self,
        id: RecordId,
        field: &str,
        value: &Json,
        env: &mut dyn Env,
    ) -> Result<Committed, SettleError> {
        let contested = self.conflicts_of(id)?;
        if !contested.iter().any(|one| one.field == field) {
            return Err(SettleError::Nothing(field.to_owned()));
        }
        let record = self.record(id)?.ok_or(ReplicaError::UnknownRecord(id))?;
        if let Some(once) = record.kind.field(field).filter(|field| field.rule.is_written_once()) {
            // All that were noted at once stay; which one is shown nobody chooses.
            return Err(ReplicaError::Edit(EditError::Written { field: once.name }).into());
        }
        let edit = match (field, value) {
            (DELETED, Json::Bool(true)) => GroupEdit::Delete { id },
            (DELETED, _) => GroupEdit::Restore { id },
            _ => GroupEdit::Edit { id, edit: settlement(&record, field, value)? },
        };
        Ok(self.commit(&[edit], env)?)
    }

    /// Records of a kind that may have something contested.
    fn candidates(&self, kind: &Kind) -> Result<Vec<RecordId>, ReplicaError> {
        let logs = kind.fields.iter().filter_map(|field| match field.ty {
            FieldType::Log(log) => log.disputed,
            _ => None,
        });
        let disputed: String = logs.map(|column| format!(" OR {column}")).collect();
        let mut sql = format!("SELECT id FROM {} WHERE conflict_count > 0{disputed}", kind.table);
        if kind.life().is_some() {
            sql = format!(
                "{sql} UNION SELECT id FROM (SELECT id FROM {} WHERE is_deleted ORDER BY deleted_at DESC LIMIT {DELETED_RECORDS})",
                kind.table
            );
        }
        let table = self.query(&sql).map_err(|error| match error {
            QueryError::Sqlite(error) => ReplicaError::Sqlite(error),
            QueryError::NotReadOnly => unreachable!("BUG: the statement reads"),
        })?;
        let ids = table.rows.iter().filter_map(|row| row.first()?.as_str()?.parse().ok());
        Ok(ids.collect())
    }
}

/// The edit that gives a contested field a value.
fn settlement(record: &Hydrated, field: &str, value: &Json) -> Result<RecordEdit, ReplicaError> {
    if let Some((of, event)) = standing(record, field, value) {
        return Ok(RecordEdit { changes: vec![(of.clone(), FieldChange::Append(event))] });
    }
    let set = match field.split_once('.') {
        Some((map, entry)) => {
            (map, Json::Object(Map::from_iter([(entry.to_owned(), value.clone())])))
        }
        None => (field, value.clone()),
    };
    let set = Map::from_iter([(set.0.to_owned(), set.1)]);
    Ok(RecordEdit::from_object(&record.kind, &set, Some(record))?)
}

/// The event of a disputed log that says this word, to be said again with all that it said.
fn standing<'r>(record: &'r Hydrated, name: &str, value: &Json) -> Option<(&'r Field, EventData)> {
    let fields = record.kind.fields.iter().zip(&record.fields);
    let mut logs = fields.filter_map(|(field, state)| match (field.ty, state) {
        (FieldType::Log(log), FieldState::Log(events))
            if log.typed.is_some_and(|typed| typed.names.contains(&name)) =>
        {
            Some((field, log, events))
        }
        _ => None,
    });
    let (field, log, events): (&Field, &Log, _) = logs.next()?;
    let (part, _) = log.words?;
    let standing = log.state(events, Some(record)).standing;
    let (_, event) = standing.into_iter().find(|(_, event)| event.data.get(part) == Some(value))?;
    let servers = |name: &str| {
        log.parts.iter().any(|part| part.name == name && part.writer == Writer::Server)
    };
    let mut data = event.data.clone();
    data.retain(|name, _| !servers(name));
    Some((field, data))
}
