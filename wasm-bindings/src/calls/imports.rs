//! Imports: the engine's end of what `@kitchen-pantry/sync/import` reads and judges.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use sync_core::document::{RecordEdit, news};
use sync_core::ids::{ImportId, RecordId};
use sync_core::replica::{
    GroupEdit, Import, ImportMark, ImportRow, ImportState, Imported, NewImport, Replica,
};

use crate::env::WorkerEnv;
use crate::failure::{Answer, Failure};

#[derive(Deserialize)]
pub(super) struct Digests {
    digests: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Compared {
    id: RecordId,
    edit: Json,
}

#[derive(Deserialize)]
pub(super) struct File {
    source: String,
    kind: String,
    digest: String,
}

#[derive(Deserialize)]
pub(super) struct One {
    import: ImportId,
}

#[derive(Deserialize)]
pub(super) struct Rows {
    import: ImportId,
    mark: ImportMark,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    line: u64,
    digest: String,
    edits: Vec<Edit>,
}

/// An edit as [`RecordEdit::to_json`] writes it; of a new record with its kind.
#[derive(Deserialize)]
struct Edit {
    id: RecordId,
    kind: Option<String>,
    edit: Json,
}

impl File {
    fn read(self) -> Result<NewImport, Failure> {
        let Self { source, kind, digest } = self;
        Ok(NewImport { source, kind, digest: bytes(&digest)? })
    }
}

/// How far the imports of this device have come: asked for before anything is read that rows are judged by.
pub(super) fn mark(replica: &Replica) -> Answer {
    Ok(json!(replica.import_mark()?))
}

/// Which of these rows an import that stands has taken in.
pub(super) fn taken(replica: &Replica, args: &Digests) -> Answer {
    let digests: Result<Vec<[u8; 16]>, Failure> =
        args.digests.iter().map(|text| bytes(text)).collect();
    let taken = replica.rows_taken(&digests?)?;
    Ok(taken.iter().map(|digest| json!(hex(digest))).collect())
}

/// What of an edit is news to a record; nothing when it is not here.
pub(super) fn compare(replica: &mut Replica, args: &Compared) -> Answer {
    let Some(now) = replica.record(args.id)? else { return Ok(Json::Null) };
    let news = news(&now, &RecordEdit::from_json(&now.kind, &args.edit));
    Ok(json!({ "changes": news.changes, "fixed": news.fixed }))
}

pub(super) fn begin(replica: &mut Replica, args: File) -> Answer {
    Ok(json!(replica.begin_import(&args.read()?, &mut WorkerEnv)?.id))
}

/// An import of this file that was begun and not brought to its end.
pub(super) fn unfinished(replica: &Replica, args: File) -> Answer {
    Ok(json!(replica.unfinished_import(&args.read()?.digest)?.map(|import| import.id)))
}

/// Takes rows in: `{"taken": mark}`, or `{"overtaken": true}` when another import came between.
pub(super) fn rows(replica: &mut Replica, args: &Rows) -> Answer {
    let rows: Result<Vec<ImportRow>, Failure> =
        args.rows.iter().map(|row| row_of(replica, row)).collect();
    Ok(match replica.import_rows(args.import, &rows?, args.mark, &mut WorkerEnv)? {
        Imported::Taken(_, mark) => json!({ "taken": mark }),
        Imported::Overtaken(_) => json!({ "overtaken": true }),
    })
}

fn row_of(replica: &Replica, row: &Row) -> Result<ImportRow, Failure> {
    let edits: Result<Vec<GroupEdit>, Failure> =
        row.edits.iter().map(|edit| edit_of(replica, edit)).collect();
    Ok(ImportRow { line: row.line, digest: bytes(&row.digest)?, edits: edits? })
}

fn edit_of(replica: &Replica, edit: &Edit) -> Result<GroupEdit, Failure> {
    let id = edit.id;
    if let Some(kind) = &edit.kind {
        let known = replica.schema().kind(kind).cloned();
        let kind = known.ok_or_else(|| Failure::call(format!("there is no kind \"{kind}\"")))?;
        let edit = RecordEdit::from_json(&kind, &edit.edit);
        return Ok(GroupEdit::Create { id, kind, edit });
    }
    let kind = replica
        .kind_of(id)?
        .ok_or_else(|| Failure::new("unknown_record", format!("no record {id} on this device")))?;
    Ok(GroupEdit::Edit { id, edit: RecordEdit::from_json(&kind, &edit.edit) })
}

pub(super) fn end(replica: &mut Replica, args: &One) -> Answer {
    Ok(json!(replica.end_import(args.import)?))
}

/// The imports of this device, the newest first.
pub(super) fn list(replica: &Replica) -> Answer {
    let one = |import: Import| {
        let state = match import.state {
            ImportState::Begun => "begun",
            ImportState::Ended => "ended",
            ImportState::Undone => "undone",
        };
        json!({
            "id": import.id,
            "source": import.source,
            "kind": import.kind,
            "begunAt": import.begun_at,
            "state": state,
            "created": import.created,
            "changed": import.changed,
        })
    };
    Ok(replica.imports()?.into_iter().map(one).collect())
}

/// Takes an import back; nothing when there is none of this name that stands.
pub(super) fn undo(replica: &mut Replica, args: &One) -> Answer {
    let undone = replica.undo_import(args.import, &mut WorkerEnv)?;
    Ok(undone.map_or(Json::Null, |undone| {
        json!({ "deleted": undone.deleted, "restored": undone.restored, "kept": undone.kept })
    }))
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], Failure> {
    let wrong = || Failure::call(format!("not {N} bytes in hexadecimal"));
    let digits = text.as_bytes();
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return Err(wrong());
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
