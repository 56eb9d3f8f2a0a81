//! What is to become of a file, before anything is written.

use std::io;
use std::sync::Arc;

use crate::document::{DayOrder, Decimal, Habits};
use crate::schema::{FieldType, Kind, PartType, Schema};

use super::asks::{Ask, WhyNot};
use super::cells::Read;
use super::headings::{are_products, guess, guess_kind, joins, key, left_out, targets};
use super::options::{ImportOptions, Rest};
use super::sheet::Sheet;

use super::source::Source;
use super::survey::{DAY_FIRST, EITHER, MONTH_FIRST, count_days, count_decimals};
use super::target::Target;

/// Why nothing can be made of a file.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// What was said does not fit it.
    #[error("{0}")]
    Options(String),
    /// Something must be known first; each question says how to answer it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Asks(Vec<Ask>),
}

/// A column of the file.
#[derive(Clone, Debug)]
pub struct ImportColumn {
    /// What it is called; a number where it has no name.
    pub heading: String,
    /// Where it goes, if it is taken.
    pub target: Option<String>,
    /// Why it is not.
    pub why_not: Option<WhyNot>,
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
    pub asks: Vec<Ask>,
    /// Rows below the heading.
    pub rows: u64,
    /// The target by which records that are there are found, said or guessed.
    pub matching: Option<String>,
    /// What was said.
    pub options: ImportOptions,
    pub(super) schema: Arc<Schema>,
}

impl ImportPlan {
    /// Looks at a file.
    ///
    /// # Errors
    /// When it cannot be read, is no table, or what was said does not fit it.
    pub fn of(
        schema: &Arc<Schema>,
        source: Arc<dyn Source>,
        habits: Habits,
        options: ImportOptions,
    ) -> Result<Self, PlanError> {
        let name = source.place();
        let unreadable = |error| PlanError::File(name.clone(), error);
        let sheet = Sheet::of(source, schema, &options.sheet).map_err(unreadable)?;
        let kind = match &options.kind {
            Some(name) => {
                let known: Vec<&str> = schema.document_kinds().map(|kind| kind.name).collect();
                let kind = schema.kind(name).filter(|kind| known.contains(&kind.name)).cloned();
                kind.ok_or_else(|| {
                    let known = known.join(", ");
                    PlanError::Options(format!("no kind \"{name}\" to import; there are {known}"))
                })?
            }
            None if are_products(schema, &sheet.headings) => {
                return Err(PlanError::Options(
                    "this is a list of products; products come from the server, and nobody imports \
                     them on a device"
                        .into(),
                ));
            }
            None => guess_kind(schema, &sheet.headings).ok_or_else(|| {
                let columns = sheet.headings.join(", ");
                PlanError::Options(format!(
                    "what the columns {columns} are is not known; say --kind, and map columns with \
                     --map FIELD=COLUMN"
                ))
            })?,
        };
        let columns = columns(&kind, &sheet, &options)?;
        let kind_guessed = options.kind.is_none();
        let habits = Habits { currency: options.currency.clone(), ..habits };
        let (asks, rows, matching) = (Vec::new(), 0, options.matching.clone());
        let schema = schema.clone();
        let mut plan = Self {
            schema,
            kind,
            kind_guessed,
            sheet,
            columns,
            habits,
            asks,
            rows,
            matching,
            options,
        };
        plan.survey().map_err(unreadable)?;
        plan.settle()?;
        Ok(plan)
    }

    /// Where columns may go, by the names that are said; custom fields beside them.
    pub fn fields(&self) -> Vec<String> {
        let all = targets(&self.kind).into_iter();
        all.filter(|name| Target::named(&self.kind, name).is_ok()).collect()
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
    fn settle(&mut self) -> Result<(), PlanError> {
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
            self.asks.push(Ask::Days { column: heading.to_owned(), samples });
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
                return Err(PlanError::Options(format!(
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
) -> Result<Vec<ImportColumn>, PlanError> {
    let mut targets = guess(kind, &sheet.headings);
    for (target, names) in &options.map {
        Target::named(kind, target).map_err(PlanError::Options)?;
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
    let names = options.leave_out.iter();
    let out: Vec<usize> = names.map(|name| column_named(sheet, name)).collect::<Result<_, _>>()?;
    for place in &out {
        targets[*place] = None;
    }
    let column = |(place, heading): (usize, &String)| {
        let mut target = targets[place].clone();
        let why_not = match (&target, left_out(heading)) {
            (Some(_), _) => None,
            (None, _) if out.contains(&place) => Some(WhyNot::Said),
            (None, Some(why)) => Some(why),
            (None, None) if heading.is_empty() => Some(WhyNot::NoName),
            (None, None) if options.rest == Rest::Custom => {
                let name: String = heading.chars().take(80).collect();
                target = Some(format!("custom_fields.{name}"));
                None
            }
            (None, None) if taken_twice(kind, sheet, place, &targets) => Some(WhyNot::Twice),
            (None, None) => Some(WhyNot::Unknown),
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
fn column_named(sheet: &Sheet, name: &str) -> Result<usize, PlanError> {
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
        PlanError::Options(format!("no column \"{name}\"; the file has {columns}"))
    })
}
