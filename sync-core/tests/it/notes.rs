//! Long notes: moved about, replaced, written side by side, refused and handed in again.

use sync_core::document::{FieldChange, FieldState, Hydrated, PenRole, RecordEdit};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard::{self, name_of_bytes};
use sync_core::hub::{Candidate, CandidateGroup, Effort, Judgement, Standing, Workspace};
use sync_core::ids::{RecordId, UserId};
use sync_core::limits;
use sync_core::protocol::{ClientMessage, Push, ServerMessage, Verdict, VerdictOutcome, Verdicts};
use sync_core::replica::{GroupEdit, Replica};
use sync_core::testing::World as Simulated;
use sync_core::testing::crm::CrmRules;
use uuid::Uuid;

use crate::kit::{NOW, World, edit, kind, replica, user, welcome};

const REP: UserId = UserId(Uuid::from_u128(0x11));
const MANAGER: UserId = UserId(Uuid::from_u128(0x14));

/// Words that do not repeat, as many characters as that.
fn words(first: usize, characters: usize) -> String {
    let text: String = (first..).map(|n| format!("word{n} ")).take(characters / 5).collect();
    text.chars().take(characters).collect()
}

fn notes(record: &Hydrated) -> &str {
    match record.field("notes") {
        Some(FieldState::Text(text)) => text,
        other => panic!("notes are text, not {other:?}"),
    }
}

fn pushes(device: &mut Replica) -> Vec<Push> {
    let mut pushes = Vec::new();
    while let Some(frame) = device.poll_push().unwrap() {
        match ClientMessage::from_bytes(&frame).unwrap() {
            ClientMessage::Push(push) => pushes.push(push),
            other => panic!("a push and not {other:?}"),
        }
    }
    pushes
}

/// A device in a session, with an account.
fn begun(file: &std::path::Path, env: &mut World) -> (Replica, RecordId) {
    let mut device = replica(file, 1, env);
    let organization = kind("organization");
    let id = device.create(organization, edit(organization, &[("name", "Café")]), env).unwrap();
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), env).unwrap();
    (device, id)
}

fn rewrite(device: &mut Replica, id: RecordId, text: &str, env: &mut World) {
    device.edit(id, edit(kind("organization"), &[("notes", text)]), env).unwrap();
}

/// What a server says of pushes, one after the other.
fn judge(workspace: &mut Workspace, pushes: Vec<Push>) -> Vec<Judgement> {
    let mut said = Vec::new();
    for push in pushes {
        for group in push.groups {
            let candidate = |item: sync_core::protocol::PushItem| Candidate {
                record: item.record,
                kind: kind(&item.kind).clone(),
                parsed: guard::parse(&item.change.0).unwrap(),
            };
            let changes: Vec<Candidate> = group.items.into_iter().map(candidate).collect();
            let records: Vec<RecordId> = changes.iter().map(|one| one.record).collect();
            let (group, seen, standing) = (group.group, group.seen, Standing::New);
            let group = CandidateGroup { group, seen, standing, changes };
            said.push(workspace.judge(group, user(1), PenRole::Device, NOW));
            assert!(
                said.len() % 9 != 0
                    || workspace.prove(records, user(1), PenRole::Device).is_empty()
            );
        }
    }
    said
}

/// The first half of a note that is as long as it may be goes behind the second: on the way the text is
/// longer than it may be, and in the end it is not.
#[test]
fn a_note_that_is_moved_about_is_judged_by_how_it_ends() {
    let mut world = Simulated::new(sync_core::crm::schema(), CrmRules, 1);
    let rep = world.device(REP);
    let note = words(1, limits::LONG_TEXT_CHARS);
    let account = world.create(rep, "organization", &[("name", "Bar"), ("notes", &note)]).unwrap();
    let (front, back) = note.split_at(limits::LONG_TEXT_CHARS / 2);
    let moved = format!("{back}{front}");
    world.edit(rep, account, &[("notes", &moved)]).unwrap();
    world.edit(rep, account, &[("notes", &words(100_000, limits::LONG_TEXT_CHARS))]).unwrap();
    world.edit(rep, account, &[("notes", &moved)]).unwrap();
    world.heal().unwrap();
    assert_eq!(world.check(), [""; 0]);
    let replica = world.replica(rep).unwrap();
    assert_eq!(replica.quarantine().unwrap(), []);
    assert!(notes(&replica.record(account).unwrap().unwrap()) == moved);
}

