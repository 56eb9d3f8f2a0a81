//! Hostile and faulty changes: refused with a code, and the next honest edit goes through.

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Automerge, Change, ExpandedChange, ObjType, ScalarValue};
use proptest::prelude::*;
use sync_core::document::{FieldChange, PenRole, Value};
use sync_core::error::RefusalCode;
use sync_core::event::event_data;
use sync_core::guard::{self, Context};
use sync_core::limits;

use crate::chunk::{bomb, seal};
use crate::kit::{NOW, created, edited, kind, pen, record, unchecked, user};

/// A rep's record and an honest next change of it.
struct Scene {
    doc: Automerge,
    next: Vec<u8>,
}

fn scene() -> Scene {
    let organization = kind("organization");
    let writer = pen(1, 1);
    let (doc, _) = created(organization, &[("name", "Café"), ("notes", "Hi")], &writer);
    let mut ahead = doc.clone();
    let pairs = [
        ("cuisine", "Thai"),
        ("tags", "new"),
        ("notes", "Hi there"),
        ("location", "lat=1.5,lng=2"),
    ];
    let next = edited(&mut ahead, organization, &pairs, &writer, &mut 0).unwrap().bytes;
    Scene { doc, next }
}

fn context(doc: &Automerge) -> Context<'_> {
    Context {
        record: record(1),
        kind: kind("organization").clone(),
        doc,
        author: user(1),
        now: NOW,
        pen: PenRole::Device,
    }
}

/// Takes a change through all three steps.
fn attempt(doc: &Automerge, bytes: &[u8]) -> Result<Automerge, String> {
    let parsed = guard::parse(bytes).map_err(|refusal| refusal.code)?;
    let verified = guard::verify(parsed, &context(doc)).map_err(|refusal| refusal.code)?;
    let applied =
        guard::apply(doc, kind("organization"), verified).map_err(|refusal| refusal.code)?;
    guard::prove(&applied.doc, applied.edits_text, PenRole::Device)
        .map_err(|refusal| refusal.code)?;
    Ok(applied.doc)
}

/// The change is refused with this code, and the honest one is accepted after it.
#[track_caller]
fn assert_refused(bytes: &[u8], code: RefusalCode) {
    let Scene { doc, next } = scene();
    assert_eq!(attempt(&doc, bytes).err().as_deref(), Some(code.as_str()));
    attempt(&doc, &next).expect("the honest edit goes through");
}

/// The honest change with something altered, encoded anew.
fn altered(alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut expanded = Change::from_bytes(scene().next).unwrap().decode();
    alter(&mut expanded);
    Change::from(expanded).raw_bytes().to_vec()
}

fn put(key: &str, value: impl Into<ScalarValue>) -> Op {
    Op {
        action: OpType::Put(value.into()),
        obj: ObjectId::Root,
        key: Key::Map(key.into()),
        pred: Vec::<OpId>::new().into(),
        insert: false,
    }
}

fn only(op: Op) -> Vec<u8> {
    altered(|change| change.operations = vec![op])
}

/// Every edit that the engine itself makes passes.
#[test]
fn honest_edits_of_every_sort_pass() {
    let Scene { doc, next } = scene();
    let doc = attempt(&doc, &next).unwrap();
    let mut ahead = doc.clone();
    let pairs = [("tags", "-new"), ("custom_fields.size", "9"), ("notes", "Bye"), ("cuisine", "")];
    let later = edited(&mut ahead, kind("organization"), &pairs, &pen(1, 1), &mut 0).unwrap();
    attempt(&doc, &later.bytes).unwrap();
}

/// Runs of 2^40 operations in a hundred bytes are counted, not expanded.
#[test]
fn operation_and_predecessor_bombs_are_refused_unexpanded() {
    // Columns: action (66), predecessor count (112), key string (21), insert (52).
    for column in [66, 112, 21, 52] {
        assert_refused(&bomb(column, 1 << 40), RefusalCode::TooManyOps);
    }
}

