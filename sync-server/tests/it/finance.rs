//! An account's finances are with the managers who see the account, and with nobody else.

use client_sdk::Client;
use client_sdk::core::ids::{EventId, GroupId, RecordId, UserId};
use sync_core::document::{self, Pen, PenRole, hydrate};
use sync_core::ids::Actor;
use sync_core::protocol::{
    Blob, ClientMessage, Fetch, PushGroup, PushItem, Verdict, VerdictOutcome,
};
use sync_server::clock;
use sync_server::ops::people::{self, UserChange};
use sync_server::ops::{explain, reproject};
use uuid::Uuid;

use crate::access::found_in_files;
use crate::harness::{World, create, edit, pantry, set};
use crate::wire::{self, Line};

const FINANCE: &str = "organization_finance";

fn account(device: &mut Client, name: &str) -> RecordId {
    create(device, "organization", &[("name", name)])
}

fn finances(device: &mut Client, account: RecordId) -> RecordId {
    let parent = account.to_string();
    let pairs = [
        ("organization_id", parent.as_str()),
        ("credit_limit.minor", "500000"),
        ("credit_limit.currency", "USD"),
        ("payment_terms", "2_10_net_30"),
        ("tax_id", "Vlkovarind-77"),
        ("tags", "zmrzlinaplatz"),
        ("custom_fields.bank", "Grobvantel Trust"),
    ];
    create(device, FINANCE, &pairs)
}

fn holds(device: &mut Client, record: RecordId) -> bool {
    device.record(record).unwrap().is_some()
}

async fn as_role(world: &World, user: Uuid, role: &str) {
    let change = UserChange { role: Some(role.into()), ..UserChange::default() };
    people::change_user(&world.owner, user, &change).await.unwrap();
}

/// The manager writes down what a rep's account may owe, without a network. The rep, who works on
/// that account all along, never receives it: no row, no document, no byte, also when she asks for
/// the record by its id; nor does any table or report tell her that it is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_rep_of_an_account_never_receives_its_finances() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut mia = world.device("mia.db", world.manager);
    let mut ada = world.device("ada.db", world.admin);
    let place = account(&mut rosa, "Kitchen");
    world.sync(&mut rosa).await;
    world.sync(&mut mia).await;
    let finance = finances(&mut mia, place);
    let listed = pantry(&world.files.path().join("mia.db"), &["list", FINANCE]);
    assert!(listed.contains("500000") && listed.contains("2_10_net_30"), "{listed}");
    set(&mut rosa, place, "organization", &[("cuisine", "Thai")]);
    for device in [&mut mia, &mut rosa, &mut ada] {
        world.sync(device).await;
    }
    world.sync(&mut mia).await;
    for device in [&rosa, &mia, &ada] {
        world.assert_agrees(device).await;
    }
    assert!(holds(&mut mia, finance) && holds(&mut ada, finance));
    assert!(holds(&mut rosa, place) && !holds(&mut rosa, finance));
    // A conflict in it is the managers' business as well.
    let limit = |minor| [("credit_limit.minor", minor), ("credit_limit.currency", "USD")];
    set(&mut mia, finance, FINANCE, &limit("700000"));
    set(&mut ada, finance, FINANCE, &limit("600000"));
    world.sync(&mut mia).await;
    for device in [&mut ada, &mut mia, &mut rosa] {
        world.sync(device).await;
        world.assert_agrees(device).await;
    }
    let shown = mia.record(finance).unwrap().unwrap();
    assert_eq!(shown.json("credit_limit")["minor"], 600_000, "the lower");
    assert_eq!(shown.conflicts.len(), 1);
    let words = ["vlkovarind", "zmrzlinaplatz", "grobvantel", "2_10_net_30\""];
    assert_eq!(found_in_files(&world, &words), Vec::<String>::new());
    let file = std::fs::read(world.files.path().join("rosa.db")).unwrap();
    let id = finance.as_bytes();
    assert!(!file.windows(id.len()).any(|window| window == id), "not even its id");

    let hello = wire::hello(world.token(world.rep));
    let (mut line, welcome) = Line::greeted(&world.server.sync_url(), hello).await;
    welcome.unwrap();
    line.until_live(0).await;
    line.say(&ClientMessage::Fetch(Fetch { records: vec![finance] })).await;
    line.until_live(1).await;
    assert!(line.records().any(|record| record == place));
    assert!(line.records().all(|record| record != finance));
    for sql in [
        "SELECT id FROM public.organization_finance",
        "SELECT id FROM public.account_finances",
        "SELECT id FROM sync.documents WHERE kind = 'organization_finance'",
        "SELECT c.hash FROM sync.changes c JOIN sync.documents d ON d.id = c.record_id WHERE d.kind = 'organization_finance'",
        "SELECT record_id FROM sync.conflicts",
        "SELECT child_id FROM public.dangling_references",
        "SELECT s AS id FROM sync.visible_scopes() s WHERE s NOT IN (SELECT id FROM public.organizations UNION SELECT id FROM public.users) AND s <> '00000000-0000-0000-0000-0000000000e0'",
    ] {
        assert_eq!(
            world.select(world.rep, sql).await,
            Vec::<Vec<serde_json::Value>>::new(),
            "{sql}"
        );
    }
    let events = "SELECT id FROM sync.access_events";
    assert!(world.select(world.rep, events).await.is_empty());
    let open = "SELECT open_conflicts FROM reports.trust";
    assert_eq!(world.select(world.rep, open).await[0], [0]);
    assert_eq!(world.select(world.manager, open).await[0], [1]);
    world.assert_projected().await;
    world.end().await;
}

