//! What a replica makes of the answers to its questions: never a promise that nobody gave.

use std::path::Path;

use sync_core::error::{Refusal, RefusalCode};
use sync_core::ids::{ChangeHash, RecordId};
use sync_core::protocol::{Answer, Ask, ClientMessage, Opinion, OpinionOutcome, ServerMessage};
use sync_core::replica::{Asked, Culprit, Effect, GroupEdit, Replica, WouldBe};

use crate::kit::{World, edit, kind, replica, welcome};

/// A device in a session, with two accounts that wait to be sent.
fn device(file: &Path, env: &mut World) -> (Replica, [RecordId; 2]) {
    let mut device = replica(file, 1, env);
    let organization = kind("organization");
    let accounts = ["Café", "Bar"].map(|name| {
        device.create(organization, edit(organization, &[("name", name)]), env).unwrap()
    });
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), env).unwrap();
    (device, accounts)
}

fn changed(id: RecordId) -> GroupEdit {
    GroupEdit::Edit { id, edit: edit(kind("organization"), &[("cuisine", "Thai")]) }
}

fn ask(device: &mut Replica, edits: &[GroupEdit], env: &mut World) -> Asked {
    let question = device.question(edits, env).unwrap();
    device.ask(question)
}

fn sent(asked: Asked) -> Ask {
    let Asked::Send { ask, frame } = asked else { panic!("{asked:?}") };
    let ClientMessage::Ask(message) = ClientMessage::from_bytes(&frame).unwrap() else {
        panic!("a question is an ask")
    };
    assert_eq!(message.ask, ask);
    message
}

fn names(ask: &Ask) -> Vec<ChangeHash> {
    let items = ask.groups.iter().flat_map(|group| &group.items);
    items.map(|item| sync_core::guard::name_of_bytes(&item.change.0)).collect()
}

fn refused(code: RefusalCode) -> Option<OpinionOutcome> {
    Some(OpinionOutcome::Refused(Refusal::new(code, "No.")))
}

/// Asks, answers in order what is given, and says what the replica made of it.
fn answered(
    device: &mut Replica,
    edits: &[GroupEdit],
    outcomes: &[Option<OpinionOutcome>],
    env: &mut World,
) -> WouldBe {
    let asked = sent(ask(device, edits, env));
    let names = names(&asked);
    assert_eq!(names.len(), outcomes.len());
    let opinions = names.into_iter().zip(outcomes);
    let opinions = opinions
        .filter_map(|(hash, outcome)| outcome.clone().map(|would_be| Opinion { hash, would_be }));
    let answer = Answer { ask: asked.ask, opinions: opinions.collect() };
    let frame = ServerMessage::Answer(answer).to_bytes();
    let effects = device.handle_frame(&frame, env).unwrap();
    // An answer is read once.
    assert_eq!(device.handle_frame(&frame, env).unwrap(), []);
    let [Effect::Answered { would_be, .. }] = &effects[..] else { panic!("{effects:?}") };
    would_be.clone()
}

