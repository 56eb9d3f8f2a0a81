//! What one cell says, or the cells that make one value.

use crate::document::{
    FieldChange, Habits, RecordEdit, day_and_time, moment, normalise_key, split_keys,
};
use crate::schema::{Field, FieldType, Kind, SetOf};
use crate::words::plain;
use jiff::civil::{Date, Time};

use super::words;

/// A word of the file, and what it means, as whoever imports says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The target.
    pub target: String,
    /// What stands in the file.
    pub said: String,
    /// What is meant.
    pub meant: String,
}

/// What came of a cell.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// What it says, in the words of `RecordEdit::parse`.
    pub(super) pairs: Vec<(String, String)>,
    /// What it says, in changes.
    pub(super) changes: Vec<(Field, FieldChange)>,
    /// What of it is not taken, and why.
    pub(super) lost: Vec<String>,
    /// What is worth knowing of how it was taken.
    pub(super) notes: Vec<String>,
}

impl Came {
    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self { lost: vec![reason.into()], ..Self::default() }
    }
}

/// How cells are read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) kind: &'a Kind,
    pub(super) habits: &'a Habits,
    pub(super) words: &'a [Word],
}

/// A cell without blanks around it and a spreadsheet's mark for text before it; an error of a spreadsheet
/// is none.
pub(super) fn clean(text: &str) -> Result<String, String> {
    let text = text.trim().replace('\r', "");
    let is_error = text.starts_with('#')
        && ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"]
            .contains(&text.as_str());
    if is_error || (text.len() > 2 && text.chars().all(|c| c == '#')) {
        return Err("is an error of the spreadsheet".into());
    }
    if text.contains('\u{fffd}') {
        return Err("has a sign that cannot be read in this encoding".into());
    }
    let marked = text.strip_prefix('\'').filter(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit() || "=+-@".contains(c)) && !rest.contains('\'')
    });
    Ok(marked.unwrap_or(&text).to_owned())
}

/// 1.41356E+10: what a spreadsheet makes of a long number.
pub(super) fn is_ruined(text: &str) -> bool {
    let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '+');
    text.split_once(['E', 'e']).is_some_and(|(front, power)| {
        !front.is_empty()
            && front.chars().all(number)
            && power.len() > 1
            && power.chars().all(number)
    })
}

impl Reader<'_> {
    /// A value of one field, in words.
    pub(super) fn words(&self, target: &str, field: &Field, text: &str) -> Came {
        let mut came = Came::default();
        let mut text = text.to_owned();
        if words::says_nothing(target, &text) {
            return came;
        }
        let has_words =
            matches!(field.ty, FieldType::Choice { .. } | FieldType::Log(_) | FieldType::Bool);
        let said = |word: &&Word| word.target == target && plain(&word.said) == plain(&text);
        if let Some(word) = self.words.iter().find(said) {
            text.clone_from(&word.meant);
        } else if has_words
            && self.parsed(target, &text).is_err()
            && let Some(ours) = words::ours(target, &text)
        {
            came.notes.push(format!("\"{text}\" is taken as {ours}"));
            text = ours.to_owned();
        }
        match self.parsed(target, &text) {
            Ok(_) => came.pairs.push((target.to_owned(), text)),
            Err(reason) => came.lost.push(reason),
        }
        came
    }

    fn parsed(&self, target: &str, text: &str) -> Result<RecordEdit, String> {
        let edit = RecordEdit::parse_with(self.kind, [(target, text)], self.habits);
        edit.map_err(|error| error.to_string())
    }

    /// A day or a moment.
    pub(super) fn days(&self, target: &str, field: &Field, text: &str) -> Came {
        if is_no_day(text) {
            return Came::default();
        }
        let mut came = Came::default();
        let text = from_serial(text).unwrap_or_else(|| text.to_owned());
        let wrong = |problem: &dyn std::fmt::Display| {
            let shown: String = text.chars().take(40).collect();
            Came::lost(format!("\"{shown}\" {problem}"))
        };
        let read = if field.ty == FieldType::Instant {
            match moment(&text, self.habits.days, self.habits.zone.as_ref()) {
                Ok(at) => at.to_string(),
                Err(problem) => return wrong(&problem),
            }
        } else {
            match day_and_time(&text, self.habits.days) {
                Ok((day, time)) => {
                    if time.is_some_and(|time| time != Time::midnight()) {
                        came.notes.push("only its day is taken, not the time of day".to_owned());
                    }
                    day.to_string()
                }
                Err(problem) => return wrong(&problem),
            }
        };
        came.pairs.push((target.to_owned(), read));
        came
    }

    /// Keys of a set. What another program marks as its own labels is none.
    pub(super) fn keys(&self, field: &Field, of: SetOf, text: &str) -> Came {
        let mut came = Came::default();
        let keys: Vec<String> = match of {
            // Before it is split: its comma is no end.
            SetOf::Phones if is_ruined(text.trim()) => vec![text.trim().to_owned()],
            SetOf::Phones => phones(text, &mut came),
            SetOf::Emails => emails(text, &mut came),
            SetOf::Words | SetOf::Ids => {
                let parts = text.split([';', '\n']).flat_map(|part| part.split(":::"));
                let parts = parts.map(str::trim).filter(|part| !part.is_empty());
                parts.filter(|part| !part.starts_with("* ")).map(str::to_owned).collect()
            }
        };
        for key in keys {
            match normalise_key(field, &key) {
                Ok(key) => came.changes.push((field.clone(), FieldChange::Add(key))),
                Err(_) if of == SetOf::Phones && is_ruined(&key) => {
                    came.lost.push(format!("\"{key}\": the number was ruined by the spreadsheet"));
                }
                Err(error) => came.lost.push(error.to_string()),
            }
        }
        came
    }
}

