//! Changes with the verdict that the guard gives.

use automerge::transaction::Transactable;
use automerge::{Automerge, Change, ROOT, ScalarValue};
use serde_json::{Value as Json, json};
use sync_core::document::{PenRole, lean};
use sync_core::error::Refusal;
use sync_core::guard::{self, Context};
use sync_core::ids::RecordId;
use sync_core::schema::Kind;
use sync_core::time::UnixMs;

use super::json::hex;
use super::oddities::raw;
use super::pens::{JUDGED_AT, MIA, OMAR, ROSA, Writer, record, server, user, writer};
use super::records::{account, twice};
use super::schemas::{kind, later};

/// A change that is pushed, and what it is pushed to.
pub(crate) struct Pushed {
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    /// None when the record is to begin.
    pub(crate) before: Option<Automerge>,
    pub(crate) record: RecordId,
    pub(crate) author: u128,
    pub(crate) change: Vec<u8>,
}

/// Changes that are taken.
pub(crate) fn accepted() -> Json {
    list([
        beginning(),
        editing(),
        merging(),
        settling(),
        unknown_word(),
        unknown(),
        step(),
        after_step(),
    ])
}

/// Changes that are refused, one a rule.
pub(crate) fn refused() -> Json {
    let after = |about, change| Pushed { change, about, ..editing() };
    let edit = editing().change;
    let mut damaged = edit.clone();
    damaged[20] ^= 1;
    let cut = edit[..edit.len() - 1].to_vec();
    let wrong_record = Pushed {
        record: record(2),
        about: "A new record's change, pushed under another's id.",
        ..beginning()
    };
    let stranger =
        Pushed { author: OMAR, about: "One user's change, pushed by another.", ..beginning() };
    let begun = Pushed {
        before: Some(begun()),
        about: "It begins a record that was begun.",
        ..beginning()
    };
    list([
        after("Its checksum does not fit.", damaged),
        after("It ends too early.", cut),
        after("It is no change at all.", b"golden".to_vec()),
        wrong_record,
        stranger,
        begun,
        Pushed {
            before: Some(begun_by_nobody()),
            about: "It builds on what the server lacks.",
            ..merging()
        },
        by_hand("A number out of range.", |tx| put(tx, "employee_count", -1_i64)),
        by_hand("Text where a number belongs.", |tx| put(tx, "employee_count", "3")),
        by_hand("A required field is cleared.", |tx| put(tx, "name", ScalarValue::Null)),
        by_hand("What is written once is written again.", |tx| put(tx, "created_by", "x")),
        by_hand("The kind is changed.", |tx| put(tx, "kind", "contact")),
        by_hand("The id is changed.", |tx| put(tx, "id", record(2).to_string())),
        by_hand("A field that the server writes.", |tx| {
            put(tx, "merged_into", record(2).to_string())
        }),
        by_hand("A column that follows from other fields.", |tx| put(tx, "is_deleted", true)),
        by_hand("A container is overwritten.", |tx| put(tx, "notes", "flat")),
        by_hand("A container where none is.", |tx| {
            tx.put_object(ROOT, "golden_map", automerge::ObjType::Map).unwrap();
        }),
        by_hand("An unknown field is too large.", |tx| put(tx, "golden_text", "x".repeat(9000))),
        by_hand("An event that names another author.", |tx| {
            let by = user(OMAR).to_string();
            event(tx, "life", &format!(r#"{{"action":"delete","at":1790000000000,"by":"{by}"}}"#));
        }),
        by_hand("An event without its part.", |tx| {
            let by = user(ROSA).to_string();
            event(tx, "life", &format!(r#"{{"at":1790000000000,"by":"{by}"}}"#));
        }),
        by_hand("An address that is not in its normal form.", |tx| {
            let emails = kind("organization").genesis().containers["emails"].clone();
            tx.put(&emails, "Kitchen@Zoe.example", true).unwrap();
        }),
        assignment(),
        of_the_future(),
        gap(),
        forgetful(),
        wrong_counter(),
        posing_as_genesis(),
    ])
}

fn list<const N: usize>(pushed: [Pushed; N]) -> Json {
    pushed.iter().map(described).collect()
}

pub(crate) fn described(pushed: &Pushed) -> Json {
    let Pushed { about, kind, before, record, author, change } = pushed;
    let mut json = json!({
        "about": about,
        "kind": kind.name,
        "record": record.to_string(),
        "signed_in": user(*author).to_string(),
        "now": JUDGED_AT.0,
        "change": hex(change),
        "name": hex(guard::name_of_bytes(change).0),
        "before": before.as_ref().map(|doc| hex(lean::save(doc))),
    });
    let doc = before.as_ref().unwrap_or(&kind.genesis().doc);
    json["verdict"] = verdict(doc, kind.name, *record, user(*author), JUDGED_AT, change);
    json
}

/// What the guard says of a change that a device pushed, and if it takes it, which heads the document
/// then has.
pub(crate) fn verdict(
    doc: &Automerge,
    kind_name: &str,
    record: RecordId,
    author: sync_core::ids::UserId,
    now: UnixMs,
    change: &[u8],
) -> Json {
    match judged(doc, kind_name, record, author, now, change) {
        Ok(doc) => json!({ "accepted": { "heads": super::meaning::heads(&doc) } }),
        Err(refusal) => json!({ "refused": { "code": refusal.code } }),
    }
}

/// The document with the change, if the guard takes it.
pub(crate) fn judged(
    doc: &Automerge,
    kind_name: &str,
    record: RecordId,
    author: sync_core::ids::UserId,
    now: UnixMs,
    change: &[u8],
) -> Result<Automerge, Refusal> {
    let kind = kind(kind_name);
    let parsed = guard::parse(change)?;
    let pen = PenRole::Device;
    let context = Context { record, kind: kind.clone(), doc, author, now, pen };
    let verified = guard::verify(parsed, &context)?;
    let applied = guard::apply(doc, &kind, verified)?;
    guard::prove(&applied.doc, applied.edits_text, PenRole::Device)?;
    Ok(applied.doc)
}

fn begun() -> Automerge {
    account(&mut writer(ROSA, 1)).1
}

/// A record under the same id that another device began.
fn begun_by_nobody() -> Automerge {
    account(&mut writer(ROSA, 77)).1
}

fn beginning() -> Pushed {
    let kind = kind("organization");
    let pairs =
        [("name", "Café Zoë 🍜"), ("notes", "Ring twice.\n\nBack door."), ("tags", "patio")];
    let (_, made) = writer(ROSA, 1).create(&kind, record(1), &pairs);
    let about = "A record begins.";
    Pushed { about, kind, before: None, record: record(1), author: ROSA, change: made.bytes }
}

/// A later change of the writer that began the record, which names no author.
fn editing() -> Pushed {
    let mut rosa = writer(ROSA, 1);
    let (kind, doc) = account(&mut rosa);
    let pairs =
        [("cuisine", "Thai"), ("notes", "Ring once.\n\nBack door."), ("tags", "-patio, bar")];
    pushed("Its writer goes on.", kind, doc, ROSA, |doc, kind| rosa.edit(doc, kind, &pairs))
}

fn merging() -> Pushed {
    let (kind, before) = account(&mut writer(ROSA, 1));
    let mut theirs = before.clone();
    let made = writer(OMAR, 12).edit(&mut theirs, &kind, &[("website", "b.example")]);
    let mut before = before;
    writer(ROSA, 11).edit(&mut before, &kind, &[("website", "a.example")]);
    let about = "It is concurrent with what the server has.";
    let change = made[0].bytes.clone();
    Pushed { about, kind, before: Some(before), record: record(1), author: OMAR, change }
}

fn settling() -> Pushed {
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let doc = twice(&kind, doc, &[("website", "a.example")], &[("website", "b.example")]);
    let shown = sync_core::document::hydrate(&doc, &kind).json("website");
    let pairs = [("website", shown.as_str().unwrap())];
    let about = "A conflict is settled by writing what is shown, which deletes the other value.";
    pushed(about, kind, doc, MIA, |doc, kind| writer(MIA, 13).edit(doc, kind, &pairs))
}

fn unknown_word() -> Pushed {
    by_hand("A word that only a later app knows.", |tx| put(tx, "priority_level", "E"))
}

fn unknown() -> Pushed {
    by_hand("A field of a later app is kept.", |tx| put(tx, "golden_stars", 3_i64))
}

/// The later app's step of genesis, and what it then writes into it.
fn of_later_app() -> (Kind, Automerge, Vec<sync_core::document::LocalChange>) {
    let mut rosa = writer(ROSA, 1);
    let (_, doc) = account(&mut rosa);
    let later = later().kind("organization").unwrap().clone();
    let mut after = doc.clone();
    let made = rosa.edit(&mut after, &later, &[("golden_delivery", "Through the yard.")]);
    (kind("organization"), doc, made)
}

fn step() -> Pushed {
    let (kind, doc, made) = of_later_app();
    let about = "A later app's step of genesis, which has no author and no time.";
    let change = made[0].bytes.clone();
    Pushed { about, kind, before: Some(doc), record: record(1), author: OMAR, change }
}

fn after_step() -> Pushed {
    let (kind, mut doc, made) = of_later_app();
    sync_core::document::apply_stored(&mut doc, &[made[0].bytes.clone()]).unwrap();
    let about = "What a later app writes into the container of its step.";
    let change = made[1].bytes.clone();
    Pushed { about, kind, before: Some(doc), record: record(1), author: ROSA, change }
}

fn assignment() -> Pushed {
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let assigned = user(OMAR).to_string();
    let about = "An event that only the server appends.";
    pushed(about, kind, doc, ROSA, |doc, kind| {
        server(ROSA, 9).append(doc, kind, "assignment", &[("assigned_user_id", &assigned)])
    })
}

fn of_the_future() -> Pushed {
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let mut rosa = writer(ROSA, 11);
    rosa.pen.now = UnixMs(JUDGED_AT.0 + 601_000);
    let about = "It claims to be made eleven minutes from now.";
    pushed(about, kind, doc, ROSA, |doc, kind| rosa.edit(doc, kind, &[("cuisine", "Thai")]))
}

/// Changes of which one does not follow on the other though it should.
fn in_a_row() -> (Kind, Automerge, Vec<Vec<u8>>) {
    let mut rosa = writer(ROSA, 1);
    let (kind, doc) = account(&mut rosa);
    let mut after = doc.clone();
    let made = ["Thai", "Lao"].map(|word| rosa.edit(&mut after, &kind, &[("cuisine", word)]));
    let bytes = made.iter().flatten().map(|change| change.bytes.clone()).collect();
    (kind, doc, bytes)
}

fn gap() -> Pushed {
    let (kind, doc, changes) = in_a_row();
    let about = "The change before it of the same writer did not arrive.";
    pushed_to(about, kind, doc, changes[1].clone())
}

fn forgetful() -> Pushed {
    let (kind, mut doc, changes) = in_a_row();
    let change = writer(ROSA, 1).edit(&mut doc.clone(), &kind, &[("website", "a.example")]);
    sync_core::document::apply_stored(&mut doc, &changes[..1]).unwrap();
    let about = "Its writer forgot its own last change, as a restored copy of a file does.";
    pushed_to(about, kind, doc, change[0].bytes.clone())
}

fn wrong_counter() -> Pushed {
    let (kind, doc, changes) = in_a_row();
    let mut opened = Change::from_bytes(changes[0].clone()).unwrap().decode();
    opened.start_op = opened.start_op.checked_add(5).unwrap();
    let change = Change::from(opened).raw_bytes().to_vec();
    pushed_to("It counts its operations from a number that is too great.", kind, doc, change)
}

fn posing_as_genesis() -> Pushed {
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let mut poser = writer(ROSA, 11);
    poser.pen.actor = kind.genesis().actor;
    let about = "Its writer is that of the first step of genesis.";
    pushed(about, kind, doc, ROSA, |doc, kind| poser.edit(doc, kind, &[("cuisine", "Thai")]))
}

fn pushed_to(about: &'static str, kind: Kind, before: Automerge, change: Vec<u8>) -> Pushed {
    Pushed { about, kind, before: Some(before), record: record(1), author: ROSA, change }
}

fn pushed(
    about: &'static str,
    kind: Kind,
    before: Automerge,
    author: u128,
    make: impl FnOnce(&mut Automerge, &Kind) -> Vec<sync_core::document::LocalChange>,
) -> Pushed {
    let mut after = before.clone();
    let change = make(&mut after, &kind)[0].bytes.clone();
    let record = sync_core::document::id_of(&before).unwrap();
    Pushed { about, kind, before: Some(before), record, author, change }
}

/// A change written operation by operation, sound but for what it does.
fn by_hand(
    about: &'static str,
    write: impl FnOnce(&mut automerge::transaction::Transaction<'_>),
) -> Pushed {
    let (kind, before) = account(&mut writer(ROSA, 1));
    let rosa: Writer = writer(ROSA, 11);
    let change = raw(&mut before.clone(), &rosa, write).raw_bytes().to_vec();
    Pushed { about, kind, before: Some(before), record: record(1), author: ROSA, change }
}

fn put(tx: &mut automerge::transaction::Transaction<'_>, key: &str, value: impl Into<ScalarValue>) {
    tx.put(ROOT, key, value).unwrap();
}

fn event(tx: &mut automerge::transaction::Transaction<'_>, log: &str, text: &str) {
    let log = kind("organization").genesis().containers[log].clone();
    tx.put(&log, record(78).to_string(), text).unwrap();
}