/// A rep who enters finances reads whom to ask, and keeps the words. One who got hold of a record's
/// bytes pushes a change of it by hand: refused by the same rule. A reader fares no better.
#[tokio::test(flavor = "multi_thread")]
async fn a_rep_who_writes_finances_is_refused_by_name() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut mia = world.device("mia.db", world.manager);
    let place = account(&mut rosa, "Kitchen");
    world.sync(&mut rosa).await;
    world.sync(&mut mia).await;
    let finance = finances(&mut mia, place);
    world.sync(&mut mia).await;

    let tried = finances(&mut rosa, place);
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    let [refused] = &rosa.quarantine().unwrap()[..] else { panic!("one is refused") };
    assert_eq!(refused.refusal.policy.as_deref(), Some("account_finances_are_for_managers"));
    assert!(refused.refusal.sentence.contains("ask your manager"), "{}", refused.refusal.sentence);
    assert!(!refused.edit.is_null(), "her words are kept");
    assert!(!holds(&mut rosa, tried));
    world.assert_agrees(&rosa).await;

    let reader = world.person("rita", "read_only", None, None).await;
    let strangers_rep = world.person("nina", "sales_rep", None, None).await;
    let bytes = mia.save_document(finance).unwrap();
    for user in [world.rep, strangers_rep, reader] {
        let verdicts = push_by_hand(&world, user, finance, forged(user, &bytes)).await;
        let VerdictOutcome::Refused(refusal) = &verdicts[0].outcome else { panic!("accepted") };
        // Of a record that is there and that they do not see they hear the same whatever they write.
        assert_eq!((&*refusal.code, &refusal.policy), ("denied", &None));
    }
    // So does another team's manager.
    let max = world.person("max", "manager", None, None).await;
    let verdicts = push_by_hand(&world, max, finance, forged(max, &bytes)).await;
    let VerdictOutcome::Refused(refusal) = &verdicts[0].outcome else { panic!("accepted") };
    assert_eq!((&*refusal.code, &refusal.policy), ("denied", &None));
    let verdicts = push_by_hand(&world, world.admin, finance, forged(world.admin, &bytes)).await;
    assert!(matches!(verdicts[0].outcome, VerdictOutcome::Accepted(_)), "{verdicts:?}");
    world.assert_projected().await;
    world.end().await;
}

/// A manager's app gives finances an id under which a rep sees everything: the rep's own, and that
/// of what everyone sees. The record counts, not its id.
#[tokio::test(flavor = "multi_thread")]
async fn finances_under_an_id_of_a_rep_s_are_refused() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let place = account(&mut rosa, "Kitchen");
    world.sync(&mut rosa).await;
    let parent = place.to_string();
    let edit = edit(FINANCE, &[("organization_id", &parent), ("tax_id", "Vlkovarind")]);
    for id in [world.rep, sync_core::ids::ScopeId::EVERYONE.0] {
        let (kind, pen) = (crate::harness::kind(FINANCE), hand_of(world.manager));
        let (_, made) = document::create(&kind, RecordId(id), &edit, &pen, &mut mint).unwrap();
        let verdicts = push_by_hand(&world, world.manager, RecordId(id), made.bytes).await;
        let VerdictOutcome::Refused(refusal) = &verdicts[0].outcome else { panic!("{verdicts:?}") };
        assert_eq!(refusal.policy.as_deref(), Some("id_is_its_own"));
    }
    for (file, user) in [("rosa.db", world.rep), ("fresh.db", world.rep), ("mia.db", world.manager)]
    {
        let mut device = world.device(file, user);
        world.sync(&mut device).await;
        world.assert_agrees(&device).await;
        let held = device.query("SELECT id FROM organization_finance").unwrap().rows.len();
        assert_eq!(held, 0);
    }
    world.end().await;
}

fn hand_of(user: Uuid) -> Pen {
    let actor = Actor(*people::new_id().as_bytes());
    Pen { actor, author: UserId(user), now: clock::now(), role: PenRole::Device }
}

