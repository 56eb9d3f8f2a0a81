//! Ids in a few characters.

use client_sdk::core::ids::RecordId;

use crate::kit::{begun, fails, ok};

/// Records made one after the other have the same beginning; the end tells them apart, and whoever
/// gives the beginning is shown which there are.
#[test]
fn the_end_of_an_id_names_a_record_and_its_beginning_lists_those_it_may_be() {
    let dir = begun();
    let dir = dir.path();
    let first = ok(dir, &["new", "organization", "name=Café Zoë"]);
    let second = ok(dir, &["new", "task", "title=Call"]);
    let (first, second) = (first.trim(), second.trim());
    assert!(ok(dir, &["show", &first[28..]]).contains("Café Zoë"));
    assert!(ok(dir, &["show", &second[20..]]).contains("Call"));
    let (code, errors) = fails(dir, &["show", &first[..8]]);
    assert_eq!(code, 1);
    let ends = client_sdk::short_ids(&[first, second].map(|id| id.parse::<RecordId>().unwrap()));
    for said in ["organization \"Café Zoë\"", "task \"Call\"", &ends[0], &ends[1]] {
        assert!(errors.contains(said), "{errors}");
    }
    assert!(ok(dir, &["show", &ends[0]]).contains("Café Zoë"));
    let (_, errors) = fails(dir, &["show", "abc"]);
    assert!(errors.contains("six or more characters of the end"), "{errors}");
}
