//! Typed records: what the generated ones in [`crate::records`] are made of.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use jiff::civil::Date;
use serde_json::Value as Json;
use sync_core::document::{EditError, FieldChange, RecordEdit, Value, ValueError, normalise_key};
use sync_core::ids::RecordId;
use sync_core::replica::{
    Difference, GroupEdit, ListOptions, LiveQuery, QueryError, ReplicaError, Table,
};
use sync_core::schema::Kind;
use sync_core::time::UnixMs;

use crate::{Client, LiveRows};

/// A kind of record as a type.
pub trait Record: Sized {
    /// The kind's name in the schema.
    const KIND: &'static str;
    /// The kind's fields.
    type Field: FieldName;
    /// Reads a row of the kind's table; `None` when it has no id.
    fn from_row(row: Row<'_>) -> Option<Self>;
}

/// A field of a kind.
pub trait FieldName: Copy + fmt::Debug + fmt::Display + 'static {
    /// Its name in the schema.
    fn name(self) -> &'static str;
    /// The field of this name.
    fn named(name: &str) -> Option<Self>;
}

/// Why an edit of a record was not made. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError<F: FieldName> {
    /// A value does not fit its field; the message says what does.
    #[error("{problem}")]
    Value {
        /// The field.
        field: F,
        /// What is wrong.
        problem: ValueError,
    },
    /// A field that every such record needs is missing or would be cleared.
    #[error("{0} is missing")]
    Missing(F),
    /// The field is written once, when the record is created.
    #[error("{0} is written once, when the record is created")]
    Immutable(F),
    /// The field is written once, and somebody wrote it: it stays as it is.
    #[error("{0} was written already and stays as it is")]
    Written(F),
    /// Only the server writes this field; ask a manager.
    #[error("{0} is written by the server only")]
    ServerOnly(F),
    /// There is no such record on this device.
    #[error("no record {0} on this device")]
    UnknownRecord(RecordId),
    /// The client was opened with a schema that has no such kind or field.
    #[error("{0}")]
    OtherSchema(String),
    /// The replica could not make it.
    #[error(transparent)]
    Replica(ReplicaError),
}

impl<F: FieldName> From<ReplicaError> for RecordError<F> {
    fn from(error: ReplicaError) -> Self {
        match error {
            ReplicaError::Edit(edit) => edit.into(),
            ReplicaError::UnknownRecord(id) => Self::UnknownRecord(id),
            other => Self::Replica(other),
        }
    }
}

impl<F: FieldName> From<EditError> for RecordError<F> {
    fn from(error: EditError) -> Self {
        let named = |name: &str| F::named(name);
        let found = match &error {
            EditError::Value(problem) => {
                // An entry of a field is named behind it.
                let field = problem.field.split('.').next().unwrap_or_default();
                named(field).map(|field| Self::Value { field, problem: problem.clone() })
            }
            EditError::Missing { field, .. } => named(field).map(Self::Missing),
            EditError::Immutable { field } => named(field).map(Self::Immutable),
            EditError::Written { field } => named(field).map(Self::Written),
            EditError::ServerOnly { field } => named(field).map(Self::ServerOnly),
            EditError::UnknownField { .. } => Some(Self::OtherSchema(error.to_string())),
            EditError::Document(_) => None,
        };
        found.unwrap_or(Self::Replica(ReplicaError::Edit(error)))
    }
}

/// One row of a kind's table, read by the names of its columns. A value that is not of the expected
/// type, as a newer app may write it, is read as absent.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Names of the columns.
    pub columns: &'a [String],
    /// The cells, in the same order.
    pub cells: &'a [Json],
}

impl Row<'_> {
    fn cell(&self, column: &str) -> Option<&Json> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.cells.get(place)
    }

    /// Text.
    pub fn text(&self, column: &str) -> Option<String> {
        self.cell(column)?.as_str().map(str::to_owned)
    }

    /// Text that is parsed: an id, a choice, a day.
    pub fn parsed<T: FromStr>(&self, column: &str) -> Option<T> {
        self.cell(column)?.as_str()?.parse().ok()
    }

    /// A whole number.
    pub fn int(&self, column: &str) -> Option<i64> {
        self.cell(column)?.as_i64()
    }

    /// A floating-point number.
    pub fn float(&self, column: &str) -> Option<f64> {
        self.cell(column)?.as_f64()
    }

    /// Yes or no.
    pub fn flag(&self, column: &str) -> Option<bool> {
        let cell = self.cell(column)?;
        cell.as_bool().or_else(|| cell.as_i64().map(|number| number != 0))
    }

    /// A moment.
    pub fn moment(&self, column: &str) -> Option<UnixMs> {
        UnixMs::parse(self.cell(column)?.as_str()?)
    }

    /// The keys of a set.
    pub fn keys<T: FromStr>(&self, column: &str) -> Vec<T> {
        let keys = self.cell(column).and_then(Json::as_array);
        let parsed = keys.into_iter().flatten().filter_map(|key| key.as_str()?.parse().ok());
        parsed.collect()
    }

    /// A map of text by name.
    pub fn entries(&self, column: &str) -> std::collections::BTreeMap<String, String> {
        let map = self.cell(column).and_then(Json::as_object);
        let text = |(key, value): (&String, &Json)| Some((key.clone(), value.as_str()?.to_owned()));
        map.into_iter().flatten().filter_map(text).collect()
    }
}

