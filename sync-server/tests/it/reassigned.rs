//! What an account that was given away leaves behind on either side: nothing that its former holder
//! may not see, and everything that the holder may.

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use client_sdk::core::protocol::{ClientMessage, Fetch, Hello};
use sync_server::ops::assign::{self, Assignment};
use sync_server::ops::people::{self, UserChange};
use sync_server::ops::report;

use crate::harness::{World, create, set};
use crate::wire::{Line, hello};

fn account(device: &mut Client, name: &str) -> RecordId {
    create(device, "organization", &[("name", name)])
}

fn contact(device: &mut Client, account: RecordId) -> RecordId {
    let account = account.to_string();
    let pairs = [("organization_id", account.as_str()), ("last_name", "Lee"), ("notes", "Early.")];
    create(device, "contact", &pairs)
}

fn employ(device: &mut Client, contact: RecordId, account: RecordId) {
    set(device, contact, "contact", &[("organization_id", account.to_string().as_str())]);
}

/// A refused edit is kept in words, and its author reads them. They are the author's: what a
/// colleague wrote meanwhile into the same text is not among them.
#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_refused_edit_are_its_author_s_alone() {
    let world = World::new().await;
    world.end_grace().await;
    let (mut rosa, mut omar) =
        (world.device("rosa.db", world.rep), world.device("omar.db", world.other_rep));
    let kitchen = account(&mut rosa, "Kitchen");
    set(&mut rosa, kitchen, "organization", &[("notes", "Closed on Mondays.")]);
    world.sync(&mut rosa).await;
    set(&mut rosa, kitchen, "organization", &[("notes", "Closed on Mondays. New chef.")]);
    world.assign(kitchen, world.other_rep).await;
    world.sync(&mut omar).await;
    set(&mut omar, kitchen, "organization", &[("notes", "Closed on Mondays. Grobvantel owns it.")]);
    world.sync(&mut omar).await;
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    for user in [world.rep, world.manager] {
        let refused = report::run(&world.server.app.pool, "refused", user).await.unwrap();
        let said = refused.to_json().to_string();
        assert!(said.contains("New chef."), "{said}");
        assert!(!said.contains("Grobvantel"), "{said}");
    }
    world.end().await;
}
/// An account that went from hand to hand while a device was offline: its user reads where it is.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_assignments_the_last_is_told() {
    let world = World::new().await;
    let (mut rosa, mut ada) =
        (world.device("rosa.db", world.rep), world.device("ada.db", world.admin));
    let kitchen = account(&mut rosa, "Kitchen");
    for device in [&mut rosa, &mut ada] {
        world.sync(device).await;
    }
    for to in [world.other_rep, world.rep, world.manager] {
        world.assign(kitchen, to).await;
    }
    assert_eq!(
        world.sync(&mut rosa).await.evicted,
        ["The account \"Kitchen\" was assigned to mia Test."]
    );
    world.end().await;
}

/// A contact was moved, offline, to an account that was given away meanwhile. The move is refused,
/// so that the contact still works where the rep sees it.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_was_not_moved_to_a_lost_account_stays_on_the_device() {
    let world = World::new().await;
    world.end_grace().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (kept, lost) = (account(&mut rosa, "Kept"), account(&mut rosa, "Lost"));
    let lee = contact(&mut rosa, kept);
    world.sync(&mut rosa).await;
    employ(&mut rosa, lee, lost);
    world.assign(lost, world.other_rep).await;
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    world.assert_agrees(&rosa).await;
    assert!(rosa.record(lee).unwrap().is_some());
    world.end().await;
}

/// The other way round: the contact of a lost account was moved to a kept one, which is refused. It
/// went with its account.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_was_not_moved_from_a_lost_account_leaves_the_device() {
    let world = World::new().await;
    world.end_grace().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (kept, lost) = (account(&mut rosa, "Kept"), account(&mut rosa, "Lost"));
    let lee = contact(&mut rosa, lost);
    world.sync(&mut rosa).await;
    employ(&mut rosa, lee, kept);
    set(&mut rosa, lee, "contact", &[("job_title", "Chef")]);
    world.assign(lost, world.other_rep).await;
    assert_eq!(world.sync(&mut rosa).await.refused, 2);
    world.assert_agrees(&rosa).await;
    assert!(rosa.record(lee).unwrap().is_none());
    assert!(rosa.search("lee", 10).unwrap().is_empty());
    let kept = rosa.quarantine().unwrap();
    assert!(kept.iter().all(|one| one.edit.as_array().is_some_and(|edit| !edit.is_empty())));
    world.end().await;
}

