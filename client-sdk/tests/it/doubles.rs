//! `pantry new organization` warns of what may be the same.

use crate::kit::{begun, ok, said};

#[test]
fn a_new_account_that_may_be_there_already_is_warned_of_and_made() {
    let dir = begun();
    let dir = dir.path();
    let first = [
        "new",
        "organization",
        "name=Café Zoë",
        "phones=518-555-0142",
        "billing_address.city=Albany",
    ];
    assert!(!said(dir, &first).contains("warning"));
    let warned = said(dir, &["new", "organization", "name=Cafe Zoe"]);
    assert!(warned.contains("warning: there is \"Café Zoë\" in Albany already, "), "{warned}");
    assert!(warned.trim_end().ends_with(": same name"), "{warned}");
    let warned =
        said(dir, &["--json", "new", "organization", "name=Zoë's", "phones=+1 518 5550142"]);
    let warned: serde_json::Value = serde_json::from_str(&warned).unwrap();
    assert!(warned["warning"].as_str().unwrap().contains("same telephone number"), "{warned}");
    assert_eq!(said(dir, &["new", "organization", "name=Bella Napoli"]), "");
    assert!(ok(dir, &["list", "organization"]).contains("4 rows"), "each was made");
    assert!(ok(dir, &["search", "555-0142"]).contains("Albany"));
}
