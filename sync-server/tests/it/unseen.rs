//! What somebody can find out about records that they do not see, by asking and by pushing: nothing.
//! Whether an id is taken, and by what, is answered as for an id that nobody has used.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Change, ObjType, ROOT, ReadDoc};
use sqlx::AssertSqlSafe;
use sync_core::document::{self, Pen, PenRole};
use sync_core::error::Refusal;
use sync_core::ids::{Actor, EventId, GroupId, RecordId, UserId};
use sync_core::protocol::{Blob, OpinionOutcome, PushGroup, PushItem, VerdictOutcome};
use sync_core::schema::{Field, Presence, step_actor};
use sync_server::clock;
use sync_server::ops::people;
use uuid::Uuid;

use crate::harness::{World, create, edit, kind, set};
use crate::wire::{Line, hello, outbox};

const KINDS: [&str; 6] =
    ["organization", "contact", "opportunity", "interaction", "task", "organization_finance"];

fn fresh() -> RecordId {
    RecordId(people::new_id())
}

fn pen(author: Uuid) -> Pen {
    let actor = Actor(people::entropy());
    Pen { actor, author: UserId(author), now: clock::now(), role: PenRole::Device }
}

fn item(record: RecordId, kind: &str, change: Vec<u8>) -> PushItem {
    PushItem { record, kind: kind.to_owned(), change: Blob(change), receipt: None }
}

fn group(items: Vec<PushItem>) -> PushGroup {
    PushGroup { group: GroupId(people::new_id()), seen: None, items }
}

/// The change with which somebody begins a record of their own.
fn beginning(author: Uuid, record: RecordId, name: &str, pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut mint = || EventId::mint(clock::now(), people::entropy());
    let edit = edit(name, pairs);
    let made = document::create(&kind(name), record, &edit, &pen(author), &mut mint);
    made.unwrap().1.bytes
}

/// What a record of a kind needs, on an account or on none.
fn needed<'a>(name: &str, account: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let own = match name {
        "organization" => return vec![("name", "Mine")],
        "contact" => vec![("last_name", "Mine")],
        "opportunity" => vec![("name", "Mine")],
        "interaction" => vec![("interaction_type", "VISIT")],
        "task" => vec![("title", "Mine")],
        _ => vec![("payment_terms", "net_30")],
    };
    account.map(|id| ("organization_id", id)).into_iter().chain(own).collect()
}

/// A step of a record's genesis by a newer app: anybody can work it out.
fn step(record: RecordId, name: &str) -> Vec<u8> {
    let kind = kind(name);
    let genesis = kind.genesis();
    let mut base = genesis.doc.clone();
    let actor = step_actor(name, record, genesis.actor, [("later", ObjType::Map)]);
    base.set_author(None);
    base.set_actor(ActorId::from(actor.0));
    let mut tx = base.transaction();
    tx.put_object(ROOT, "later", ObjType::Map).unwrap();
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(0));
    base.get_change_by_hash(&hash.unwrap()).unwrap().raw_bytes().to_vec()
}

/// A beginning without one of the things that its record needs.
fn incomplete(bytes: Vec<u8>) -> Vec<u8> {
    let mut change = Change::from_bytes(bytes).unwrap().decode();
    change.operations.truncate(1);
    Change::from(change).raw_bytes().to_vec()
}

