//! `pantry history` and `pantry undo`.

use crate::kit::{begun, fails, ok, said};

/// A mistyped value is found in the history and undone, and the undoing too.
#[test]
fn a_mistake_is_found_in_the_history_and_undone() {
    let dir = begun();
    let dir = dir.path();
    let id = ok(dir, &["new", "organization", "name=Café Zoë", "cuisine=Thai"]);
    let id = id.trim();
    ok(dir, &["set", id, "cuisine=Tahi"]);
    let told = ok(dir, &["history", id]);
    assert!(told.contains("changed (unsent)\n    cuisine: Thai → Tahi"), "{told}");
    assert!(told.contains("began (unsent)"), "{told}");
    let undone = ok(dir, &["undo", id]);
    assert!(undone.contains("undone: cuisine; `pantry undo"), "{undone}");
    assert!(ok(dir, &["show", id]).contains("cuisine: Thai"));
    ok(dir, &["undo", id]);
    assert!(ok(dir, &["show", id]).contains("cuisine: Tahi"), "the undoing is undone");
    let lines = ok(dir, &["--json", "history", id, "--limit", "1"]);
    let newest: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(newest["fields"][0]["after"], "Tahi");
    assert_eq!(newest["state"], "unsent");
    let change = newest["change"].as_str().unwrap();
    ok(dir, &["set", id, "cuisine=Lao", "website=z.example"]);
    let (code, errors) = fails(dir, &["undo", id, &change[..10]]);
    assert_eq!(code, 1);
    assert!(errors.contains("cuisine: it was changed since"), "{errors}");
    let lines = ok(dir, &["--json", "history", id, "--limit", "1"]);
    let newest: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
    ok(dir, &["set", id, "cuisine=Viet"]);
    let notes = said(dir, &["undo", id, newest["change"].as_str().unwrap()]);
    assert!(notes.contains("left as it is: cuisine: it was changed since"), "{notes}");
    let (code, errors) = fails(dir, &["undo", id, "ffffffff"]);
    assert!(code == 1 && errors.contains("no change ffffffff"), "{errors}");
}