#[test]
fn a_change_by_another_author_or_actor_is_refused() {
    let theirs = altered(|change| {
        change.actor_id = ActorId::from([8_u8; 16]);
        change.seq = 1;
    });
    assert_refused(&theirs, RefusalCode::ForeignAuthor);
    let Scene { doc, next } = scene();
    let parsed = guard::parse(&next).unwrap();
    let mut other = context(&doc);
    other.author = user(2);
    let refusal = guard::verify(parsed, &other).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::ForeignAuthor.as_str());
}

/// The library reads the author and overlooks what stands behind it; we do not pass on what nobody
/// reads.
#[test]
fn bytes_behind_the_author_are_refused() {
    let (_, beginning) = created(kind("organization"), &[("name", "Café")], &pen(1, 1));
    assert!(guard::parse(&beginning.bytes).is_ok());
    let signed = |alter: &dyn Fn(&mut Vec<u8>)| {
        let mut change = Change::from_bytes(beginning.bytes.clone()).unwrap().decode();
        alter(&mut change.extra_bytes);
        guard::parse(Change::from(change).raw_bytes()).err().map(|refusal| refusal.code)
    };
    let malformed = Some(RefusalCode::Malformed.as_str().to_owned());
    assert_eq!(signed(&|author| author.push(0)), malformed);
    assert_eq!(signed(&|author| author.extend([1, 2, 3])), malformed);
    assert_eq!(signed(&|author| author.truncate(17)), malformed);
    assert_eq!(signed(&|_| {}), None);
}

/// Whose visit it was is what reports count by.
#[test]
fn a_visit_of_somebody_else_is_refused() {
    let visit = kind("interaction");
    let made = |by: u128| {
        let needed = [
            ("organization_id", Value::Str(record(7).to_string())),
            ("interaction_type", Value::Str("VISIT".into())),
            ("user_id", Value::Str(user(by).to_string())),
            ("created_by", Value::Str(user(1).to_string())),
            ("created_at", Value::Instant(NOW)),
            ("occurred_at", Value::Instant(NOW)),
        ];
        let set = |(name, value)| (visit.field(name).unwrap().clone(), FieldChange::Set(value));
        let doc = &visit.genesis().doc;
        let beginning = unchecked(doc, visit, &needed.map(set), &pen(1, 1), &mut 0).unwrap();
        let parsed = guard::parse(&beginning).unwrap();
        guard::verify(parsed, &Context { kind: visit.clone(), ..context(doc) }).map(drop)
    };
    made(1).unwrap();
    assert_eq!(made(2).unwrap_err().code, RefusalCode::ForeignAuthor.as_str());
}

/// An arrival is noted once: a plan takes it later, and what stands is neither written over, cleared,
/// settled, nor written beside by who saw it.
#[test]
fn what_is_noted_once_is_not_noted_again() {
    let visit = kind("interaction");
    let judge = |doc: &Automerge, bytes: &[u8]| {
        let context = Context { kind: visit.clone(), ..context(doc) };
        guard::verify(guard::parse(bytes).unwrap(), &context).map(drop).map_err(|said| said.code)
    };
    let account = record(9).to_string();
    let plan = [
        ("organization_id", account.as_str()),
        ("interaction_type", "VISIT"),
        ("planned_at", "2030-01-01T09:00:00Z"),
    ];
    let (mut doc, _) = created(visit, &plan, &pen(1, 1));
    let arrived =
        |ago: &str| Value::Parts([("at_ms".to_owned(), (NOW.0 - ago.len() as i64).into())].into());
    let write = |doc: &Automerge, value: Value, actor: u8| {
        let change = [(visit.field("check_in").unwrap().clone(), FieldChange::Set(value))];
        unchecked(doc, visit, &change, &pen(1, actor), &mut 0).unwrap()
    };
    assert_eq!(judge(&doc, &write(&doc, Value::Null, 1)).unwrap_err(), "bad_value");
    let (here, there) = (write(&doc, arrived("a"), 1), write(&doc, arrived("bb"), 2));
    for bytes in [&here, &there] {
        judge(&doc, bytes).unwrap();
    }
    let before = doc.clone();
    for bytes in [here, there] {
        judge(&doc, &bytes).expect("who has not heard of the other writes beside it");
        doc.apply_changes([Change::from_bytes(bytes).unwrap()]).unwrap();
        for value in [arrived("ccc"), Value::Null] {
            assert_eq!(judge(&doc, &write(&doc, value, 3)).unwrap_err(), "immutable");
        }
    }
    // Automerge writes the value that it would show as a delete of the others.
    let settling = write(&doc, arrived("bb"), 3);
    let expanded = Change::from_bytes(settling.clone()).unwrap().decode();
    assert!(expanded.operations.iter().all(|op| op.action == OpType::Delete), "{expanded:?}");
    assert_eq!(judge(&doc, &settling).unwrap_err(), "immutable");
    let mut beside = Change::from_bytes(write(&doc, arrived("ccc"), 3)).unwrap().decode();
    beside.operations[0].pred = Vec::<OpId>::new().into();
    let beside = Change::from(beside).raw_bytes().to_vec();
    assert_eq!(judge(&doc, &beside).unwrap_err(), "bad_reference");
    judge(&doc, &write(&before, arrived("dddd"), 4)).unwrap();
}

