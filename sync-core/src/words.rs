//! Words as people and other programs write them.

/// A word without its case, blanks and strokes, so that "Closed Won" and `closed-won` are one. Other
/// signs stay: an A+ is no A.
pub fn plain(text: &str) -> String {
    let drop = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '_' | '.' | '/' | '–' | '‑');
    text.chars().filter(drop).flat_map(char::to_lowercase).collect()
}

/// The one of these words that is meant; none when it is not clear.
pub fn one_of(text: &str, words: &[&'static str]) -> Option<&'static str> {
    let text = text.trim();
    if let Some(exact) = words.iter().find(|word| **word == text) {
        return Some(exact);
    }
    let wanted = plain(text);
    let mut alike = words.iter().filter(|word| !wanted.is_empty() && plain(word) == wanted);
    match (alike.next(), alike.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// What somebody who may say yes or no says.
pub fn yes_or_no(text: &str) -> Option<bool> {
    match plain(text).as_str() {
        "yes" | "y" | "true" | "t" | "1" | "x" | "on" | "checked" | "ja" | "j" | "wahr" | "oui"
        | "vrai" | "si" | "sí" | "sì" => Some(true),
        "no" | "n" | "false" | "f" | "0" | "off" | "unchecked" | "nein" | "falsch" | "non"
        | "faux" => Some(false),
        "✓" | "✔" | "☑" => Some(true),
        "☐" | "✗" | "✘" => Some(false),
        _ => None,
    }
}

/// Whether something to be done is said to be done.
pub fn done_or_open(text: &str) -> Option<bool> {
    match plain(text).as_str() {
        "done" | "complete" | "completed" | "finished" | "closed" => Some(true),
        "open" | "reopen" | "reopened" | "todo" | "notstarted" | "inprogress" | "waiting"
        | "deferred" | "pending" | "incomplete" | "notdone" => Some(false),
        _ => yes_or_no(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_however_it_is_written() {
        let words = &["in_person", "closed-won", "A", "B"];
        assert_eq!(one_of("In Person", words), Some("in_person"));
        assert_eq!(one_of("Closed Won", words), Some("closed-won"));
        assert_eq!(one_of(" a ", words), Some("A"));
        assert_eq!(one_of("A+", words), None);
        assert_eq!(one_of("C", words), None);
        assert_eq!(one_of("", words), None);
    }

    #[test]
    fn what_says_neither_yes_nor_no_says_nothing() {
        assert_eq!(["Yes", "TRUE", "x", "✓", "ja"].map(yes_or_no), [Some(true); 5]);
        assert_eq!(["No", "FALSE", "nein"].map(yes_or_no), [Some(false); 3]);
        assert_eq!(["maybe", "", "vielleicht"].map(yes_or_no), [None; 3]);
        assert_eq!(done_or_open("Done"), Some(true));
        assert_eq!(done_or_open("Not started"), Some(false));
    }
}
