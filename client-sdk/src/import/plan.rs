//! What is to become of a file, before anything is written.

use std::io;
use std::path::Path;

use sync_core::document::{DayOrder, Decimal, Habits};
use sync_core::replica::{Incomplete, QueryError, ReplicaError};
use sync_core::schema::{FieldType, Kind, PartType};

pub use super::cell::Word;
use super::cells::Read;
use super::headings::{are_products, guess, guess_kind, joins, key, left_out};
use super::sheet::{Sheet, SheetOptions};
use super::target::Target;
use crate::Client;

/// What the user says; what is not said is guessed, and shown.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The kind of the records.
    pub kind: Option<String>,
    /// How the file is written.
    pub sheet: SheetOptions,
    /// Targets with their columns; they are added to what is guessed, and overrule it.
    pub map: Vec<(String, Vec<String>)>,
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

/// Why a file is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// What was said does not fit it.
    #[error("{0}")]
    Options(String),
    /// Something must be known first; each question says how to answer it.
    #[error("{}", .0.join("; "))]
    Asks(Vec<String>),
    /// Not all of the user's records have come to this device. Sync first, or say that it is wanted all the
    /// same.
    #[error(
        "{0}; what is missing here would be created a second time. Sync first; --incomplete imports all the \
         same"
    )]
    Incomplete(Incomplete),
    /// The device's file cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The device's file cannot be written. Make room, or whatever it lacks, and run the import again: it
    /// goes on where it stopped.
    #[error(
        "{error}. {}; the same import, run again, goes on there and makes nothing twice",
        stand(.rows)
    )]
    Stopped {
        /// Rows that were taken in before, and stay.
        rows: u64,
        /// What went wrong.
        #[source]
        error: ReplicaError,
    },
}

fn stand(rows: &u64) -> String {
    match *rows {
        1 => "1 row was taken in and stands".to_owned(),
        rows => format!("{rows} rows were taken in and stand"),
    }
}

/// A column of the file.
#[derive(Clone, Debug)]
pub struct ImportColumn {
    /// What it is called; a number where it has no name.
    pub heading: String,
    /// Where it goes, if it is taken.
    pub target: Option<String>,
    /// Why it is not.
    pub why_not: Option<&'static str>,
    /// How many cells are not empty.
    pub filled: u64,
    /// Three of its cells.
    pub samples: Vec<String>,
    days: [u64; 3],
    decimals: [u64; 2],
}

/// What is to become of a file.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    /// The kind of its records.
    pub kind: Kind,
    /// Whether that was guessed.
    pub kind_guessed: bool,
    /// The file.
    pub sheet: Sheet,
    /// Its columns, in their order.
    pub columns: Vec<ImportColumn>,
    /// How its cells are read.
    pub habits: Habits,
    /// What must be known before it is imported.
    pub asks: Vec<String>,
    /// Rows below the heading.
    pub rows: u64,
    /// The target by which records that are there are found, said or guessed.
    pub matching: Option<String>,
    /// What was said.
    pub options: ImportOptions,
}

/// Where in `ImportColumn::days` what is counted.
const DAY_FIRST: usize = 0;
const MONTH_FIRST: usize = 1;
const EITHER: usize = 2;

impl ImportPlan {
    /// Looks at a file.
    ///
    /// # Errors
    /// When it cannot be read, is no table, or what was said does not fit it.
    pub fn of(client: &Client, path: &Path, options: ImportOptions) -> Result<Self, ImportError> {
        let schema = client.schema();
        let unreadable = |error| ImportError::File(path.display().to_string(), error);
        let sheet = Sheet::of(path, schema, &options.sheet).map_err(unreadable)?;
        let kind = match &options.kind {
            Some(name) => {
                let known: Vec<&str> = schema.document_kinds().map(|kind| kind.name).collect();
                let kind = schema.kind(name).filter(|kind| known.contains(&kind.name)).cloned();
                kind.ok_or_else(|| {
                    let known = known.join(", ");
                    ImportError::Options(format!("no kind \"{name}\" to import; there are {known}"))
                })?
            }
            None if are_products(schema, &sheet.headings) => {
                return Err(ImportError::Options(
                    "this is a list of products; products come from the server, and nobody imports \
                     them on a device"
                        .into(),
                ));
            }
            None => guess_kind(schema, &sheet.headings).ok_or_else(|| {
                let columns = sheet.headings.join(", ");
                ImportError::Options(format!(
                    "what the columns {columns} are is not known; say --kind, and map columns with \
                     --map FIELD=COLUMN"
                ))
            })?,
        };
        let columns = columns(&kind, &sheet, &options)?;
        let kind_guessed = options.kind.is_none();
        let habits = client.habits().map_err(QueryError::from)?;
        let habits = Habits { currency: options.currency.clone(), ..habits };
        let (asks, rows, matching) = (Vec::new(), 0, options.matching.clone());
        let mut plan =
            Self { kind, kind_guessed, sheet, columns, habits, asks, rows, matching, options };
        plan.survey().map_err(unreadable)?;
        plan.settle()?;
        Ok(plan)
    }

