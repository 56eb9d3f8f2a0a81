//! What changed between two states of a long text, so that concurrent corrections merge.

use std::collections::HashMap;
use std::ops::Range;

use similar::DiffOp;
use similar::algorithms::{Capture, Compact, Replace, patience};

use crate::limits;

/// Words of two texts, and what stands between them, that are compared one by one.
const WORDS_AT_MOST: usize = 3000;
/// Characters of a word.
const WORD_AT_MOST: usize = 64;

/// Puts text in the place of some characters. Positions count from the start of the text as the
/// splices before have left it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Splice {
    /// Where, in characters.
    pub at: usize,
    /// How many characters go.
    pub gone: usize,
    /// What comes.
    pub come: String,
}

impl Splice {
    /// The operations it is written as: one a character.
    pub(super) fn ops(&self) -> usize {
        self.gone + self.come.chars().count()
    }
}

/// The splices that lead from one text to another: whole words, since two people who each put another
/// word in the place of one would otherwise get a third that neither wrote. Where most of a stretch is
/// other words it is written anew as a whole, so that what two wrote stands one behind the other.
pub(super) fn splices(old: &str, new: &str) -> Vec<Splice> {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let (old, new) = (words(&old), words(&new));
    let mut at = 0;
    let mut told = 0;
    let mut out = Vec::new();
    for (gone, come) in replaced(&old, &new) {
        at += length(&old[told..gone.start]);
        told = gone.end;
        let splice = Splice { at, gone: length(&old[gone]), come: text_of(&new[come]) };
        at += splice.come.chars().count();
        out.push(splice);
    }
    out
}

/// Words and what stands between them, each by itself. Where people put no blanks between words, one ends
/// with one character in sixteen, or with each of a script that writes a word as a character or two.
fn words(text: &[char]) -> Vec<&[char]> {
    let ends = |c: char| match u32::from(c) {
        0x2E80..=0xD7FF => true,
        code @ 0x0E00.. => code % 16 == 7,
        _ => false,
    };
    let together = |a: &char, b: &char| !ends(*a) && a.is_whitespace() == b.is_whitespace();
    text.chunk_by(together).flat_map(of_a_length).collect()
}

/// What is longer than any word, such as an address of the web, in pieces.
fn of_a_length(word: &[char]) -> impl Iterator<Item = &[char]> {
    let whole = word.len() <= WORD_AT_MOST;
    word.split_inclusive(move |c| !whole && u32::from(*c) % 16 == 7)
}

fn is_blank(word: &[char]) -> bool {
    word.first().is_some_and(|c| c.is_whitespace())
}

fn length(words: &[&[char]]) -> usize {
    words.iter().map(|word| word.len()).sum()
}

fn text_of(words: &[&[char]]) -> String {
    words.iter().copied().flatten().collect()
}

/// Which words stand in the place of which, by their numbers.
fn replaced(old: &[&[char]], new: &[&[char]]) -> Vec<(Range<usize>, Range<usize>)> {
    let same = |(a, b): &(&&[char], &&[char])| a == b;
    let start = old.iter().zip(new).take_while(same).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(same).count();
    let (rest, comes) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let ranges = compared(rest, comes);
    let shifted = |range: &Range<usize>| range.start + start..range.end + start;
    let mut all: Vec<_> = ranges.iter().map(|(a, b)| (shifted(a), shifted(b))).collect();
    all.retain(|(gone, come)| gone.start < gone.end || come.start < come.end);
    let mut free = 0;
    for (gone, come) in &mut all {
        with_a_blank((old, gone), (new, come), free);
        free = gone.end;
    }
    all
}

/// What differs, or all of it where little is the same.
fn compared(old: &[&[char]], new: &[&[char]]) -> Vec<(Range<usize>, Range<usize>)> {
    // Comparing costs up to the product of both: in a long text a word is one with its blank.
    let finely = old.len() + new.len() <= WORDS_AT_MOST;
    let (units, other) = (in_units(old, finely), in_units(new, finely));
    let ops = operations(&units, &other);
    let equal = |op: &&DiffOp| matches!(op, DiffOp::Equal { .. });
    let kept: usize = ops
        .iter()
        .filter(equal)
        .flat_map(|op| &units[op.old_range()])
        .map(|unit| length(unit))
        .sum();
    if kept * 2 < length(old).max(length(new)) {
        return vec![(0..old.len(), 0..new.len())];
    }
    let words_of = |units: &[&[&[char]]], range: Range<usize>| {
        let words = |units: &[&[&[char]]]| units.iter().map(|unit| unit.len()).sum::<usize>();
        let start = words(&units[..range.start]);
        start..start + words(&units[range])
    };
    let differing = ops.iter().filter(|op| !equal(op));
    differing
        .map(|op| (words_of(&units, op.old_range()), words_of(&other, op.new_range())))
        .collect()
}

