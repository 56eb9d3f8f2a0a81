//! Changes get the verdicts that they got.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use sync_core::document;
use sync_core::guard;
use sync_core::time::UnixMs;

use super::corpus::changes::verdict;
use super::corpus::schemas::kind;
use super::files::{lacking, list, unhex};

/// Gives the verdict of today.
fn judged(golden: &Json) -> Json {
    let word = golden["kind"].as_str().unwrap();
    let doc = match &golden["before"] {
        Json::Null => kind(word).genesis().doc.clone(),
        saved => document::load(&unhex(saved), &[]).unwrap(),
    };
    let change = unhex(&golden["change"]);
    assert_eq!(unhex(&golden["name"]), guard::name_of_bytes(&change).0, "{}", golden["about"]);
    let id = |name: &str| golden[name].as_str().unwrap();
    let (record, user) = (id("record").parse().unwrap(), id("signed_in").parse().unwrap());
    let now = UnixMs(golden["now"].as_i64().unwrap());
    verdict(&doc, word, record, user, now, &change)
}

#[test]
fn every_change_that_was_accepted_is_accepted() {
    for golden in list("changes/accepted.json") {
        assert!(golden["verdict"]["accepted"].is_object(), "{}", golden["about"]);
        assert_eq!(golden["verdict"], judged(&golden), "{}", golden["about"]);
    }
}

/// One that meets another, for each merge rule: the verdict, and the row that follows.
#[test]
fn every_merge_rule_gives_the_row_that_it_gave() {
    for golden in list("changes/rules.json") {
        let about = &golden["about"];
        assert_eq!(golden["verdict"], judged(&golden), "{about}");
        let kind = kind(golden["kind"].as_str().unwrap());
        let mut doc = document::load(&unhex(&golden["before"]), &[]).unwrap();
        if golden["verdict"]["accepted"].is_object() {
            document::apply_stored(&mut doc, &[unhex(&golden["change"])]).unwrap();
            let row = &super::corpus::meaning::meaning(&doc, &kind)["row"];
            let lacks = lacking(&golden["row"], row);
            assert!(lacks.is_empty(), "{about}: {}", lacks.join("\n"));
        }
    }
}

#[test]
fn every_change_that_was_refused_is_refused_by_the_same_code() {
    let mut codes = BTreeSet::new();
    for golden in list("changes/refused.json") {
        assert_eq!(golden["verdict"], judged(&golden), "{}", golden["about"]);
        codes.insert(golden["verdict"]["refused"]["code"].as_str().unwrap().to_owned());
    }
    let of_form = ["malformed", "op_counter", "sequence_gap", "missing_dependency"];
    let of_author = ["foreign_actor", "foreign_author", "server_only"];
    let of_content =
        ["bad_reference", "bad_value", "future_time", "immutable", "wrong_kind", "wrong_record"];
    let every = of_form.iter().chain(&of_author).chain(&of_content);
    assert_eq!(codes, every.map(|code| (*code).to_owned()).collect());
}
