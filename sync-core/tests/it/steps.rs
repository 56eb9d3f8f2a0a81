//! Later steps of a genesis as forgers would have them: a change that nobody wrote is taken only when
//! it makes containers of its own record and nothing else.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ObjType, ROOT, ReadDoc};
use sync_core::document::{FieldChange, PenRole, RecordEdit, prepare};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard::{self, Context};
use sync_core::ids::Actor;
use sync_core::limits;
use sync_core::schema::{
    Kind, KindDeclaration, Schema, Scope, SetOf, Storage, fields, instant, long_text, set,
    step_actor, text,
};

use crate::kit::{NOW, created, edited, pen, record, user};

/// A kind whose second step makes two containers.
fn site() -> Kind {
    Schema::new(vec![site_declaration()]).kind("site").unwrap().clone()
}

fn site_declaration() -> KindDeclaration {
    KindDeclaration {
        name: "site",
        table: "sites",
        scope: Scope::Itself,
        storage: Storage::Document,
        fields: vec![
            instant("created_at").immutable(),
            text("name", 40),
            long_text("notes"),
            long_text("access").since(2),
            set("keys", SetOf::Words).since(2),
        ],
        derived: Vec::new(),
        title: None,
        subtitle: None,
        alike: None,
        doc: "",
    }
}

/// What a forger says of a step.
struct Forged<'a> {
    /// What it makes.
    makes: &'a [(&'a str, ObjType)],
    /// What its writer says that it makes.
    says: &'a [(&'a str, ObjType)],
    /// The record that its writer is of.
    of: u128,
    /// Its time in seconds.
    time: i64,
}

impl<'a> Forged<'a> {
    fn honest(makes: &'a [(&'a str, ObjType)]) -> Self {
        Self { makes, says: makes, of: 1, time: 0 }
    }

    /// The step on a document.
    fn on(&self, mut base: Automerge) -> Vec<u8> {
        // As whoever wrote the last change; for the honest that is the step before.
        let before = base.get_change_by_hash(&base.get_heads()[0]).unwrap();
        let before = Actor::from_slice(before.actor_id().to_bytes()).unwrap();
        let actor = step_actor("site", record(self.of), before, self.says.iter().copied());
        base.set_author(None);
        base.set_actor(ActorId::from(actor.0));
        let mut tx = base.transaction();
        for (name, ty) in self.makes {
            tx.put_object(ROOT, *name, *ty).unwrap();
        }
        let (hash, _) = tx.commit_with(CommitOptions::default().with_time(self.time));
        base.get_change_by_hash(&hash.unwrap()).unwrap().raw_bytes().to_vec()
    }

    fn on_genesis(&self) -> Vec<u8> {
        self.on(site().genesis().doc.clone())
    }
}

fn begun() -> Automerge {
    created(&site(), &[("name", "North"), ("notes", "Hi")], &pen(1, 1)).0
}

fn attempt(doc: &Automerge, bytes: &[u8]) -> Result<Automerge, Refusal> {
    let kind = site();
    let context = Context {
        record: record(1),
        kind: kind.clone(),
        doc,
        author: user(1),
        now: NOW,
        pen: PenRole::Device,
    };
    let verified = guard::verify(guard::parse(bytes)?, &context)?;
    let applied = guard::apply(doc, &kind, verified)?;
    guard::prove(&applied.doc, applied.edits_text, PenRole::Device)?;
    Ok(applied.doc)
}

#[track_caller]
fn assert_refused(doc: &Automerge, bytes: &[u8], code: RefusalCode) {
    let refusal = attempt(doc, bytes).unwrap_err();
    assert_eq!(refusal.code, code.as_str(), "{}", refusal.sentence);
}

const DECLARED: &[(&str, ObjType)] = &[("access", ObjType::Text), ("keys", ObjType::Map)];
const FUTURE: &[(&str, ObjType)] = &[("alarm", ObjType::Text), ("zones", ObjType::Map)];

#[test]
fn a_step_is_taken_whether_its_containers_are_known_or_not() {
    for makes in [DECLARED, FUTURE] {
        let doc = attempt(&begun(), &Forged::honest(makes).on_genesis()).unwrap();
        for (name, ty) in makes {
            let (value, _) = doc.get(ROOT, *name).unwrap().unwrap();
            assert_eq!(value.to_objtype(), Some(*ty));
        }
    }
    // The one that is declared is byte for byte the one that a replica makes.
    let edit = RecordEdit {
        changes: vec![(site().field("keys").unwrap().clone(), FieldChange::Add("red".into()))],
    };
    let made = prepare(&mut begun(), &site(), record(1), &edit).unwrap();
    assert_eq!(made[0].bytes, Forged::honest(DECLARED).on_genesis());
}