/// What leads from one row of words to the other. They are compared by numbers, and by one way of comparing
/// that is named here: choosing among the library's as it runs would carry all of them into a browser.
fn operations(old: &[&[&[char]]], new: &[&[&[char]]]) -> Vec<DiffOp> {
    let mut numbers = HashMap::new();
    let mut numbered = |units: &[_]| -> Vec<u32> {
        let fresh = |known: usize| u32::try_from(known).expect("BUG: a text has that many words");
        let mut number = |unit| {
            let known = numbers.len();
            *numbers.entry(unit).or_insert_with(|| fresh(known))
        };
        units.iter().map(|unit| number(*unit)).collect()
    };
    let (old, new) = (numbered(old), numbered(new));
    let mut found = Compact::new(Replace::new(Capture::new()), &old[..], &new[..]);
    let Ok(()) = patience::diff(&mut found, &old[..], 0..old.len(), &new[..], 0..new.len());
    found.into_inner().into_inner().into_ops()
}

/// Each word by itself, or with the blank behind it.
fn in_units<'a, 'b>(words: &'b [&'a [char]], finely: bool) -> Vec<&'b [&'a [char]]> {
    words.chunk_by(|word, next| !finely && !is_blank(word) && is_blank(next)).collect()
}

/// A word in the place of another takes the blank behind or before it along: so do those that others put
/// there at the same time, and no two grow together.
fn with_a_blank(
    (old, gone): (&[&[char]], &mut Range<usize>),
    (new, come): (&[&[char]], &mut Range<usize>),
    free: usize,
) {
    if gone.start == gone.end || come.start == come.end {
        return;
    }
    let blank = |at: usize, other: usize| {
        old.get(at).is_some_and(|word| is_blank(word)) && old.get(at) == new.get(other)
    };
    if blank(gone.end, come.end) {
        gone.end += 1;
        come.end += 1;
    } else if gone.start > free && come.start > 0 && blank(gone.start - 1, come.start - 1) {
        gone.start -= 1;
        come.start -= 1;
    }
}

/// The splices from one text to the other in steps, each few enough operations for one change.
pub(super) fn steps(old: &str, new: &str) -> Vec<Vec<Splice>> {
    let mut out = vec![Vec::new()];
    let mut room = limits::TEXT_STEP;
    for splice in splices(old, new) {
        let mut gone = splice.gone;
        let come: Vec<char> = splice.come.chars().collect();
        let mut put = 0;
        while gone > 0 || put < come.len() {
            if room == 0 {
                out.push(Vec::new());
                room = limits::TEXT_STEP;
            }
            // From the end, so that what is put in stands where it belongs.
            let take = gone.min(room);
            gone -= take;
            room -= take;
            let add = if gone == 0 { room.min(come.len() - put) } else { 0 };
            let at = splice.at + if gone == 0 { put } else { gone };
            let come = come[put..put + add].iter().collect();
            out.last_mut().expect("BUG: there is a step").push(Splice { at, gone: take, come });
            put += add;
            room -= add;
        }
    }
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
            assert_eq!(applied(old, &steps(old, new).concat()), new);
        }
    }

    #[test]
    fn two_corrections_of_a_long_text_touch_only_themselves() {
        let old: String = (0..4000).map(|n| format!("word{n} ")).collect();
        let new = old.replace("word7 ", "word seven ").replace("word3990 ", "");
        let ops: usize = splices(&old, &new).iter().map(Splice::ops).sum();
        assert!(ops < 60, "{ops} operations");
    }

    /// The same as the library finds among the words themselves: what is written must not depend on how
    /// they are compared.
    #[test]
    fn comparing_by_numbers_finds_what_comparing_words_finds() {
        let mut seed = 7_u64;
        let mut draw = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for round in 0..600 {
            let (length, letters) = (draw(60) + 1, round % 20 + 2);
            let mut text = || -> Vec<char> {
                let letter = |n| if n == 0 { ' ' } else { char::from(b'a' + n as u8) };
                (0..length).map(|_| letter(draw(letters))).collect()
            };
            let (old, new) = (text(), text());
            let (old, new) = (words(&old), words(&new));
            let (old, new) = (in_units(&old, true), in_units(&new, true));
            let theirs = similar::capture_diff_slices(similar::Algorithm::Patience, &old, &new);
            assert_eq!(operations(&old, &new), theirs);
        }
    }

    /// What two people made of one text at once is in it word by word, and never letters of both in one.
    #[test]
    fn whole_words_are_put_in_the_place_of_whole_words() {
        let one = |old, new| splices(old, new).into_iter().map(|one| one.come).collect::<Vec<_>>();
        let base = "Delivery Monday 9am, ring twice at the door";
        let tuesday = "Delivery Tuesday 9am, ring twice at the door";
        assert_eq!(one(base, tuesday), ["Tuesday "]);
        assert_eq!(one("Ring.", "Ring. Twice."), [" Twice."]);
        assert_eq!(one("Delivery Monday 9am", "Delivery Friday 4pm"), [" Friday 4pm"]);
        let other = "Closed for renovation until March";
        assert_eq!(one("Delivery Monday 9am", other), [other]);
        assert_eq!(one("周一送货", "周五送货"), ["五"]);
    }

    #[test]
    fn each_step_is_few_enough_operations() {
        let old = "x".repeat(limits::LONG_TEXT_CHARS);
        let new: String = ('a'..='z').cycle().take(limits::LONG_TEXT_CHARS).collect();
        let steps = steps(&old, &new);
        for step in &steps {
            let ops: usize = step.iter().map(Splice::ops).sum();
            assert!(ops <= limits::TEXT_STEP, "{ops} operations");
        }
        assert!(applied(&old, &steps.concat()) == new);
    }
}
