//! A kind of record, and the schema that holds all kinds.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::columns::{Column, ColumnType, column};
use super::field::{Field, FieldDeclaration, FieldType, Initial, Use};
use super::genesis::{self, Genesis};
use super::life::LIFE;
use super::report::Report;
use super::row::RowView;
use super::words::said;
use crate::cell::Cell;

/// What is said of a kind where it is declared.
#[derive(Clone, Debug)]
pub struct KindDeclaration {
    /// What a person and the wire call it: `organization`.
    pub name: &'static str,
    /// Its table, the same in SQLite and Postgres: `organizations`.
    pub table: &'static str,
    /// What decides who may see a record of this kind.
    pub scope: Scope,
    /// Whether it is an Automerge document or a row that only the server writes.
    pub storage: Storage,
    /// The declared fields; their order is the order of columns.
    pub fields: Vec<FieldDeclaration>,
    /// Columns computed from the document alone, after those of the fields.
    pub derived: Vec<Derived>,
    /// The column that names a record to people, when one does.
    pub title: Option<&'static str>,
    /// What tells records of one name apart: an SQL expression over the columns. Of a record that hangs from
    /// another the name of that one is said instead.
    pub subtitle: Option<&'static str>,
    /// By which columns two records may turn out to be the same, when that is asked.
    pub alike: Option<Alike>,
    /// One sentence for the field reference.
    pub doc: &'static str,
}

/// One kind of record: a handle that is cheap to clone. Two are equal when they are the same
/// declaration of the same schema.
#[derive(Clone, Debug)]
pub struct Kind(Arc<KindParts>);

/// What a kind is made of.
#[derive(Debug)]
pub struct KindParts {
    /// What a person and the wire call it: `organization`.
    pub name: &'static str,
    /// Its table, the same in SQLite and Postgres: `organizations`.
    pub table: &'static str,
    /// What decides who may see a record of this kind.
    pub scope: Scope,
    /// Whether it is an Automerge document or a row that only the server writes.
    pub storage: Storage,
    /// The declared fields; their order is the order of columns.
    pub fields: Vec<Field>,
    /// Columns computed from the document alone, after those of the fields.
    pub derived: Vec<Derived>,
    /// The column that names a record to people, when one does.
    pub title: Option<&'static str>,
    /// What tells records of one name apart: an SQL expression over the columns. Of a record that hangs from
    /// another the name of that one is said instead.
    pub subtitle: Option<&'static str>,
    /// By which columns two records may turn out to be the same, when that is asked.
    pub alike: Option<Alike>,
    /// One sentence for the field reference.
    pub doc: &'static str,
    index: usize,
    columns: Vec<Column>,
    /// Made when it is first asked for: whoever makes no documents, such as a reader of files, needs none.
    genesis: OnceLock<Genesis>,
}