#[test]
fn a_change_that_only_looks_like_a_step_is_refused() {
    let other_record = Forged { of: 2, ..Forged::honest(FUTURE) };
    let says_less = Forged { says: &FUTURE[..1], ..Forged::honest(FUTURE) };
    // It stands at a place that is there already.
    let writes_over = Forged::honest(&[("notes", ObjType::Text)]);
    for forged in [other_record, says_less] {
        assert_refused(&begun(), &forged.on_genesis(), RefusalCode::BadReference);
    }
    let has_a_time = Forged { time: NOW.seconds(), ..Forged::honest(FUTURE) };
    for forged in [writes_over, has_a_time] {
        assert_refused(&begun(), &forged.on_genesis(), RefusalCode::ForeignActor);
    }
}

#[test]
fn a_step_makes_no_part_of_another_step_and_no_place_that_has_a_name() {
    let parts: [&[(&str, ObjType)]; 5] = [
        &[("id", ObjType::Map)],
        &DECLARED[..1],
        &[("keys", ObjType::Map)],
        &[("access", ObjType::Map), ("keys", ObjType::Map)],
        &[("name", ObjType::Text)],
    ];
    for makes in parts {
        assert_refused(&begun(), &Forged::honest(makes).on_genesis(), RefusalCode::BadReference);
    }
}

#[test]
fn a_step_builds_on_the_step_before_and_on_nothing_else() {
    let step = Forged::honest(FUTURE);
    assert_refused(&begun(), &step.on(begun()), RefusalCode::MissingDependency);
    // A record does not begin with a later step.
    let genesis = site().genesis().doc.clone();
    assert_refused(&genesis, &step.on_genesis(), RefusalCode::MissingDependency);
    // But a step may follow a step.
    let mut two = site().genesis().doc.clone();
    let first = Forged::honest(DECLARED).on_genesis();
    two.apply_changes([automerge::Change::from_bytes(first.clone()).unwrap()]).unwrap();
    let doc = attempt(&begun(), &first).unwrap();
    attempt(&doc, &step.on(two)).unwrap();
}

#[test]
fn a_record_takes_so_many_unknown_containers_and_no_more() {
    let names: Vec<String> = (0..=limits::UNKNOWN_KEYS).map(|n| format!("x{n:04}")).collect();
    let makes: Vec<(&str, ObjType)> = names.iter().map(|n| (n.as_str(), ObjType::Map)).collect();
    assert_refused(&begun(), &Forged::honest(&makes).on_genesis(), RefusalCode::TooLarge);
    let fits = &makes[..limits::UNKNOWN_KEYS];
    let doc = attempt(&begun(), &Forged::honest(fits).on_genesis()).unwrap();
    let more = Forged::honest(&[("y", ObjType::Map)]).on_genesis();
    assert_refused(&doc, &more, RefusalCode::TooLarge);
    for name in ["k".repeat(limits::KEY_BYTES + 1), String::new(), "a\0b".to_owned()] {
        let odd = Forged::honest(&[(&name, ObjType::Map)]).on_genesis();
        let code = if name.len() > limits::KEY_BYTES {
            RefusalCode::BadValue
        } else {
            RefusalCode::ForeignActor
        };
        assert_refused(&begun(), &odd, code);
    }
}

/// A change that writes into a container names the step among what it builds on.
#[test]
fn nobody_writes_into_a_container_that_they_have_not_seen() {
    let step = Forged::honest(DECLARED).on_genesis();
    let with_step = attempt(&begun(), &step).unwrap();
    let mut seen = with_step.clone();
    let kind = site();
    let pairs = [("keys", "+red"), ("access", "By the yard")];
    let write = edited(&mut seen, &kind, &pairs, &pen(1, 1), &mut 0).unwrap();
    attempt(&with_step, &write.bytes).unwrap();
    // The same change with the step cut from what it builds on.
    let mut expanded = automerge::Change::from_bytes(write.bytes).unwrap().decode();
    let step = automerge::Change::from_bytes(step).unwrap().hash();
    expanded.deps.retain(|dep| *dep != step);
    assert!(!expanded.deps.is_empty());
    let blind = automerge::Change::from(expanded).raw_bytes().to_vec();
    assert_refused(&with_step, &blind, RefusalCode::BadReference);
    // And where the step has not arrived at all.
    let refusal = attempt(&begun(), &blind).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::BadReference.as_str());
}

