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
    /// It is known, and nothing is made of it.
    Known(&'static str),
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
    /// Its word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Known(_) => "known",
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
            Self::Known(why) => why,
            Self::NoName => "it has no name; map it by its number, as #3",
            Self::Said => "it was said so",
            Self::Twice => "another column goes where it would go",
            Self::Unknown => "nothing is known of it; --map FIELD=COLUMN, or --rest custom",
        })
    }
}