/// Two people write a long note each at once. The second is refused as one edit with one reason, shown
/// as a whole, and handed in as a whole once there is room.
#[test]
fn a_refused_note_is_one_edit() {
    let mut world = Simulated::new(sync_core::crm::schema(), CrmRules, 2);
    let [rep, manager] = [REP, MANAGER].map(|who| world.device(who));
    let account = world.create(rep, "organization", &[("name", "Bar")]).unwrap();
    world.heal().unwrap();
    world.go_offline(rep);
    let [theirs, mine] = [words(1, 15_000), words(50_000, 14_000)];
    world.edit(manager, account, &[("notes", &theirs)]).unwrap();
    world.run_for(20_000);
    world.edit(rep, account, &[("notes", &mine)]).unwrap();
    assert_eq!(world.replica(rep).unwrap().status().unwrap().unsent, 1, "one edit");
    world.heal().unwrap();
    let replica = world.replica(rep).unwrap();
    let kept = replica.quarantine().unwrap();
    assert_eq!((kept.len(), replica.status().unwrap().refused), (1, 1));
    assert!(kept[0].changes.len() > 5, "{} changes", kept[0].changes.len());
    assert_eq!(kept[0].refusal.code, RefusalCode::TooLarge.as_str());
    let sentence =
        "notes: would be 29000 characters long; allowed is text of up to 20000 characters.";
    assert_eq!(kept[0].refusal.sentence, sentence);
    let said = kept[0].edit.as_array().unwrap();
    assert_eq!(said.len(), 1);
    assert!(said[0]["text"] == *mine);
    world.edit(manager, account, &[("notes", "Short.")]).unwrap();
    world.run_for(20_000);
    world.resubmit(rep, kept[0].changes[3]).unwrap();
    assert_eq!(world.replica(rep).unwrap().quarantine().unwrap(), []);
    world.heal().unwrap();
    assert_eq!(world.check(), [""; 0]);
    assert!(notes(&world.replica(manager).unwrap().record(account).unwrap().unwrap()) == mine);
}

/// Of a group that is longer in the end than it may be the device says so at once.
#[test]
fn a_note_that_ends_too_long_is_refused_when_it_is_typed() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(501);
    let (mut device, id) = begun(&dir.path().join("a.db"), &mut env);
    let notes = kind("organization").field("notes").unwrap().clone();
    let text = FieldChange::Text(words(1, limits::LONG_TEXT_CHARS + 1));
    let error = device.edit(id, RecordEdit { changes: vec![(notes, text)] }, &mut env).unwrap_err();
    assert!(error.to_string().contains("notes: would be 20001 characters long"), "{error}");
}

/// A long note whose writer's name was used by somebody else is made again as one edit, and says the same.
#[test]
fn a_long_note_is_made_again_as_one_edit() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(502);
    let (mut device, id) = begun(&dir.path().join("a.db"), &mut env);
    rewrite(&mut device, id, &words(1, 9_000), &mut env);
    rewrite(&mut device, id, &words(40_000, 9_000), &mut env);
    let pushed = pushes(&mut device).pop().unwrap();
    let shape =
        |push: &Push| -> Vec<usize> { push.groups.iter().map(|group| group.items.len()).collect() };
    let refused = |item: &sync_core::protocol::PushItem| {
        let refusal = Refusal::new(RefusalCode::ForeignActor, "No.");
        let outcome = VerdictOutcome::Refused(refusal);
        Verdict { hash: name_of_bytes(&item.change.0), outcome, receipt: None }
    };
    let items = pushed.groups.iter().flat_map(|group| &group.items);
    let verdicts = Verdicts { push: pushed.push, verdicts: items.map(refused).collect() };
    device.handle_frame(&ServerMessage::Verdicts(verdicts).to_bytes(), &mut env).unwrap();
    assert_eq!(device.quarantine().unwrap(), []);
    let again = pushes(&mut device);
    assert_eq!(shape(&again[0]), shape(&pushed));
    let mut workspace = Workspace::default();
    let taken = judge(&mut workspace, again);
    assert!(taken.iter().all(|one| matches!(one, Judgement::Merged(_))), "{taken:?}");
    assert!(notes(&device.record(id).unwrap().unwrap()) == words(40_000, 9_000));
}

