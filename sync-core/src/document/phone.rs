//! Telephone numbers: the form under which they are kept, and how people write them.

/// Fewest and most digits of a number: an inner one of a town, and what the world's plan allows.
const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;
/// Most digits of an extension.
const EXTENSION: usize = 8;

/// The form in which a number is kept: digits, with a `+` before them where it was written, and an
/// extension behind an `x`. What holds anything else, such as two numbers, is none.
pub(super) fn normal(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let (number, extension) = split_extension(&lower);
    let international = number.trim_start().starts_with('+');
    // "+49 (0)30": the nought in brackets is dialled within the country only.
    let number = if international { number.replace("(0)", "") } else { number.to_owned() };
    let inside = number.trim().strip_prefix('+').unwrap_or(number.trim());
    if !inside.chars().all(|c| c.is_ascii_digit() || is_sign(c)) {
        return None;
    }
    let digits = digits_of(inside);
    let mut normal = if international { "+".to_owned() } else { String::new() };
    normal.push_str(&digits);
    if let Some(extension) = extension {
        let inner = digits_of(extension);
        let only = extension.chars().all(|c| c.is_ascii_digit() || c.is_whitespace());
        if !only || !(1..=EXTENSION).contains(&inner.len()) {
            return None;
        }
        normal.push('x');
        normal.push_str(&inner);
    }
    DIGITS.contains(&digits.len()).then_some(normal)
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn is_sign(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '-' | '.' | '/' | '‐' | '‑' | '–' | '·')
}

/// The number and what stands behind the word for an extension.
fn split_extension(text: &str) -> (&str, Option<&str>) {
    const WORDS: &[&str] =
        &["extension", "durchwahl", "anexo", "poste", "ext.", "ext:", "ext", "x.", "x", "#"];
    for word in WORDS {
        if let Some((number, extension)) = text.split_once(word) {
            let number = number.trim_end_matches([' ', ',', ';', ':']);
            return (number, Some(extension.trim_start_matches(['.', ':', ' '])));
        }
    }
    (text, None)
}

/// The numbers that a text holds, as they were written: several may stand beside each other.
pub(super) fn several(text: &str) -> Vec<String> {
    let parts = text.split([',', ';', '\n', '\r', '|']).flat_map(|part| part.split(":::"));
    let mut found: Vec<String> = Vec::new();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        // "(207) 555-0133, ext. 4": the extension belongs to the number before the comma.
        let bare = split_extension(&part.to_lowercase()).0.trim().is_empty();
        if let Some(last) = found.last_mut().filter(|_| bare)
            && let joined = format!("{last} {part}")
            && normal(&joined).is_some()
        {
            *last = joined;
            continue;
        }
        match part.split_once(" / ") {
            Some((one, other)) if normal(one).is_some() && normal(other).is_some() => {
                found.extend([one.trim().to_owned(), other.trim().to_owned()]);
            }
            _ => found.push(part.to_owned()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_kept_apart_from_the_number() {
        for written in ["+1 207 555 0118 x42", "+12075550118 ext42", "+1-207-555-0118 ext. 42"] {
            assert_eq!(normal(written).as_deref(), Some("+12075550118x42"), "{written}");
        }
        assert_eq!(normal("555-0100 ext. 4").as_deref(), Some("5550100x4"));
        assert_eq!(normal("+12075550118x42").as_deref(), Some("+12075550118x42"));
    }

    #[test]
    fn what_is_more_or_less_than_a_number_is_none() {
        for written in ["1.41356E+10", "call me", "12", "2075550133 2075550134", "", "x42"] {
            assert_eq!(normal(written), None, "{written}");
        }
        assert_eq!(normal("+49 (0)30 23125 101").as_deref(), Some("+493023125101"));
        assert_eq!(normal("08-465 004 01").as_deref(), Some("0846500401"));
    }

    #[test]
    fn numbers_beside_each_other_are_told_apart() {
        assert_eq!(
            several("+1 207-555-0134 ::: (207) 555-0135"),
            ["+1 207-555-0134", "(207) 555-0135"]
        );
        assert_eq!(
            several("(207) 555-0133, ext. 4; 555-0177"),
            ["(207) 555-0133 ext. 4", "555-0177"]
        );
        assert_eq!(several("555-0133 / 555-0134"), ["555-0133", "555-0134"]);
        assert_eq!(several("030/23125-104"), ["030/23125-104"]);
    }
}
