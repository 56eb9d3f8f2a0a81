//! Text of other people, made fit to be printed.
//!
//! A name or a note may hold what a terminal obeys: sequences that clear the screen, that colour a
//! refusal green, that turn the direction of writing round. Whoever prints text goes through here, so
//! that it is seen as it is. What is stored and sent stays as it was.
//!
//! **Invariant**: what these functions return moves no cursor but by the lines that are asked for.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character is obeyed or hidden rather than shown: control characters, those that turn the
/// direction of writing, that take no room, or that end lines.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

fn replaced(
    text: &str,
    goes: impl Fn(char) -> bool,
    put: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    let Some(first) = text.find(&goes) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        if goes(c) { put(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Text within a line: what is hidden is written out, such as `\n` and `\u{1b}`.
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, is_hidden, |out, c| out.extend(c.escape_default()))
}

/// Text of several lines, put together of such that went through [`line()`] where they are not our own:
/// line feeds stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    let goes = |c| c != '\n' && is_hidden(c);
    replaced(text, goes, |out, c| out.extend(c.escape_default()))
}

/// JSON as it is printed: the same value, with what is hidden in its strings written as `\u009b`. What
/// is to be one line must come as one.
pub fn json(text: &str) -> Cow<'_, str> {
    // Below space JSON escapes by itself, and between its strings a line feed may stand.
    let goes = |c| c >= ' ' && is_hidden(c);
    replaced(text, goes, |out, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_hides_is_written_out() {
        for (text, seen) in [
            ("Café Zoë, 12 Main St.", "Café Zoë, 12 Main St."),
            ("\u{1b}[2J\u{1b}]0;x\u{7}", "\\u{1b}[2J\\u{1b}]0;x\\u{7}"),
            ("a\rb\nc\td\0", "a\\rb\\nc\\td\\u{0}"),
            ("\u{7f}\u{80}\u{9b}31m\u{9f}", "\\u{7f}\\u{80}\\u{9b}31m\\u{9f}"),
            ("abc\u{202e}fdp", "abc\\u{202e}fdp"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("a\u{2028}b\u{2029}c\u{200b}d\u{feff}", "a\\u{2028}b\\u{2029}c\\u{200b}d\\u{feff}"),
            ("x\u{e0041}", "x\\u{e0041}"),
            ("日本 ＝ العربية", "日本 ＝ العربية"),
        ] {
            assert_eq!(line(text), seen);
            assert_eq!(lines(text), seen.replace("\\n", "\n"));
        }
    }

    #[test]
    fn printed_json_is_the_same_value_and_holds_nothing_hidden() {
        let all: String = ('\0'..='\u{ffff}').chain('\u{e0000}'..='\u{e007f}').collect();
        let value = serde_json::json!({ "name": all, "list": ["a\u{9b}b"] });
        let text = value.to_string();
        let printed = json(&text);
        assert!(!printed.chars().any(is_hidden));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).ok(), Some(value));
    }
}
