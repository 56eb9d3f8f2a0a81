//! The words a declaration is written in.

use std::ops::Deref;
use std::sync::Arc;

use super::columns::{Column, ColumnType, column};
use super::log::Log;
use super::words::{Presence, Writer, said};

/// One declared field of a kind: a handle that is cheap to clone. Two are equal when they are the same
/// declaration.
#[derive(Clone, Debug)]
pub struct Field(Arc<FieldDeclaration>);

impl Deref for Field {
    type Target = FieldDeclaration;
    fn deref(&self) -> &FieldDeclaration {
        &self.0
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for Field {}

impl From<FieldDeclaration> for Field {
    fn from(declaration: FieldDeclaration) -> Self {
        Self(Arc::new(declaration))
    }
}

/// What is said of a field where its kind is declared.
#[derive(Clone, Debug)]
pub struct FieldDeclaration {
    /// Its key in the document and the stem of its columns.
    pub name: &'static str,
    /// What values it takes.
    pub ty: FieldType,
    /// How concurrent values merge.
    pub rule: Rule,
    /// Who may write it.
    pub writer: Writer,
    /// Whether a record without it is in violation.
    pub required: Presence,
    /// The value shown when none was ever written.
    pub default: Option<&'static str>,
    /// The step of the kind's genesis that makes its container, when it has one: 1 for those that
    /// were there from the beginning, the next number for what a later version adds.
    pub since: u16,
    /// Whether it is still in use.
    pub usage: Use,
    /// What a new record gets when nothing is given.
    pub initial: Initial,
    /// Whether a moment of it may lie ahead.
    pub tense: Tense,
    /// Whether its words are in the full-text index.
    pub search: Search,
    /// One sentence for the field reference.
    pub doc: &'static str,
}

/// Whether a field is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// It is.
    InUse,
    /// It has no column and is not written any more; older apps may still write it.
    Retired,
}

/// What a field of a new record gets when its creator gives nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Initial {
    /// Nothing.
    Nothing,
    /// The moment of creation.
    Now,
    /// The moment of creation, unless this field is given.
    NowUnless(&'static str),
    /// Whoever creates the record. Nobody says that of somebody else: another value is refused.
    Author,
}

/// Whether a moment may lie ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tense {
    /// It may: a plan, a reminder.
    Any,
    /// It has come: what is said to have happened.
    Past,
}

/// Whether the full-text index covers a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Search {
    /// Not searched.
    No,
    /// Searched.
    Indexed,
}

/// How concurrent values of a field merge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Written once, by the creating change.
    Immutable,
    /// Written once, by any change whose writer sees no value there; never written over nor cleared.
    Once,
    /// One scalar; Automerge picks the shown value, the others are listed as a conflict.
    Register,
    /// The smallest value in the order of the type's choices is shown.
    RegisterHigherWins,
    /// The earliest date is shown.
    RegisterEarliestWins,
    /// True is shown while contested.
    RegisterTrueWins,
    /// False is shown while contested.
    RegisterFalseWins,
    /// Several parts written and merged as one value.
    Whole,
    /// As `Whole`, and the lower amount is shown while contested.
    WholeLowerShown,
    /// Long text, merged word by word.
    Text,
    /// Keys; an add wins over a concurrent remove.
    Set,
    /// Append-only events; the current value is derived.
    Log,
    /// A map of registers, keyed by the user.
    Fields,
}

impl Rule {
    /// Whether what was written stays as it is.
    pub fn is_written_once(self) -> bool {
        matches!(self, Self::Immutable | Self::Once)
    }
}

/// What values a field takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldType {
    /// A short string of at most so many Unicode scalar values.
    Str {
        /// Longest value.
        max: usize,
    },
    /// One of these words. A word of a newer app is kept, and projected as NULL with a violation.
    Choice {
        /// Postgres enum type, when the column has one.
        pg_type: Option<&'static str>,
        /// The words, highest first where order matters.
        of: &'static [&'static str],
    },
    /// A whole number.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Yes or no.
    Bool,
    /// A calendar day, `YYYY-MM-DD`.
    Date,
    /// A moment, in milliseconds since 1970 UTC.
    Instant,
    /// The id of a record of that kind; it may not have arrived yet.
    Ref {
        /// Name of the kind referred to.
        kind: &'static str,
    },
    /// Parts that mean something only together.
    Parts(&'static [Part]),
    /// Long text.
    Text,
    /// A set of keys.
    Set(SetOf),
    /// An append-only log of events.
    Log(&'static Log),
    /// A map of short strings, keyed by the user.
    Fields,
}

/// What a set holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetOf {
    /// Short strings, trimmed.
    Words,
    /// E-mail addresses in their plain form (`name@domain`), trimmed and lower case.
    Emails,
    /// Phone numbers: digits with an optional leading `+`.
    Phones,
    /// Ids of records.
    Ids,
}

/// One part of a `Whole`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its key in the value; the column is `field_part`.
    pub name: &'static str,
    /// Its type.
    pub ty: PartType,
}

/// Type of a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartType {
    /// A short string of at most so many Unicode scalar values.
    Str {
        /// Longest value.
        max: usize,
    },
    /// A whole number; of money, in minor units.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// The code of a currency, in capitals: see [`super::CURRENCIES`].
    Currency,
    /// A floating-point number, for positions only; never for money.
    Float {
        /// Smallest.
        min: i32,
        /// Largest.
        max: i32,
    },
    /// A calendar day.
    Date,
    /// A moment that has come, in milliseconds since 1970 UTC.
    Moment,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl FieldType {
    /// Whether the document keeps this field in a container that the genesis change creates.
    pub fn is_container(&self) -> bool {
        matches!(self, Self::Text | Self::Set(_) | Self::Log(_) | Self::Fields)
    }
}

