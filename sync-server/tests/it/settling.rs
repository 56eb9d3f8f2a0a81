//! Conflicts between people, listed and settled on the command line.

use crate::harness::{World, create, pantry, set};

/// Rep and manager give an account two kitchens without a network. Both see who said what and what it was,
/// one keeps a value, and it is settled for both; the history names everybody.
#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_who_said_what_and_one_settles_it() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Corner"), ("cuisine", "Thai")]);
    world.sync(&mut rosa).await;
    let mut mia = world.device("mia.db", world.manager);
    world.sync(&mut mia).await;
    set(&mut rosa, account, "organization", &[("cuisine", "Lao")]);
    set(&mut mia, account, "organization", &[("cuisine", "Viet")]);
    for device in [&mut rosa, &mut mia] {
        world.sync(device).await;
    }
    world.sync(&mut rosa).await;
    let (hers, account) = (world.files.path().join("rosa.db"), account.to_string());
    let listed = pantry(&hers, &["conflicts"]);
    assert!(listed.contains("\"Corner\"\n  cuisine was Thai\n"), "{listed}");
    assert!(listed.contains("Lao") && listed.contains(": rosa Test, "), "{listed}");
    assert!(listed.contains("Viet") && listed.contains(": mia Test, "), "{listed}");
    let kept = |number: &str| {
        let line = listed.lines().find(|line| line.trim().starts_with(number)).unwrap();
        if line.contains("Lao") { "Lao" } else { "Viet" }
    };
    let kept = kept("2.");
    pantry(&hers, &["settle", &account, "cuisine", "--keep", "2"]);
    assert_eq!(pantry(&hers, &["conflicts"]).trim(), "nothing is contested");
    for device in [&mut rosa, &mut mia] {
        world.sync(device).await;
    }
    assert_eq!(mia.conflicts().unwrap(), []);
    let history = mia.history(account.parse().unwrap(), 10).unwrap();
    let said: Vec<_> = history.iter().map(|one| one.name.as_deref().unwrap_or_default()).collect();
    assert_eq!((said.len(), said[0]), (4, "rosa Test"), "{said:?}");
    assert_eq!(history[0].fields[0].after, kept);
    let row = world.select(world.rep, "SELECT cuisine FROM public.organizations").await;
    assert_eq!(row[0][0], kept);
    world.end().await;
}