/// Of an edit of both accounts, above what waits: every way in which a server can answer.
#[test]
fn only_what_the_server_would_accept_as_a_whole_is_called_accepted() {
    use RefusalCode::{
        Denied, DependsOnRefused, ForeignActor, GroupRefused, Internal, OpCounter, Rule,
    };
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(71);
    let (mut device, [cafe, bar]) = device(&dir.path().join("a.db"), &mut env);
    let both = [changed(cafe), changed(bar)];
    let yes = || Some(OpinionOutcome::Accepted);
    let is = |code: RefusalCode, culprit| {
        Some(WouldBe::Refused { refusal: Refusal::new(code, "No."), culprit })
    };
    let falls = || refused(DependsOnRefused);
    // What is said of the two that wait, and of the two changes of the edit; none is unknown.
    let cases = [
        ([yes(), yes(), yes(), yes()], Some(WouldBe::Accepted)),
        ([None, None, yes(), yes()], Some(WouldBe::Accepted)),
        ([yes(), yes(), yes(), None], None),
        ([yes(), yes(), None, None], None),
        ([yes(), yes(), refused(Rule), None], None),
        ([yes(), yes(), refused(Internal), yes()], None),
        ([yes(), yes(), refused(GroupRefused), refused(ForeignActor)], None),
        ([yes(), yes(), refused(OpCounter), refused(GroupRefused)], None),
        ([yes(), yes(), refused(GroupRefused), refused(Denied)], is(Denied, Culprit::Asked)),
        ([yes(), refused(Rule), refused(GroupRefused), falls()], is(Rule, Culprit::Earlier)),
        ([refused(Denied), refused(Rule), falls(), falls()], is(Denied, Culprit::Earlier)),
        ([refused(Denied), yes(), falls(), refused(Rule)], is(Rule, Culprit::Asked)),
        ([refused(OpCounter), yes(), falls(), refused(GroupRefused)], None),
        ([refused(Internal), yes(), falls(), refused(GroupRefused)], None),
        ([yes(), yes(), falls(), falls()], is(DependsOnRefused, Culprit::Asked)),
    ];
    for (outcomes, expected) in cases {
        let would_be = answered(&mut device, &both, &outcomes, &mut env);
        match expected {
            Some(expected) => assert_eq!(would_be, expected, "{outcomes:?}"),
            None => assert!(matches!(would_be, WouldBe::Unknown(_)), "{outcomes:?}: {would_be:?}"),
        }
    }
    // A code of a newer server is a reason like any other.
    let novel = Refusal { code: "moonphase".into(), policy: None, sentence: "No.".into() };
    let outcome = Some(OpinionOutcome::Refused(novel.clone()));
    let would_be = answered(&mut device, &both, &[yes(), yes(), yes(), outcome], &mut env);
    assert_eq!(would_be, WouldBe::Refused { refusal: novel, culprit: Culprit::Asked });
    // What is refused of another account is nothing to this one.
    let outcomes = [yes(), refused(Denied), yes()];
    let would_be = answered(&mut device, &both[..1], &outcomes, &mut env);
    assert_eq!(would_be, WouldBe::Accepted);
}

/// The edit that is made after a question is no other for it: not its number, not its writer's, and
/// the file has nothing of the question.
#[test]
fn a_question_leaves_nothing_to_later_edits() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(72);
    let (mut device, [cafe, bar]) = device(&dir.path().join("a.db"), &mut env);
    let before = device.query("SELECT * FROM changes").unwrap();
    let asked = sent(ask(&mut device, &[changed(cafe), changed(bar)], &mut env));
    assert_eq!((asked.groups.len(), names(&asked).len()), (3, 4));
    assert_eq!(device.query("SELECT * FROM changes").unwrap(), before);
    assert_eq!(device.record(cafe).unwrap().unwrap().json("cuisine"), serde_json::Value::Null);
    let made = device.commit(&[changed(cafe)], &mut env).unwrap();
    let [(_, hash)] = made.changes[..] else { panic!("one change") };
    assert!(!names(&asked).contains(&hash));
    let ClientMessage::Push(push) =
        ClientMessage::from_bytes(&device.poll_push().unwrap().unwrap()).unwrap()
    else {
        panic!("what waits goes up")
    };
    assert_eq!(push.groups.len(), 3);
}

/// Questions and pushes share the room that the server gives; a question that nobody waits for any
/// more takes none. Without a session there is nobody to ask.
#[test]
fn questions_take_their_place_among_pushes() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(73);
    let (mut device, [cafe, bar]) = device(&dir.path().join("a.db"), &mut env);
    let numbers: Vec<u64> =
        (0..4).map(|_| sent(ask(&mut device, &[changed(cafe)], &mut env)).ask).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert!(matches!(ask(&mut device, &[changed(bar)], &mut env), Asked::Unknown(_)));
    assert_eq!(device.poll_push().unwrap(), None);
    device.forget_question(2);
    assert!(device.poll_push().unwrap().is_some());
    assert!(matches!(ask(&mut device, &[changed(bar)], &mut env), Asked::Unknown(_)));
    device.disconnected(None);
    assert!(matches!(ask(&mut device, &[changed(bar)], &mut env), Asked::Unknown(_)));
    let unknown = RecordId(uuid::Uuid::from_u128(9));
    assert!(device.question(&[changed(unknown)], &mut env).is_err());
}