    /// The columns of each target, targets in the order in which they first come.
    pub(super) fn targets(&self) -> Vec<(&str, Vec<usize>)> {
        let mut all: Vec<(&str, Vec<usize>)> = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            let Some(target) = &column.target else { continue };
            match all.iter_mut().find(|(name, _)| name == target) {
                Some((_, columns)) => columns.push(place),
                None => all.push((target, vec![place])),
            }
        }
        all
    }

    /// Reads the whole file once, for what only all cells of a column tell.
    fn survey(&mut self) -> io::Result<()> {
        let mut rows = self.sheet.rows()?;
        while let Some(read) = rows.next()? {
            self.rows += 1;
            let Read::Row(row) = read else { continue };
            for (place, column) in self.columns.iter_mut().enumerate() {
                let cell = row.cell(place);
                if cell.is_empty() {
                    continue;
                }
                column.filled += 1;
                let sample: String = cell.chars().take(40).collect();
                if column.samples.len() < 3 && !column.samples.contains(&sample) {
                    column.samples.push(sample);
                }
                count_days(cell, &mut column.days);
                count_decimals(cell, &mut column.decimals);
            }
        }
        Ok(())
    }

    /// Decides how days and numbers are read, and by what records are found.
    fn settle(&mut self) -> Result<(), ImportError> {
        let is = |column: &&ImportColumn, wanted: fn(&Target) -> bool| {
            let target = column.target.as_deref();
            target.and_then(|name| Target::named(&self.kind, name).ok()).is_some_and(|t| wanted(&t))
        };
        let days: Vec<&ImportColumn> = self
            .columns
            .iter()
            .filter(|column| is(column, |target| matches!(target, Target::Days(_))))
            .collect();
        let count = |which: usize| days.iter().map(|column| column.days[which]).sum::<u64>();
        let (day_first, month_first) = (count(DAY_FIRST), count(MONTH_FIRST));
        // One that is written the other way round among many is a slip, and is named.
        self.habits.days = match self.options.days {
            DayOrder::Unknown if day_first > 0 && day_first >= 3 * month_first => {
                DayOrder::DayFirst
            }
            DayOrder::Unknown if month_first > 0 && month_first >= 3 * day_first => {
                DayOrder::MonthFirst
            }
            said => said,
        };
        if self.habits.days == DayOrder::Unknown && count(EITHER) > 0 {
            let column = days.iter().find(|column| column.days[EITHER] > 0);
            let names = column.map(|column| (column.heading.as_str(), column.samples.join(", ")));
            let (heading, samples) = names.unwrap_or_default();
            self.asks.push(format!(
                "days in {heading} ({samples}) may be read in two ways: say --dates dmy or --dates mdy"
            ));
        }
        let numbers = self.columns.iter().filter(|column| {
            is(column, |target| match target {
                Target::Money(_) => true,
                Target::Words(field) => match field.ty {
                    FieldType::Int { .. } => true,
                    FieldType::Parts(parts) => {
                        parts.iter().any(|part| matches!(part.ty, PartType::Int { .. }))
                    }
                    _ => false,
                },
                _ => false,
            })
        });
        let (points, commas) = numbers.fold((0, 0), |(points, commas), column| {
            (points + column.decimals[0], commas + column.decimals[1])
        });
        self.habits.decimal = match self.options.decimal {
            Some(said) => said,
            None if commas > points => Decimal::Comma,
            None => Decimal::Point,
        };
        let source = "custom_fields.source_id";
        if self.matching.is_none() && self.targets().iter().any(|(name, _)| *name == source) {
            self.matching = Some(source.to_owned());
        }
        if let Some(name) = &self.matching {
            let name = if name == "source_id" { source } else { name };
            if !self.targets().iter().any(|(target, _)| *target == name) {
                return Err(ImportError::Options(format!(
                    "--match {name}: no column goes to {name}; map one with --map {name}=COLUMN"
                )));
            }
            self.matching = Some(name.to_owned());
        }
        Ok(())
    }
}

