//! Names in whatever spelling, and how much two of them are alike.

use std::collections::BTreeSet;

/// Words that say nothing of who it is.
const GENERAL: &[&str] =
    &["the", "and", "of", "inc", "llc", "ltd", "co", "corp", "company", "gmbh", "restaurant"];

/// A name as its letters sound: lower case, without accents and signs, and without words that say nothing
/// unless there are no others.
pub fn plain_name(name: &str) -> String {
    let folded: String = name.chars().flat_map(char::to_lowercase).map(without_accent).collect();
    // An apostrophe is within a word; whatever else is no letter stands between two.
    let folded = folded.replace(['\'', '’', '‘', '`', '´', 'ʼ'], "");
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let telling: Vec<&str> = words.iter().copied().filter(|word| !GENERAL.contains(word)).collect();
    if telling.is_empty() { words.join(" ") } else { telling.join(" ") }
}

/// How much two plain names are alike, from 0 to 1: the share of their trigrams that both have.
pub fn likeness(one: &str, other: &str) -> f64 {
    if one == other {
        return if one.is_empty() { 0.0 } else { 1.0 };
    }
    let (one, other) = (trigrams(one), trigrams(other));
    let both = one.intersection(&other).count();
    let all = one.len() + other.len() - both;
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}

/// Three letters in a row, words beginning with two blanks and ending with one, as PostgreSQL counts them.
fn trigrams(name: &str) -> BTreeSet<[char; 3]> {
    let mut all = BTreeSet::new();
    for word in name.split(' ') {
        let letters: Vec<char> = [' ', ' '].into_iter().chain(word.chars()).chain([' ']).collect();
        all.extend(letters.windows(3).map(|three| [three[0], three[1], three[2]]));
    }
    all
}

/// A small letter without what stands over or under it.
pub(crate) fn without_accent(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ł' | 'ĺ' | 'ļ' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        // What stands over the letter before it.
        '\u{300}'..='\u{36f}' => '\'',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_in_whatever_spelling() {
        assert_eq!(plain_name("The Café “Zoë”, Inc."), "cafe zoe");
        assert_eq!(plain_name("Cafe\u{301} Zoe\u{308}"), "cafe zoe");
        assert_eq!(plain_name("JOE'S Diner"), plain_name("Joes  diner"));
        assert_eq!(plain_name("The Company"), "the company");
        assert!(likeness("joes diner", "joes dinner") > 0.6);
        assert!(likeness("joes diner", "bella napoli") < 0.1);
        assert_eq!(likeness("一番", "一番"), 1.0);
        assert_eq!(likeness("", ""), 0.0);
    }
}
