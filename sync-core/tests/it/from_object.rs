//! Edits as programs give them.

use serde_json::{Map, Value as Json, json};
use sync_core::document::{
    EditError, FieldChange, FieldState, Hydrated, RecordEdit, Value, hydrate,
};

use crate::kit::{created, edited, kind, pen};

fn object(json: &Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

fn read(of: &str, json: &Json, now: Option<&Hydrated>) -> Result<RecordEdit, EditError> {
    RecordEdit::from_object(kind(of), &object(json), now)
}

fn changes(of: &str, json: &Json, now: Option<&Hydrated>) -> Vec<(String, FieldChange)> {
    let edit = read(of, json, now).unwrap();
    edit.changes.into_iter().map(|(field, change)| (field.name.to_owned(), change)).collect()
}

/// Every sort of field is written by what JSON has for it.
#[test]
fn each_sort_of_field_takes_its_own_json() {
    let organization = json!({
        "name": "Café Zoë",
        "employee_count": 12,
        "needs_review": true,
        "website": null,
        "location": {"lat": 42.5, "lng": -73.2, "accuracy_m": 10.0},
        "notes": "Ring twice.",
        "tags": ["patio", "bar"],
        "custom_fields": {"Gate": "4", "Old": null},
    });
    let written = changes("organization", &organization, None);
    let of = |name: &str| -> Vec<FieldChange> {
        written.iter().filter(|one| one.0 == name).map(|one| one.1.clone()).collect()
    };
    let one = |name: &str| of(name).remove(0);
    assert_eq!(one("name"), FieldChange::Set(Value::Str("Café Zoë".into())));
    assert_eq!(one("employee_count"), FieldChange::Set(Value::Int(12)));
    assert_eq!(one("needs_review"), FieldChange::Set(Value::Bool(true)));
    assert_eq!(one("website"), FieldChange::Set(Value::Null));
    assert_eq!(one("notes"), FieldChange::Text("Ring twice.".into()));
    let tags = ["bar", "patio"].map(|key| FieldChange::Add(key.into()));
    assert_eq!(of("tags"), tags);
    let wanted = [("Gate", Some("4")), ("Old", None)]
        .map(|(key, text)| FieldChange::Entry(key.into(), text.map(str::to_owned)));
    assert_eq!(of("custom_fields"), wanted);
    // A log goes by the column that it leads to, in words or in parts.
    for stage in
        [json!("closed-lost: too dear"), json!({"stage": "closed-lost", "reason": "too dear"})]
    {
        let written = changes("opportunity", &json!({"stage": stage}), None);
        let [(field, FieldChange::Append(event))] = written.as_slice() else { panic!("an event") };
        assert_eq!((field.as_str(), &event["reason"]), ("stage_log", &json!("too dear")));
    }
    let done = changes("task", &json!({"completed": true}), None);
    assert!(matches!(&done[0].1, FieldChange::Append(event) if event["action"] == "complete"));
}

/// An array is all that the set is to hold of what is shown: what others add meanwhile stays, since
/// nobody took it out.
#[test]
fn an_array_is_what_a_set_is_to_hold() {
    let organization = kind("organization");
    let first = [("name", "Café"), ("tags", "patio, bar")];
    let (mut doc, _) = created(organization, &first, &pen(1, 1));
    let now = hydrate(&doc, organization);
    let written = changes("organization", &json!({"tags": ["bar", "terrace"]}), Some(&now));
    let (add, remove) = (FieldChange::Add("terrace".into()), FieldChange::Remove("patio".into()));
    assert_eq!(written, [("tags".to_owned(), add), ("tags".to_owned(), remove)]);
    edited(&mut doc, organization, &[("tags", "from a colleague")], &pen(2, 2), &mut 100).unwrap();
    let some = json!({"tags": {"add": ["terrace"], "remove": ["bar"]}});
    assert_eq!(changes("organization", &some, Some(&now)).len(), 2);
    let shown = hydrate(&doc, organization);
    assert!(matches!(shown.field("tags"), Some(FieldState::Keys(keys)) if keys.len() == 3));
}

/// What does not fit is refused with the field, and with what it takes.
#[test]
fn what_does_not_fit_names_its_field() {
    let wrong = [
        ("organization", json!({"nonsense": 1}), "no field \"nonsense\""),
        ("organization", json!({"name": 7}), "name"),
        ("organization", json!({"priority_level": "E"}), "priority_level"),
        ("organization", json!({"notes": 7}), "notes"),
        ("organization", json!({"tags": "patio"}), "tags"),
        ("organization", json!({"tags": {"put": []}}), "tags"),
        ("organization", json!({"tags": [7]}), "tags"),
        ("organization", json!({"custom_fields": ["Gate"]}), "custom_fields"),
        ("organization", json!({"custom_fields": {"Gate": 7}}), "custom_fields"),
        ("opportunity", json!({"stage": "nowhere"}), "stage_log"),
        ("opportunity", json!({"stage": 7}), "stage_log"),
        ("opportunity", json!({"stage": {"reason": "no stage"}}), "stage_log"),
    ];
    for (of, json, names) in wrong {
        let error = read(of, &json, None).unwrap_err().to_string();
        assert!(error.contains(names), "{json}: {error}");
    }
}