impl Deref for Kind {
    type Target = KindParts;
    fn deref(&self) -> &KindParts {
        &self.0
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for Kind {}

impl Kind {
    fn new(index: usize, declared: KindDeclaration) -> Self {
        let KindDeclaration { name, table, scope, storage, fields, derived, .. } = declared;
        let KindDeclaration { title, subtitle, alike, doc, .. } = declared;
        let mut columns = vec![column("id", ColumnType::Uuid)];
        columns.extend(fields.iter().flat_map(FieldDeclaration::columns));
        columns.extend(derived.iter().map(|one| one.column.clone()));
        if storage == Storage::Document {
            columns.push(column("updated_at", ColumnType::Timestamp));
            columns.push(column("updated_by", ColumnType::Uuid));
            columns.push(column("conflict_count", ColumnType::Int));
            columns.push(column("violation_count", ColumnType::Int));
        }
        let fields: Vec<Field> = fields.into_iter().map(Field::from).collect();
        Self(Arc::new(KindParts {
            name,
            table,
            scope,
            storage,
            fields,
            derived,
            title,
            subtitle,
            alike,
            doc,
            index,
            columns,
            genesis: OnceLock::new(),
        }))
    }
}

impl KindParts {
    /// Finds a declared field that is in use.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name && field.usage == Use::InUse)
    }

    /// Finds a declared field, also one that is retired: older apps still write it, and its name stays
    /// taken.
    pub fn declared(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether what a record hangs from follows from this field.
    pub fn hangs_by(&self, field: &Field) -> bool {
        let Scope::Follows { column, .. } = self.scope else { return false };
        match field.ty {
            FieldType::Log(log) => log.columns.iter().any(|one| one.name == column),
            _ => field.name == column,
        }
    }

    /// Whether this field is written when a record is completed, deleted, or given to somebody else.
    pub fn is_put_away_by(&self, field: &Field) -> bool {
        let names_user =
            matches!(self.scope, Scope::Follows { or_user, .. } if field.name == or_user);
        matches!(field.ty, FieldType::Log(_)) || self.hangs_by(field) || names_user
    }

    /// Its place among the kinds of its schema.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The log of tombstones and restores.
    pub fn life(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.ty == FieldType::Log(&LIFE))
    }

    /// The fixed first change of every document of the kind.
    pub fn genesis(&self) -> &Genesis {
        self.genesis.get_or_init(|| genesis::build(self.name, &self.fields))
    }

    /// Every column of the kind's table, in order; the first is `id`.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

/// A column computed from the columns before it.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The column.
    pub column: Column,
    /// What it shows.
    pub read: fn(&RowView<'_>) -> Cell,
    /// The same in words, for the field reference.
    pub doc: &'static str,
}

impl Derived {
    /// Says in words how it is computed.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = said(doc);
        self
    }
}

/// A derived column.
pub fn derived(name: &'static str, ty: ColumnType, read: fn(&RowView<'_>) -> Cell) -> Derived {
    Derived { column: column(name, ty), read, doc: "" }
}

/// The columns by which records are compared that may be the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alike {
    /// Its name.
    pub name: &'static str,
    /// A set of telephone numbers.
    pub phones: &'static str,
    /// Postal codes.
    pub postal_codes: &'static [&'static str],
    /// Where it stands: degrees of latitude and longitude.
    pub position: (&'static str, &'static str),
    /// The record that replaces it: then it is not compared any more.
    pub replaced: &'static str,
}

/// What a document hangs from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The record's own id: an account, or what not everybody sees who sees its account.
    Itself,
    /// The record named by this column; without one, the user named by the second.
    Follows {
        /// The column that names the record, from a field or a log.
        column: &'static str,
        /// Who sees a record that hangs from no other.
        or_user: &'static str,
    },
    /// Everyone who is signed in.
    Everyone,
}

/// Where the truth of a kind lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Storage {
    /// One Automerge document a record.
    Document,
    /// A row of the server, read-only on devices.
    ServerRow,
}

/// Every kind of record that an app knows. A replica and a server are given one; nothing in the
/// engine has one of its own.
#[derive(Debug)]
pub struct Schema {
    kinds: Vec<Kind>,
    reports: &'static [Report],
}

impl Schema {
    /// A schema of these kinds, in an order in which parents come before children.
    pub fn new(kinds: Vec<KindDeclaration>) -> Arc<Self> {
        Self::with_reports(kinds, &[])
    }

    /// A schema of these kinds, with reports over their tables.
    pub fn with_reports(kinds: Vec<KindDeclaration>, reports: &'static [Report]) -> Arc<Self> {
        let declared = kinds.into_iter().enumerate();
        let kinds = declared.map(|(index, kind)| Kind::new(index, kind)).collect();
        Arc::new(Self { kinds, reports })
    }

    /// The reports over the tables of the kinds.
    pub fn reports(&self) -> &'static [Report] {
        self.reports
    }

    /// Every kind, in the order of their declaration.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kinds whose records are documents.
    pub fn document_kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().filter(|kind| kind.storage == Storage::Document)
    }

    /// The kinds whose rows only the server writes.
    pub fn server_kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().filter(|kind| kind.storage == Storage::ServerRow)
    }

    /// The kind of those who write records, if it is one of these.
    pub fn people(&self) -> Option<&Kind> {
        let mut fields = self.document_kinds().flat_map(|kind| &kind.fields);
        let of_author = fields.find_map(|field| match (field.initial, field.ty) {
            (Initial::Author, FieldType::Ref { kind }) => Some(kind),
            _ => None,
        });
        self.kind(of_author?)
    }

    /// Finds a kind by its name or its table's.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name || kind.table == name)
    }
}
