//! Changes made to break a record: everything that gets in must leave a record that loads.

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Automerge, Change, ExpandedChange, ObjId, ROOT, ReadDoc, ScalarValue};
use proptest::prelude::*;
use proptest::sample::Index;
use sync_core::document::{self, PenRole};
use sync_core::error::RefusalCode;
use sync_core::guard::{self, Context};
use sync_core::limits;

use crate::chunk::seal;
use crate::kit::{NOW, created, edited, kind, pen, record, user};

fn attempt_as(doc: &Automerge, bytes: &[u8], author: u128) -> Result<Automerge, String> {
    let context = Context {
        record: record(1),
        kind: kind("organization").clone(),
        doc,
        author: user(author),
        now: NOW,
        pen: PenRole::Device,
    };
    let parsed = guard::parse(bytes).map_err(|refusal| refusal.code)?;
    let verified = guard::verify(parsed, &context).map_err(|refusal| refusal.code)?;
    let applied =
        guard::apply(doc, kind("organization"), verified).map_err(|refusal| refusal.code)?;
    guard::lengths(&applied.doc).map_err(|refusal| refusal.code)?;
    guard::prove(&applied.doc, applied.edits_text, PenRole::Device)
        .map_err(|refusal| refusal.code)?;
    Ok(applied.doc)
}

fn attempt(doc: &Automerge, bytes: &[u8]) -> Result<Automerge, String> {
    attempt_as(doc, bytes, 1)
}

/// A rep's record, which a second rep edited too, and an honest next change of the first.
struct Scene {
    /// What the server holds: both branches.
    doc: Automerge,
    /// What the first rep holds: its own branch.
    seen: Automerge,
    next: Vec<u8>,
}

fn scene() -> Scene {
    let organization = kind("organization");
    let (seen, _) =
        created(organization, &[("name", "Café"), ("notes", "Hi"), ("tags", "old")], &pen(1, 1));
    let mut doc = seen.clone();
    edited(&mut doc, organization, &[("notes", "Hi!!!"), ("tags", "b")], &pen(2, 2), &mut 0)
        .unwrap();
    let mut ahead = seen.clone();
    let pairs = [("cuisine", "Thai"), ("tags", "new,-old"), ("notes", "Ho there")];
    let next = edited(&mut ahead, organization, &pairs, &pen(1, 1), &mut 0).unwrap().bytes;
    Scene { doc, seen, next }
}

fn expanded() -> ExpandedChange {
    Change::from_bytes(scene().next).unwrap().decode()
}

fn encoded(mut change: ExpandedChange, operations: Vec<Op>) -> Vec<u8> {
    change.operations = operations;
    Change::from(change).raw_bytes().to_vec()
}

fn container(name: &str) -> ObjectId {
    let genesis = kind("organization").genesis();
    let counter = genesis.by_counter.iter().find(|(_, field)| **field == name).unwrap().0;
    ObjectId::Id(OpId::new(*counter, &ActorId::from(genesis.actor.0)))
}

fn name_of(id: ObjId) -> OpId {
    match id {
        ObjId::Id(counter, actor, _) => OpId::new(counter, &actor),
        ObjId::Root => unreachable!("the root is nobody's operation"),
    }
}

fn on_key(obj: ObjectId, key: &str, action: OpType, pred: Vec<OpId>) -> Op {
    Op { action, obj, key: Key::Map(key.into()), pred: pred.into(), insert: false }
}

fn insert_after(element: ElementId) -> Op {
    Op {
        action: OpType::Put(ScalarValue::Str("x".into())),
        obj: container("notes"),
        key: Key::Seq(element),
        pred: vec![].into(),
        insert: true,
    }
}

fn take_away(element: &OpId, pred: Vec<OpId>) -> Op {
    let key = Key::Seq(ElementId::Id(element.clone()));
    Op { action: OpType::Delete, obj: container("notes"), key, pred: pred.into(), insert: false }
}

