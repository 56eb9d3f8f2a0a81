//! Records from a table in a file, as another program or a person wrote it.
//!
//! **Invariant**: nothing is dropped or changed unsaid. Every column is taken or named, every cell is taken
//! or named, and a cell that does not fit costs its row only where the record would say something false
//! without it. What a row made stands in the device's file together with what it was made from, so that an
//! import goes on where a killed one stopped, and a file that is imported again makes nothing twice.
//!
//! [`ImportPlan::of`] looks at the file and says what would become of it; [`ImportPlan::run`] does it, or
//! tries it out. The parts, each using only those before it: `encoding`, `cells`, `known`, `headings`, `sheet`: the
//! file; `target`, `names`, `words`, `cell`: what cells mean; `directory`: records that cells refer to; `plan`;
//! `row`, `run`; `report`.

mod cell;
mod cells;
mod directory;
mod encoding;
mod headings;
#[rustfmt::skip]
mod known;
mod names;
mod plan;
mod report;
mod row;
mod run;
mod sheet;
mod target;
mod words;

pub use cells::{Read, Row};
pub use encoding::{Bytes, Encoding};
pub use plan::{ImportColumn, ImportError, ImportOptions, ImportPlan, OnMatch, Rest, Word};
pub use report::write_report;
pub use row::{Loss, Remark};
pub use run::{Mode, Outcome};
pub use sheet::{Sheet, SheetOptions};
