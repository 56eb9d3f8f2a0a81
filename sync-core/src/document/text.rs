//! What changed between two states of a long text, so that concurrent corrections merge.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::limits;

/// Puts text in the place of some characters. Positions count from the start of the text as the
/// splices before have left it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Splice {
    pub(super) at: usize,
    pub(super) gone: usize,
    pub(super) come: String,
}

impl Splice {
    /// The operations it is written as: one a character.
    pub(super) fn ops(&self) -> usize {
        self.gone + self.come.chars().count()
    }
}

/// The splices that lead from one text to another. What differs little is compared by characters,
/// what differs much by words: comparing costs the product of length and difference.
pub(super) fn splices(old: &str, new: &str) -> Vec<Splice> {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let same = |(a, b): &(&char, &char)| a == b;
    let start = old.iter().zip(&new).take_while(same).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(same).count();
    let (old, new) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    if old.len() + new.len() <= limits::TEXT_STEP {
        let single = |text: &[char]| text.chunks(1).map(<[char]>::to_vec).collect::<Vec<_>>();
        compared(Algorithm::Myers, &single(old), &single(new), start)
    } else {
        compared(Algorithm::Patience, &words(old), &words(new), start)
    }
}

/// A text in pieces of some ten characters that end with a blank, or with one character in sixteen:
/// not everybody puts blanks between words.
fn words(text: &[char]) -> Vec<Vec<char>> {
    let ends = |c: &char| c.is_whitespace() || u32::from(*c) % 16 == 7;
    text.split_inclusive(ends).map(<[char]>::to_vec).collect()
}

fn compared(how: Algorithm, old: &[Vec<char>], new: &[Vec<char>], start: usize) -> Vec<Splice> {
    let mut at = start;
    let mut out = Vec::new();
    for op in capture_diff_slices(how, old, new) {
        let (gone, come) = (&old[op.old_range()], &new[op.new_range()]);
        let come: String = come.iter().flatten().collect();
        let length = come.chars().count();
        if !matches!(op, DiffOp::Equal { .. }) {
            out.push(Splice { at, gone: gone.iter().map(Vec::len).sum(), come });
        }
        at += length;
    }
    out
}

/// The states a text passes through from one to the other, each few enough operations from the one
/// before for one change.
pub(super) fn steps(old: &str, new: &str) -> Vec<String> {
    let mut text: Vec<char> = old.chars().collect();
    let mut out = Vec::new();
    let mut room = limits::TEXT_STEP;
    for splice in splices(old, new) {
        let mut gone = splice.gone;
        let come: Vec<char> = splice.come.chars().collect();
        let mut put = 0;
        while gone > 0 || put < come.len() {
            if room == 0 {
                out.push(text.iter().collect());
                room = limits::TEXT_STEP;
            }
            // From the end, so that what is put in stands where it belongs.
            let take = gone.min(room);
            let end = splice.at + gone;
            text.drain(end - take..end);
            gone -= take;
            room -= take;
            let add = if gone == 0 { room.min(come.len() - put) } else { 0 };
            let at = splice.at + put;
            text.splice(at..at, come[put..put + add].iter().copied());
            put += add;
            room -= add;
        }
    }
    out.push(text.iter().collect());
    out
}

/// What led from one text to another, done to a third: each splice at its place, or at the end where
/// the third is too short for it.
pub(super) fn carried(old: &str, new: &str, onto: &str) -> String {
    if old == onto {
        return new.to_owned();
    }
    let mut text: Vec<char> = onto.chars().collect();
    for splice in splices(old, new) {
        let from = splice.at.min(text.len());
        let to = (from + splice.gone).min(text.len());
        text.splice(from..to, splice.come.chars());
    }
    text.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(old: &str, splices: &[Splice]) -> String {
        let mut text: Vec<char> = old.chars().collect();
        for splice in splices {
            text.splice(splice.at..splice.at + splice.gone, splice.come.chars());
        }
        text.into_iter().collect()
    }

    #[test]
    fn splices_lead_from_one_text_to_the_other() {
        let long = "the chef asks for a tasting on mondays ".repeat(200);
        let pairs = [
            ("", ""),
            ("", "new"),
            ("old", ""),
            ("aaa", "aaaa"),
            ("Café Zoë", "Cafe Zoé 👩‍🍳"),
            (long.as_str(), "short"),
            ("short", long.as_str()),
        ];
        for (old, new) in pairs {
            assert_eq!(applied(old, &splices(old, new)), new);
            assert_eq!(steps(old, new).last().map(String::as_str), Some(new));
        }
    }

    #[test]
    fn two_corrections_of_a_long_text_touch_only_themselves() {
        let old: String = (0..4000).map(|n| format!("word{n} ")).collect();
        let new = old.replace("word7 ", "word seven ").replace("word3990 ", "");
        let ops: usize = splices(&old, &new).iter().map(Splice::ops).sum();
        assert!(ops < 40, "{ops} operations");
    }

    #[test]
    fn each_step_is_few_enough_operations_from_the_one_before() {
        let old = "x".repeat(limits::LONG_TEXT_CHARS);
        let new: String = ('a'..='z').cycle().take(limits::LONG_TEXT_CHARS).collect();
        let mut from = old.clone();
        for step in steps(&old, &new) {
            let ops: usize = splices(&from, &step).iter().map(Splice::ops).sum();
            assert!(ops <= limits::TEXT_STEP, "{ops} operations");
            from = step;
        }
        assert!(from == new);
    }
}
