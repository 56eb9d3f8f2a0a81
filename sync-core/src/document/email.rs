//! E-mail addresses: which texts are one.
//!
//! Programs put an address into links (`mailto:`) and headings of messages. So it is taken in its plain
//! form alone, words with full stops between them before and behind one `@` (dot-atoms, RFC 5322), and
//! without the signs by which a link goes on behind an address. Letters of all languages are letters.

/// Signs that the part before the `@` may have beside letters and digits. RFC 5322 has these and `#`, `%`,
/// `&` and `?` as well, which end an address in a link, or write others.
const SIGNS: &str = "!$'*+-/=^_`{|}~";
/// Characters of a word of a domain at most.
const LABEL: usize = 63;

/// The form in which an address is kept, small letters, if it is one.
pub(super) fn normal(text: &str) -> Option<String> {
    let mail = text.to_lowercase();
    let (local, domain) = mail.split_once('@')?;
    let is_local = local
        .split('.')
        .all(|word| !word.is_empty() && word.chars().all(|c| is_letter(c) || SIGNS.contains(c)));
    let is_domain = domain.contains('.') && domain.split('.').all(is_label);
    (is_local && is_domain).then_some(mail)
}

fn is_label(word: &str) -> bool {
    (1..=LABEL).contains(&word.chars().count())
        && word.chars().all(|c| is_letter(c) || c == '-')
        && !word.starts_with('-')
        && !word.ends_with('-')
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_small_letters() {
        for (text, kept) in [
            ("AP@Grand.example", "ap@grand.example"),
            ("kim.lee+orders@cafe-zoe.co.example", "kim.lee+orders@cafe-zoe.co.example"),
            ("o'hara_1@7-days.example", "o'hara_1@7-days.example"),
            ("zoë@café.example", "zoë@café.example"),
            ("a@b.c", "a@b.c"),
        ] {
            assert_eq!(normal(text).as_deref(), Some(kept), "{text}");
        }
    }

    /// What would add receivers, a subject or a text to a message when it stands in a link, what a heading
    /// would go on with, and what is no address at all.
    #[test]
    fn what_is_more_or_less_than_one_address_is_none() {
        for text in [
            "boss@food.example?bcc=spy@evil.example&subject=hi",
            "boss@food.example?subject=hi",
            "boss?bcc=spy%40evil.example&x@food.example",
            "boss%40evil.example@food.example",
            "boss#x@food.example",
            "boss @food.example",
            "boss@food .example",
            "boss@food.example\r\nbcc: spy@evil.example",
            "boss@food.example,spy@evil.example",
            "boss@food.example;spy@evil.example",
            "boss@@food.example",
            "<boss@food.example>",
            "Boss <boss@food.example>",
            "\"boss\"@food.example",
            "boss@[192.0.2.1]",
            "boss@food",
            "boss@.example",
            "boss@food..example",
            "boss@food.example.",
            "boss@-food.example",
            "boss@food-.example",
            ".boss@food.example",
            "boss.@food.example",
            "bo..ss@food.example",
            "@food.example",
            "boss\u{0}@food.example",
            "boss\u{202e}@food.example",
            "boss@food.example/path",
            "boss",
            "",
        ] {
            assert_eq!(normal(text), None, "{text}");
        }
    }
}