/// Characters of the notes, and the value of the name: operations that are there to be named.
fn known(doc: &Automerge) -> (Vec<OpId>, OpId) {
    let notes = &kind("organization").genesis().containers["notes"];
    let characters = doc.list_range(notes, ..).map(|item| name_of(item.id())).collect();
    (characters, name_of(doc.get(ROOT, "name").unwrap().unwrap().1))
}

/// The change is refused with this code, and the honest one is accepted after it.
#[track_caller]
fn assert_refused(bytes: &[u8], code: RefusalCode) {
    let Scene { doc, next, .. } = scene();
    assert_eq!(attempt(&doc, bytes).err().as_deref(), Some(code.as_str()));
    attempt(&doc, &next).expect("the honest edit goes through");
}

/// Automerge keeps a delete only at what it deletes. One of nothing would vanish from the saved
/// document, which could then never be loaded again.
#[test]
fn a_delete_of_nothing_is_refused() {
    for place in [ObjectId::Root, container("tags"), container("custom_fields")] {
        let stray = on_key(place, "zzz", OpType::Delete, vec![]);
        assert_refused(&encoded(expanded(), vec![stray]), RefusalCode::BadReference);
    }
}

/// A character is taken away once and by its own name; any other name panics the library or is lost.
#[test]
fn a_text_edit_names_only_characters_that_its_writer_saw() {
    let Scene { doc, seen, .. } = scene();
    let (mine, name) = known(&seen);
    let (all, _) = known(&doc);
    let theirs = all.iter().find(|id| !mine.contains(id)).unwrap().clone();
    let first = expanded().start_op.get();
    let own = OpId::new(first, &expanded().actor_id);
    let key = on_key(ObjectId::Root, "newer", OpType::Put(ScalarValue::Int(1)), vec![]);
    let hostile = [
        vec![take_away(&mine[0], vec![])],
        vec![take_away(&mine[0], vec![name.clone()])],
        vec![take_away(&mine[0], vec![mine[1].clone()])],
        vec![take_away(&mine[0], mine.clone())],
        vec![take_away(&mine[0], vec![mine[0].clone(), mine[0].clone()])],
        vec![
            take_away(&mine[0], vec![mine[0].clone()]),
            take_away(&mine[0], vec![mine[0].clone()]),
        ],
        vec![take_away(&name, vec![name.clone()])],
        vec![take_away(&theirs, vec![theirs.clone()])],
        vec![insert_after(ElementId::Id(name))],
        vec![insert_after(ElementId::Id(theirs))],
        vec![key, insert_after(ElementId::Id(own))],
    ];
    for operations in hostile {
        assert_refused(&encoded(expanded(), operations), RefusalCode::BadReference);
    }
}

/// A writer that builds on what was there before its own last change would use its names twice.
#[test]
fn a_change_that_forgets_its_writers_last_one_is_refused() {
    let Scene { doc, next, .. } = scene();
    let after = attempt(&doc, &next).unwrap();
    let mut forked = Change::from_bytes(next).unwrap().decode();
    forked.seq += 1;
    let again = on_key(ObjectId::Root, "website", OpType::Put("y".into()), vec![]);
    let code = attempt(&after, &encoded(forked, vec![again])).err();
    assert_eq!(code.as_deref(), Some(RefusalCode::SequenceGap.as_str()));
}

/// Dependencies are named once and in order, and the empty form only by the change that begins.
#[test]
fn dependencies_in_another_than_their_one_form_are_refused() {
    let mut twice = expanded();
    twice.deps.push(twice.deps[0]);
    let operations = twice.operations.clone();
    assert_refused(&encoded(twice, operations.clone()), RefusalCode::Malformed);
    let mut on_genesis = expanded();
    on_genesis.deps.push(kind("organization").genesis().hash.into());
    on_genesis.deps.sort_unstable();
    assert_refused(&encoded(on_genesis, operations), RefusalCode::WrongRecord);
    assert_refused(&encoded(expanded(), vec![]), RefusalCode::Malformed);
}