/// Who wins a disputed deal hangs on the role of its writer, which is not the writer's to say.
#[test]
fn a_stage_that_claims_a_role_is_refused() {
    let deal = kind("opportunity");
    let pairs = [("name", "Menu"), ("organization_id", "018f0000-0000-7000-8000-000000000001")];
    let (doc, _) = created(deal, &pairs, &pen(1, 1));
    let closed = |role: Option<&str>| {
        let data = event_data([("stage", Some("closed-won")), ("role", role)]);
        noted(deal, &doc, "stage_log", data, &mut 0).0
    };
    closed(None).unwrap();
    let refusal = closed(Some("admin")).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::ServerOnly.as_str());
}

/// An event of a log as a device would write it, judged against the record.
fn noted(
    on: &sync_core::schema::Kind,
    doc: &Automerge,
    log: &str,
    data: sync_core::event::EventData,
    count: &mut u64,
) -> (Result<(), sync_core::error::Refusal>, Automerge) {
    let change = (on.field(log).unwrap().clone(), FieldChange::Append(data));
    let change = unchecked(doc, on, &[change], &pen(1, 1), count).unwrap();
    let mut ahead = doc.clone();
    sync_core::document::apply_stored(&mut ahead, std::slice::from_ref(&change)).unwrap();
    let context = Context { kind: on.clone(), ..context(doc) };
    (guard::verify(guard::parse(&change).unwrap(), &context).map(drop), ahead)
}

/// Seventy writers who have not seen one another: what they leave can be built on by whoever comes next.
#[test]
fn edits_side_by_side_leave_a_record_that_can_be_edited() {
    let organization = kind("organization");
    let Scene { doc, .. } = scene();
    let (mut now, mut refused) = (doc.clone(), 0);
    for writer in 10..80 {
        let mut ahead = doc.clone();
        let pairs = [("tags", format!("t{writer}"))];
        let pairs = pairs.each_ref().map(|(name, value)| (*name, value.as_str()));
        let change = edited(&mut ahead, organization, &pairs, &pen(1, writer), &mut 0).unwrap();
        match attempt(&now, &change.bytes) {
            Ok(taken) => now = taken,
            Err(code) => {
                assert_eq!(code, RefusalCode::MissingDependency.as_str());
                refused += 1;
            }
        }
    }
    assert_eq!((now.get_heads().len(), refused), (limits::HEADS_LEFT, 70 - limits::HEADS_LEFT));
    let mut ahead = now.clone();
    let next = edited(&mut ahead, organization, &[("cuisine", "Thai")], &pen(1, 90), &mut 0);
    let after = attempt(&now, &next.unwrap().bytes).unwrap();
    assert_eq!(after.get_heads().len(), 1);
}

/// One id has one form: whoever compares it as text, such as a device's tables or those who look whether a
/// record is hidden from its writer, sees what the database sees.
#[test]
fn ids_in_events_have_one_form() {
    let contact = kind("contact");
    let at = "018f0000-0000-7000-8000-00000000000a";
    let (doc, _) = created(contact, &[("last_name", "Rossi"), ("organization_id", at)], &pen(1, 1));
    let to = |id: &str| {
        let data = event_data([("organization_id", Some(id))]);
        noted(contact, &doc, "employer", data, &mut 50).0.map_err(|refusal| refusal.code)
    };
    to(at).unwrap();
    for form in
        [format!("{{{at}}}"), at.to_uppercase(), at.replace('-', ""), format!("urn:uuid:{at}")]
    {
        assert_eq!(to(&form).unwrap_err(), RefusalCode::BadValue.as_str(), "{form}");
    }
}

