//! What only all cells of a column tell: which number is the day, and which sign stands before decimals.

/// Where in `ImportColumn::days` what is counted.
pub(super) const DAY_FIRST: usize = 0;
pub(super) const MONTH_FIRST: usize = 1;
pub(super) const EITHER: usize = 2;

/// Counts a day whose numbers tell their order, or leave it open.
pub(super) fn count_days(cell: &str, counts: &mut [u64; 3]) {
    let day = cell.split_whitespace().next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['/', '-']).collect();
    let [first, second, year] = parts.as_slice() else { return };
    let small = |text: &str| text.parse::<u8>().ok().filter(|_| text.len() <= 2);
    let (Some(first), Some(second)) = (small(first), small(second)) else { return };
    if !matches!(year.len(), 2 | 4) || year.parse::<u16>().is_err() || first == 0 || second == 0 {
        return;
    }
    match (first > 12, second > 12) {
        (true, false) if first <= 31 => counts[DAY_FIRST] += 1,
        (false, true) if second <= 31 => counts[MONTH_FIRST] += 1,
        (false, false) if first != second => counts[EITHER] += 1,
        _ => {}
    }
}

/// Counts a number that tells which sign stands before its decimals.
pub(super) fn count_decimals(cell: &str, counts: &mut [u64; 2]) {
    let number: String =
        cell.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let (Some(last), Some(first)) = (number.rfind(['.', ',']), number.find(['.', ','])) else {
        return;
    };
    let sign = &number[last..=last];
    let two = number.len() - last - 1 != 3;
    let differs = number[first..=first] != *sign;
    let several = number.matches(sign).count() > 1;
    if (two || differs) && !several {
        counts[usize::from(sign == ",")] += 1;
    } else if several {
        counts[usize::from(sign == ".")] += 1;
    }
}
