//! Records from a table in a file, as another program or a person wrote it.
//!
//! **Invariant**: nothing is dropped or changed unsaid. Every column is taken or named, every cell is taken
//! or named, and a cell that does not fit costs its row only where the record would say something false
//! without it. What a row made stands in the device's file together with what it was made from, so that an
//! import goes on where a killed one stopped, and a file that is imported again makes nothing twice.
//!
//! **Invariant**: one reader for every host. It knows no database and no document: [`ImportPlan::of`] looks at
//! the bytes of a file and says what would become of it; [`ImportRun`] carries that out, or tries it out, and
//! asks its host for what it needs of the records that are there.
//!
//! The parts, each using only those before it: `source`, `encoding`, `cells`, `known`, `headings`, `sheet`:
//! the file; `target`, `names`, `words`, `cell`: what cells mean; `options`, `asks`, `survey`, `plan`;
//! `directory`, `matches`, `alike`: records that are there; `gathered`, `judge` with `gather`, `links`, `complete` and
//! `decide`: one row; `batch`, `digest`, `outcome`,
//! `run`; `report`.

mod alike;
mod asks;
mod batch;
mod cell;
mod cells;
mod complete;
mod decide;
mod digest;
mod directory;
mod encoding;
mod gather;
mod gathered;
mod headings;
mod judge;
#[rustfmt::skip]
mod known;
mod links;
mod matches;
mod names;
mod options;
mod outcome;
mod plan;
mod report;
mod run;
mod sheet;
mod source;
mod survey;
mod target;
mod words;

pub use alike::{Alike, Common};
pub use asks::{Ask, WhyNot};
pub use batch::{ImportRow, NewImport};
pub use cell::Word;
pub use cells::{Read, Row};
pub use encoding::{Bytes, Encoding};
pub use gathered::{Hint, Loss, Remark};
pub use options::{ImportOptions, OnAlike, OnMatch, Rest};
pub use outcome::Outcome;
pub use plan::{ImportColumn, ImportPlan, PlanError};
pub use report::report;
pub use run::{ImportRun, Mode, Step, Written};
pub use sheet::{Sheet, SheetOptions};
pub use source::{InMemory, Source};
