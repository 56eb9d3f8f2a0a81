//! Documents load in each of their forms, and mean what they meant.

use std::collections::BTreeSet;

use automerge::Automerge;
use serde_json::Value as Json;
use sync_core::document::{self, lean};
use sync_core::ids::RecordId;
use sync_core::schema::{Kind, Rule};

use super::corpus::meaning::{heads, history, holds, meaning};
use super::corpus::{genesis, schemas};
use super::files::{folder, lacking, promised, read, unhex};

/// Two forms of one document are one document, and both say what was said when it was written.
#[test]
fn every_document_loads_in_every_form_and_means_the_same() {
    for (name, golden) in folder("documents") {
        let name = name.display();
        let [whole, deflated, lean] =
            ["whole", "deflated", "lean"].map(|form| unhex(&golden[form]));
        for (form, bytes) in [("whole", &whole), ("deflated", &deflated), ("lean", &lean)] {
            let doc = document::load(bytes, &[]).unwrap();
            assert_eq!(golden["heads"], heads(&doc), "{name}, {form}");
            assert_eq!(lacking(&golden["changes"], &history(&doc)), [""; 0], "{name}, {form}");
            means_the_same(&golden, &doc, &format!("{name}, {form}"));
        }
        means_the_same(&golden, &lean::read(&lean).unwrap(), &format!("{name}, read only"));
        assert_eq!(lean::restore(&lean).unwrap(), whole, "{name}");
        assert_eq!(lean::strip(&whole), Some(lean), "{name}");
    }
}

fn means_the_same(golden: &Json, doc: &Automerge, name: &str) {
    assert_eq!(golden["holds"], holds(doc), "{name}");
    let word = golden["kind"].as_str().unwrap();
    let crm = schemas::crm();
    assert_eq!(document::kind_of(doc, &crm).unwrap().name, word, "{name}");
    let record: RecordId = golden["record"].as_str().unwrap().parse().unwrap();
    assert_eq!(document::id_of(doc), Some(record), "{name}");
    let later = schemas::later();
    for (means, schema) in [("means", &crm), ("means_to_a_later_app", &later)] {
        if let Some(golden) = golden.get(means) {
            let today = meaning(doc, schema.kind(word).unwrap());
            let lacks = lacking(&promised(golden.clone()), &promised(today));
            assert!(lacks.is_empty(), "{name}, {means}: {}", lacks.join("\n"));
        }
    }
}

/// What lies on devices is edited on, and what they pushed meanwhile is merged into it.
#[test]
fn every_change_of_a_document_applies_again_and_gives_the_same_document() {
    for (name, golden) in folder("documents") {
        let name = name.display();
        let doc = document::load(&unhex(&golden["whole"]), &[]).unwrap();
        let mut again = Automerge::new();
        let mut changes = doc.get_changes(&[]);
        changes.reverse();
        again.apply_changes(changes).unwrap();
        assert_eq!(golden["heads"], heads(&again), "{name}");
        assert_eq!(golden["holds"], holds(&again), "{name}");
    }
}

/// A kind or rule that is added to the declarations wants a document in the corpus.
#[test]
fn every_kind_and_every_rule_has_a_document() {
    let crm = schemas::crm();
    let mut missing: BTreeSet<String> = BTreeSet::new();
    for kind in crm.document_kinds() {
        missing.insert(kind.name.to_owned());
        missing.extend(kind.fields.iter().map(|field| format!("{:?}", field.rule)));
    }
    for (_, golden) in folder("documents") {
        let word = golden["kind"].as_str().unwrap();
        missing.remove(word);
        for rule in rules_at_work(&golden["means"], crm.kind(word).unwrap()) {
            missing.remove(&format!("{rule:?}"));
        }
    }
    assert!(missing.is_empty(), "no document for {missing:?}");
}

/// Of registers those that are contested; of the others those that hold anything.
fn rules_at_work(means: &Json, kind: &Kind) -> Vec<Rule> {
    let contested: Vec<&str> =
        means["conflicts"].as_array().unwrap().iter().filter_map(|c| c["field"].as_str()).collect();
    let at_work = |field: &&sync_core::schema::Field| {
        if !field.ty.is_container() {
            return contested.contains(&field.name);
        }
        match &means["fields"][field.name] {
            Json::Array(items) => !items.is_empty(),
            Json::Object(map) => map.len() > 1,
            text => text.as_str().is_some_and(|text| !text.is_empty()),
        }
    };
    kind.fields.iter().filter(at_work).map(|field| field.rule).collect()
}

#[test]
fn every_genesis_is_the_same_change() {
    let later = schemas::later();
    for golden in read("genesis.json") {
        for (name, first) in golden["first"].as_object().unwrap() {
            assert_eq!(*first, genesis::first_step(&schemas::kind(name)), "{name}");
        }
        for steps in golden["later"].as_array().unwrap() {
            let kind = later.kind(steps["kind"].as_str().unwrap()).unwrap();
            let record = steps["record"].as_str().unwrap().parse().unwrap();
            assert_eq!(*steps, genesis::later_steps(kind, record));
        }
    }
}
