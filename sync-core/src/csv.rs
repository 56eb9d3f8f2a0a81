//! Rows as CSV in which no spreadsheet finds a formula or anything hidden.

use serde_json::Value as Json;

use crate::printable::line;

/// Rows with a line of headings. Every text is quoted, so that a spreadsheet that splits at semicolons or tabs
/// keeps it in one cell. Numbers stay numbers, and nothing is an empty cell.
pub fn csv(columns: &[String], rows: &[Vec<Json>]) -> String {
    let mut out = String::new();
    put_line(&mut out, columns.iter().map(|name| quoted(name)));
    for row in rows {
        put_line(&mut out, row.iter().map(cell));
    }
    out
}

fn put_line(out: &mut String, cells: impl Iterator<Item = String>) {
    out.push_str(&cells.collect::<Vec<_>>().join(","));
    out.push('\n');
}

fn cell(value: &Json) -> String {
    match value {
        Json::Null => "\"\"".to_owned(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", neutral(text).replace('"', "\"\""))
}

/// Text as a cell of CSV: what is hidden is written out, and an apostrophe stands before every
/// character that would begin a formula if a cell began there. That is at the beginning, and behind
/// whatever some spreadsheet splits cells at, or takes quotes off by.
fn neutral(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    let mut begins = true;
    for c in line(text).chars() {
        if begins && matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') {
            out.push('\'');
        }
        out.push(c);
        let splits = matches!(c, ',' | ';' | '|' | '"');
        begins = splits || begins && c.is_whitespace();
    }
    // Where a tab or the end of a line was, what is written out begins with a backslash.
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_neutralised_wherever_a_cell_may_begin() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+1 518 555 0100", "'+1 518 555 0100"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("  =1", "  '=1"),
            ("\u{a0}=1", "\u{a0}'=1"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠a", "'＠a"),
            ("\t=1", "\\t=1"),
            ("\r=1", "\\r=1"),
            ("\u{feff}=1", "\\u{feff}=1"),
            ("a;=1", "a;'=1"),
            ("a; =1", "a; '=1"),
            ("a,-1", "a,'-1"),
            ("a|@b", "a|'@b"),
            ("a\t=1", "a\\t=1"),
            ("a\n=1", "a\\n=1"),
            ("a\"=1", "a\"'=1"),
            ("\";=1", "\";'=1"),
            ("Café =1", "Café =1"),
            ("rosa@example.com", "rosa@example.com"),
            ("2026-03-01", "2026-03-01"),
        ] {
            assert_eq!(neutral(text), cell, "{text:?}");
        }
    }
}
