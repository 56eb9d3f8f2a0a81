//! The field reference in `docs/FIELDS.md`, written from the declarations.

use std::fmt::Write;

use super::field::{Field, FieldType, PartType, Use};
use super::kind::{Kind, Schema};
use super::words::{Presence, Writer};

/// The whole reference as Markdown.
pub fn field_reference(schema: &Schema) -> String {
    let mut out = String::from(
        "# Fields\n\nWritten from the declarations in `sync-core/src/crm/` by `cargo run -p sync-core --example fields > docs/FIELDS.md`; a test fails when the two differ.\n",
    );
    for kind in schema.kinds() {
        describe_kind(&mut out, kind);
    }
    out
}

fn describe_kind(out: &mut String, kind: &Kind) {
    let _ = write!(
        out,
        "\n## {}\n\n{} Table `{}`; scope: {:?}.\n\n| Field | Type | Merge rule | Columns | Meaning |\n|---|---|---|---|---|\n",
        kind.name, kind.doc, kind.table, kind.scope
    );
    for field in &kind.fields {
        if field.usage == Use::Retired {
            continue;
        }
        let columns: Vec<String> =
            field.columns().iter().map(|column| format!("`{}`", column.name)).collect();
        let _ = writeln!(
            out,
            "| `{}`{} | {} | {:?}{} | {} | {} |",
            field.name,
            if field.required == Presence::Required { " (required)" } else { "" },
            describe_type(field),
            field.rule,
            if field.writer == Writer::Server { ", server only" } else { "" },
            columns.join(", "),
            field.doc,
        );
    }
    for column in kind.derived.iter().map(|one| &one.column) {
        let _ = writeln!(
            out,
            "| `{}` | {} | Derived | `{}` | computed from the fields above |",
            column.name,
            column.ty.postgres(),
            column.name
        );
    }
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
        FieldType::Set(of) => format!("set of {of:?}").to_lowercase(),
        FieldType::Log(log) => format!("log of {} events", log.name),
        FieldType::Fields => "map of text by name".into(),
        FieldType::Parts(parts) => parts
            .iter()
            .map(|part| match part.ty {
                PartType::Choice(of) => format!("{}: {}", part.name, of.join(" · ")),
                _ => part.name.to_owned(),
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}