/// Limits hold for what one change adds, not only for what was there before it.
#[test]
fn one_change_cannot_fill_a_container_past_its_limit() {
    let tag = |i| on_key(container("tags"), &format!("k{i}"), OpType::Put(true.into()), vec![]);
    let tags = (0..=limits::KEYS_PER_CONTAINER).map(tag).collect();
    assert_refused(&encoded(expanded(), tags), RefusalCode::TooLarge);
    let key = |i| on_key(ObjectId::Root, &format!("k{i}"), OpType::Put(1.into()), vec![]);
    let keys = (0..=limits::UNKNOWN_KEYS).map(key).collect();
    assert_refused(&encoded(expanded(), keys), RefusalCode::TooLarge);
    let keys = (0..limits::UNKNOWN_KEYS).map(key).collect();
    attempt(&scene().doc, &encoded(expanded(), keys)).unwrap();
    let many = (0..=limits::OPS_PER_CHANGE).map(|_| insert_after(ElementId::Head)).collect();
    assert_refused(&encoded(expanded(), many), RefusalCode::TooManyOps);
    let organization = kind("organization");
    let full = "x".repeat(limits::LONG_TEXT_CHARS);
    let mut doc = scene().doc;
    let last = edited(&mut doc, organization, &[("notes", &full)], &pen(1, 1), &mut 0).unwrap();
    let last = Change::from_bytes(last.bytes).unwrap();
    let mut one_more = expanded();
    (one_more.seq, one_more.deps) = (last.seq() + 1, vec![last.hash()]);
    one_more.start_op = std::num::NonZeroU64::new(last.max_op() + 1).unwrap();
    let bytes = encoded(one_more, vec![insert_after(ElementId::Head)]);
    assert_eq!(attempt(&doc, &bytes).unwrap_err(), RefusalCode::TooLarge.as_str());
}