/// One change to one field, before it is checked.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    /// Writes a value, given as JSON.
    Json(Json),
    /// Writes a long text, or what a log takes in words.
    Words(&'static str, String),
    Add(String),
    Remove(String),
    Entry(String, Option<String>),
}

/// What is to change in a record of one kind: begin with `default()` and chain the fields.
#[derive(Debug, PartialEq)]
pub struct Edit<R: Record> {
    changes: Vec<(&'static str, Change)>,
    kind: PhantomData<fn() -> R>,
}

impl<R: Record> Default for Edit<R> {
    fn default() -> Self {
        Self { changes: Vec::new(), kind: PhantomData }
    }
}

impl<R: Record> Clone for Edit<R> {
    fn clone(&self) -> Self {
        Self { changes: self.changes.clone(), kind: PhantomData }
    }
}

impl<R: Record> Edit<R> {
    fn with(mut self, field: R::Field, change: Change) -> Self {
        self.changes.push((field.name(), change));
        self
    }

    pub(crate) fn set(self, field: R::Field, value: impl Into<Json>) -> Self {
        self.with(field, Change::Json(value.into()))
    }

    pub(crate) fn long_text(self, field: R::Field, text: String) -> Self {
        self.with(field, Change::Words(field.name(), text))
    }

    pub(crate) fn event(self, field: R::Field, column: &'static str, words: String) -> Self {
        self.with(field, Change::Words(column, words))
    }

    pub(crate) fn add(self, field: R::Field, key: String) -> Self {
        self.with(field, Change::Add(key))
    }

    pub(crate) fn remove(self, field: R::Field, key: String) -> Self {
        self.with(field, Change::Remove(key))
    }

    pub(crate) fn entry(self, field: R::Field, key: String, value: Option<String>) -> Self {
        self.with(field, Change::Entry(key, value))
    }

    /// Clears a field.
    pub fn clear(self, field: R::Field) -> Self {
        self.set(field, Json::Null)
    }

    /// Checks it against the declaration: the edit as the replica takes it.
    ///
    /// # Errors
    /// When a value does not fit its field.
    pub fn check(&self, kind: &Kind) -> Result<RecordEdit, RecordError<R::Field>> {
        let mut checked = RecordEdit::default();
        for (name, change) in &self.changes {
            let field = kind.field(name).ok_or_else(|| {
                RecordError::OtherSchema(format!("{} has no field {name} here", kind.name))
            })?;
            let key = |key: &str| normalise_key(field, key).map_err(EditError::from);
            let change = match change {
                Change::Json(json) => {
                    FieldChange::Set(Value::from_json(field, json).map_err(EditError::from)?)
                }
                Change::Words(column, words) => {
                    let parsed = RecordEdit::parse(kind, [(*column, words.as_str())])?;
                    checked.changes.extend(parsed.changes);
                    continue;
                }
                Change::Add(added) => FieldChange::Add(key(added)?),
                Change::Remove(removed) => FieldChange::Remove(key(removed)?),
                Change::Entry(name, value) => FieldChange::Entry(key(name)?, value.clone()),
            };
            checked.changes.push((field.clone(), change));
        }
        Ok(checked)
    }
}

/// The records of one kind.
#[derive(Debug)]
pub struct Records<'a, R> {
    client: &'a Client,
    kind: PhantomData<fn() -> R>,
}

impl<'a, R: Record> Records<'a, R> {
    pub(crate) fn of(client: &'a Client) -> Self {
        Self { client, kind: PhantomData }
    }

    fn kind(&self) -> Result<Kind, RecordError<R::Field>> {
        let kind = self.client.schema().kind(R::KIND).cloned();
        kind.ok_or_else(|| RecordError::OtherSchema(format!("there are no {} here", R::KIND)))
    }

    /// Creates one; returns its id.
    ///
    /// # Errors
    /// When a value does not fit, a required one is missing, or the file cannot be written.
    pub fn create(&self, edit: Edit<R>) -> Result<RecordId, RecordError<R::Field>> {
        let kind = self.kind()?;
        Ok(self.client.create(&kind, edit.check(&kind)?)?)
    }

    /// Changes one.
    ///
    /// # Errors
    /// When there is no such record, a value does not fit, or the file cannot be written.
    pub fn update(&self, id: RecordId, edit: Edit<R>) -> Result<(), RecordError<R::Field>> {
        let edit = edit.check(&self.kind()?)?;
        Ok(self.client.edit(id, edit).map(drop)?)
    }

