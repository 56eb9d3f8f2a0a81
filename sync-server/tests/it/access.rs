//! What a device holds follows what its user may see, however that changes.

use client_sdk::core::ids::RecordId;

use crate::harness::{World, create, set};

fn account(device: &mut client_sdk::Client, name: &str) -> RecordId {
    create(device, "organization", &[("name", name)])
}

/// A contact changes employer: it leaves the device of the rep who sees only the old one, and comes
/// to the rep of the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_who_changes_employer_changes_devices() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut omar = world.device("omar.db", world.other_rep);
    let mut mia = world.device("mia.db", world.manager);
    let (old, new) = (account(&mut rosa, "Old Place"), account(&mut omar, "New Place"));
    let contact = create(
        &mut rosa,
        "contact",
        &[
            ("organization_id", old.to_string().as_str()),
            ("first_name", "Kim"),
            ("last_name", "Lee"),
            ("notes", "Prefers mornings."),
        ],
    );
    for device in [&mut rosa, &mut omar, &mut mia] {
        world.sync(device).await;
    }
    set(&mut mia, contact, "contact", &[("organization_id", new.to_string().as_str())]);
    for device in [&mut mia, &mut rosa, &mut omar] {
        world.sync(device).await;
        world.assert_agrees(device).await;
    }
    assert!(rosa.replica.record(contact).unwrap().is_none(), "Rosa's device let go of it");
    assert!(rosa.replica.search("mornings", 10).unwrap().is_empty());
    assert!(omar.replica.record(contact).unwrap().is_some());
    // Back again, and the move of before does not take it away a second time.
    set(&mut mia, contact, "contact", &[("organization_id", old.to_string().as_str())]);
    for device in [&mut mia, &mut rosa, &mut omar] {
        world.sync(device).await;
        world.assert_agrees(device).await;
    }
    assert!(rosa.replica.record(contact).unwrap().is_some());
    world.end().await;
}
