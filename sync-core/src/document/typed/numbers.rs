//! Numbers and amounts as people write them.

/// Which sign stands before the decimals; the other one may stand between thousands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Decimal {
    /// As in 1,200.50.
    #[default]
    Point,
    /// As in 1.200,50.
    Comma,
}

/// A number taken apart.
struct Digits {
    negative: bool,
    whole: String,
    fraction: String,
}

/// Reads a whole number, such as 1,200 or 12 000 or 60 %.
pub(super) fn whole(text: &str, decimal: Decimal) -> Option<i64> {
    let text = text.trim();
    let digits = digits(text.strip_suffix('%').unwrap_or(text), decimal)?;
    // Three decimals may as well be thousands, written with the other sign.
    let plain = digits.fraction.bytes().all(|b| b == b'0') && digits.fraction.len() != 3;
    if !plain {
        return None;
    }
    let number: i64 = digits.whole.parse().ok()?;
    Some(if digits.negative { -number } else { number })
}

/// Reads a number with decimals.
pub(super) fn real(text: &str, decimal: Decimal) -> Option<f64> {
    let text = text.trim();
    // A point is one everywhere in positions, and what a program wrote is read as it is.
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let digits = digits(text, decimal)?;
    let number: f64 = format!("{}.{}", digits.whole, digits.fraction).parse().ok()?;
    Some(if digits.negative { -number } else { number })
}

/// Reads an amount of money: minor units, and the currency where one is written.
///
/// Says what is wrong with it.
pub(super) fn amount(
    text: &str,
    decimal: Decimal,
    usual: Option<&str>,
) -> Result<(i64, String), String> {
    let (number, written) = currency_of(text.trim());
    let currency = match (written, usual) {
        (Some(code), _) => code,
        (None, Some(usual)) => usual.to_owned(),
        (None, None) => return Err("says no currency".to_owned()),
    };
    let digits = digits(number, decimal).ok_or("is no amount")?;
    let places = decimals_of(&currency);
    let (kept, rest) = digits.fraction.split_at(places.min(digits.fraction.len()));
    if rest.bytes().any(|b| b != b'0') {
        return Err(format!("has more than {places} decimals"));
    }
    let minor = format!("{}{kept:0<places$}", digits.whole);
    let minor: i64 = minor.parse().map_err(|_| "is too much")?;
    Ok((if digits.negative { -minor } else { minor }, currency))
}

/// How many decimals a currency has.
fn decimals_of(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// What is left of an amount without its currency, and the currency's code.
fn currency_of(text: &str) -> (&str, Option<String>) {
    const NAMES: &[(&str, &str)] = &[
        ("CA$", "CAD"),
        ("C$", "CAD"),
        ("MX$", "MXN"),
        ("A$", "AUD"),
        ("US$", "USD"),
        ("$", "USD"),
        ("€", "EUR"),
        ("£", "GBP"),
        ("₹", "INR"),
        ("US Dollar", "USD"),
        ("Canadian Dollar", "CAD"),
        ("Euro", "EUR"),
        ("Pound Sterling", "GBP"),
        ("Mexican Peso", "MXN"),
    ];
    // "-$5" and "($5)": the sign stands before the currency. It stays with the number.
    let code = |word: &str| {
        (word.len() == 3 && word.bytes().all(|b| b.is_ascii_alphabetic()))
            .then(|| word.to_ascii_uppercase())
    };
    if let Some((number, word)) = text.rsplit_once(char::is_whitespace)
        && let Some(code) = code(word)
    {
        let inner = currency_of(number.trim());
        return (inner.0, Some(code));
    }
    if let Some((word, number)) = text.split_once(char::is_whitespace)
        && let Some(code) = code(word)
    {
        return (number.trim(), Some(code));
    }
    for (name, code) in NAMES {
        if let Some(rest) = text.strip_suffix(name).or_else(|| text.strip_prefix(name)) {
            return (rest.trim(), Some((*code).to_owned()));
        }
    }
    (text, None)
}

fn digits(text: &str, decimal: Decimal) -> Option<Digits> {
    let mut text = text.trim();
    let mut negative = false;
    if let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (text, negative) = (inner.trim(), true);
    }
    if let Some(rest) = text.strip_prefix(['-', '−', '–']) {
        (text, negative) = (rest.trim(), !negative);
    } else if let Some(rest) = text.strip_prefix('+') {
        text = rest.trim();
    }
    // The currency's sign between a minus and the number.
    text = text.trim_start_matches(['$', '€', '£']).trim();
    let (point, comma) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let (whole, fraction) = match text.split_once(point) {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let between = |c: char| c == comma || matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’');
    let groups: Vec<&str> = whole.split(between).collect();
    let sound = groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_digit()));
    let threes = groups.len() == 1
        || (!groups[0].is_empty()
            && groups[0].len() <= 3
            && groups[1..].iter().all(|group| group.len() == 3));
    let whole = groups.concat();
    let whole = if whole.is_empty() { "0".to_owned() } else { whole };
    (sound && threes).then(|| Digits { negative, whole, fraction: fraction.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let point = |text| whole(text, Decimal::Point);
        assert_eq!(
            ["1,200", "12 000", "1'200", "60 %", "25.0"].map(point),
            [1200, 12_000, 1200, 60, 25].map(Some)
        );
        assert_eq!(
            ["1.200", "1,20", "12,00", "1.5", "a", "", "1,2000", "1 2"].map(point),
            [None; 8]
        );
        assert_eq!(whole("3.000", Decimal::Comma), Some(3000));
        assert_eq!(whole("-1.230", Decimal::Comma), Some(-1230));
    }

    #[test]
    fn amounts_are_read_with_their_currency() {
        let usd = |text| amount(text, Decimal::Point, Some("USD"));
        assert_eq!(usd("25,000.00"), Ok((2_500_000, "USD".into())));
        assert_eq!(usd("(1,200.00)"), Ok((-120_000, "USD".into())));
        assert_eq!(usd("($1,200.00)"), Ok((-120_000, "USD".into())));
        assert_eq!(usd("-$5"), Ok((-500, "USD".into())));
        assert_eq!(usd("$2,300.00 CAD"), Ok((230_000, "CAD".into())));
        assert_eq!(usd("1200 JPY"), Ok((1200, "JPY".into())));
        let comma = |text| amount(text, Decimal::Comma, None);
        assert_eq!(comma("1.500.000,00 €"), Ok((150_000_000, "EUR".into())));
        assert_eq!(comma("-1.230,50 €"), Ok((-123_050, "EUR".into())));
        assert!(amount("12", Decimal::Point, None).is_err());
        assert!(usd("a lot").is_err() && usd("12.345").is_err() && usd("").is_err());
    }
}