    /// Deletes one: a tombstone, which [`Records::restore`] takes back.
    ///
    /// # Errors
    /// When there is no such record, or the file cannot be written.
    pub fn delete(&self, id: RecordId) -> Result<(), RecordError<R::Field>> {
        Ok(self.client.commit(&[GroupEdit::Delete { id }]).map(drop)?)
    }

    /// Takes a deletion back.
    ///
    /// # Errors
    /// As [`Records::delete`].
    pub fn restore(&self, id: RecordId) -> Result<(), RecordError<R::Field>> {
        Ok(self.client.commit(&[GroupEdit::Restore { id }]).map(drop)?)
    }

    /// Reads one, deleted or not; `None` when it is not on this device.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn get(&self, id: RecordId) -> Result<Option<R>, QueryError> {
        let options = ListOptions {
            filter: Some(format!("id = '{id}'")),
            deleted: sync_core::replica::Deleted::Shown,
            limit: Some(1),
        };
        Ok(self.list(&options)?.pop())
    }

    /// Lists them, newest first. The condition is SQL over the columns of the kind's table.
    ///
    /// # Errors
    /// When the condition is no SQL, or the file cannot be read.
    pub fn list(&self, options: &ListOptions) -> Result<Vec<R>, QueryError> {
        let Ok(kind) = self.kind() else { return Ok(Vec::new()) };
        Ok(read(&self.client.list(&kind, options)?))
    }

    /// Lists them and goes on to tell what becomes of the list.
    ///
    /// # Errors
    /// As [`Records::list`].
    pub fn live(&self, options: ListOptions) -> Result<LiveList<R>, QueryError> {
        let query = match self.kind() {
            Ok(kind) => LiveQuery::List { kind, options },
            // A schema without the kind has no such records.
            Err(_) => LiveQuery::Sql("SELECT 1 AS id WHERE 0".into()),
        };
        let rows = self.client.subscribe(query)?;
        Ok(LiveList { rows, kind: PhantomData })
    }
}

fn read<R: Record>(table: &Table) -> Vec<R> {
    let row = |cells: &Vec<Json>| R::from_row(Row { columns: &table.columns, cells });
    table.rows.iter().filter_map(row).collect()
}

/// A list of records that stays true.
#[derive(Debug)]
pub struct LiveList<R> {
    rows: LiveRows,
    kind: PhantomData<fn() -> R>,
}

/// What became of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListChange<R> {
    /// Records that are new on the list.
    pub added: Vec<R>,
    /// Records that say something else, or stand in another place.
    pub changed: Vec<R>,
    /// Records that are no longer on it.
    pub removed: Vec<RecordId>,
}

impl<R: Record> LiveList<R> {
    /// The list, as of the last change that was taken.
    pub fn records(&self) -> Vec<R> {
        let row = |cells: &Vec<Json>| R::from_row(Row { columns: self.rows.columns(), cells });
        self.rows.rows().iter().filter_map(row).collect()
    }

    /// Waits for the next change.
    pub async fn next(&mut self) -> ListChange<R> {
        let difference = self.rows.next().await;
        self.typed(difference)
    }

    /// The next change, if there is one already.
    pub fn try_next(&mut self) -> Option<ListChange<R>> {
        let difference = self.rows.try_next()?;
        Some(self.typed(difference))
    }

    fn typed(&self, difference: Difference) -> ListChange<R> {
        let typed = |cells: &Vec<Json>| R::from_row(Row { columns: self.rows.columns(), cells });
        ListChange {
            added: difference.added.iter().filter_map(|one| typed(&one.row)).collect(),
            changed: difference.changed.iter().filter_map(|one| typed(&one.row)).collect(),
            removed: difference
                .removed
                .iter()
                .filter_map(|one| one.key.as_str()?.parse().ok())
                .collect(),
        }
    }
}

/// A day as the replica takes it.
pub(crate) fn day(date: Date) -> Json {
    Json::from(date.to_string())
}

/// Declares the words that a field takes as an enum.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $(
                #[doc = concat!("`", $word, "`.")]
                $variant,
            )*
            /// Any other word: `other` itself, or one of a newer app.
            Other(String),
        }

        impl $name {
            /// The word as it is stored.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Ok(match word {
                    $($word => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                })
            }
        }
    };
}
pub(crate) use choice;

/// Declares the fields of a kind as an enum.
macro_rules! field_names {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $variant:ident = $field:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$field_doc])* $variant,)*
        }

        impl $crate::record::FieldName for $name {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $field,)*
                }
            }

            fn named(name: &str) -> Option<Self> {
                match name {
                    $($field => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::record::FieldName::name(*self))
            }
        }
    };
}
pub(crate) use field_names;

impl Client {
    /// The records of one kind, typed: `client.records::<Organization>()`.
    pub fn records<R: Record>(&self) -> Records<'_, R> {
        Records::of(self)
    }
}
