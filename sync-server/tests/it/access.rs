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

/// An account goes to another rep: no byte of its words is left in the first rep's files, neither in
/// rows nor in the search index, in free pages or in the journal.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_evicted_account_is_left_in_the_file() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    for n in 0..60 {
        account(&mut rosa, &format!("Ordinary Kitchen {n}"));
    }
    let gone = create(
        &mut rosa,
        "organization",
        &[
            ("name", "Quxelbrunn Bistro"),
            ("notes", "The chef Wrzaskowski wants truffles from Vlkovarind."),
            ("custom_fields.alley", "Zmrzlinaplatz"),
        ],
    );
    let parent = gone.to_string();
    create(
        &mut rosa,
        "interaction",
        &[
            ("organization_id", parent.as_str()),
            ("interaction_type", "VISIT"),
            ("subject", "Grobvantel tasting"),
        ],
    );
    let words = ["quxelbrunn", "wrzaskowski", "vlkovarind", "zmrzlinaplatz", "grobvantel"];
    world.sync(&mut rosa).await;
    assert!(!found_in_files(&world, &words[..3]).is_empty(), "before, the words are there");
    world.assign(gone, world.other_rep).await;
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    assert_eq!(found_in_files(&world, &words), Vec::<String>::new());
    drop(rosa);
    assert_eq!(found_in_files(&world, &words), Vec::<String>::new());
    world.end().await;
}

/// Which of these words stand in the files of Rosa's replica; also in part, since an index stores
/// what a word does not share with its neighbour.
fn found_in_files(world: &World, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in ["rosa.db", "rosa.db-wal", "rosa.db-shm"] {
        let Ok(bytes) = std::fs::read(world.files.path().join(file)) else { continue };
        let text = bytes.to_ascii_lowercase();
        for word in words {
            let part = &word.as_bytes()[2..];
            if text.windows(part.len()).any(|window| window == part) {
                found.push(format!("{word} in {file}"));
            }
        }
    }
    found
}