/// What grows with the document is done once a batch, not once a change: a note that is rewritten many
/// times offline costs a server one copy, and its text is read once, since each change builds on the one
/// before.
#[test]
fn rewriting_a_long_note_costs_what_it_must() {
    const TIMES: usize = 26;
    const CHARACTERS: usize = 3_000;
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(503);
    let (mut device, id) = begun(&dir.path().join("a.db"), &mut env);
    for n in 0..TIMES {
        rewrite(&mut device, id, &words(n * 10_000, CHARACTERS), &mut env);
    }
    let pushed = pushes(&mut device);
    let changes = pushed.iter().flat_map(|push| &push.groups).map(|group| group.items.len());
    let changes: usize = changes.sum();
    let fewest = 1 + (2 * TIMES - 1) * CHARACTERS / limits::TEXT_STEP;
    assert!(
        (fewest..fewest + 2 * TIMES).contains(&changes),
        "{changes} changes, {fewest} at least"
    );
    let mut workspace = Workspace::default();
    let taken = judge(&mut workspace, pushed);
    assert!(taken.iter().all(|one| matches!(one, Judgement::Merged(_))));
    let Effort { copies, readings, texts, .. } = workspace.effort();
    assert_eq!((copies, readings, texts), (1, (TIMES + 1) / 9, 1));
}

/// An outbox of many long notes goes in pushes of no more operations than a server takes at once, and all
/// of it goes.
#[test]
fn long_notes_are_pushed_in_parts_that_a_server_takes() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(504);
    let (mut device, _) = begun(&dir.path().join("a.db"), &mut env);
    let organization = kind("organization");
    for n in 0..8 {
        let note = words(n * 10_000, limits::LONG_TEXT_CHARS);
        let edit = edit(organization, &[("name", "Bar"), ("notes", &note)]);
        device.create(organization, edit, &mut env).unwrap();
    }
    let pushed = pushes(&mut device);
    assert!(pushed.len() > 1, "{} pushes", pushed.len());
    let operations = |push: &Push| -> usize {
        let items = push.groups.iter().flat_map(|group| &group.items);
        items.map(|item| guard::operations(&item.change.0)).sum()
    };
    let counts: Vec<usize> = pushed.iter().map(operations).collect();
    assert!(counts.iter().all(|count| *count <= limits::OPS_PER_PUSH), "{counts:?}");
    assert!(counts.iter().sum::<usize>() >= 8 * limits::LONG_TEXT_CHARS, "{counts:?}");
    let groups: usize = pushed.iter().map(|push| push.groups.len()).sum();
    assert_eq!(groups, 9, "each edit in one push");
}

/// Of edits that are made together and are too much for a server the device says so at once.
#[test]
fn edits_made_together_of_too_many_operations_are_refused_when_they_are_typed() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(505);
    let (mut device, _) = begun(&dir.path().join("a.db"), &mut env);
    let organization = kind("organization");
    let of_each = limits::OPS_PER_GROUP / limits::CHANGES_PER_GROUP;
    let note = words(1, of_each);
    let edit = edit(organization, &[("name", "Bar"), ("notes", &note)]);
    let create = |n: usize| GroupEdit::Create {
        id: RecordId(Uuid::from_u128(n as u128 + 1)),
        kind: organization.clone(),
        edit: edit.clone(),
    };
    let edits: Vec<GroupEdit> = (0..limits::CHANGES_PER_GROUP).map(create).collect();
    let error = device.commit(&edits, &mut env).unwrap_err().to_string();
    assert!(error.contains("make them one by one"), "{error}");
    device.commit(&edits[1..], &mut env).unwrap();
}