/// A log cannot be emptied, so that nobody may fill it alone: somebody else can still correct it.
#[test]
fn nobody_fills_a_log_alone() {
    let deal = kind("opportunity");
    let pairs = [("name", "Menu"), ("organization_id", "018f0000-0000-7000-8000-00000000000a")];
    let (mut doc, _) = created(deal, &pairs, &pen(1, 1));
    let mut count = 100;
    let won = || event_data([("stage", Some("closed-won"))]);
    for _ in 1..=limits::EVENTS_PER_AUTHOR {
        let (verdict, after) = noted(deal, &doc, "stage_log", won(), &mut count);
        if let Err(refusal) = verdict {
            assert_eq!(refusal.code, RefusalCode::TooLarge.as_str());
            break;
        }
        doc = after;
    }
    let refusal = noted(deal, &doc, "stage_log", won(), &mut count).0.unwrap_err();
    assert_eq!(refusal.code, RefusalCode::TooLarge.as_str());
    let mut ahead = doc.clone();
    let correction = [("stage", "closed-lost: no budget")];
    let change = edited(&mut ahead, deal, &correction, &pen(2, 2), &mut count).unwrap();
    let parsed = guard::parse(&change.bytes).unwrap();
    let manager = Context { kind: deal.clone(), author: user(2), ..context(&doc) };
    guard::verify(parsed, &manager).map(drop).unwrap();
}

#[test]
fn counters_that_do_not_follow_are_refused() {
    let inflated = altered(|c| c.start_op = 1_000_000.try_into().unwrap());
    assert_refused(&inflated, RefusalCode::OpCounter);
    let ceiling = altered(|c| c.start_op = (limits::OP_COUNTER + 1).try_into().unwrap());
    assert_refused(&ceiling, RefusalCode::OpCounter);
    assert_refused(&altered(|c| c.seq = 7), RefusalCode::SequenceGap);
    assert_refused(&altered(|c| c.time = NOW.seconds() + 3600), RefusalCode::FutureTime);
}

#[test]
fn unknown_dependencies_are_refused() {
    let missing = altered(|c| c.deps = vec![automerge::ChangeHash([3; 32])]);
    assert_refused(&missing, RefusalCode::MissingDependency);
    assert_refused(&altered(|c| c.deps.clear()), RefusalCode::MissingDependency);
}

/// A change of one record pushed as another's, and a second beginning.
#[test]
fn changes_of_other_records_are_refused() {
    let genesis = kind("organization").genesis();
    let (_, beginning) = created(kind("organization"), &[("name", "Again")], &pen(1, 5));
    assert_refused(&beginning.bytes, RefusalCode::WrongRecord);
    let mut elsewhere = context(&genesis.doc);
    elsewhere.record = record(2);
    let parsed = guard::parse(&beginning.bytes).unwrap();
    let refusal = guard::verify(parsed, &elsewhere).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::WrongRecord.as_str());
}

#[test]
fn what_no_edit_writes_is_refused() {
    assert_refused(&only(put("kind", "task")), RefusalCode::BadReference);
    assert_refused(&only(put("created_by", user(1).to_string())), RefusalCode::BadReference);
    assert_refused(&only(put("merged_into", record(3).0.to_string())), RefusalCode::ServerOnly);
    // Columns that follow from other fields: no newer version shall find such a field by that name.
    assert_refused(&only(put("assigned_user_id", user(1).to_string())), RefusalCode::ServerOnly);
    assert_refused(&only(put("updated_by", user(1).to_string())), RefusalCode::ServerOnly);
    assert_refused(&only(put("employee_count", "many")), RefusalCode::BadValue);
    assert_refused(&only(put("employee_count", -5)), RefusalCode::BadValue);
    assert_refused(&only(put("website", "x".repeat(5000))), RefusalCode::BadValue);
    assert_refused(&only(put("newer", "x".repeat(20_000))), RefusalCode::BadValue);
    assert_refused(&only(put("name", "New name")), RefusalCode::BadReference);
    let mut object = put("map", 1);
    object.action = OpType::Make(ObjType::Map);
    assert_refused(&only(object), RefusalCode::BadReference);
    let mut stray = put("a", true);
    stray.obj = ObjectId::Id(OpId::new(3, &ActorId::from([9_u8; 16])));
    assert_refused(&only(stray), RefusalCode::BadReference);
    let mut counter = put("employee_count", 1);
    counter.action = OpType::Increment(5);
    assert_refused(&only(counter), RefusalCode::BadReference);
}