fn mint() -> EventId {
    EventId::mint(clock::now(), *people::new_id().as_bytes().first_chunk().unwrap())
}

/// A change of a record that somebody has the document of.
fn forged(user: Uuid, bytes: &[u8]) -> Vec<u8> {
    let mut doc = document::load(bytes, &[]).unwrap();
    let hydrated = hydrate(&doc, &crate::harness::kind(FINANCE));
    let edit = edit(FINANCE, &[("tax_id", "forged")]);
    let change = document::edit(&mut doc, &hydrated, &edit, &hand_of(user), &mut mint);
    change.unwrap().unwrap().bytes
}

/// Pushes a change over a socket of the user's.
async fn push_by_hand(
    world: &World,
    user: Uuid,
    record: RecordId,
    change: Vec<u8>,
) -> Vec<Verdict> {
    let change = Blob(change);
    let items = vec![PushItem { record, kind: FINANCE.to_owned(), change, receipt: None }];
    let group = PushGroup { group: GroupId(people::new_id()), seen: None, items };
    let hello = wire::hello(world.token(user));
    let (mut line, welcome) = Line::greeted(&world.server.sync_url(), hello).await;
    welcome.unwrap();
    line.push(vec![group]).await.unwrap()
}

/// An account goes to another team, and its finances with it: the old manager's device erases them,
/// the new one's receives them. So do those of a manager by territory, and it works both ways.
#[tokio::test(flavor = "multi_thread")]
async fn finances_go_with_the_account_from_manager_to_manager() {
    let world = World::new().await;
    let max = world.person("max", "manager", None, None).await;
    let nina = world.person("nina", "sales_rep", Some(max), None).await;
    let west = people::add_territory(&world.owner, "West", None).await.unwrap();
    let coast = people::add_territory(&world.owner, "Coast", Some(west)).await.unwrap();
    let tess = world.person("tess", "manager", None, None).await;
    let there = UserChange { territory: Some(west), ..UserChange::default() };
    people::change_user(&world.owner, tess, &there).await.unwrap();

    // Her files are searched for words, which is why the old manager's device bears this name.
    let mut mia = world.device("rosa.db", world.manager);
    let mut rep = world.device("nina.db", nina);
    let mut others = [
        world.device("max.db", max),
        world.device("tess.db", tess),
        world.device("ada.db", world.admin),
    ];
    let place = account(&mut mia, "Kitchen");
    let finance = finances(&mut mia, place);
    world.sync(&mut mia).await;
    world.sync(&mut rep).await;
    for device in &mut others {
        world.sync(device).await;
    }
    let words = ["vlkovarind", "zmrzlinaplatz", "grobvantel"];
    assert!(!found_in_files(&world, &words).is_empty(), "before, the words are there");

    let mut expect = async |to, territory, holders: [bool; 5]| {
        world.assign_all(world.admin, &[place], to, territory).await;
        let [max, tess, ada] = &mut others;
        for (device, expected) in [&mut mia, &mut rep, max, tess, ada].into_iter().zip(holders) {
            world.sync(device).await;
            world.assert_agrees(device).await;
            let who = device.user();
            assert_eq!(holds(device, finance), expected, "{who} with {to} in {territory:?}");
        }
    };
    expect(nina, None, [false, false, true, false, true]).await;
    assert_eq!(found_in_files(&world, &words), Vec::<String>::new());
    expect(nina, Some(coast), [false, false, true, true, true]).await;
    expect(world.rep, Some(coast), [true, false, false, true, true]).await;
    expect(world.manager, None, [true, false, false, false, true]).await;
    world.assert_projected().await;
    world.end().await;
}

/// A manager becomes a sales rep: the device keeps the account that is assigned to them and erases
/// its finances, also what came offline before they heard; a manager again, they have all back.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_longer_a_manager_keeps_accounts_and_loses_finances() {
    let world = World::new().await;
    let mut mia = world.device("rosa.db", world.manager);
    let mut rosa = world.device("rep.db", world.rep);
    let own = account(&mut mia, "Own Kitchen");
    let team = account(&mut rosa, "Team Kitchen");
    world.sync(&mut rosa).await;
    world.sync(&mut mia).await;
    let records = [finances(&mut mia, own), finances(&mut mia, team)];
    world.sync(&mut mia).await;
    as_role(&world, world.manager, "sales_rep").await;
    set(&mut mia, own, "organization", &[("cuisine", "Thai")]);
    set(&mut mia, records[0], FINANCE, &[("payment_terms", "cod")]);
    world.sync(&mut mia).await;
    world.assert_agrees(&mia).await;
    assert!(holds(&mut mia, own) && !holds(&mut mia, team));
    assert!(!holds(&mut mia, records[0]) && !holds(&mut mia, records[1]));
    assert_eq!(mia.record(own).unwrap().unwrap().json("cuisine"), "Thai");
    let [refused] = &mia.quarantine().unwrap()[..] else { panic!("one is refused") };
    assert_eq!((&*refused.refusal.code, &refused.refusal.policy), ("denied", &None));
    // Of the record itself nothing is left; what she wrote last is hers.
    let words = ["vlkovarind", "zmrzlinaplatz", "grobvantel"];
    assert_eq!(found_in_files(&world, &words), Vec::<String>::new());
    for role in ["read_only", "manager", "admin"] {
        as_role(&world, world.manager, role).await;
        world.sync(&mut mia).await;
        world.assert_agrees(&mia).await;
        for record in records {
            assert_eq!(holds(&mut mia, record), role != "read_only", "as {role}");
        }
    }
    world.assert_projected().await;
    world.end().await;
}

