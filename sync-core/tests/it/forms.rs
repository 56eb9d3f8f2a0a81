//! One answer at both ends: what a device writes the guard takes, and what the guard would refuse for its
//! form is refused when it is typed, with field, limit and entry named. The values come from the
//! declarations, so that a field that is declared tomorrow is in it.

use std::collections::BTreeMap;

use automerge::Automerge;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use sync_core::document::{self, EditError, FieldChange, RecordEdit, Value, hydrate};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::event::{EventData, event_data};
use sync_core::guard::{self, Context};
use sync_core::limits;
use sync_core::schema::{
    EventPart, EventPartType, Field, FieldType, Initial, Kind, Log, Part, PartType, Presence, Rule,
    SetOf, Storage, Writer,
};
use sync_core::time::UnixMs;

use crate::kit::{NOW, created, edited, kind, mint, pen, record, unchecked, user};

const ID: &str = "018f0000-0000-7000-8000-00000000000a";

fn kinds() -> Vec<&'static Kind> {
    let schema: &'static _ = Box::leak(Box::new(sync_core::crm::schema()));
    let schema: &'static sync_core::schema::Schema = schema;
    schema.kinds().iter().filter(|kind| kind.storage == Storage::Document).collect()
}

/// Texts about a length, and odd ones.
fn texts(max: usize) -> Vec<String> {
    let odd = ["", " ", "\0", "a\0b", " Ü ", "Crème", "0", "-0", "true", "A"];
    let long = ["x", "é", "👩"].map(|letter| [letter.repeat(max), letter.repeat(max + 1)]);
    odd.into_iter().map(str::to_owned).chain(long.into_iter().flatten()).collect()
}

fn days() -> Vec<String> {
    let days =
        ["2026-03-01", "2026-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01"];
    let odd = ["2026-3-1", "20260301", "20260301T0", "-000001-01-01", " 2026-03-01", "today", ""];
    days.into_iter().chain(odd).map(str::to_owned).collect()
}

fn ids() -> Vec<String> {
    let own = record(1).to_string();
    let forms = [own, ID.into(), ID.to_uppercase(), format!("{{{ID}}}"), ID.replace('-', "")];
    forms.into_iter().chain(["", "nobody", "\0"].map(str::to_owned)).collect()
}

fn scalars() -> Vec<Json> {
    let far = [json!(i64::MIN), json!(i64::MAX), json!(u64::MAX), json!(1e300), json!(-0.0)];
    let odd = [json!(null), json!(true), json!(0), json!(0.5), json!([1]), json!({"a": 1})];
    far.into_iter().chain(odd).chain([json!("x"), json!("x".repeat(9000))]).collect()
}

fn part_values(part: &Part) -> Vec<Json> {
    let fitting: Vec<Json> = match part.ty {
        PartType::Str { max } => texts(max).into_iter().map(Json::from).collect(),
        PartType::Int { min, max } => {
            let edges = [min, max, min.saturating_sub(1), max.saturating_add(1), NOW.0];
            edges.map(Json::from).to_vec()
        }
        PartType::Currency => ["USD", "usd", "XYZ", ""].map(Json::from).to_vec(),
        PartType::Float { min, max } => {
            let near =
                [f64::from(min), f64::from(max), f64::from(max) + 0.001, f64::from(min) - 1.0];
            near.map(Json::from).to_vec()
        }
        PartType::Date => days().into_iter().map(Json::from).collect(),
        PartType::Moment => {
            let (first, last) = (limits::EARLIEST.0, NOW.0 + limits::FUTURE_CLAIM_MS);
            [first - 1, first, NOW.0, last, last + 1, i64::MAX].map(Json::from).to_vec()
        }
        PartType::Choice(of) => of.iter().map(|word| json!(word)).collect(),
    };
    fitting.into_iter().chain(scalars()).collect()
}

