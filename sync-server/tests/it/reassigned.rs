//! What an account that was given away leaves behind on either side: nothing that its former holder
//! may not see, and everything that the holder may.

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use sync_server::ops::report;

use crate::harness::{World, create, set};

fn account(device: &mut Client, name: &str) -> RecordId {
    create(device, "organization", &[("name", name)])
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