/// An event that does not show today may show tomorrow, and would then hold up another's edit.
#[test]
fn a_value_that_no_database_holds_is_refused_though_it_would_not_show() {
    let id = "018f0000-0000-7000-8000-000000000001";
    let by = user(1);
    let event = |at: i64| {
        let text = format!(r#"{{"at":{at},"by":"{by}","action":"delete"}}"#);
        let put = OpType::Put(ScalarValue::Str(text.as_str().into()));
        encoded(expanded(), vec![on_key(container("life"), id, put, vec![])])
    };
    assert_refused(&event(i64::MIN), RefusalCode::FutureTime);
    assert_refused(&event(i64::MAX), RefusalCode::FutureTime);
    attempt(&scene().doc, &event(NOW.0)).unwrap();
}

/// Keeping the value that is shown is written as a delete of the others, which must not be mistaken
/// for the removal of a field.
#[test]
fn settling_a_conflict_with_the_shown_value_is_accepted() {
    let organization = kind("organization");
    let Scene { seen, .. } = scene();
    let (mut left, mut right) = (seen.clone(), seen);
    edited(&mut left, organization, &[("cuisine", "Thai")], &pen(1, 1), &mut 0).unwrap();
    edited(&mut right, organization, &[("cuisine", "Greek")], &pen(2, 2), &mut 0).unwrap();
    left.merge(&mut right).unwrap();
    let server = left.clone();
    let both = document::hydrate(&server, organization);
    let values: Vec<_> = both.conflicts[0].values.iter().map(|v| v.as_str().unwrap()).collect();
    assert_eq!(values.len(), 2);
    for value in values {
        let mut device = server.clone();
        let settled =
            edited(&mut device, organization, &[("cuisine", value)], &pen(1, 1), &mut 0).unwrap();
        let merged = attempt(&server, &settled.bytes).unwrap();
        let hydrated = document::hydrate(&merged, organization);
        assert_eq!(hydrated.json("cuisine"), value);
        assert!(hydrated.conflicts.is_empty());
    }
}

/// Every bit of an honest change turned over, behind a right checksum: refused or harmless.
#[test]
fn no_single_bit_behind_a_right_checksum_breaks_a_record() {
    let Scene { doc, next, .. } = scene();
    for bit in 64..next.len() * 8 {
        let mut bytes = next.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_harmless(&doc, &seal(bytes));
    }
    attempt(&doc, &next).unwrap();
}

/// Whatever gets in leaves a record that is read back with the same heads.
#[track_caller]
fn assert_harmless(doc: &Automerge, bytes: &[u8]) {
    match attempt(doc, bytes) {
        Ok(changed) => {
            let back = document::load(&changed.save(), &[]).expect("a record that loads");
            assert_eq!(back.get_heads(), changed.get_heads());
        }
        Err(code) => assert!(!code.starts_with("panicked"), "{code}"),
    }
}

/// One lie in an otherwise honest change.
#[derive(Clone, Debug)]
enum Lie {
    Pred(Index, Index),
    NoPreds(Index),
    MorePreds(Index, Index),
    Element(Index, Index),
    Key(Index, Index),
    Object(Index, Index),
    Delete(Index),
    Insert(Index),
    Drop(Index),
    Twice(Index),
    Swap(Index, Index),
    Deps(Vec<Index>),
    Seq(u64),
    Start(i64),
}

fn lie() -> impl Strategy<Value = Lie> {
    let index = any::<Index>;
    prop_oneof![
        (index(), index()).prop_map(|(a, b)| Lie::Pred(a, b)),
        index().prop_map(Lie::NoPreds),
        (index(), index()).prop_map(|(a, b)| Lie::MorePreds(a, b)),
        (index(), index()).prop_map(|(a, b)| Lie::Element(a, b)),
        (index(), index()).prop_map(|(a, b)| Lie::Key(a, b)),
        (index(), index()).prop_map(|(a, b)| Lie::Object(a, b)),
        index().prop_map(Lie::Delete),
        index().prop_map(Lie::Insert),
        index().prop_map(Lie::Drop),
        index().prop_map(Lie::Twice),
        (index(), index()).prop_map(|(a, b)| Lie::Swap(a, b)),
        prop::collection::vec(index(), 0..3).prop_map(Lie::Deps),
        (0_u64..4).prop_map(Lie::Seq),
        (-6_i64..7).prop_map(Lie::Start),
    ]
}

/// Every operation there is to be named: the record's, and the change's own.
fn names(doc: &Automerge, change: &ExpandedChange) -> Vec<OpId> {
    let mut names = Vec::new();
    for stored in doc.get_changes(&[]) {
        let expanded = stored.decode();
        for index in 0..expanded.operations.len() as u64 {
            names.push(OpId::new(expanded.start_op.get() + index, &expanded.actor_id));
        }
    }
    for index in 0..=change.operations.len() as u64 {
        names.push(OpId::new(change.start_op.get() + index, &change.actor_id));
    }
    names
}

fn tell(doc: &Automerge, change: &mut ExpandedChange, lie: &Lie) {
    let names = names(doc, change);
    let count = change.operations.len().max(1);
    if change.operations.is_empty() {
        change.operations.push(insert_after(ElementId::Head));
    }
    let keys = ["name", "cuisine", "old", "new", "b", "zzz", "notes", "id"];
    let places = ["notes", "tags", "life", "custom_fields", "assignment"];
    let operations = &mut change.operations;
    match lie {
        Lie::Pred(at, id) => operations[at.index(count)].pred = vec![id.get(&names).clone()].into(),
        Lie::NoPreds(at) => operations[at.index(count)].pred = vec![].into(),
        Lie::MorePreds(at, id) => {
            let op = &mut operations[at.index(count)];
            let more = op.pred.iter().cloned().chain([id.get(&names).clone()]);
            op.pred = more.collect::<Vec<_>>().into();
        }
        Lie::Element(at, id) => {
            operations[at.index(count)].key = Key::Seq(ElementId::Id(id.get(&names).clone()));
        }
        Lie::Key(at, key) => {
            operations[at.index(count)].key = Key::Map(keys[key.index(keys.len())].into())
        }
        Lie::Object(at, place) => {
            operations[at.index(count)].obj = container(places[place.index(places.len())])
        }
        Lie::Delete(at) => operations[at.index(count)].action = OpType::Delete,
        Lie::Insert(at) => {
            let op = &mut operations[at.index(count)];
            op.insert = !op.insert;
        }
        Lie::Drop(at) => drop(operations.remove(at.index(count))),
        Lie::Twice(at) => operations.push(operations[at.index(count)].clone()),
        Lie::Swap(a, b) => operations.swap(a.index(count), b.index(count)),
        Lie::Deps(some) => {
            let all: Vec<_> = doc.get_changes(&[]).iter().map(Change::hash).collect();
            change.deps = some.iter().map(|dep| *dep.get(&all)).collect();
            change.deps.sort_unstable();
        }
        Lie::Seq(seq) => change.seq = *seq,
        Lie::Start(by) => {
            let start = change.start_op.get().saturating_add_signed(*by).max(1);
            change.start_op = start.try_into().unwrap();
        }
    }
}

/// A text that rewrites itself in ways an editor would: cuts, pastes and characters of several bytes.
fn rewritten() -> impl Strategy<Value = (u8, String, bool)> {
    (0_u8..3, "[ab é👨‍👩‍👧\u{301}🇫🇷\n]{0,12}", any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// Lies about operations, names and places, encoded as an honest app would encode them.
    #[test]
    fn no_lie_in_a_well_formed_change_breaks_a_record(
        lies in prop::collection::vec(lie(), 1..4),
        mine_too in any::<bool>(),
    ) {
        let Scene { mut doc, next, .. } = scene();
        let mut change = Change::from_bytes(next.clone()).unwrap().decode();
        if mine_too {
            // The writer's honest change is there already, and the lie is told after it.
            doc = attempt(&doc, &next).unwrap();
            change.seq += 1;
            change.deps = doc.get_heads();
            let greatest = doc.get_changes_meta(&[]).iter().map(|meta| meta.max_op).max().unwrap();
            change.start_op = (greatest + 1).try_into().unwrap();
            change.extra_bytes.clear();
        }
        for lie in &lies {
            tell(&doc, &mut change, lie);
        }
        if let Ok(bytes) = std::panic::catch_unwind(|| Change::from(change).raw_bytes().to_vec()) {
            assert_harmless(&doc, &bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Three writers rewrite one note and one set, each seeing the others' work or not: the server
    /// takes every change of theirs.
    #[test]
    fn no_honest_edit_of_concurrent_writers_is_refused(
        steps in prop::collection::vec(rewritten(), 1..14),
    ) {
        let organization = kind("organization");
        let (mut server, _) = created(organization, &[("name", "Café")], &pen(1, 9));
        let mut devices = [server.clone(), server.clone(), server.clone()];
        let mut count = 0;
        for (who, text, fetch) in steps {
            let device = &mut devices[usize::from(who)];
            if fetch {
                device.merge(&mut server.clone()).unwrap();
            }
            let (author, tag) = (u128::from(who) + 1, format!("t{}", text.len()));
            let pairs = [("notes", text.as_str()), ("tags", &tag), ("cuisine", &tag)];
            let writer = pen(author, who + 1);
            let Some(made) = edited(device, organization, &pairs, &writer, &mut count) else { continue };
            match attempt_as(&server, &made.bytes, author) {
                Ok(merged) => server = merged,
                Err(code) => prop_assert!(false, "{}", code),
            }
        }
    }
}
