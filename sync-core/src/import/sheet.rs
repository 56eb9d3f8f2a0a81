//! The shape of a file: how its cells are parted, which line is the heading, and where the table ends.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::schema::Schema;
use crate::words::plain;

use super::cells::{Read, Row, Rows};
use super::encoding::{Bytes, Encoding, Lines};
use super::headings::{key, known_headings};
use super::source::Source;

/// Rows at the beginning among which the heading is looked for, and at the end what stands below.
const LOOKED_AT: usize = 30;

/// What the user says of the file; what is not said is found out.
#[derive(Clone, Debug, Default)]
pub struct SheetOptions {
    /// How its signs are written.
    pub encoding: Option<Encoding>,
    /// What parts its cells.
    pub delimiter: Option<char>,
    /// The line of its heading, from 1.
    pub heading_line: Option<u64>,
}

/// A table in a file.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The file.
    pub source: Arc<dyn Source>,
    /// Its bytes.
    pub bytes: Bytes,
    /// What parts the cells.
    pub delimiter: char,
    /// The line of the heading.
    pub heading_line: u64,
    /// The heading, a name a column; empty where it has none.
    pub headings: Vec<String>,
    /// Lines above the heading that are left out.
    pub above: Vec<u64>,
    /// Rows below the table that are left out, such as sums and remarks, with the line of each.
    pub below: Vec<(u64, String)>,
}

impl Sheet {
    /// Looks at a file.
    ///
    /// # Errors
    /// When it cannot be read, or there is no table in it.
    pub fn of(
        source: Arc<dyn Source>,
        schema: &Schema,
        options: &SheetOptions,
    ) -> io::Result<Self> {
        let mut bytes = Bytes::of(&*source)?;
        if let Some(encoding) = options.encoding {
            bytes.encoding = encoding;
        }
        let delimiter = match options.delimiter {
            Some(delimiter) => delimiter,
            None => guess_delimiter(&*source, bytes)?,
        };
        let mut rows = open(&*source, bytes, delimiter)?;
        let first = take(&mut rows, LOOKED_AT)?;
        let heading = find_heading(schema, &first, options.heading_line)
            .ok_or_else(|| io::Error::other("there is no line in it that could be a heading"))?;
        let mut headings: Vec<String> =
            heading.cells.iter().map(|cell| cell.trim().to_owned()).collect();
        while headings.last().is_some_and(String::is_empty) {
            headings.pop();
        }
        let above = first.iter().filter(|row| row.line < heading.line && !row.is_blank());
        let above = above.map(|row| row.line).collect();
        let mut sheet = Self {
            source,
            bytes,
            delimiter,
            heading_line: heading.line,
            headings,
            above,
            below: Vec::new(),
        };
        sheet.below = sheet.find_below()?;
        Ok(sheet)
    }

    /// The rows of the table, blank ones and what stands around it left out.
    pub(super) fn rows(&self) -> io::Result<TableRows> {
        let mut rows = open(&*self.source, self.bytes, self.delimiter)?;
        rows.expect_width(self.width());
        let below = self.below.iter().map(|(line, _)| *line).collect();
        Ok(TableRows { heading_line: self.heading_line, below, rows, past_heading: false })
    }

    /// Cells of the heading's line as it stands in the file, nameless ones at its end included.
    fn width(&self) -> usize {
        let mut rows = match open(&*self.source, self.bytes, self.delimiter) {
            Ok(rows) => rows,
            Err(_) => return self.headings.len(),
        };
        while let Ok(Some(read)) = rows.next() {
            if let Read::Row(row) = read
                && row.line == self.heading_line
            {
                return row.cells.len();
            }
        }
        self.headings.len()
    }

    /// Sums, time stamps and the like below the table: from the first row that is surely none of it.
    fn find_below(&self) -> io::Result<Vec<(u64, String)>> {
        let mut last: VecDeque<Row> = VecDeque::new();
        let mut rows = self.rows()?;
        while let Some(read) = rows.next_with_blanks()? {
            if let Read::Row(row) = read {
                last.push_back(row);
                if last.len() > LOOKED_AT {
                    last.pop_front();
                }
            }
        }
        let last: Vec<Row> = last.into();
        let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        let is_loose = |row: &Row| filled(row) <= 1 || is_total(row);
        let tail = last.iter().rposition(|row| !is_loose(row)).map_or(0, |place| place + 1);
        let width = self.headings.len();
        let evident = |(place, row): (usize, &Row)| {
            let short = width > 2 && row.cells.len() == 1 && !row.is_blank();
            let apart = place > 0 && last[place - 1].is_blank() && last[..place].len() > 1;
            is_total(row) || (short && (apart || is_remark(row)))
        };
        let begin = last.iter().enumerate().skip(tail).find(|one| evident(*one));
        let Some((begin, _)) = begin else { return Ok(Vec::new()) };
        let left = last[begin..].iter().filter(|row| !row.is_blank());
        Ok(left.map(|row| (row.line, said(row))).collect())
    }
}