/// Where each column goes.
fn columns(
    kind: &Kind,
    sheet: &Sheet,
    options: &ImportOptions,
) -> Result<Vec<ImportColumn>, ImportError> {
    let mut targets = guess(kind, &sheet.headings);
    for (target, names) in &options.map {
        Target::named(kind, target).map_err(ImportError::Options)?;
        let said: Vec<usize> =
            names.iter().map(|name| column_named(sheet, name)).collect::<Result<_, _>>()?;
        for (place, guessed) in targets.iter_mut().enumerate() {
            if said.contains(&place) {
                *guessed = Some(target.clone());
            } else if guessed.as_ref() == Some(target) {
                // What was said takes the place of what was guessed.
                *guessed = None;
            }
        }
    }
    let column = |(place, heading): (usize, &String)| {
        let mut target = targets[place].clone();
        let why_not = match (&target, left_out(heading)) {
            (Some(_), _) => None,
            (None, Some(why)) => Some(why),
            (None, None) if heading.is_empty() => {
                Some("it has no name; map it by its number, as #3")
            }
            (None, None) if options.rest == Rest::Custom => {
                let name: String = heading.chars().take(80).collect();
                target = Some(format!("custom_fields.{name}"));
                None
            }
            (None, None) if taken_twice(kind, sheet, place, &targets) => {
                Some("another column goes where it would go")
            }
            (None, None) => Some("nothing is known of it; --map FIELD=COLUMN, or --rest custom"),
        };
        ImportColumn {
            heading: if heading.is_empty() { format!("#{}", place + 1) } else { heading.clone() },
            target,
            why_not,
            filled: 0,
            samples: Vec::new(),
            days: [0; 3],
            decimals: [0; 2],
        }
    };
    Ok(sheet.headings.iter().enumerate().map(column).collect())
}

/// Whether a column would have gone where another one goes.
fn taken_twice(kind: &Kind, sheet: &Sheet, place: usize, targets: &[Option<String>]) -> bool {
    let alone = guess(kind, std::slice::from_ref(&sheet.headings[place]));
    let wanted = alone.into_iter().flatten().next();
    wanted.is_some_and(|wanted| !joins(&wanted) && targets.contains(&Some(wanted)))
}

/// A column by its name, or by its number: #3.
fn column_named(sheet: &Sheet, name: &str) -> Result<usize, ImportError> {
    let wanted = key(name);
    let numbered = name.trim().strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
    let place = match numbered {
        Some(number) => number.checked_sub(1).filter(|place| *place < sheet.headings.len()),
        None => {
            sheet.headings.iter().position(|heading| heading.trim() == name.trim()).or_else(|| {
                sheet
                    .headings
                    .iter()
                    .position(|heading| !wanted.is_empty() && key(heading) == wanted)
            })
        }
    };
    place.ok_or_else(|| {
        let columns = sheet.headings.join(", ");
        ImportError::Options(format!("no column \"{name}\"; the file has {columns}"))
    })
}

/// Counts a day whose numbers tell their order, or leave it open.
fn count_days(cell: &str, counts: &mut [u64; 3]) {
    let day = cell.split_whitespace().next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['/', '-']).collect();
    let [first, second, year] = parts.as_slice() else { return };
    let small = |text: &str| text.parse::<u8>().ok().filter(|_| text.len() <= 2);
    let (Some(first), Some(second)) = (small(first), small(second)) else { return };
    if !matches!(year.len(), 2 | 4) || year.parse::<u16>().is_err() || first == 0 || second == 0 {
        return;
    }
    match (first > 12, second > 12) {
        (true, false) if first <= 31 => counts[DAY_FIRST] += 1,
        (false, true) if second <= 31 => counts[MONTH_FIRST] += 1,
        (false, false) if first != second => counts[EITHER] += 1,
        _ => {}
    }
}

/// Counts a number that tells which sign stands before its decimals.
fn count_decimals(cell: &str, counts: &mut [u64; 2]) {
    let number: String =
        cell.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let (Some(last), Some(first)) = (number.rfind(['.', ',']), number.find(['.', ','])) else {
        return;
    };
    let sign = &number[last..=last];
    let two = number.len() - last - 1 != 3;
    let differs = number[first..=first] != *sign;
    let several = number.matches(sign).count() > 1;
    if (two || differs) && !several {
        counts[usize::from(sign == ",")] += 1;
    } else if several {
        counts[usize::from(sign == ".")] += 1;
    }
}
