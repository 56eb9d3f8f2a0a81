//! Changes that are read without complaint and on which the library then panics: refused before.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::Once;

use automerge::Change;
use sync_core::error::RefusalCode;
use sync_core::guard;

use crate::chunk::{of_columns, seal};
use crate::kit::{created, edited, kind, pen};

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// How often something panicked within, though it be caught.
fn panics_within<T>(job: impl FnOnce() -> T) -> (T, usize) {
    static COUNTING: Once = Once::new();
    COUNTING.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with(|count| count.set(count.get() + 1));
            before(info);
        }));
    });
    let before = PANICS.with(Cell::get);
    let done = job();
    (done, PANICS.with(Cell::get) - before)
}

/// Columns of one character put into a text. A literal run of one is written as -1.
const ONE: u8 = 0x7f;
const OBJECT_ACTOR: u64 = 0x01;
const OBJECT_COUNTER: u64 = 0x02;
const KEY_ACTOR: u64 = 0x11;
const KEY_COUNTER: u64 = 0x13;
const INSERT: u64 = 0x34;
const ACTION: u64 = 0x42;
const VALUE: u64 = 0x56;
const PRED_COUNT: u64 = 0x70;
const PRED_ACTOR: u64 = 0x71;
const PRED_COUNTER: u64 = 0x73;

/// Puts a character after the first of a text; the numbers are those of the actors of the text, of
/// the character before, and of a value that is replaced.
fn insertion(object: u8, key: u8, pred: u8) -> Vec<u8> {
    of_columns(&[
        (OBJECT_ACTOR, &[ONE, object]),
        (OBJECT_COUNTER, &[ONE, 1]),
        (KEY_ACTOR, &[ONE, key]),
        (KEY_COUNTER, &[ONE, 2]),
        (INSERT, &[0, 1]),
        (ACTION, &[ONE, 1]),
        (VALUE, &[ONE, 0]),
        (PRED_COUNT, &[ONE, 1]),
        (PRED_ACTOR, &[ONE, pred]),
        (PRED_COUNTER, &[ONE, 3]),
    ])
}

#[test]
fn an_actor_that_a_change_does_not_name_is_refused_before_the_library_looks_it_up() {
    let named = insertion(0, 0, 0);
    assert!(guard::parse(&named).is_ok(), "{:?}", guard::parse(&named).err());
    for (what, bytes) in [
        ("the text", insertion(1, 0, 0)),
        ("the character before", insertion(0, 1, 0)),
        ("the value replaced", insertion(0, 0, 1)),
        ("all of them", insertion(0x7e, 0x7e, 0x7e)),
    ] {
        let read = Change::from_bytes(bytes.clone()).expect("the library reads it");
        let (_, panics) = panics_within(|| catch_unwind(|| read.decode()));
        assert_eq!(panics, 1, "the library looks it up: {what}");
        let (refused, panics) = panics_within(|| guard::parse(&bytes).unwrap_err());
        assert_eq!(panics, 0, "{what}");
        assert_eq!(refused.code, RefusalCode::Malformed.as_str(), "{what}");
        assert!(refused.sentence.contains("actor that it does not name"), "{}", refused.sentence);
    }
}

/// Every byte of an honest change replaced by every other, behind a right checksum: reading it never
/// makes the library panic.
#[test]
fn no_single_byte_behind_a_right_checksum_makes_the_library_panic() {
    let organization = kind("organization");
    let first = [("name", "Café"), ("notes", "Hi"), ("tags", "old")];
    let (mut doc, _) = created(organization, &first, &pen(1, 1));
    let theirs = [("notes", "Hi!"), ("tags", "b"), ("cuisine", "Thai")];
    edited(&mut doc, organization, &theirs, &pen(2, 2), &mut 0).unwrap();
    let pairs = [("cuisine", "Greek"), ("tags", "new,-old"), ("notes", "Ho there")];
    let honest = edited(&mut doc, organization, &pairs, &pen(1, 1), &mut 0).unwrap().bytes;
    for at in 8..honest.len() {
        for byte in 0..=u8::MAX {
            let mut bytes = honest.clone();
            bytes[at] = byte;
            let bytes = seal(bytes);
            let (_, panics) = panics_within(|| guard::parse(&bytes).is_ok());
            assert_eq!(panics, 0, "byte {at} as {byte}");
        }
    }
}
