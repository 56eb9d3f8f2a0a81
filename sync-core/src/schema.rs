//! What a record is: each kind declared once, as a table of fields.
//!
//! Everything else is derived from these declarations: reading and writing Automerge, the SQLite
//! tables, the Postgres rows, validation, generators and the field reference in `docs/FIELDS.md`.
//! Knows nothing of Automerge or SQL.
//!
//! **Invariant**: adding a field is one line in its kind's file and one migration.

mod columns;
mod contact;
mod field;
mod interaction;
mod opportunity;
mod organization;
mod organization_finance;
mod reference;
mod server_data;
mod task;

pub use columns::{Column, ColumnType};
pub use field::{Field, FieldType, LogKind, Part, PartType, Presence, Rule, Search, SetOf, Writer};
pub use reference::field_reference;

/// Version of the declarations; a replica states it in `Hello`.
pub const SCHEMA_VERSION: u16 = 1;

/// One kind of record.
#[derive(Debug)]
pub struct Kind {
    /// What a person and the wire call it: `organization`.
    pub name: &'static str,
    /// Its table, the same in SQLite and Postgres: `organizations`.
    pub table: &'static str,
    /// What decides who may see a record of this kind.
    pub scope: Scope,
    /// Whether it is an Automerge document or a row that only the server writes.
    pub storage: Storage,
    /// The declared fields; their order is the order of columns.
    pub fields: &'static [Field],
    /// Columns computed from the document alone, after those of the fields.
    pub derived: &'static [Column],
    /// One sentence for the field reference.
    pub doc: &'static str,
}

/// What a document hangs from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The record's own id: an account, or what not everybody sees who sees its account.
    Itself,
    /// The account named by this field; without one, the user named by the second.
    Organization {
        /// The field that names the account.
        field: &'static str,
        /// Who sees a record that hangs from no account.
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

/// Every kind, in an order in which parents come before children.
pub static KINDS: &[&Kind] = &[
    &server_data::TERRITORY,
    &server_data::USER,
    &organization::ORGANIZATION,
    &organization_finance::ORGANIZATION_FINANCE,
    &contact::CONTACT,
    &opportunity::OPPORTUNITY,
    &interaction::INTERACTION,
    &task::TASK,
];

/// The kinds whose records are documents.
pub fn document_kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().copied().filter(|kind| kind.storage == Storage::Document)
}

/// Finds a kind by its name or its table's.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name || kind.table == name)
}

impl Kind {
    /// Finds a declared field.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Fields that are a container in the document, in declaration order: `custom_fields`, sets,
    /// logs and long texts. The genesis change creates them in this order.
    pub fn containers(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().filter(|field| field.ty.is_container())
    }
}

impl Kind {
    /// Its place in [`KINDS`].
    pub fn index(&self) -> usize {
        let place = KINDS.iter().position(|kind| *kind == self);
        place.expect("BUG: every kind is in KINDS")
    }
}

/// Equality is identity: there is one declaration of a kind.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}
impl Eq for Kind {}