/// Two managers, each without a network, begin the finances of one account. Neither loses a word:
/// both records stand, and everybody is shown the same one, with their number.
#[tokio::test(flavor = "multi_thread")]
async fn two_managers_who_begin_an_account_s_finances_at_once_lose_nothing() {
    let world = World::new().await;
    let mut mia = world.device("mia.db", world.manager);
    let mut ada = world.device("ada.db", world.admin);
    let place = account(&mut mia, "Kitchen");
    world.sync(&mut mia).await;
    world.sync(&mut ada).await;
    let both = [finances(&mut mia, place), finances(&mut ada, place)];
    assert_eq!(world.sync(&mut mia).await.refused, 0);
    for device in [&mut ada, &mut mia] {
        assert_eq!(world.sync(device).await.refused, 0);
        world.assert_agrees(device).await;
    }
    let shown = "SELECT id, records FROM public.account_finances";
    let older = both.iter().min_by_key(|record| record.0).unwrap();
    for user in [world.manager, world.admin] {
        assert_eq!(
            world.select(user, shown).await,
            [[older.to_string().into(), serde_json::json!(2)]]
        );
    }
    // One is enough: whoever deletes the other is left with one.
    ada.edit(*older, deletion()).unwrap();
    world.sync(&mut ada).await;
    let left = both.iter().max_by_key(|record| record.0).unwrap();
    assert_eq!(
        world.select(world.manager, shown).await,
        [[left.to_string().into(), serde_json::json!(1)]]
    );
    world.end().await;
}

fn deletion() -> document::RecordEdit {
    let kind = crate::harness::kind(FINANCE);
    let data = sync_core::schema::LifeEvent::Delete.data();
    let change = document::FieldChange::Append(data);
    document::RecordEdit { changes: vec![(kind.field("life").unwrap().clone(), change)] }
}

/// The table of accounts was lost and is written anew from the documents: a manager's device that
/// came by in between, and found finances of no account, receives them once the account is there.
#[tokio::test(flavor = "multi_thread")]
async fn finances_that_stood_before_their_account_arrive_with_it() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut ada = world.device("ada.db", world.admin);
    let place = account(&mut rosa, "Kitchen");
    world.sync(&mut rosa).await;
    world.sync(&mut ada).await;
    let finance = finances(&mut ada, place);
    world.sync(&mut ada).await;
    sqlx::query("DELETE FROM public.organizations").execute(&world.owner).await.unwrap();
    let mut mia = world.device("mia.db", world.manager);
    world.sync(&mut mia).await;
    assert!(!holds(&mut mia, finance));
    assert_eq!(
        world.select(world.admin, "SELECT id FROM public.organization_finance").await.len(),
        1
    );
    reproject::run(&world.owner, &sync_core::crm::schema(), reproject::Mode::Write).await.unwrap();
    let mut omar = world.device("omar.db", world.other_rep);
    account(&mut omar, "Another");
    world.sync(&mut omar).await;
    world.sync(&mut mia).await;
    assert!(holds(&mut mia, finance));
    world.end().await;
}

/// The operator asks why, and reads the rule and the account that it goes by.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_of_finances_names_their_account() {
    let world = World::new().await;
    let mut mia = world.device("mia.db", world.manager);
    let place = account(&mut mia, "Kitchen");
    let finance = finances(&mut mia, place);
    world.sync(&mut mia).await;
    world.assign(place, world.rep).await;
    let ask = async |user| {
        explain::explain(&world.owner, &world.server.app.pool, user, finance.0).await.unwrap()
    };
    let manager = ask(world.manager).await;
    assert_eq!((manager.reads, manager.writes), (true, true), "{manager:?}");
    let rep = ask(world.rep).await;
    assert_eq!((rep.reads, rep.writes), (false, false));
    let text = rep.to_text();
    assert!(text.contains("Only managers see and change an account's finances"), "{text}");
    assert!(text.contains("\"Kitchen\" is assigned to rosa@example.com"), "{text}");
    world.end().await;
}
