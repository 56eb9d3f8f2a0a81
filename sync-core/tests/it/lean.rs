//! Documents without heads and checksum: the same documents, and nothing worse from bad bytes.

use automerge::Automerge;
use proptest::prelude::*;
use proptest::sample::Index;
use sync_core::document::{self, hydrate, lean};

use crate::chunk::seal;
use crate::kit::{created, edited, kind, pen};

/// Three writers edit one record, each with or without having seen the others' work.
fn record_of(steps: &[(u8, String, bool)]) -> Automerge {
    let organization = kind("organization");
    let pairs = [("name", "Café"), ("notes", "Hi"), ("phones", "+15180000001")];
    let (mut server, _) = created(organization, &pairs, &pen(1, 9));
    let mut devices = [server.clone(), server.clone(), server.clone()];
    let mut count = 0;
    for (who, text, fetch) in steps {
        let device = &mut devices[usize::from(*who)];
        if *fetch {
            device.merge(&mut server.clone()).unwrap();
        }
        let tag = format!("t{}", text.len());
        let pairs = [("notes", text.as_str()), ("tags", &tag), ("cuisine", &tag)];
        edited(device, organization, &pairs, &pen(u128::from(*who) + 1, who + 1), &mut count);
        server.merge(device).unwrap();
    }
    server
}

fn steps() -> impl Strategy<Value = Vec<(u8, String, bool)>> {
    prop::collection::vec((0..3_u8, "[a-zé ]{0,30}", any::<bool>()), 0..8)
}

/// What is written over a document, and where it is cut off.
fn fault() -> impl Strategy<Value = (Vec<(Index, u8)>, Option<Index>)> {
    (prop::collection::vec((any::<Index>(), any::<u8>()), 1..4), any::<Option<Index>>())
}

fn plain_lean(doc: &Automerge) -> Vec<u8> {
    lean::strip(&lean::save(doc)).unwrap()
}

/// A record edited by two who had not heard of each other.
fn forked() -> Automerge {
    record_of(&[(0, "one".into(), false), (1, "two".into(), false)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// What a device holds in the lean form is what the server has: bytes, heads, content, history.
    #[test]
    fn a_lean_document_is_the_same_document(steps in steps()) {
        let doc = record_of(&steps);
        let whole = lean::save(&doc);
        let lean = lean::strip(&whole).unwrap();
        prop_assert!(lean::is_lean(&lean) && !lean::is_lean(&whole));
        prop_assert!(whole.len() - lean.len() >= 36);
        prop_assert_eq!(&lean::restore(&lean).unwrap(), &whole);
        let loaded = document::load(&lean, &[]).unwrap();
        prop_assert_eq!(document::heads(&loaded), document::heads(&doc));
        prop_assert_eq!(loaded.get_changes(&[]).len(), doc.get_changes(&[]).len());
        let organization = kind("organization");
        prop_assert_eq!(hydrate(&loaded, organization), hydrate(&doc, organization));
        let read = lean::read(&lean).unwrap();
        prop_assert_eq!(hydrate(&read, organization), hydrate(&doc, organization));
    }

    /// Edits made on a document that came lean are edits of the document that the server has.
    #[test]
    fn an_edit_of_a_document_that_came_lean_fits_the_original(steps in steps()) {
        let mut doc = record_of(&steps);
        let mut here = document::load(&plain_lean(&doc), &[]).unwrap();
        let pairs = [("cuisine", "Thai"), ("notes", "all anew")];
        let made = edited(&mut here, kind("organization"), &pairs, &pen(7, 77), &mut 0).unwrap();
        document::apply_stored(&mut doc, &[made.bytes]).unwrap();
        prop_assert_eq!(document::heads(&doc), document::heads(&here));
        prop_assert_eq!(lean::save(&doc), lean::save(&here));
    }
}

proptest! {
    /// Whatever is written over a lean document, opening it gives a document or an error.
    #[test]
    fn a_mangled_lean_document_never_panics(steps in steps(), faults in prop::collection::vec(fault(), 12)) {
        let whole = plain_lean(&record_of(&steps));
        for (writes, cut) in &faults {
            let mut lean = whole.clone();
            for (at, byte) in writes {
                let at = at.index(lean.len());
                lean[at] = *byte;
            }
            if let Some(cut) = cut {
                lean.truncate(cut.index(lean.len()));
            }
            let _ = lean::read(&lean);
            if let Ok(whole) = lean::restore(&lean) {
                let again = lean::strip(&whole);
                prop_assert!(again.is_none_or(|again| again == lean));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_at_all_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = lean::strip(&bytes);
        bytes.insert(0, 1);
        let _ = (lean::read(&bytes), lean::restore(&bytes));
    }
}

/// It would be passed on as sound, since the lean form has no checksum.
#[test]
fn a_damaged_chunk_is_not_made_lean() {
    let whole = lean::save(&forked());
    assert!(lean::strip(&whole).is_some());
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        assert!(lean::strip(&bytes).is_none(), "byte {at}");
    }
}

/// Text that Automerge would deflate goes whole and stays readable.
#[test]
fn a_document_that_cannot_be_lean_goes_whole() {
    let doc = record_of(&[(0, "x".repeat(5000), false)]);
    assert!(lean::strip(&doc.save()).is_none());
    let whole = lean::save(&doc);
    let two = [whole.as_slice(), &whole].concat();
    assert!(lean::strip(&two).is_none());
    assert!(lean::strip(&[]).is_none());
    assert!(document::load(&doc.save(), &[]).is_ok());
}

/// Nine bytes that claim four billion operations would make Automerge reserve room for them.
#[test]
fn a_run_longer_than_its_bytes_can_justify_is_refused() {
    // No actors, no heads, no columns of changes; one column of integers, a run of 2^32 zeroes.
    let columns = [0, 0, 0, 1, 0x42, 6, 0x80, 0x80, 0x80, 0x80, 0x10, 0];
    let lean = [&[1], &columns[..]].concat();
    assert!(lean::restore(&lean).is_err() && lean::read(&lean).is_err());
    let head = [0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 0, columns.len() as u8];
    assert!(lean::strip(&seal([&head[..], &columns].concat())).is_none());
}

/// A deflated column inside would inflate without a cap.
#[test]
fn a_lean_document_with_a_deflated_column_is_refused() {
    let deflated = [1, 0, 0, 0, 1, 0x4e, 2, 3, 0];
    assert!(lean::read(&deflated).is_err());
}

#[test]
fn more_heads_than_writers_go_at_once_stay_whole() {
    let organization = kind("organization");
    let (first, _) = created(organization, &[("name", "Café")], &pen(1, 200));
    let mut doc = first.clone();
    for writer in 0..65_u8 {
        let mut branch = first.clone();
        edited(&mut branch, organization, &[("cuisine", "Thai")], &pen(2, writer), &mut 0).unwrap();
        doc.merge(&mut branch).unwrap();
    }
    assert_eq!(doc.get_heads().len(), 65);
    assert!(lean::strip(&lean::save(&doc)).is_none());
}
