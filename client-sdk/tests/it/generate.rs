//! From declarations to the Rust of typed records.

use std::collections::BTreeMap;
use std::fmt::Write;

use client_sdk::core::crm::{STAGES, STATUSES};
use client_sdk::core::schema::{
    Column, ColumnType, Field, FieldType, Kind, Part, PartType, Schema, SetOf, Storage, Writer,
};

const NOTICE: &str =
    "// Written by `cargo run -p client-sdk --example records`; a test fails when it is stale.\n";

/// Every file with its text, by its path under `src`.
pub(crate) fn files(schema: &Schema) -> BTreeMap<String, String> {
    let mut values = Values::default();
    let mut files = BTreeMap::new();
    let mut parent = format!(
        "//! Every kind of record as a type.\n{NOTICE}\nmod values;\n\npub use values::*;\n\nuse crate::{{Client, Records}};\n"
    );
    let mut handles = String::new();
    for kind in schema.kinds() {
        let name = camel(kind.name);
        files.insert(format!("records/{}.rs", kind.name), record_file(kind, &mut values));
        let _ = write!(parent, "\nmod {0};\npub use {0}::*;\n", kind.name);
        let _ = write!(
            handles,
            "\n    /// {}\n    pub fn {}(&self) -> Records<'_, {name}> {{\n        self.records()\n    }}\n",
            kind.doc, kind.table
        );
    }
    let _ = write!(parent, "\nimpl Client {{{}}}\n", handles);
    files.insert("records.rs".into(), parent.replace("impl Client {\n\n", "impl Client {\n"));
    files.insert("records/values.rs".into(), values.file());
    files
}

/// `estimated_value` → `EstimatedValue`, `FOLLOW_UP` → `FollowUp`, `closed-won` → `ClosedWon`.
fn camel(words: &str) -> String {
    let parts = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let part = |part: &str| part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase();
    parts.map(part).collect()
}

/// A word as the name of a variant, which cannot begin with a digit.
fn variant(word: &str) -> String {
    let name = camel(word);
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("N{name}") } else { name }
}

/// Types of values that several kinds may share: choices, and values of several parts.
#[derive(Default)]
struct Values {
    choices: BTreeMap<String, (String, &'static [&'static str])>,
    parts: BTreeMap<String, (String, &'static [Part])>,
}

impl Values {
    /// The type of a choice: named by its field, and by its kind too where two differ.
    fn choice(
        &mut self,
        kind: &Kind,
        name: &str,
        doc: &str,
        of: &'static [&'static str],
    ) -> String {
        let short = camel(name);
        let long = format!("{}{short}", camel(kind.name));
        let taken = self.choices.get(&short).is_some_and(|(_, words)| *words != of);
        let name = if taken { long } else { short };
        self.choices.entry(name.clone()).or_insert_with(|| (doc.to_owned(), of));
        name
    }

    fn parts(&mut self, kind: &Kind, field: &Field, of: &'static [Part]) -> String {
        let short = camel(field.name);
        let long = format!("{}{short}", camel(kind.name));
        let taken = self.parts.get(&short).is_some_and(|(_, parts)| *parts != of);
        let taken = taken || self.choices.contains_key(&short);
        let name = if taken { long } else { short };
        for part in of {
            if let PartType::Choice(words) = part.ty {
                let doc = format!("Part `{}` of [`{name}`].", part.name);
                self.choices.insert(format!("{name}{}", camel(part.name)), (doc, words));
            }
        }
        self.parts.entry(name.clone()).or_insert_with(|| (field.doc.to_owned(), of));
        name
    }

    fn file(&self) -> String {
        let mut out = format!(
            "//! Values that fields take: choices, and values of several parts.\n{NOTICE}\nuse jiff::civil::Date;\nuse serde_json::{{Value as Json, json}};\n\nuse crate::record::{{Row, choice, day}};\n"
        );
        for (name, (doc, words)) in &self.choices {
            let _ = write!(out, "\nchoice! {{\n    /// {doc}\n    {name} {{\n");
            for word in words.iter().filter(|word| **word != "other") {
                let _ = writeln!(out, "        {} = \"{word}\",", variant(word));
            }
            out.push_str("    }\n}\n");
        }
        for (name, (doc, parts)) in &self.parts {
            out.push_str(&parts_type(name, doc, parts));
        }
        out
    }
}

