//! Telephone numbers in the search index: found by as many digits of them as somebody remembers.

/// Fewest digits in a row by which a number is found.
const FEWEST: usize = 4;
/// Digits behind which nobody writes a country's or a town's prefix in more than one way.
const WITHOUT_PREFIX: usize = 9;

/// The words under which a number is found: its ends, so that whatever stands in it begins one of them.
pub(super) fn number_words(number: &str) -> Vec<String> {
    let digits = digits(number.split('x').next().unwrap_or_default());
    let last = digits.len().saturating_sub(FEWEST);
    (0..=last).filter_map(|start| digits.get(start..)).map(str::to_owned).collect()
}

/// What to look for when somebody typed what may be a number, such as "(555) 0142"; none when it is not.
pub(in crate::replica) fn typed_number(text: &str) -> Option<Vec<String>> {
    let sign = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+()-./".contains(c);
    let digits = digits(text);
    if !text.chars().all(sign) || digits.len() < FEWEST {
        return None;
    }
    // Prefixes are written as 001, +1, 1 or not at all, and so are those of towns.
    let short = digits.len().checked_sub(WITHOUT_PREFIX).filter(|start| *start > 0);
    let short = short.and_then(|start| digits.get(start..)).map(str::to_owned);
    Some(std::iter::once(digits).chain(short).collect())
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