fn wholes(parts: &'static [Part]) -> Vec<BTreeMap<String, Json>> {
    let one = |part: &'static Part| {
        let values = part_values(part).into_iter();
        values.map(|value| BTreeMap::from([(part.name.to_owned(), value)]))
    };
    let unknown = scalars().into_iter().map(|value| BTreeMap::from([("newer".to_owned(), value)]));
    let many = (0..40).map(|n| (format!("p{n}"), json!(n))).collect();
    let long = (0..20).map(|n| (format!("p{n}"), json!("x".repeat(1000)))).collect();
    parts.iter().flat_map(one).chain(unknown).chain([BTreeMap::new(), many, long]).collect()
}

fn event_parts(part: &EventPart) -> Vec<Json> {
    let fitting = match part.ty {
        EventPartType::Word(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        EventPartType::Text { max } => texts(max),
        EventPartType::Day => days(),
        EventPartType::Id => ids(),
    };
    fitting.into_iter().map(Json::from).chain(scalars()).collect()
}

/// Events that fit but for one part, and such as have another part.
fn events(log: &Log) -> Vec<EventData> {
    let fitting = |part: &EventPart| match part.ty {
        EventPartType::Word(words) => words[0].to_owned(),
        EventPartType::Text { .. } => "word".to_owned(),
        EventPartType::Day => "2026-03-01".to_owned(),
        EventPartType::Id => ID.to_owned(),
    };
    let needed = log.parts.iter().filter(|part| part.presence == Presence::Required);
    let base: EventData =
        needed.map(|part| (part.name.to_owned(), Json::from(fitting(part)))).collect();
    let with = |name: &str, value: Json| {
        let mut data = base.clone();
        data.insert(name.to_owned(), value);
        data
    };
    let mut events = vec![base.clone(), EventData::new()];
    for part in log.parts {
        events.extend(event_parts(part).into_iter().map(|value| with(part.name, value)));
    }
    for name in ["newer", "at", "by", "supersedes", ""] {
        events.extend(scalars().into_iter().map(|value| with(name, value)));
    }
    events
}

fn values(field: &Field) -> Vec<Value> {
    match field.ty {
        FieldType::Str { max } => texts(max).into_iter().map(Value::Str).collect(),
        FieldType::Choice { of, .. } => {
            let words = of.iter().map(|word| (*word).to_owned());
            words.chain(["franchise".into()]).chain(texts(255)).map(Value::Str).collect()
        }
        FieldType::Int { min, max } => {
            let near = [min, max, min.saturating_sub(1), max.saturating_add(1), i64::MIN, i64::MAX];
            near.map(Value::Int).to_vec()
        }
        FieldType::Bool => vec![Value::Bool(true), Value::Bool(false)],
        FieldType::Date => days().into_iter().map(Value::Str).collect(),
        FieldType::Instant => {
            let near = [0, 1, NOW.0, NOW.0 + 599_000, NOW.0 + 601_000, NOW.0 + 86_400_000];
            let far = [i64::MIN, i64::MAX, 253_402_300_799_999, 253_402_300_800_000];
            let early = [-62_135_596_800_000, -62_135_596_800_001];
            near.into_iter().chain(far).chain(early).map(|ms| Value::Instant(UnixMs(ms))).collect()
        }
        FieldType::Ref { .. } => {
            ids().into_iter().chain([user(1).to_string()]).map(Value::Str).collect()
        }
        FieldType::Parts(_)
        | FieldType::Text
        | FieldType::Set(_)
        | FieldType::Log(_)
        | FieldType::Fields => Vec::new(),
    }
}

fn keys(of: SetOf) -> Vec<String> {
    let odd = [
        "Mia@Example.org",
        "a@b.c",
        "a@b",
        "a@b.c?bcc=d@e.f&subject=hi",
        "a b@c.d",
        "+1 518 555 0100",
        "5185550100",
        "12",
    ];
    let mut keys = ids();
    keys.extend(odd.map(String::from));
    keys.extend(if of == SetOf::Words { texts(limits::KEY_BYTES) } else { texts(40) });
    keys
}

/// Changes of every sort for a field, those that fit among them.
fn changes(field: &Field) -> Vec<FieldChange> {
    let mut changes = vec![
        FieldChange::Set(Value::Null),
        FieldChange::Set(Value::Bool(true)),
        FieldChange::Set(Value::Int(3)),
        FieldChange::Set(Value::Instant(NOW)),
        FieldChange::Set(Value::Str("x".repeat(9000))),
        FieldChange::Set(Value::Parts([("lat".to_owned(), json!(-0.0))].into())),
        FieldChange::Parts([("lat".to_owned(), json!(1))].into()),
        FieldChange::Append(event_data([("stage", Some("proposal"))])),
        FieldChange::Entry("size".into(), None),
        FieldChange::Entry("size".into(), Some("L".into())),
        FieldChange::Add("key".into()),
        FieldChange::Remove(String::new()),
        FieldChange::Text(String::new()),
        FieldChange::Text("a\0b".into()),
        FieldChange::Text("words".into()),
    ];
    match field.ty {
        FieldType::Parts(parts) => {
            changes.extend(wholes(parts).into_iter().map(FieldChange::Parts));
            changes.extend(wholes(parts).into_iter().map(Value::Parts).map(FieldChange::Set));
        }
        FieldType::Log(log) => changes.extend(events(log).into_iter().map(FieldChange::Append)),
        FieldType::Set(of) => {
            changes.extend(keys(of).into_iter().map(FieldChange::Add));
            changes.extend(keys(of).into_iter().map(FieldChange::Remove));
        }
        FieldType::Fields => {
            let entry = |key: String, text| FieldChange::Entry(key, Some(text));
            let texts = texts(limits::SCALAR_BYTES).into_iter();
            changes.extend(texts.map(|text| entry("size".into(), text)));
            changes.extend(keys(SetOf::Words).into_iter().map(|key| entry(key, "L".into())));
        }
        _ => changes.extend(values(field).into_iter().map(FieldChange::Set)),
    }
    changes
}

/// What a new record of the kind needs.
fn beginning(kind: &Kind) -> Vec<(Field, FieldChange)> {
    let needed = kind.fields.iter().filter(|f| f.required == Presence::Required);
    let given = needed.filter(|field| field.initial == Initial::Nothing).map(|field| {
        let value = match field.ty {
            FieldType::Choice { of, .. } => of[0].to_owned(),
            FieldType::Ref { .. } => ID.to_owned(),
            _ => "Café".to_owned(),
        };
        (field.clone(), FieldChange::Set(Value::Str(value)))
    });
    given.collect()
}

/// What the device says, and what the guard says of what it wrote.
fn written(
    kind: &Kind,
    doc: Option<&Automerge>,
    edit: &RecordEdit,
) -> Result<Option<Result<(), Refusal>>, EditError> {
    let (writer, mut count) = (pen(1, 1), 50);
    let mut mint = || mint(&writer, &mut count);
    let change = match doc {
        None => {
            let made = document::create(kind, record(1), edit, &writer, &mut mint)?;
            Some(made.1)
        }
        Some(doc) => {
            let now = hydrate(doc, kind);
            document::edit(&mut doc.clone(), &now, edit, &writer, &mut mint)?
        }
    };
    let doc = doc.unwrap_or(&kind.genesis().doc);
    Ok(change.map(|change| judged(kind, doc, &change.bytes)))
}

fn judged(kind: &Kind, doc: &Automerge, bytes: &[u8]) -> Result<(), Refusal> {
    let (author, pen) = (user(1), document::PenRole::Device);
    let context = Context { record: record(1), kind: kind.clone(), doc, author, now: NOW, pen };
    guard::verify(guard::parse(bytes)?, &context).map(drop)
}

fn base(kind: &Kind) -> Automerge {
    let edit = RecordEdit { changes: beginning(kind) };
    let mut count = 0;
    let mut mint = || mint(&pen(1, 1), &mut count);
    document::create(kind, record(1), &edit, &pen(1, 1), &mut mint).unwrap().0
}

/// Every field of every kind, with every sort of change, in a new record and in one that is there.
#[test]
fn what_a_device_writes_the_guard_takes() {
    let (mut taken, mut refused, mut alone) = (0, 0, Vec::new());
    for kind in kinds() {
        let doc = base(kind);
        for field in &kind.fields {
            for change in changes(field) {
                for doc in [None, Some(&doc)] {
                    let mut all = if doc.is_none() { beginning(kind) } else { Vec::new() };
                    all.retain(|(given, _)| given != field);
                    all.push((field.clone(), change.clone()));
                    let edit = RecordEdit { changes: all };
                    match written(kind, doc, &edit) {
                        Ok(None | Some(Ok(()))) => taken += 1,
                        Ok(Some(Err(refusal))) => {
                            alone.push(format!(
                                "{} {} {change:?}: {refusal}",
                                kind.name, field.name
                            ));
                        }
                        Err(error) => {
                            let said = error.to_string();
                            assert!(names(field, &said), "{} {change:?}: {said}", field.name);
                            refused += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(
        alone.is_empty(),
        "{} refused by the guard alone: {:#?}",
        alone.len(),
        &alone[..alone.len().min(20)]
    );
    assert!(taken > 1000 && refused > 1000, "{taken} taken and {refused} refused");
}

/// Whether a message names the field, or the part of it that is at fault.
fn names(field: &Field, said: &str) -> bool {
    let part = |log: &Log| log.parts.iter().any(|part| said.starts_with(part.name));
    said.contains(field.name) || matches!(field.ty, FieldType::Log(log) if part(log))
}

/// An app that checks nothing hears from the guard in the words in which the device says it.
#[test]
fn the_guard_refuses_in_the_words_of_the_device() {
    let mut same = 0;
    for kind in kinds() {
        let doc = base(kind);
        let open = |field: &&Field| field.writer == Writer::Anyone && field.rule != Rule::Immutable;
        for field in kind.fields.iter().filter(open) {
            for change in changes(field) {
                let edit = RecordEdit { changes: vec![(field.clone(), change)] };
                let Some(bytes) = unchecked(&doc, kind, &edit.changes, &pen(1, 1), &mut 50) else {
                    continue;
                };
                let Err(refusal) = judged(kind, &doc, &bytes) else { continue };
                let Err(EditError::Value(error)) = written(kind, Some(&doc), &edit) else {
                    continue;
                };
                if refusal.code == RefusalCode::BadValue.as_str() && said_of(&edit) == error.field {
                    let sentence = &refusal.sentence;
                    assert!(*sentence == format!("{error}."), "{sentence} against {error}");
                    same += 1;
                }
            }
        }
    }
    assert!(same > 500, "{same}");
}

/// What is written once, as it stands after somebody wrote it: device and guard refuse every other value,
/// and taking it back.
#[test]
fn what_is_written_once_stays_at_both_ends() {
    let (mut again, mut refused) = (0, 0);
    for kind in kinds() {
        let once = kind.fields.iter().filter(|field| field.rule == Rule::Once);
        for field in once {
            let fitting = |change: &FieldChange| {
                let edit = RecordEdit { changes: vec![(field.clone(), change.clone())] };
                matches!(written(kind, Some(&base(kind)), &edit), Ok(Some(Ok(()))))
            };
            let first = changes(field).into_iter().find(fitting).unwrap();
            let (mut doc, mut count) = (base(kind), 20);
            let now = hydrate(&doc, kind);
            let edit = RecordEdit { changes: vec![(field.clone(), first)] };
            let mut mint = || mint(&pen(1, 2), &mut count);
            document::edit(&mut doc, &now, &edit, &pen(1, 2), &mut mint).unwrap().unwrap();
            for change in changes(field) {
                let edit = RecordEdit { changes: vec![(field.clone(), change)] };
                match written(kind, Some(&doc), &edit) {
                    Ok(None) => again += 1,
                    Ok(Some(said)) => panic!("{} was written again: {said:?}", field.name),
                    Err(_) => refused += 1,
                }
                let Some(bytes) = unchecked(&doc, kind, &edit.changes, &pen(1, 1), &mut 50) else {
                    continue;
                };
                let refusal = judged(kind, &doc, &bytes).unwrap_err();
                assert_eq!(refusal.code, RefusalCode::Immutable.as_str(), "{refusal}");
            }
        }
    }
    assert!(again > 0 && refused > 50, "{again} and {refused}");
}

/// Of what the two judge by themselves: keys that no container takes are refused before the field is known.
fn said_of(edit: &RecordEdit) -> String {
    let (field, change) = &edit.changes[0];
    match change {
        FieldChange::Set(_) if !is_container(field) => field.name.to_owned(),
        FieldChange::Append(_) if matches!(field.ty, FieldType::Log(_)) => field.name.to_owned(),
        FieldChange::Parts(_) if matches!(field.ty, FieldType::Parts(_)) => field.name.to_owned(),
        FieldChange::Entry(key, Some(_)) if key == "size" && field.ty == FieldType::Fields => {
            format!("{}.size", field.name)
        }
        _ => "judged elsewhere".to_owned(),
    }
}

fn is_container(field: &Field) -> bool {
    matches!(field.ty, FieldType::Set(_) | FieldType::Fields | FieldType::Log(_) | FieldType::Text)
}

/// Each of these was taken on the device and refused hours later.
#[test]
fn what_the_server_refuses_is_refused_when_it_is_typed() {
    let organization = kind("organization");
    let (doc, _) = created(organization, &[("name", "Café")], &pen(1, 1));
    let said = |kind: &Kind, doc: &Automerge, name: &str, change: FieldChange| {
        let edit = RecordEdit { changes: vec![(kind.field(name).unwrap().clone(), change)] };
        written(kind, Some(doc), &edit).unwrap_err().to_string()
    };
    let of_account = |name: &str, change| said(organization, &doc, name, change);
    let text = |text: &str| FieldChange::Set(Value::Str(text.into()));
    let place = |lat: f64| FieldChange::Parts([("lat".to_owned(), json!(lat))].into());
    let own = record(1).to_string();
    let cases = [
        (
            of_account("custom_fields", FieldChange::Entry("menu".into(), Some("x".repeat(8193)))),
            "custom_fields.menu: has 8193 bytes; allowed is text of up to 8192 bytes",
        ),
        (
            of_account("name", text("   ")),
            "name: is blank; allowed is text of up to 255 characters, not blank",
        ),
        (
            of_account("parent_organization_id", text(&own)),
            "parent_organization_id: is the record itself; allowed is the id of another organization",
        ),
        (
            of_account("tags", FieldChange::Add(" ".into())),
            "tags: an entry without a name; allowed is words, each of up to 320 bytes",
        ),
    ];
    for (said, expected) in cases {
        assert_eq!(said, expected);
    }
    let beyond = of_account("location", place(90.5));
    assert!(beyond.contains("location: part lat is not between -90 and 90"), "{beyond}");
    let person = kind("contact");
    let (contact, _) =
        created(person, &[("last_name", "Rossi"), ("organization_id", ID)], &pen(1, 1));
    let year_zero = said(person, &contact, "birthday", text("0000-05-01"));
    assert!(year_zero.contains("birthday: \"0000-05-01\" is not a day"), "{year_zero}");
}

/// Minus zero is written as zero, so that equal places are equal bytes.
#[test]
fn a_place_on_the_equator_has_one_form() {
    let organization = kind("organization");
    let pairs = [("name", "Café"), ("location", "lat=-0.0,lng=0")];
    let (doc, _) = created(organization, &pairs, &pen(1, 1));
    let text = hydrate(&doc, organization).value("location").to_scalar();
    assert_eq!(text.as_str(), Some(r#"{"lat":0.0,"lng":0.0}"#));
    let typed = RecordEdit::parse(organization, [("location", "lat=nan,lng=0")]).unwrap_err();
    assert!(typed.to_string().contains("lat is not a number"), "{typed}");
}

/// A full set takes no entry more, on either side, unless one goes; in which order does not matter.
#[test]
fn entries_are_counted_as_the_edit_leaves_them() {
    let organization = kind("organization");
    let tags: Vec<String> = (0..limits::KEYS_PER_CONTAINER).map(|n| format!("t{n}")).collect();
    let pairs = [("name", "Café"), ("tags", &*tags.join(","))];
    let (doc, _) = created(organization, &pairs, &pen(1, 1));
    let field = organization.field("tags").unwrap();
    let add = (field.clone(), FieldChange::Add("more".into()));
    let remove = (field.clone(), FieldChange::Remove("t7".into()));
    let one_more = RecordEdit { changes: vec![add.clone()] };
    let error = written(organization, Some(&doc), &one_more).unwrap_err().to_string();
    assert_eq!(error, "tags: would have 2049 entries; allowed is at most 2048; remove some first");
    let bytes = unchecked(&doc, organization, &one_more.changes, &pen(1, 1), &mut 0).unwrap();
    let refusal = judged(organization, &doc, &bytes).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::TooLarge.as_str());
    assert_eq!(refusal.sentence, format!("{error}."));
    for changes in [vec![add.clone(), remove.clone()], vec![remove, add]] {
        let edit = RecordEdit { changes };
        assert_eq!(written(organization, Some(&doc), &edit), Ok(Some(Ok(()))));
    }
}

/// Nobody but the author of an event knows what it is to replace, and it replaces nothing that it is.
#[test]
fn an_event_that_supersedes_itself_is_refused() {
    let deal = kind("opportunity");
    let (doc, _) = created(deal, &[("name", "Menu"), ("organization_id", ID)], &pen(1, 1));
    let own = mint(&pen(1, 1), &mut 50);
    let mut data = event_data([("stage", Some("proposal"))]);
    data.insert("supersedes".into(), json!([own.to_string()]));
    let change = (deal.field("stage_log").unwrap().clone(), FieldChange::Append(data));
    let bytes = unchecked(&doc, deal, &[change], &pen(1, 1), &mut 50).unwrap();
    let refusal = judged(deal, &doc, &bytes).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::BadValue.as_str());
    assert!(refusal.sentence.contains("supersedes itself"), "{}", refusal.sentence);
}

/// What is said twice of one field in one edit counts as it is said last; parts are put into what was said
/// before them.
#[test]
fn of_two_values_for_one_field_the_last_counts() {
    let organization = kind("organization");
    let pairs = [
        ("name", "Cafe"),
        ("name", "Café"),
        ("billing_address", r#"{"city":"Albany","street":"1 Main St"}"#),
        ("billing_address.city", "Troy"),
    ];
    let (doc, change) = created(organization, &pairs, &pen(1, 1));
    judged(organization, &organization.genesis().doc, &change.bytes).unwrap();
    let said = hydrate(&doc, organization);
    assert_eq!(said.text("name"), Some("Café"));
    let address = json!({"city": "Troy", "street": "1 Main St"});
    assert_eq!(said.json("billing_address"), address);
    let mut ahead = doc.clone();
    let twice = [("cuisine", "Thai"), ("cuisine", "Greek")];
    edited(&mut ahead, organization, &twice, &pen(1, 1), &mut 0).unwrap();
    assert_eq!(hydrate(&ahead, organization).text("cuisine"), Some("Greek"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Several changes at once, also of one field.
    #[test]
    fn what_a_device_writes_at_once_the_guard_takes(
        of in 0_usize..100,
        picks in prop::collection::vec((0_usize..1000, 0_usize..10_000), 1..6),
        begins: bool,
    ) {
        let kinds = kinds();
        let kind = kinds[of % kinds.len()];
        let doc = base(kind);
        let mut all = if begins { beginning(kind) } else { Vec::new() };
        for (field, change) in picks {
            let field = &kind.fields[field % kind.fields.len()];
            let changes = changes(field);
            let change = changes[change % changes.len()].clone();
            // Alone it does not fit; what is asked here is what several come to.
            let alone = RecordEdit { changes: vec![(field.clone(), change.clone())] };
            if begins || written(kind, Some(&doc), &alone).is_ok() {
                all.push((field.clone(), change));
            }
        }
        let doc = (!begins).then_some(&doc);
        if let Ok(Some(verdict)) = written(kind, doc, &RecordEdit { changes: all.clone() }) {
            prop_assert!(verdict.is_ok(), "{:?} of {:?}", verdict, all);
        }
    }
}
