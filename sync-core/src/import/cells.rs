//! From lines to rows of cells.
//!
//! **Invariant**: a quote that is opened and not closed costs its own line and no other. Every line of the
//! file is in a row, or told to be unreadable.

use std::collections::VecDeque;
use std::io;

use super::encoding::{Line, Lines};

/// Most lines that one cell may have, and most bytes.
const CELL_LINES: usize = 2_000;
const CELL_BYTES: usize = 1 << 20;

/// A row of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The line that it begins on, from 1.
    pub line: u64,
    /// Its cells, as they stand there.
    pub cells: Vec<String>,
}

impl Row {
    /// Whether nothing stands in it.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }

    /// A cell without the blanks around it; what the row does not have is empty.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.trim())
    }
}

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Read {
    /// A row.
    Row(Row),
    /// A line that is none, and why.
    Unreadable {
        /// Its number.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// The rows of a file, one after the other.
pub(super) struct Rows {
    lines: Lines,
    delimiter: char,
    /// How many cells a row of several lines must have, once the heading is known.
    width: Option<usize>,
    /// Lines that were read ahead and given back.
    ahead: VecDeque<Line>,
}

enum Split {
    Whole(Vec<String>),
    /// A quote is open at the end.
    Open,
    /// Something stands behind a closing quote.
    Broken,
}

impl Rows {
    pub(super) fn new(lines: Lines, delimiter: char) -> Self {
        Self { lines, delimiter, width: None, ahead: VecDeque::new() }
    }

    pub(super) fn expect_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        match self.ahead.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next(),
        }
    }

    /// The next row; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Read>> {
        let Some(first) = self.next_line()? else { return Ok(None) };
        let mut taken: Vec<Line> = Vec::new();
        let mut text = first.text.clone();
        let number = first.number;
        let reason = loop {
            match split(&text, self.delimiter) {
                Split::Whole(cells) => {
                    let fits = self.width.is_none_or(|width| cells.len() == width);
                    if taken.is_empty() || fits {
                        return Ok(Some(Read::Row(Row { line: number, cells })));
                    }
                    break "a quote is opened and not closed on this line";
                }
                Split::Broken if taken.is_empty() => {
                    break "something stands behind a closing quote";
                }
                Split::Broken => break "a quote is opened and not closed on this line",
                Split::Open if taken.len() >= CELL_LINES || text.len() > CELL_BYTES => {
                    break "a quote is opened and not closed";
                }
                Split::Open => match self.next_line()? {
                    Some(line) => {
                        text.push('\n');
                        text.push_str(&line.text);
                        taken.push(line);
                    }
                    None => break "a quote is opened and not closed before the end of the file",
                },
            }
        };
        for line in taken.into_iter().rev() {
            self.ahead.push_front(line);
        }
        Ok(Some(Read::Unreadable { line: number, reason: reason.to_owned() }))
    }
}

/// Splits a line, or several of which the first opens a quote.
fn split(text: &str, delimiter: char) -> Split {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let Some((cell, behind)) = closed(quoted) else { return Split::Open };
            cells.push(cell);
            // Blanks behind a closing quote are nobody's.
            let behind = if behind.trim().is_empty() { "" } else { behind };
            match behind.strip_prefix(delimiter) {
                Some(next) => rest = next,
                None if behind.is_empty() => return Split::Whole(cells),
                None => return Split::Broken,
            }
        } else {
            match rest.split_once(delimiter) {
                Some((cell, next)) => {
                    cells.push(cell.to_owned());
                    rest = next;
                }
                None => {
                    cells.push(rest.to_owned());
                    return Split::Whole(cells);
                }
            }
        }
    }
}

/// A quoted cell, whose quotes within are doubled, and what stands behind it; none when it is not closed.
fn closed(quoted: &str) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut rest = quoted;
    loop {
        let (part, behind) = rest.split_once('"')?;
        cell.push_str(part);
        match behind.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None => return Some((cell, behind)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::import::encoding::Bytes;
    use crate::import::source::InMemory;

    fn read(bytes: &[u8], width: Option<usize>) -> Vec<(u64, Option<Vec<String>>)> {
        let file = InMemory::new("a.csv", bytes);
        let about = Bytes::of(&file).unwrap();
        let lines = Lines::open(&file, about.encoding, about.old_mac).unwrap();
        let mut rows = Rows::new(lines, ',');
        if let Some(width) = width {
            rows.expect_width(width);
        }
        let mut all = Vec::new();
        while let Some(read) = rows.next().unwrap() {
            all.push(match read {
                Read::Row(row) => (row.line, Some(row.cells)),
                Read::Unreadable { line, .. } => (line, None),
            });
        }
        all
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Option<Vec<String>>) {
        (line, Some(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn line_breaks_and_quotes_within_a_cell_stay_and_lines_are_counted() {
        let found = read(b"a,b\r\n\"x\r\ny \"\"z\"\"\",2\r\n\r\n5\" pan,3\r\n", Some(2));
        assert_eq!(
            found,
            [
                row(1, &["a", "b"]),
                row(2, &["x\ny \"z\"", "2"]),
                row(4, &[""]),
                row(5, &["5\" pan", "3"])
            ]
        );
    }

    #[test]
    fn an_open_quote_costs_its_own_line_alone() {
        let found = read(b"a,b\n\"x,1\ny,2\n\"z\",3\nw,4\n", Some(2));
        assert_eq!(
            found,
            [
                row(1, &["a", "b"]),
                (2, None),
                row(3, &["y", "2"]),
                row(4, &["z", "3"]),
                row(5, &["w", "4"])
            ]
        );
        let found = read(b"a,b\n\"x,1\ny,2\n", Some(2));
        assert_eq!(found, [row(1, &["a", "b"]), (2, None), row(3, &["y", "2"])]);
    }

    #[test]
    fn every_encoding_is_read() {
        let utf16: Vec<u8> =
            "\u{feff}Café,金\r\nx,y\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&utf16, None), [row(1, &["Café", "金"]), row(2, &["x", "y"])]);
        assert_eq!(read("\u{feff}Café,1\n".as_bytes(), None), [row(1, &["Café", "1"])]);
        assert_eq!(read(b"Caf\xe9,\x80\x96\r\n", None), [row(1, &["Café", "€–"])]);
        assert_eq!(read(b"a,b\rc,d\r", None), [row(1, &["a", "b"]), row(2, &["c", "d"])]);
    }
}
