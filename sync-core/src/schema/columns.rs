//! Columns: names and types, for both databases.

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
