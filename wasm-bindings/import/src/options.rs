//! What a page says of a file, as JSON.

use serde::Deserialize;
use sync_core::document::{DayOrder, Decimal, Habits};
use sync_core::import::{Encoding, ImportOptions, OnAlike, OnMatch, Rest, SheetOptions, Word};

use crate::zone::Zone;

/// Everything may be left out; what is not said is found out.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    kind: Option<String>,
    encoding: Option<String>,
    delimiter: Option<char>,
    heading_line: Option<u64>,
    map: Vec<(String, Vec<String>)>,
    leave_out: Vec<String>,
    days: Option<Days>,
    decimal: Option<DecimalSign>,
    currency: Option<String>,
    create_accounts: bool,
    rest: RestOf,
    matching: Option<String>,
    on_match: Matched,
    on_alike: AlikeRows,
    prospects_only: bool,
    words: Vec<Meant>,
    zone: Option<Zone>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Days {
    Dmy,
    Mdy,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DecimalSign {
    Point,
    Comma,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RestOf {
    #[default]
    Leave,
    Custom,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Matched {
    #[default]
    Skip,
    Update,
    Create,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AlikeRows {
    #[default]
    Take,
    Leave,
}

#[derive(Deserialize)]
struct Meant {
    field: String,
    said: String,
    meant: String,
}

impl Options {
    /// In the words of the importer; how somebody writes beside it.
    pub(crate) fn read(self) -> Result<(ImportOptions, Habits), String> {
        let encoding = match &self.encoding {
            None => None,
            Some(name) => Some(Encoding::named(name).ok_or(format!("no encoding \"{name}\""))?),
        };
        let zone = self.zone.as_ref().map(Zone::read).transpose()?;
        let words = self.words.into_iter();
        let options = ImportOptions {
            kind: self.kind,
            sheet: SheetOptions {
                encoding,
                delimiter: self.delimiter,
                heading_line: self.heading_line,
            },
            map: self.map,
            leave_out: self.leave_out,
            days: match self.days {
                None => DayOrder::Unknown,
                Some(Days::Dmy) => DayOrder::DayFirst,
                Some(Days::Mdy) => DayOrder::MonthFirst,
            },
            decimal: self.decimal.map(|sign| match sign {
                DecimalSign::Point => Decimal::Point,
                DecimalSign::Comma => Decimal::Comma,
            }),
            currency: self.currency.map(|code| code.trim().to_ascii_uppercase()),
            create_accounts: self.create_accounts,
            rest: match self.rest {
                RestOf::Leave => Rest::LeftOut,
                RestOf::Custom => Rest::Custom,
            },
            matching: self.matching,
            on_match: match self.on_match {
                Matched::Skip => OnMatch::Skip,
                Matched::Update => OnMatch::Update,
                Matched::Create => OnMatch::Create,
            },
            on_alike: match self.on_alike {
                AlikeRows::Take => OnAlike::Take,
                AlikeRows::Leave => OnAlike::LeaveOut,
            },
            prospects_only: self.prospects_only,
            words: words
                .map(|Meant { field, said, meant }| Word { target: field, said, meant })
                .collect(),
            into_incomplete: false,
        };
        Ok((options, Habits { zone, ..Habits::default() }))
    }
}