fn parts_type(name: &str, doc: &str, parts: &[Part]) -> String {
    let mut out =
        format!("\n/// {doc}\n#[derive(Clone, Debug, Default, PartialEq)]\npub struct {name} {{\n");
    let (mut read, mut write, mut empty) = (String::new(), String::new(), Vec::new());
    for part in parts {
        let (ty, reader, writer) = match part.ty {
            PartType::Str { .. } | PartType::Currency => ("String".to_owned(), "text", "self.{}"),
            PartType::Int { .. } | PartType::Moment => ("i64".into(), "int", "self.{}"),
            PartType::Float { .. } => ("f64".into(), "float", "self.{}"),
            PartType::Date => ("Date".into(), "parsed", "self.{}.map(day)"),
            PartType::Choice(_) => {
                let ty = format!("{name}{}", camel(part.name));
                (ty, "parsed", "self.{}.as_ref().map(|word| word.as_str())")
            }
        };
        let _ = write!(out, "    /// Part `{0}`.\n    pub {0}: Option<{ty}>,\n", part.name);
        let _ = writeln!(
            read,
            "            {0}: row.{reader}(&format!(\"{{field}}_{0}\")),",
            part.name
        );
        let value = writer.replace("{}", part.name);
        let _ = writeln!(write, "            \"{}\": {value},", part.name);
        empty.push(format!("value.{}.is_none()", part.name));
    }
    let _ = write!(
        out,
        "}}\n\nimpl {name} {{\n    pub(super) fn from_row(row: Row<'_>, field: &str) -> Option<Self> {{\n        let value = Self {{\n{read}        }};\n        let empty = {};\n        (!empty).then_some(value)\n    }}\n\n    pub(super) fn to_json(&self) -> Json {{\n        json!({{\n{write}        }})\n    }}\n}}\n",
        empty.join(" && ")
    );
    out
}

/// One member of a record's struct.
struct Member {
    name: String,
    doc: String,
    ty: String,
    read: String,
}

fn record_file(kind: &Kind, values: &mut Values) -> String {
    let name = camel(kind.name);
    let mut members = Vec::new();
    let mut methods = String::new();
    for field in &kind.fields {
        members.extend(members_of(kind, field, values));
        if kind.storage == Storage::Document && field.writer == Writer::Anyone {
            methods.push_str(&methods_of(kind, field, values));
        }
    }
    let own: usize = 1 + kind.fields.iter().map(|field| field.columns().len()).sum::<usize>();
    for column in &kind.columns()[own..] {
        let doc = format!("Column `{}`, computed.", column.name);
        members.push(column_member(kind, column, doc, values));
    }
    let mut out = format!(
        "//! `{}` as a type.\n{NOTICE}\n#![allow(unused_imports)]\n\nuse std::collections::BTreeMap;\n\nuse jiff::civil::Date;\nuse sync_core::ids::{{RecordId, UserId}};\nuse sync_core::time::UnixMs;\n\nuse super::values::*;\nuse crate::record::{{Edit, Record, RecordError, Row, day, field_names}};\n",
        kind.name
    );
    let _ = write!(
        out,
        "\n/// {}\n#[derive(Clone, Debug, PartialEq)]\npub struct {name} {{\n    /// Its id.\n    pub id: RecordId,\n",
        kind.doc
    );
    for member in &members {
        let _ = write!(out, "    /// {}\n    pub {}: {},\n", member.doc, member.name, member.ty);
    }
    let _ = write!(
        out,
        "}}\n\nimpl Record for {name} {{\n    const KIND: &'static str = \"{}\";\n    type Field = {name}Field;\n\n    fn from_row(row: Row<'_>) -> Option<Self> {{\n        Some(Self {{\n            id: row.parsed(\"id\")?,\n",
        kind.name
    );
    for member in &members {
        let _ = writeln!(out, "            {}: {},", member.name, member.read);
    }
    let _ = write!(
        out,
        "        }})\n    }}\n}}\n\nfield_names! {{\n    /// A field of [`{name}`].\n    {name}Field {{\n"
    );
    for field in &kind.fields {
        let _ = write!(
            out,
            "        /// {}\n        {} = \"{}\",\n",
            field.doc,
            camel(field.name),
            field.name
        );
    }
    let _ = write!(
        out,
        "    }}\n}}\n\n/// Why an edit of a record of this kind was not made.\npub type {name}Error = RecordError<{name}Field>;\n"
    );
    if !methods.is_empty() {
        let _ = write!(
            out,
            "\n/// What is to change in a record of this kind.\npub type {name}Edit = Edit<{name}>;\n\nimpl Edit<{name}> {{\n{}}}\n",
            methods.trim_start_matches('\n')
        );
    }
    out
}