/// A word or a field of a newer app is kept.
#[test]
fn unknown_words_and_fields_of_a_newer_app_are_kept() {
    let Scene { doc, .. } = scene();
    let doc = attempt(&doc, &only(put("organization_type", "franchise"))).unwrap();
    let hydrated = sync_core::document::hydrate(&doc, kind("organization"));
    assert_eq!(hydrated.json("organization_type"), serde_json::Value::Null);
    assert_eq!(hydrated.violations.len(), 1);
    attempt(&scene().doc, &only(put("loyalty_tier", 3))).unwrap();
}

#[test]
fn truncated_changes_are_malformed_at_every_length() {
    let next = scene().next;
    for end in 0..next.len() {
        assert_refused(&next[..end], RefusalCode::Malformed);
    }
}

/// Its checksum is that of the plain form: whoever is told that the checksum is wrong looks in vain.
#[test]
fn a_compressed_change_is_refused_by_that_name() {
    let notes: String = (0..500).map(|n| n.to_string()).collect();
    let pairs = [("name", "Café"), ("notes", notes.as_str())];
    let (_, beginning) = created(kind("organization"), &pairs, &pen(1, 1));
    let mut change = Change::from_bytes(beginning.bytes).unwrap();
    assert!(guard::parse(change.raw_bytes()).is_ok());
    let refusal = guard::parse(&change.bytes()).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Malformed.as_str());
    assert!(refusal.sentence.contains("compressed"), "{}", refusal.sentence);
}

/// Keys in any order, blanks, a null for a part without a value, and 2 for 2.0 are one value; a place
/// that is nowhere on earth is none.
#[test]
fn whole_values_are_read_by_their_parts() {
    let Scene { doc, .. } = scene();
    let text = r#"{"lng": 3, "lat": 2, "accuracy_m": null}"#;
    let taken = attempt(&doc, &only(put("location", text))).unwrap();
    let hydrated = sync_core::document::hydrate(&taken, kind("organization"));
    assert_eq!(hydrated.json("location"), serde_json::json!({"lat": 2.0, "lng": 3.0}));
    assert_eq!(hydrated.violations, []);
    for (name, beyond) in [("lat", 90.1), ("lat", -91.0), ("lng", 181.0), ("accuracy_m", -1.0)] {
        let text = format!(r#"{{"{name}":{beyond}}}"#);
        assert_refused(&only(put("location", text.as_str())), RefusalCode::BadValue);
    }
}

#[test]
fn a_replayed_change_is_refused_by_its_place() {
    let Scene { doc, next } = scene();
    let doc = attempt(&doc, &next).unwrap();
    assert_eq!(attempt(&doc, &next).err().as_deref(), Some(RefusalCode::SequenceGap.as_str()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Bytes altered behind a right checksum never panic through, never break the record, and never
    /// keep the next honest edit from going through.
    #[test]
    fn mutated_changes_never_poison_a_record(
        flips in prop::collection::vec((8_usize..400, any::<u8>()), 1..4),
    ) {
        let Scene { doc, next } = scene();
        let mut bytes = next.clone();
        for (at, with) in flips {
            let at = 8 + at % (bytes.len() - 8);
            bytes[at] ^= with;
        }
        let before = doc.save();
        match attempt(&doc, &seal(bytes)) {
            Ok(changed) => {
                sync_core::document::load(&changed.save(), &[]).unwrap();
            }
            Err(code) => prop_assert!(!code.starts_with("panicked"), "{}", code),
        }
        prop_assert_eq!(doc.save(), before);
        prop_assert!(attempt(&doc, &next).is_ok());
    }
}