/// What an attacker may send about an id, having an account of their own.
fn probes(me: Uuid, own: RecordId, id: RecordId) -> Vec<(String, Vec<PushGroup>)> {
    let account = own.to_string();
    let elsewhere = fresh().to_string();
    let mut all = Vec::new();
    for name in KINDS {
        let mut probe = |what: &str, groups| all.push((format!("{name}, {what}"), groups));
        let begin = |account: Option<&str>| beginning(me, id, name, &needed(name, account));
        let alone = |bytes| vec![group(vec![item(id, name, bytes)])];
        probe("begun on an account of mine", alone(begin(Some(&account))));
        let needs_account =
            |field: &Field| field.name == "organization_id" && field.required == Presence::Required;
        if !kind(name).fields.iter().any(needs_account) {
            probe("begun on no account", alone(begin(None)));
        }
        probe("begun on an account that is not there", alone(begin(Some(&elsewhere))));
        probe("begun without what it needs", alone(incomplete(begin(Some(&account)))));
        probe("a step of its genesis", alone(step(id, name)));
        let other = fresh();
        let later = {
            let (mut doc, _) = {
                let mut mint = || EventId::mint(clock::now(), people::entropy());
                let edit = edit(name, &needed(name, Some(&account)));
                document::create(&kind(name), other, &edit, &pen(me), &mut mint).unwrap()
            };
            let now = document::hydrate(&doc, &kind(name));
            let mut mint = || EventId::mint(clock::now(), people::entropy());
            let tags = edit(name, &[("tags", "mine")]);
            document::edit(&mut doc, &now, &tags, &pen(me), &mut mint).unwrap().unwrap().bytes
        };
        probe("an edit of something else", alone(later));
        probe("not a change", alone(vec![0x85, 0x6f, 0x4a, 0x83, 1]));
        let hanging = id.to_string();
        let contact = fresh();
        let on_it = beginning(me, contact, "contact", &needed("contact", Some(&hanging)));
        let both = vec![
            group(vec![item(id, name, begin(Some(&account)))]),
            group(vec![item(contact, "contact", on_it)]),
        ];
        probe("begun, and a contact on it", both);
    }
    let customer = [("name", "Mine"), ("organization_type", "customer")];
    let customer = beginning(me, id, "organization", &customer);
    all.push(("a customer".into(), vec![group(vec![item(id, "organization", customer)])]));
    all
}

fn words(refusal: &Refusal, id: RecordId) -> String {
    let Refusal { code, policy, sentence } = refusal;
    format!("{code} {policy:?} {sentence}").replace(&id.to_string(), "ID")
}

async fn asked(line: &mut Line, groups: Vec<PushGroup>, id: RecordId) -> Vec<String> {
    let opinions = line.ask(groups).await.unwrap();
    let say = |outcome| match outcome {
        OpinionOutcome::Accepted => "accepted".to_owned(),
        OpinionOutcome::Refused(refusal) => words(&refusal, id),
    };
    opinions.into_iter().map(|one| say(one.would_be)).collect()
}

async fn pushed(line: &mut Line, groups: Vec<PushGroup>, id: RecordId) -> Vec<String> {
    let verdicts = line.push(groups).await.unwrap();
    let say = |outcome| match outcome {
        VerdictOutcome::Accepted(_) => "accepted".to_owned(),
        VerdictOutcome::Refused(refusal) => words(&refusal, id),
    };
    verdicts.into_iter().map(|one| say(one.outcome)).collect()
}

/// Everything of Omar's: an account with a record of every kind, and Rosa's own account.
struct Scene {
    world: World,
    hidden: Vec<RecordId>,
    own: RecordId,
    line: Line,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let mut omar = world.device("omar.db", world.other_rep);
    let his = create(&mut omar, "organization", &[("name", "His")]);
    let account = his.to_string();
    let mut hidden = vec![his];
    for name in &KINDS[1..5] {
        hidden.push(create(&mut omar, name, &needed(name, Some(&account))));
    }
    for id in &hidden {
        set(
            &mut omar,
            *id,
            KINDS[hidden.iter().position(|one| one == id).unwrap()],
            &[("tags", "x")],
        );
    }
    world.sync(&mut omar).await;
    let mut mia = world.device("mia.db", world.manager);
    world.sync(&mut mia).await;
    hidden.push(create(&mut mia, KINDS[5], &needed(KINDS[5], Some(&account))));
    world.sync(&mut mia).await;
    let mut rosa = world.device("rosa.db", world.rep);
    let own = create(&mut rosa, "organization", &[("name", "Rosa's")]);
    world.sync(&mut rosa).await;
    let hello = hello(world.token(world.rep));
    let (line, welcome) = Line::greeted(&world.server.sync_url(), hello).await;
    welcome.unwrap();
    Scene { world, hidden, own, line }
}