fn members_of(kind: &Kind, field: &Field, values: &mut Values) -> Vec<Member> {
    let one = |ty: String, read: String| {
        vec![Member { name: field.name.into(), doc: field.doc.into(), ty, read }]
    };
    let some = |ty: &str, reader: &str| {
        one(format!("Option<{ty}>"), format!("row.{reader}(\"{}\")", field.name))
    };
    match field.ty {
        FieldType::Str { .. } | FieldType::Text => some("String", "text"),
        FieldType::Choice { of, .. } => {
            some(&values.choice(kind, field.name, field.doc, of), "parsed")
        }
        FieldType::Int { .. } => some("i64", "int"),
        FieldType::Bool => some("bool", "flag"),
        FieldType::Date => some("Date", "parsed"),
        FieldType::Instant => some("UnixMs", "moment"),
        FieldType::Ref { kind: "user" } => some("UserId", "parsed"),
        FieldType::Ref { .. } => some("RecordId", "parsed"),
        FieldType::Parts(parts) => {
            let ty = values.parts(kind, field, parts);
            one(format!("Option<{ty}>"), format!("{ty}::from_row(row, \"{}\")", field.name))
        }
        FieldType::Set(of) => {
            let ty = if of == SetOf::Ids { "RecordId" } else { "String" };
            one(format!("Vec<{ty}>"), format!("row.keys(\"{}\")", field.name))
        }
        FieldType::Fields => {
            one("BTreeMap<String, String>".into(), format!("row.entries(\"{}\")", field.name))
        }
        FieldType::Log(_) => {
            let columns = field.columns();
            let doc = |column: &Column| format!("Column `{}`, from `{}`.", column.name, field.name);
            columns.iter().map(|one| column_member(kind, one, doc(one), values)).collect()
        }
    }
}

fn column_member(kind: &Kind, column: &Column, doc: String, values: &mut Values) -> Member {
    let name = column.name.to_string();
    let some = |ty: &str, reader: &str| {
        (format!("Option<{ty}>"), format!("row.{reader}(\"{}\")", column.name))
    };
    let (ty, read) = match column.ty {
        ColumnType::Bool => ("bool".into(), format!("row.flag(\"{name}\").unwrap_or_default()")),
        ColumnType::Int if name.ends_with("_count") => {
            ("i64".into(), format!("row.int(\"{name}\").unwrap_or_default()"))
        }
        ColumnType::Int => some("i64", "int"),
        ColumnType::Float => some("f64", "float"),
        ColumnType::Date => some("Date", "parsed"),
        ColumnType::Timestamp => some("UnixMs", "moment"),
        ColumnType::Uuid if name.contains("user") || name.ends_with("_by") => {
            some("UserId", "parsed")
        }
        ColumnType::Uuid => some("RecordId", "parsed"),
        ColumnType::Enum(_) if name == "stage" => {
            some(&values.choice(kind, "stage", "Where a deal stands.", STAGES), "parsed")
        }
        ColumnType::Text if name == "status" => {
            let doc = "Whether it took place.";
            some(&values.choice(kind, "interaction_status", doc, STATUSES), "parsed")
        }
        ColumnType::Text | ColumnType::Enum(_) | ColumnType::Json => some("String", "text"),
        ColumnType::TextArray => ("Vec<String>".into(), format!("row.keys(\"{name}\")")),
        ColumnType::UuidArray => ("Vec<RecordId>".into(), format!("row.keys(\"{name}\")")),
    };
    Member { name, doc, ty, read }
}