/// How programs write that there is no day.
fn is_no_day(text: &str) -> bool {
    let day = text.split_whitespace().next().unwrap_or_default();
    let zeros = day.len() > 3 && day.chars().all(|c| matches!(c, '0' | '/' | '-' | '.'));
    zeros || ["1/1/1900", "01/01/1900", "1900-01-01", "01.01.1900"].contains(&day)
}

/// 46329 is a day counted by a spreadsheet; a time of day may follow.
fn from_serial(text: &str) -> Option<String> {
    let (number, rest) = match text.split_once(' ') {
        Some((number, rest)) => (number, Some(rest)),
        None => (text, None),
    };
    let (days, fraction) = match number.split_once('.') {
        Some((days, fraction)) => (days, Some(fraction)),
        None => (number, None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if days.len() != 5 || !is_number(days) || !fraction.is_none_or(is_number) {
        return None;
    }
    let count: i64 = days.parse().ok().filter(|count| (40_000..60_000).contains(count))?;
    let begin = Date::new(1899, 12, 30).ok()?;
    let day = begin.checked_add(jiff::Span::new().days(count)).ok()?;
    let time = match (rest, fraction) {
        (Some(rest), _) => format!(" {rest}"),
        (None, Some(fraction)) => {
            let part: f64 = format!("0.{fraction}").parse().ok()?;
            // A day has 1,440 minutes; what a spreadsheet shows is rounded to them.
            let minutes = (part * 1440.0).round();
            let minutes = (0.0..1440.0).contains(&minutes).then_some(minutes as u32)?;
            format!(" {:02}:{:02}", minutes / 60, minutes % 60)
        }
        (None, None) => String::new(),
    };
    Some(format!("{day}{time}"))
}

/// The numbers of a cell without the words for what they are.
fn phones(text: &str, came: &mut Came) -> Vec<String> {
    const LABELS: &[&str] = &[
        "phone:", "mobile:", "fax:", "home:", "work:", "office:", "main:", "cell:", "other:",
        "tel:", "tel.:", "telefon:", "pager:", "mobil:", "direct:",
    ];
    let lower = text.to_ascii_lowercase();
    let mut starts: Vec<(usize, &str)> = Vec::new();
    for label in LABELS {
        for (at, _) in lower.match_indices(label) {
            let begins = lower[..at].chars().next_back().is_none_or(|c| !c.is_alphabetic());
            if begins {
                starts.push((at, label));
            }
        }
    }
    starts.sort_unstable();
    let Some((first, _)) = starts.first().copied() else {
        return split_keys(SetOf::Phones, text);
    };
    let mut found = split_keys(SetOf::Phones, &text[..first]);
    for (index, (at, label)) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(text.len(), |(next, _)| *next);
        let number = text[at + label.len()..end].trim();
        if number.is_empty() {
            continue;
        }
        if *label == "fax:" {
            came.lost.push(format!("\"{number}\" is a fax and no telephone"));
        } else {
            found.extend(split_keys(SetOf::Phones, number));
        }
    }
    found
}

/// The addresses of a cell: also `Name <address>`, in quotes, and behind `mailto:`.
fn emails(text: &str, came: &mut Came) -> Vec<String> {
    if text.starts_with("/o=") || text.starts_with("/O=") {
        came.lost.push("an address within Exchange, and no e-mail address".to_owned());
        return Vec::new();
    }
    let inner: Vec<&str> = text
        .split('<')
        .skip(1)
        .filter_map(|part| part.split_once('>'))
        .map(|(mail, _)| mail)
        .collect();
    let text = if inner.is_empty() { text.to_owned() } else { inner.join(" ") };
    let keys = split_keys(SetOf::Emails, &text).into_iter();
    let bare = |key: String| {
        let key = key.trim_matches(['\'', '"', '(', ')', '<', '>']);
        key.strip_prefix("mailto:").unwrap_or(key).to_owned()
    };
    keys.map(bare).filter(|key| !key.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_a_spreadsheet_counted_are_days() {
        assert_eq!(from_serial("46329").as_deref(), Some("2026-11-03"));
        assert_eq!(from_serial("46329.5").as_deref(), Some("2026-11-03 12:00"));
        assert_eq!(from_serial("46329 9:30 AM").as_deref(), Some("2026-11-03 9:30 AM"));
        assert_eq!(from_serial("04101"), None);
        assert_eq!(from_serial("2026-11-03"), None);
        assert!(is_no_day("0/0/00") && is_no_day("00.00.0000") && !is_no_day("2026-11-03"));
    }

    #[test]
    fn words_beside_numbers_and_addresses_are_no_part_of_them() {
        let mut came = Came::default();
        let found =
            phones("Phone:(207) 555-0133 Mobile:(207) 555-0134 Fax:(207) 555-0135", &mut came);
        assert_eq!(found, ["(207) 555-0133", "(207) 555-0134"]);
        assert_eq!(came.lost.len(), 1);
        assert_eq!(
            emails("Mei <mei@a.example>, 'Bo' <bo@a.example>", &mut came),
            ["mei@a.example", "bo@a.example"]
        );
        assert_eq!(emails("'mei@a.example'", &mut came), ["mei@a.example"]);
        assert!(
            is_ruined("4,93023E+11")
                && is_ruined("1.4E+10")
                && !is_ruined("1E5x")
                && !is_ruined("E5")
        );
    }
}
