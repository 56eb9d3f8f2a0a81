//! Names: of people in one cell, and of companies in whatever spelling.

/// A name as names are compared: without case, kinds of apostrophes, and more than one blank.
pub(super) fn key(name: &str) -> String {
    let lower = name.to_lowercase().replace(['’', '‘', '`', '´', 'ʼ'], "'");
    let lower = lower.replace(['“', '”', '„', '«', '»'], "\"").replace(['–', '—', '‑'], "-");
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// First and last name of a person, from one cell; the first may be empty.
pub(super) fn split(full: &str) -> (String, String) {
    let full = full.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((last, first)) = full.split_once(", ")
        && !is_suffix(first)
    {
        return (first.to_owned(), last.to_owned());
    }
    let words: Vec<&str> = full.split(' ').collect();
    let end = words.iter().rposition(|word| !is_suffix(word)).unwrap_or(0);
    let mut begin = end;
    while begin > 1 && is_particle(words[begin - 1]) {
        begin -= 1;
    }
    if begin == 0 {
        return (String::new(), full);
    }
    (words[..begin].join(" "), words[begin..].join(" "))
}

fn is_suffix(word: &str) -> bool {
    let plain = word.trim_end_matches([',', '.']).to_lowercase();
    ["jr", "sr", "ii", "iii", "iv", "phd", "md", "rd", "esq"].contains(&plain.as_str())
}

fn is_particle(word: &str) -> bool {
    const PARTICLES: &[&str] = &[
        "de", "del", "della", "der", "den", "des", "di", "da", "dos", "das", "du", "la", "las",
        "le", "los", "van", "von", "vom", "zu", "zum", "zur", "ter", "ten", "af", "av", "bin",
        "ibn", "al", "el", "y", "e", "st.", "san", "santa",
    ];
    PARTICLES.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_one_cell_is_split_where_a_person_would() {
        let parts = |full| {
            let (first, last) = split(full);
            format!("{first}|{last}")
        };
        for (full, split) in [
            ("Noor Haddad", "Noor|Haddad"),
            ("Ana Lucía de la Cruz", "Ana Lucía|de la Cruz"),
            ("Marlow, Dana", "Dana|Marlow"),
            ("Roux Jr.", "|Roux Jr."),
            ("Amélie J. Roux, Jr.", "Amélie J.|Roux, Jr."),
            ("Cher", "|Cher"),
            ("李雷", "|李雷"),
        ] {
            assert_eq!(parts(full), split, "{full}");
        }
        assert_eq!(key("St. Brannock’s  Hospital"), key("st. brannock's hospital"));
    }
}