fn methods_of(kind: &Kind, field: &Field, values: &mut Values) -> String {
    let this = format!("{}Field::{}", camel(kind.name), camel(field.name));
    let method = |name: &str, doc: &str, arguments: &str, body: String| {
        format!(
            "\n    /// {doc}\n    pub fn {name}(self, {arguments}) -> Self {{\n        self.{body}\n    }}\n"
        )
    };
    let set = |argument: &str, value: &str| {
        method(field.name, field.doc, argument, format!("set({this}, {value})"))
    };
    match field.ty {
        FieldType::Str { .. } => set("value: impl Into<String>", "value.into()"),
        FieldType::Choice { of, .. } => {
            let ty = values.choice(kind, field.name, field.doc, of);
            set(&format!("value: {ty}"), "value.as_str()")
        }
        FieldType::Int { .. } => set("value: i64", "value"),
        FieldType::Bool => set("value: bool", "value"),
        FieldType::Date => set("value: Date", "day(value)"),
        FieldType::Instant => set("value: UnixMs", "value.0"),
        FieldType::Ref { kind: "user" } => set("value: UserId", "value.to_string()"),
        FieldType::Ref { .. } => set("value: RecordId", "value.to_string()"),
        FieldType::Parts(parts) => {
            let ty = values.parts(kind, field, parts);
            set(&format!("value: {ty}"), "value.to_json()")
        }
        FieldType::Text => method(
            field.name,
            field.doc,
            "text: impl Into<String>",
            format!("long_text({this}, text.into())"),
        ),
        FieldType::Set(of) => {
            let (ty, value) = match of {
                SetOf::Ids => ("RecordId", "key.to_string()"),
                SetOf::Words | SetOf::Emails | SetOf::Phones => ("impl Into<String>", "key.into()"),
            };
            let argument = format!("key: {ty}");
            let add = format!("add_to_{}", field.name);
            let remove = format!("remove_from_{}", field.name);
            method(&add, field.doc, &argument, format!("add({this}, {value})"))
                + &method(
                    &remove,
                    "Takes one away again.",
                    &argument,
                    format!("remove({this}, {value})"),
                )
        }
        FieldType::Fields => {
            let set = method(
                &format!("set_in_{}", field.name),
                field.doc,
                "name: impl Into<String>, value: impl Into<String>",
                format!("entry({this}, name.into(), Some(value.into()))"),
            );
            let remove = method(
                &format!("remove_from_{}", field.name),
                "Takes one away again.",
                "name: impl Into<String>",
                format!("entry({this}, name.into(), None)"),
            );
            set + &remove
        }
        FieldType::Log(log) => {
            let event = |name: &str, argument: &str, column: &str, words: &str| {
                method(name, field.doc, argument, format!("event({this}, \"{column}\", {words})"))
            };
            match log.name {
                "stage" => {
                    let closing = method(
                        "closed",
                        "Closes the deal for a reason.",
                        "stage: Stage, reason: &str",
                        format!("event({this}, \"stage\", format!(\"{{stage}}: {{reason}}\"))"),
                    );
                    event("stage", "stage: Stage", "stage", "stage.to_string()") + &closing
                }
                "status" => {
                    event("status", "status: InteractionStatus", "status", "status.to_string()")
                }
                "completion" => event(
                    "completed",
                    "done: bool",
                    "completed",
                    "String::from(if done { \"yes\" } else { \"no\" })",
                ),
                "employer" => {
                    event("organization_id", "id: RecordId", "organization_id", "id.to_string()")
                }
                // Tombstones have calls of their own; the others are the server's.
                _ => String::new(),
            }
        }
    }
}
