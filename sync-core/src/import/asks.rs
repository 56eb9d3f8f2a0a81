//! What must be said before a file is imported, and why columns are not taken.

use std::fmt;

/// Something that must be said first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Which of two numbers is the day.
    Days {
        /// A column in which it cannot be told.
        column: String,
        /// Some of its cells.
        samples: String,
    },
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days { column, samples } => write!(
                f,
                "days in {column} ({samples}) may be read in two ways: say --dates dmy or --dates mdy"
            ),
        }
    }
}

/// Why a column is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyNot {
    /// It says who looks after an account, which managers say.
    Owner,
    /// It is of an account's finances, which are records of their own.
    Finance,
    /// What it says is computed here.
    Computed,
    /// It says when the other program made the record.
    History,
    /// It has no name.
    NoName,
    /// It was said so.
    Said,
    /// Another column goes where it would go.
    Twice,
    /// Nothing is known of it.
    Unknown,
}

impl WhyNot {
    /// Why a heading of this group is not taken.
    pub(super) fn known(group: &str) -> Option<Self> {
        [Self::Owner, Self::Finance, Self::Computed, Self::History]
            .into_iter()
            .find(|why| why.code() == group)
    }

    /// Its word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Finance => "finance",
            Self::Computed => "computed",
            Self::History => "history",
            Self::NoName => "no_name",
            Self::Said => "said",
            Self::Twice => "twice",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "managers say who looks after an account",
            Self::Finance => {
                "an account's finances are records of their own, for managers: import them with --kind \
                 organization_finance"
            }
            Self::Computed => "it is computed here",
            Self::History => "it says when the other program made the record",
            Self::NoName => "it has no name; map it by its number, as #3",
            Self::Said => "it was said so",
            Self::Twice => "another column goes where it would go",
            Self::Unknown => "nothing is known of it; --map FIELD=COLUMN, or --rest custom",
        })
    }
}