/// What stands in a row, in a few words.
fn said(row: &Row) -> String {
    let words: Vec<&str> =
        row.cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    words.join(" ").chars().take(60).collect()
}

fn is_total(row: &Row) -> bool {
    const WORDS: &[&str] = &[
        "total",
        "totals",
        "grandtotal",
        "grandtotals",
        "sum",
        "summe",
        "gesamt",
        "gesamtsumme",
        "subtotal",
        "totalgeneral",
        "totaux",
    ];
    let filled: Vec<&String> = row.cells.iter().filter(|cell| !cell.trim().is_empty()).collect();
    let Some(first) = filled.first() else { return false };
    // "Grand Totals (12 records)"
    let word = plain(first.split('(').next().unwrap_or(first)).replace(':', "");
    let numbers = filled[1..].iter().all(|cell| cell.chars().any(|c| c.is_ascii_digit()));
    WORDS.contains(&word.as_str()) && numbers
}

fn is_remark(row: &Row) -> bool {
    let first = row.cells.first().map(|cell| cell.trim().to_lowercase()).unwrap_or_default();
    ["copyright", "confidential", "generated by", "report", "exported", "source:"]
        .iter()
        .any(|word| first.starts_with(word))
}

fn open(source: &dyn Source, bytes: Bytes, delimiter: char) -> io::Result<Rows> {
    Ok(Rows::new(Lines::open(source, bytes.encoding, bytes.old_mac)?, delimiter))
}

fn take(rows: &mut Rows, most: usize) -> io::Result<Vec<Row>> {
    let mut found = Vec::new();
    while found.len() < most {
        match rows.next()? {
            Some(Read::Row(row)) => found.push(row),
            Some(Read::Unreadable { .. }) => {}
            None => break,
        }
    }
    Ok(found)
}

/// The sign that parts most rows into the same number of cells; or the one that the file names.
fn guess_delimiter(source: &dyn Source, bytes: Bytes) -> io::Result<char> {
    let first = Lines::open(source, bytes.encoding, bytes.old_mac)?.next()?;
    if let Some(sign) = first.as_ref().and_then(|line| line.text.strip_prefix("sep=")) {
        return Ok(sign.chars().next().unwrap_or(','));
    }
    let mut best = (0, ',');
    for delimiter in [',', ';', '\t', '|'] {
        let rows = take(&mut open(source, bytes, delimiter)?, LOOKED_AT)?;
        let widths: Vec<usize> = rows.iter().map(|row| row.cells.len()).collect();
        let same = |width: &usize| widths.iter().filter(|other| *other == width).count();
        let usual = widths.iter().filter(|width| **width > 1).max_by_key(|width| same(width));
        let score = usual.map_or(0, |width| same(width) * 100 + width);
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    Ok(best.1)
}

/// The first row most of whose cells are known names; or else the first as wide as most.
fn find_heading(schema: &Schema, rows: &[Row], said: Option<u64>) -> Option<Row> {
    if let Some(line) = said {
        return rows.iter().find(|row| row.line == line).cloned();
    }
    let is_separator = |row: &Row| row.cells.first().is_some_and(|cell| cell.starts_with("sep="));
    let rows: Vec<&Row> = rows.iter().filter(|row| !row.is_blank() && !is_separator(row)).collect();
    let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    let known = rows.iter().find(|row| {
        let names: Vec<String> = row.cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let count = known_headings(schema, &names);
        count >= 2 && count * 2 >= filled(row).min(12)
    });
    let widest = rows.iter().map(|row| filled(row)).max()?;
    let wide = rows.iter().find(|row| filled(row) * 2 > widest);
    known.or(wide).map(|row| (*row).clone())
}

/// The rows of a table, one after the other.
pub(super) struct TableRows {
    heading_line: u64,
    /// Lines of what stands below the table.
    below: Vec<u64>,
    rows: Rows,
    past_heading: bool,
}

impl TableRows {
    /// The next row of the table; none at its end.
    pub(super) fn next(&mut self) -> io::Result<Option<Read>> {
        loop {
            match self.next_with_blanks()? {
                Some(Read::Row(row)) if row.is_blank() => {}
                Some(Read::Row(row)) if self.below.contains(&row.line) => {}
                other => return Ok(other),
            }
        }
    }

    fn next_with_blanks(&mut self) -> io::Result<Option<Read>> {
        loop {
            let Some(read) = self.rows.next()? else { return Ok(None) };
            let line = match &read {
                Read::Row(row) => row.line,
                Read::Unreadable { line, .. } => *line,
            };
            if self.past_heading {
                return Ok(Some(read));
            }
            self.past_heading = line == self.heading_line;
        }
    }
}

impl Sheet {
    /// Whether a row is the heading once more.
    pub(super) fn repeats_heading(&self, row: &Row) -> bool {
        let same = |(column, heading): (usize, &String)| key(row.cell(column)) == key(heading);
        self.headings.len() > 1 && self.headings.iter().enumerate().all(same)
    }
}
