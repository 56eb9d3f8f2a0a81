//! What whoever imports says.

use super::cell::Word;
use super::sheet::SheetOptions;
use crate::document::{DayOrder, Decimal};

/// What the user says; what is not said is guessed, and shown.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The kind of the records.
    pub kind: Option<String>,
    /// How the file is written.
    pub sheet: SheetOptions,
    /// Targets with their columns; they are added to what is guessed, and overrule it.
    pub map: Vec<(String, Vec<String>)>,
    /// Columns that are not taken, whatever is guessed of them.
    pub leave_out: Vec<String>,
    /// Which of two numbers is the day.
    pub days: DayOrder,
    /// Which sign stands before the decimals.
    pub decimal: Option<Decimal>,
    /// The currency of amounts that name none.
    pub currency: Option<String>,
    /// Whether accounts that are named and not there are created.
    pub create_accounts: bool,
    /// What becomes of columns that nothing is known of.
    pub rest: Rest,
    /// The target by which records that are there already are found.
    pub matching: Option<String>,
    /// What becomes of a row whose record is there.
    pub on_match: OnMatch,
    /// What becomes of a row whose account is probably there already.
    pub on_alike: OnAlike,
    /// Whether accounts that begin are prospects, whatever the file says: those who are no managers begin no
    /// others.
    pub prospects_only: bool,
    /// Words of the file, and what they mean.
    pub words: Vec<Word>,
    /// Whether rows are taken in although not all of the user's records have come to this device, so that
    /// rows may be taken whose records are only missing here.
    pub into_incomplete: bool,
}

/// What becomes of columns that nothing is known of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rest {
    /// They are named, and left out.
    #[default]
    LeftOut,
    /// They become custom fields.
    Custom,
}

/// What becomes of a row whose account is probably there already, by its telephone number or by its name and
/// city.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnAlike {
    /// It is taken, and named.
    #[default]
    Take,
    /// It is left out, and named.
    LeaveOut,
}

/// What becomes of a row whose record is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnMatch {
    /// It is left alone.
    #[default]
    Skip,
    /// What the row says is written to it; what the row does not say stays.
    Update,
    /// Another record is created.
    Create,
}
