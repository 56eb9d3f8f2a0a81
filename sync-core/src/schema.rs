//! What a record is: each kind declared once, as a table of fields.
//!
//! Everything else is derived from a declaration: reading and writing Automerge, the SQLite tables,
//! the Postgres rows, validation, generators and the field reference in `docs/FIELDS.md`. Here are
//! the words that declarations are written in; the CRM's are in [`crate::crm`]. Knows nothing of
//! SQL.
//!
//! **Invariant**: a schema is a value. Nothing here is kept for a whole process, so that an old and a
//! new version, or two trades, live side by side.

mod columns;
mod currency;
mod field;
mod fingerprint;
mod genesis;
mod kind;
mod life;
mod listing;
mod log;
mod reference;
mod report;
mod row;
mod words;

pub use columns::{Column, ColumnType, column};
pub use currency::{CURRENCIES, is_currency};
pub use field::{
    Field, FieldDeclaration, FieldType, Initial, Part, PartType, Rule, Search, SetOf, Tense, Use,
    choice, date, fields, flag, instant, int, link, log, long_text, part, set, text, whole,
};
pub use genesis::{Genesis, ID_KEY, KIND_KEY, is_step_actor, step_actor};
pub use kind::{Alike, Derived, Kind, KindDeclaration, KindParts, Schema, Scope, Storage, derived};
pub use life::{LIFE, LifeEvent};
pub use listing::field_listing;
pub use log::{
    EventPart, EventPartType, Log, LogColumn, LogState, Registers, Standing, Typed, greatest_id,
    lowest_id, may_have, needs,
};
pub use reference::field_reference;
pub use report::Report;
pub use row::RowView;
pub(crate) use words::said;
pub use words::{Presence, Writer};
