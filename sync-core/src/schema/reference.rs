//! The field reference in `docs/FIELDS.md`, written from the declarations: all that somebody needs who
//! writes documents or computes rows without this engine.

use std::fmt::Write;

use super::columns::Column;
use super::field::{Field, FieldType, Part, PartType, SetOf, Use};
use super::kind::{Kind, Schema, Scope, Storage};
use super::log::{EventPart, EventPartType, Log, Standing};
use super::words::{Presence, Writer};

const HEAD: &str = "# Fields

Written from the declarations in `sync-core/src/crm/` by `cargo run -p sync-core --example fields`; a test fails when the two differ. [fields.json](fields.json) says the same for programs.

A row is a record as tables show it: `id`, the columns of the kind's fields in the order below, its derived columns, and, where a record is a document, `updated_at`, `updated_by`, `conflict_count` and `violation_count`. ";

/// The whole reference as Markdown.
pub fn field_reference(schema: &Schema) -> String {
    let mut out = String::from(HEAD);
    out.push_str(include_str!("rules.md"));
    for kind in schema.kinds() {
        describe_kind(&mut out, kind);
    }
    out.push_str("\n## Logs\n\nWhat stands of a log's events, and which of those is shown, decides what its columns say. Nothing here looks at a clock: `supersedes` says what came before.\n");
    let mut described: Vec<&'static Log> = Vec::new();
    for field in schema.kinds().iter().flat_map(|kind| kind.fields.iter()) {
        if let FieldType::Log(log) = field.ty
            && field.usage == Use::InUse
            && !described.contains(&log)
        {
            described.push(log);
            describe_log(&mut out, log);
        }
    }
    out
}

fn describe_kind(out: &mut String, kind: &Kind) {
    let scope = match kind.scope {
        Scope::Itself => "the record itself".to_owned(),
        Scope::Everyone => "everyone".to_owned(),
        Scope::Follows { column, or_user } => {
            format!("the record in `{column}`; without one, the user in `{or_user}`")
        }
    };
    let _ =
        write!(out, "\n## {}\n\n{} Table `{}`; scope: {scope}.", kind.name, kind.doc, kind.table);
    if kind.storage == Storage::Document {
        let hash = crate::hex::encode(&kind.genesis().hash.0);
        let _ = write!(out, " Its genesis change is `{hash}`.");
    } else {
        out.push_str(" A row of the server, and no document.");
    }
    out.push_str("\n\n| Field | Type | Default | Merge rule | Columns | Meaning |\n|---|---|---|---|---|---|\n");
    for field in kind.fields.iter().filter(|field| field.usage == Use::InUse) {
        let _ = writeln!(
            out,
            "| `{}`{} | {} | {} | {:?}{} | {} | {} |",
            field.name,
            if field.required == Presence::Required { " (required)" } else { "" },
            describe_type(field),
            field.default.unwrap_or_default(),
            field.rule,
            if field.writer == Writer::Server { ", server only" } else { "" },
            names(&field.columns()),
            field.doc,
        );
    }
    for derived in &kind.derived {
        let (column, doc) = (&derived.column, derived.doc);
        let ty = column.ty.postgres();
        let name = &column.name;
        let _ = writeln!(out, "| `{name}` | {ty} | | Derived | `{name}` | {doc} |");
    }
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
}

fn describe_log(out: &mut String, log: &Log) {
    let parts: Vec<String> = log.parts.iter().map(describe_event_part).collect();
    let standing = match log.standing {
        Standing::Frontier => {
            "Those events stand that no other event supersedes; if each is superseded, all of them do. "
        }
        Standing::UnlessUndone { .. } => "",
    };
    let _ = write!(
        out,
        "\n**{}** ({}). Columns: {}. {standing}{}\n",
        log.name,
        parts.join(", "),
        names(&log.columns()),
        log.doc,
    );
}

fn describe_event_part(part: &EventPart) -> String {
    let ty = match part.ty {
        EventPartType::Word(words) => words.join(" · "),
        EventPartType::Text { max } => format!("text, up to {max} characters"),
        EventPartType::Day => "day".into(),
        EventPartType::Id => "id".into(),
    };
    let optional = if part.presence == Presence::Optional { ", may be left out" } else { "" };
    let server = if part.writer == Writer::Server { ", never from a device" } else { "" };
    format!("`{}`: {ty}{optional}{server}", part.name)
}

fn describe_type(field: &Field) -> String {
    match field.ty {
        FieldType::Str { max } => format!("text, up to {max} characters"),
        FieldType::Choice { of, .. } => of.join(" · "),
        FieldType::Int { min, max } => format!("whole number, {min} to {max}"),
        FieldType::Bool => "yes or no".into(),
        FieldType::Date => "day".into(),
        FieldType::Instant => "moment".into(),
        FieldType::Ref { kind } => format!("id of a {kind}"),
        FieldType::Text => "long text".into(),
        FieldType::Set(of) => match of {
            SetOf::Words => "set of words".into(),
            SetOf::Emails => "set of e-mail addresses".into(),
            SetOf::Phones => "set of phone numbers".into(),
            SetOf::Ids => "set of ids".into(),
        },
        FieldType::Log(log) => format!("log of {} events", log.name),
        FieldType::Fields => "map of text by name".into(),
        FieldType::Parts(parts) => parts.iter().map(describe_part).collect::<Vec<_>>().join("; "),
    }
}

fn describe_part(part: &Part) -> String {
    let ty = match part.ty {
        PartType::Str { max } => format!("text, up to {max}"),
        PartType::Int { min, max } => format!("whole number, {min} to {max}"),
        PartType::Currency => "currency of ISO 4217".into(),
        PartType::Float { min, max } => format!("number, {min} to {max}"),
        PartType::Date => "day".into(),
        PartType::Moment => "moment that has come, in milliseconds since 1970".into(),
        PartType::Choice(of) => of.join(" · "),
    };
    format!("{}: {ty}", part.name)
}
