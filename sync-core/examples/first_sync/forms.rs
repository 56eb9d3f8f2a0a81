//! What may travel: for each form, how the server makes it from what it has stored.

use serde::Serialize;
use sync_core::cell::{Cell, Row};
use sync_core::document::lean;
use sync_core::ids::ScopeId;
use sync_core::protocol::{Blob, FeedBatch, FeedItem};

use crate::records::{Record, kind};

/// A form of a record on the wire.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Form {
    /// As `save()` writes it, with its row: what went before.
    Deflated,
    /// Without inner compression, with its row.
    Plain,
    /// Without heads and checksum either, with its row.
    Lean,
    /// The same; the row by column names, without its empty cells.
    LeanNamed,
    /// Lean documents, and the rows of a batch by column.
    LeanColumns,
    /// The creating change, with its row.
    Change,
    /// A document alone; the device projects.
    PlainAlone,
    /// A lean document alone; the device projects.
    LeanAlone,
    /// Rows alone; documents later, on demand.
    Rows,
    /// Rows alone, by column.
    Columns,
}

#[derive(Serialize)]
struct Named<'a> {
    record: sync_core::ids::RecordId,
    kind: &'a str,
    scope: ScopeId,
    snapshot: Blob,
    row: std::collections::BTreeMap<&'a str, &'a Cell>,
}

/// What the server puts into one frame: a message before it is compressed, and whether a replica of
/// today takes it in as it is.
pub(crate) fn batch(form: Form, records: &[Record], cursor: u64, live: bool) -> FeedBatch {
    let items = records.iter().map(|record| item(form, record)).collect();
    let cursor = Blob(cursor.to_be_bytes().to_vec());
    FeedBatch { cursor, items, live, ..FeedBatch::default() }
}

fn item(form: Form, record: &Record) -> FeedItem {
    let stripped = || lean::strip(&record.plain).unwrap();
    let snapshot = match form {
        Form::Deflated => Some(record.deflated.clone()),
        Form::Plain | Form::PlainAlone => Some(record.plain.clone()),
        Form::Lean | Form::LeanNamed | Form::LeanColumns | Form::LeanAlone => Some(stripped()),
        Form::Change => Some(record.change.clone()),
        Form::Rows | Form::Columns => None,
    };
    let row = match form {
        Form::Deflated | Form::Plain | Form::Lean | Form::Change | Form::Rows => {
            Some(record.row.clone())
        }
        Form::LeanNamed
        | Form::LeanColumns
        | Form::PlainAlone
        | Form::LeanAlone
        | Form::Columns => None,
    };
    FeedItem {
        record: record.id,
        kind: kind().name.to_owned(),
        scope: ScopeId(record.id.0),
        snapshot: snapshot.map(Blob),
        changes: Vec::new(),
        receipts: Vec::new(),
        row,
        fields: None,
    }
}

/// Forms that no message has: the payload by hand.
pub(crate) fn by_hand(form: Form, records: &[Record]) -> Vec<u8> {
    let items: Vec<FeedItem> = records.iter().map(|record| item(form, record)).collect();
    if form == Form::LeanNamed {
        let kind = kind();
        let columns = kind.columns();
        let named: Vec<Named<'_>> = items
            .into_iter()
            .zip(records)
            .map(|(item, record)| Named {
                record: item.record,
                kind: kind.name,
                scope: item.scope,
                snapshot: item.snapshot.unwrap(),
                row: columns
                    .iter()
                    .zip(&record.row)
                    .filter(|(_, cell)| **cell != Cell::Null)
                    .map(|(column, cell)| (column.name.as_ref(), cell))
                    .collect(),
            })
            .collect();
        return rmp_serde::to_vec_named(&named).unwrap();
    }
    let rows: Vec<&Row> = records.iter().map(|record| &record.row).collect();
    let width = kind().columns().len();
    let columns: Vec<Vec<&Cell>> =
        (0..width).map(|at| rows.iter().map(|row| &row[at]).collect()).collect();
    rmp_serde::to_vec_named(&(items, columns)).unwrap()
}
