//! The server's own: documents are the fold of their changes, and rows of their documents.

use std::collections::BTreeMap;

use automerge::Change;

use crate::document::heads;
use crate::hub::{open, project_document};
use crate::ids::RecordId;
use crate::testing::store::{Accepted, ModelStore};

pub(super) fn check(store: &ModelStore, wrong: &mut Vec<String>) {
    let contents = store.contents();
    let mut changes: BTreeMap<RecordId, Vec<&Accepted>> = BTreeMap::new();
    for accepted in contents.changes() {
        changes.entry(accepted.change.record).or_default().push(accepted);
    }
    for (record, stored) in contents.documents() {
        let kind = contents.records().kind(stored.kind);
        let document = match open(kind, &stored.snapshot) {
            Ok(document) => document,
            Err(error) => {
                wrong.push(format!("the server's document {record} does not open: {error}"));
                continue;
            }
        };
        let mut fold = kind.genesis().doc.clone();
        let mut of_record = changes.remove(&record).unwrap_or_default();
        of_record.sort_by_key(|accepted| accepted.position);
        let read = |one: &&Accepted| Change::from_bytes(one.change.bytes.clone());
        let read = of_record.iter().map(read).collect::<Result<Vec<_>, _>>();
        if !read.is_ok_and(|changes| fold.apply_changes(changes).is_ok()) {
            wrong.push(format!("the server's changes of {record} do not apply"));
        }
        if heads(&fold) != heads(&document.doc) {
            wrong.push(format!("the server's document {record} is not the fold of its changes"));
        }
        let projected = project_document(record, &document);
        let row = contents.records().cells(kind, record);
        if row.is_none_or(|row| **row != projected.row) {
            wrong.push(format!("the server's row of {record} is not what its document says"));
        }
    }
    for record in changes.keys() {
        wrong.push(format!("the server has changes of {record} and no document"));
    }
}