const fn field(name: &'static str, ty: FieldType, rule: Rule) -> FieldDeclaration {
    FieldDeclaration {
        name,
        ty,
        rule,
        writer: Writer::Anyone,
        required: Presence::Optional,
        default: None,
        since: 1,
        usage: Use::InUse,
        initial: Initial::Nothing,
        tense: Tense::Any,
        search: Search::No,
        doc: "",
    }
}

/// A short string.
pub const fn text(name: &'static str, max: usize) -> FieldDeclaration {
    field(name, FieldType::Str { max }, Rule::Register)
}
/// One of a few words.
pub const fn choice(name: &'static str, of: &'static [&'static str]) -> FieldDeclaration {
    field(name, FieldType::Choice { pg_type: None, of }, Rule::Register)
}
/// A whole number within bounds.
pub const fn int(name: &'static str, min: i64, max: i64) -> FieldDeclaration {
    field(name, FieldType::Int { min, max }, Rule::Register)
}
/// Yes or no.
pub const fn flag(name: &'static str) -> FieldDeclaration {
    field(name, FieldType::Bool, Rule::Register)
}
/// A calendar day.
pub const fn date(name: &'static str) -> FieldDeclaration {
    field(name, FieldType::Date, Rule::Register)
}
/// A moment.
pub const fn instant(name: &'static str) -> FieldDeclaration {
    field(name, FieldType::Instant, Rule::Register)
}
/// A reference to another record.
pub const fn link(name: &'static str, kind: &'static str) -> FieldDeclaration {
    field(name, FieldType::Ref { kind }, Rule::Register)
}
/// Parts merged as one.
pub const fn whole(name: &'static str, parts: &'static [Part]) -> FieldDeclaration {
    field(name, FieldType::Parts(parts), Rule::Whole)
}
/// Long text.
pub const fn long_text(name: &'static str) -> FieldDeclaration {
    field(name, FieldType::Text, Rule::Text).searchable()
}
/// A set of keys.
pub const fn set(name: &'static str, of: SetOf) -> FieldDeclaration {
    field(name, FieldType::Set(of), Rule::Set)
}
/// A log of events.
pub const fn log(name: &'static str, log: &'static Log) -> FieldDeclaration {
    field(name, FieldType::Log(log), Rule::Log)
}
/// A map of registers keyed by the user.
pub const fn fields(name: &'static str) -> FieldDeclaration {
    field(name, FieldType::Fields, Rule::Fields)
}

impl FieldDeclaration {
    /// Merges by another rule.
    pub const fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }
    /// Is written by the creating change alone.
    pub const fn immutable(mut self) -> Self {
        self.rule = Rule::Immutable;
        self
    }
    /// Is written once, when there is something to say: by the creating change or a later one.
    pub const fn once(mut self) -> Self {
        self.rule = Rule::Once;
        self
    }
    /// Must be given, and cannot be cleared.
    pub const fn required(mut self) -> Self {
        self.required = Presence::Required;
        self
    }
    /// Has its container from a later step of the genesis on.
    pub const fn since(mut self, step: u16) -> Self {
        self.since = step;
        self
    }
    /// Is out of use. What documents hold of it stays there, and its name stays taken.
    pub const fn retired(mut self) -> Self {
        self.usage = Use::Retired;
        self.required = Presence::Optional;
        self
    }
    /// Is the moment of creation when nothing is given.
    pub const fn initially_now(mut self) -> Self {
        self.initial = Initial::Now;
        self.past()
    }
    /// Is the moment of creation when neither it nor this field is given.
    pub const fn initially_now_unless(mut self, other: &'static str) -> Self {
        self.initial = Initial::NowUnless(other);
        self.past()
    }
    /// Is a moment that has come.
    pub const fn past(mut self) -> Self {
        self.tense = Tense::Past;
        self
    }
    /// Is whoever creates the record.
    pub const fn initially_author(mut self) -> Self {
        self.initial = Initial::Author;
        self
    }
    /// Has its words in the full-text index.
    pub const fn searchable(mut self) -> Self {
        self.search = Search::Indexed;
        self
    }
    /// Is written by the server alone.
    pub const fn server_only(mut self) -> Self {
        self.writer = Writer::Server;
        self
    }
    /// Shows this word when none was ever written.
    pub const fn default(mut self, word: &'static str) -> Self {
        self.default = Some(word);
        self
    }
    /// Has a column of this Postgres enum.
    pub const fn pg_enum(mut self, name: &'static str) -> Self {
        if let FieldType::Choice { of, .. } = self.ty {
            self.ty = FieldType::Choice { pg_type: Some(name), of };
        }
        self
    }
    /// Says in one sentence what it means.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = said(doc);
        self
    }
}

/// One part of a `Whole`.
pub const fn part(name: &'static str, ty: PartType) -> Part {
    Part { name, ty }
}

impl FieldDeclaration {
    /// The columns this field projects into.
    pub fn columns(&self) -> Vec<Column> {
        if self.usage == Use::Retired {
            return Vec::new();
        }
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
                        PartType::Str { .. } | PartType::Choice(_) | PartType::Currency => {
                            ColumnType::Text
                        }
                        PartType::Int { .. } | PartType::Moment => ColumnType::Int,
                        PartType::Float { .. } => ColumnType::Float,
                        PartType::Date => ColumnType::Date,
                    },
                })
                .collect(),
            FieldType::Log(log) => log.columns(),
        }
    }
}