/// The server is asked where a record is, and the connection breaks before the answer. The next one
/// asks again.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_asked_for_comes_with_the_next_session() {
    let world = World::new().await;
    world.end_grace().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (kept, lost) = (account(&mut rosa, "Kept"), account(&mut rosa, "Lost"));
    let lee = contact(&mut rosa, kept);
    world.sync(&mut rosa).await;
    employ(&mut rosa, lee, lost);
    world.assign(lost, world.other_rep).await;
    let mut line = Line::silent(&world.server.sync_url()).await;
    line.say_bytes(
        rosa.with_replica(|replica, _| replica.connect(&world.token(world.rep), "test")).unwrap(),
    )
    .await;
    while rosa.status().unwrap().refused == 0 {
        let message = line.next().await.unwrap();
        rosa.with_replica(|replica, env| replica.handle_frame(&message.to_bytes(), env)).unwrap();
        if let Some(push) = rosa.with_replica(|replica, _| replica.poll_push()).unwrap() {
            line.say_bytes(push).await;
        }
    }
    rosa.with_replica(|replica, _| replica.disconnected(None));
    drop((line, rosa));
    let mut rosa = world.device("rosa.db", world.rep);
    assert!(rosa.record(lee).unwrap().is_none(), "it went with the lost account");
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    assert!(rosa.record(lee).unwrap().is_some());
    world.end().await;
}
/// By grace one adds to an account; one does not take its contacts along, and reads nothing of what
/// its next holder wrote.
#[tokio::test(flavor = "multi_thread")]
async fn grace_takes_nothing_out_of_a_lost_account() {
    let world = World::new().await;
    let (mut rosa, mut omar) =
        (world.device("rosa.db", world.rep), world.device("omar.db", world.other_rep));
    let (kept, lost) = (account(&mut rosa, "Kept"), account(&mut rosa, "Lost"));
    let lee = contact(&mut rosa, lost);
    world.sync(&mut rosa).await;
    employ(&mut rosa, lee, kept);
    world.assign(lost, world.other_rep).await;
    world.sync(&mut omar).await;
    set(&mut omar, lee, "contact", &[("job_title", "Grobvantel's sister")]);
    world.sync(&mut omar).await;
    world.sync(&mut rosa).await;
    world.sync(&mut rosa).await;
    let shown = rosa.record(lee).unwrap().map(|lee| lee.json("job_title"));
    assert_eq!(shown, None);
    assert_eq!(rosa.quarantine().unwrap().len(), 1, "the move is kept");
    world.sync(&mut omar).await;
    assert!(omar.record(lee).unwrap().is_some(), "the contact stays with the account");
    for device in [&rosa, &omar] {
        world.assert_agrees(device).await;
    }
    world.assert_projected().await;
    world.end().await;
}

/// A manager became a rep, and the team has no other manager yet: what the team's accounts are called
/// and who has them is not told to a rep's device.
#[tokio::test(flavor = "multi_thread")]
async fn who_only_stands_above_somebody_is_not_told_of_their_accounts() {
    let world = World::new().await;
    let demoted = UserChange { role: Some("sales_rep".into()), ..UserChange::default() };
    people::change_user(&world.owner, world.manager, &demoted).await.unwrap();
    let mut rosa = world.device("rosa.db", world.rep);
    let token = world.token(world.manager);
    let (mut line, _) = Line::greeted(&world.server.sync_url(), hello(token.clone())).await;
    line.until_live(0).await;
    let since = line.batches.last().unwrap().cursor.clone();
    let kitchen = account(&mut rosa, "Grobvantel");
    contact(&mut rosa, kitchen);
    world.sync(&mut rosa).await;
    let list = [Assignment {
        organization: kitchen.0,
        to: world.other_rep,
        second: None,
        territory: None,
    }];
    let app = &world.server.app;
    let done = assign::assign(&app.pool, &app.committer, world.admin, &list).await.unwrap();
    assert_eq!(done.changed, 1);
    drop(line);
    let again = Hello { cursor: Some(since), ..hello(token) };
    let (mut line, _) = Line::greeted(&world.server.sync_url(), again).await;
    line.say(&ClientMessage::Fetch(Fetch { records: vec![kitchen] })).await;
    line.until_live(1).await;
    let told: Vec<_> = line.batches.iter().flat_map(|batch| &batch.evict).collect();
    assert!(told.is_empty(), "{told:?}");
    assert!(!format!("{:?}", line.batches).contains("Grobvantel"));
    world.end().await;
}
