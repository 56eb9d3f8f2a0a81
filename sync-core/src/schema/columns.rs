//! From declared fields to columns: names and types, for both databases.

use super::field::{FieldDeclaration, FieldType, LogKind, PartType, SetOf};

/// One column of a kind's table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name, the same in SQLite and Postgres.
    pub name: std::borrow::Cow<'static, str>,
    /// Its type.
    pub ty: ColumnType,
}

/// Type of a column, in words that both databases can follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A Postgres enum of this name; text in SQLite.
    Enum(&'static str),
    /// 64-bit whole number.
    Int,
    /// Double precision.
    Float,
    /// Boolean; 0 and 1 in SQLite.
    Bool,
    /// Calendar day; ISO text in SQLite.
    Date,
    /// Moment; ISO text in UTC with milliseconds in SQLite.
    Timestamp,
    /// UUID; hyphenated text in SQLite.
    Uuid,
    /// Sorted array of text; a JSON array in SQLite.
    TextArray,
    /// Sorted array of UUIDs; a JSON array in SQLite.
    UuidArray,
    /// JSON object.
    Json,
}

impl ColumnType {
    /// The type's name in Postgres.
    pub fn postgres(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Enum(name) => name,
            Self::Int => "bigint",
            Self::Float => "double precision",
            Self::Bool => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamptz",
            Self::Uuid => "uuid",
            Self::TextArray => "text[]",
            Self::UuidArray => "uuid[]",
            Self::Json => "jsonb",
        }
    }

    /// The type's name in SQLite.
    pub fn sqlite(self) -> &'static str {
        match self {
            Self::Int | Self::Bool => "INTEGER",
            Self::Float => "REAL",
            Self::Text
            | Self::Enum(_)
            | Self::Date
            | Self::Timestamp
            | Self::Uuid
            | Self::TextArray
            | Self::UuidArray
            | Self::Json => "TEXT",
        }
    }
}

/// A column known when this is compiled.
pub const fn column(name: &'static str, ty: ColumnType) -> Column {
    Column { name: std::borrow::Cow::Borrowed(name), ty }
}

impl FieldDeclaration {
    /// The columns this field projects into; logs project into the kind's derived columns instead.
    pub fn columns(&self) -> Vec<Column> {
        let single = |ty| vec![column(self.name, ty)];
        match self.ty {
            FieldType::Str { .. } | FieldType::Text => single(ColumnType::Text),
            FieldType::Choice { pg_type: Some(name), .. } => single(ColumnType::Enum(name)),
            FieldType::Choice { pg_type: None, .. } => single(ColumnType::Text),
            FieldType::Int { .. } => single(ColumnType::Int),
            FieldType::Bool => single(ColumnType::Bool),
            FieldType::Date => single(ColumnType::Date),
            FieldType::Instant => single(ColumnType::Timestamp),
            FieldType::Ref { .. } => single(ColumnType::Uuid),
            FieldType::Set(SetOf::Ids) => single(ColumnType::UuidArray),
            FieldType::Set(_) => single(ColumnType::TextArray),
            FieldType::Fields => single(ColumnType::Json),
            FieldType::Parts(parts) => parts
                .iter()
                .map(|part| Column {
                    name: format!("{}_{}", self.name, part.name).into(),
                    ty: match part.ty {
                        PartType::Str { .. } | PartType::Choice(_) => ColumnType::Text,
                        PartType::Int => ColumnType::Int,
                        PartType::Float => ColumnType::Float,
                        PartType::Date => ColumnType::Date,
                    },
                })
                .collect(),
            FieldType::Log(kind) => kind.columns(),
        }
    }
}

impl LogKind {
    /// The columns derived from the log alone.
    pub fn columns(self) -> Vec<Column> {
        match self {
            Self::Life => vec![
                column("is_deleted", ColumnType::Bool),
                column("deleted_at", ColumnType::Timestamp),
            ],
            Self::Assignment => vec![
                column("assigned_user_id", ColumnType::Uuid),
                column("secondary_user_id", ColumnType::Uuid),
                column("territory_id", ColumnType::Uuid),
            ],
            Self::Owner => vec![column("user_id", ColumnType::Uuid)],
            Self::Employer => vec![column("organization_id", ColumnType::Uuid)],
            Self::Stage => vec![
                column("stage", ColumnType::Enum("opportunity_stage")),
                column("stage_entered_at", ColumnType::Timestamp),
                column("stage_disputed", ColumnType::Bool),
                column("close_reason", ColumnType::Text),
                column("actual_close_date", ColumnType::Date),
            ],
            Self::InteractionStatus => {
                vec![column("status", ColumnType::Text), column("status_at", ColumnType::Timestamp)]
            }
            Self::Completion => vec![
                column("is_completed", ColumnType::Bool),
                column("completed_at", ColumnType::Timestamp),
                column("completed_by", ColumnType::Uuid),
            ],
        }
    }
}