async fn rows(world: &World) -> Vec<String> {
    let mut rows = Vec::new();
    for name in KINDS {
        let table = kind(name).table;
        let sql =
            format!("SELECT t::text FROM public.{table} t WHERE updated_by <> $1 ORDER BY id");
        let query = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).bind(world.rep);
        rows.extend(query.fetch_all(&world.owner).await.unwrap());
    }
    rows
}

/// Rosa guesses ids of Omar's records, of every kind, and asks about all that she could do with each:
/// she hears what she hears of an id that nobody has used, to the letter.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_an_unseen_record_is_answered_as_of_one_that_does_not_exist() {
    let Scene { world, hidden, own, mut line } = scene().await;
    let (before, mut different) = (rows(&world).await, Vec::new());
    let unused = fresh();
    let mut expected = Vec::new();
    for (what, groups) in probes(world.rep, own, unused) {
        expected.push((what, asked(&mut line, groups, unused).await));
    }
    let all = |code: &str| {
        expected.iter().flat_map(|one| &one.1).filter(|one| one.starts_with(code)).count()
    };
    assert!(all("accepted") >= 8 && all("denied") >= 8 && all("missing_dependency") >= 6);
    assert_eq!(all("internal"), 0);
    for (id, its_kind) in hidden.iter().zip(KINDS) {
        let attempts = probes(world.rep, own, *id);
        for ((what, groups), (_, expected)) in attempts.into_iter().zip(&expected) {
            let answer = asked(&mut line, groups, *id).await;
            if answer != *expected {
                different.push(format!("{its_kind} as {what}: {answer:?}, not {expected:?}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(rows(&world).await, before);
    world.assert_projected().await;
    world.end().await;
}

/// Pushed, it is the same; only where the record would have been begun it is not, in words that say
/// nothing of what stands there.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_an_unseen_record_is_answered_as_of_one_that_does_not_exist() {
    let Scene { world, hidden, own, mut line } = scene().await;
    let (before, mut different) = (rows(&world).await, Vec::new());
    let mut expected = Vec::new();
    let count = probes(world.rep, own, fresh()).len();
    for index in 0..count {
        // Each begins a record, so that the next needs an id of its own.
        let unused = fresh();
        let (what, groups) = probes(world.rep, own, unused).swap_remove(index);
        expected.push((what, pushed(&mut line, groups, unused).await));
    }
    let taken = "denied None You may not change this record; ask your manager to give you access.";
    for (id, its_kind) in hidden.iter().zip(KINDS) {
        let attempts = probes(world.rep, own, *id);
        for ((what, groups), (_, expected)) in attempts.into_iter().zip(&expected) {
            let answer = pushed(&mut line, groups, *id).await;
            let fits = match (&expected[..], &answer[..]) {
                ([first, ..], [said, ..]) if first == "accepted" => said == taken,
                ([first, ..], [said, ..]) => said == first,
                _ => false,
            };
            if !fits {
                different.push(format!("{its_kind} as {what}: {answer:?}, not {expected:?}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(rows(&world).await, before);
    world.assert_projected().await;
    world.end().await;
}

/// A step of a record's genesis is the same whoever makes it, so that anybody can push it. Those who
/// see the record hear that it is stored, as does whoever pushed it and sees the record no more; a
/// stranger hears what is said of a record that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn a_stored_step_is_told_to_its_author_and_to_those_who_see_the_record() {
    let Scene { world, hidden, own: _, mut line } = scene().await;
    let account = hidden[0];
    let bytes = step(account, "organization");
    let push = || vec![group(vec![item(account, "organization", bytes.clone())])];
    let line_of = async |user: Uuid| {
        let hello = hello(world.token(user));
        let (line, welcome) = Line::greeted(&world.server.sync_url(), hello).await;
        welcome.unwrap();
        line
    };
    let missing = pushed(&mut line, push(), account).await;
    assert!(missing[0].starts_with("missing_dependency"), "{missing:?}");
    let (mut omar, mut mia) = (line_of(world.other_rep).await, line_of(world.manager).await);
    assert_eq!(pushed(&mut omar, push(), account).await, ["accepted"]);
    assert_eq!(pushed(&mut mia, push(), account).await, ["accepted"]);
    assert_eq!(asked(&mut mia, push(), account).await, ["accepted"]);
    assert_eq!(pushed(&mut line, push(), account).await, missing);
    assert_eq!(asked(&mut line, push(), account).await, missing);
    // Nor for another record, under the name of which it would be told that it is stored.
    let other = fresh();
    let groups = vec![group(vec![item(other, "organization", bytes.clone())])];
    assert_eq!(pushed(&mut line, groups, other).await, missing);
    // Omar loses the account: his own is his own, and Rosa sees now what he does not.
    world.assign(account, world.rep).await;
    world.end_grace().await;
    assert_eq!(pushed(&mut omar, push(), account).await, ["accepted"]);
    assert_eq!(pushed(&mut line, push(), account).await, ["accepted"]);
    world.end().await;
}

/// What was accepted stays accepted to its author, pushed again after the account went to somebody
/// else; a new edit is refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_change_pushed_again_is_accepted_also_after_its_author_lost_the_record() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    world.sync(&mut rosa).await;
    let changes: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT bytes FROM sync.changes WHERE record_id = $1 ORDER BY position")
            .bind(account.0)
            .fetch_all(&world.owner)
            .await
            .unwrap();
    assert_eq!(changes.len(), 2);
    world.assign(account, world.other_rep).await;
    world.end_grace().await;
    let hello = hello(world.token(world.rep));
    let (mut line, welcome) = Line::greeted(&world.server.sync_url(), hello).await;
    welcome.unwrap();
    for bytes in &changes {
        let again = || vec![group(vec![item(account, "organization", bytes.clone())])];
        assert_eq!(pushed(&mut line, again(), account).await, ["accepted"]);
        assert_eq!(asked(&mut line, again(), account).await, ["accepted"]);
    }
    set(&mut rosa, account, "organization", &[("cuisine", "Greek")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    let [refused] = &rosa.quarantine().unwrap()[..] else { panic!("one is refused") };
    assert_eq!((&*refused.refusal.code, &refused.refusal.policy), ("denied", &None));
    world.assert_projected().await;
    world.end().await;
}

/// Somebody who had an account can build on its changes. That an edit does not fit the record would tell
/// them how it is now, so that they hear of their access first; and whoever has it hears what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_a_record_does_not_hear_how_an_edit_fits_it() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    let (line, mut groups) = outbox(&world.server.sync_url(), &rosa).await;
    drop(line);
    let change = &mut groups[0].items[0].change.0;
    let mut odd = Change::from_bytes(change.clone()).unwrap().decode();
    odd.start_op = odd.start_op.checked_add(1).unwrap();
    *change = Change::from(odd).raw_bytes().to_vec();
    let refusal = async |seen| {
        let hello = hello(world.token(world.rep));
        let (mut line, welcome) = Line::greeted(&world.server.sync_url(), hello).await;
        welcome.unwrap();
        let groups = groups.iter().cloned().map(|group| PushGroup { seen, ..group }).collect();
        let verdicts = line.push(groups).await.unwrap();
        let [VerdictOutcome::Refused(refusal)] =
            &verdicts.iter().map(|one| one.outcome.clone()).collect::<Vec<_>>()[..]
        else {
            panic!("one is refused: {verdicts:?}")
        };
        refusal.code.clone()
    };
    let seen = groups[0].seen;
    assert_eq!(refusal(seen).await, "op_counter");
    world.assign(account, world.other_rep).await;
    assert_eq!(refusal(seen).await, "denied", "who may write by grace sees nothing by it");
    assert_eq!(refusal(None).await, "denied");
    world.end_grace().await;
    assert_eq!(refusal(seen).await, "denied");
    world.end().await;
}