/// A step that forgers put between the first and a declared one leaves the declared one its place: a
/// writer's first change is one, whichever came first.
#[test]
fn a_declared_step_on_a_forged_one_does_not_take_the_place_of_the_honest_one() {
    let forged = Forged::honest(&[("a", ObjType::Map)]).on_genesis();
    let mut two = site().genesis().doc.clone();
    two.apply_changes([automerge::Change::from_bytes(forged.clone()).unwrap()]).unwrap();
    let displaced = Forged::honest(DECLARED).on(two);
    let doc = attempt(&begun(), &forged).unwrap();
    let doc = attempt(&doc, &displaced).unwrap_or(doc);
    let honest = Forged::honest(DECLARED).on_genesis();
    attempt(&doc, &honest).unwrap();
}

/// Nor does an edit of somebody who calls its writer as the step's writer is called.
#[test]
fn an_edit_in_the_name_of_a_step_does_not_take_its_place() {
    for makes in [DECLARED, FUTURE] {
        let mut theirs = begun();
        let writer = step_actor("site", record(1), site().genesis().actor, makes.iter().copied());
        let thief = sync_core::document::Pen { actor: writer, ..pen(1, 1) };
        let edit = edited(&mut theirs, &site(), &[("name", "South")], &thief, &mut 0).unwrap();
        let doc = attempt(&begun(), &edit.bytes).unwrap_or_else(|_| begun());
        attempt(&doc, &Forged::honest(makes).on_genesis()).unwrap();
    }
}

/// A device whose record holds such a thing goes on.
#[test]
fn an_edit_on_a_record_with_a_forged_step_does_not_bring_the_app_down() {
    let mut theirs = begun();
    let writer = step_actor("site", record(1), site().genesis().actor, DECLARED.iter().copied());
    let thief = sync_core::document::Pen { actor: writer, ..pen(1, 1) };
    let edit = edited(&mut theirs, &site(), &[("name", "South")], &thief, &mut 0).unwrap();
    let Ok(mut doc) = attempt(&begun(), &edit.bytes) else { return };
    let add = FieldChange::Add("red".into());
    let edit = RecordEdit { changes: vec![(site().field("keys").unwrap().clone(), add)] };
    prepare(&mut doc, &site(), record(1), &edit).unwrap_err();
}

/// What an older server kept of a newer app in a map becomes a row of the newer server.
#[test]
fn an_entry_of_an_unknown_map_holds_nothing_that_no_row_can_hold() {
    let makes: &[(&str, ObjType)] = &[("extra", ObjType::Map)];
    let mut doc = attempt(&begun(), &Forged::honest(makes).on_genesis()).unwrap();
    let stored = doc.clone();
    let (_, map) = doc.get(ROOT, "extra").unwrap().unwrap();
    doc.set_author(Some(automerge::Author::from(user(1).as_bytes().to_vec())));
    doc.set_actor(ActorId::from([7; 16]));
    let mut tx = doc.transaction();
    tx.put(&map, "size", "a\0b").unwrap();
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(NOW.seconds()));
    let bytes = doc.get_change_by_hash(&hash.unwrap()).unwrap().raw_bytes().to_vec();
    let Ok(taken) = attempt(&stored, &bytes) else { return };
    // The next version declares it.
    let mut declared = site_declaration();
    declared.fields.truncate(3);
    declared.fields.push(fields("extra").since(2));
    let newer = Schema::new(vec![declared]).kind("site").unwrap().clone();
    let said = sync_core::document::hydrate(&taken, &newer);
    let row = sync_core::projection::project(record(1), &said, None);
    // PostgreSQL takes no such sequence into a jsonb.
    let bad = |cell: &sync_core::cell::Cell| format!("{cell:?}").contains("u0000");
    assert!(!row.iter().any(bad), "{row:?}");
}

/// Nobody takes a container away that a newer app keeps its words in, whole or in the guise of a value.
#[test]
fn a_container_that_no_declaration_knows_is_not_removed_as_a_whole() {
    let stored = attempt(&begun(), &Forged::honest(FUTURE).on_genesis()).unwrap();
    for overwrite in [false, true] {
        let mut doc = stored.clone();
        doc.set_author(Some(automerge::Author::from(user(1).as_bytes().to_vec())));
        doc.set_actor(ActorId::from([7; 16]));
        let mut tx = doc.transaction();
        if overwrite {
            tx.put(ROOT, "zones", "none").unwrap();
        } else {
            tx.delete(ROOT, "zones").unwrap();
        }
        let (hash, _) = tx.commit_with(CommitOptions::default().with_time(NOW.seconds()));
        let bytes = doc.get_change_by_hash(&hash.unwrap()).unwrap().raw_bytes().to_vec();
        assert_refused(&stored, &bytes, RefusalCode::BadReference);
    }
}
