//! A server process killed at any moment loses nothing that it acknowledged and doubles nothing.

use std::time::Duration;

use client_sdk::core::ids::RecordId;
use rand::{RngExt, SeedableRng};

use crate::harness::{ServerProcess, World, create, set};

const EDITS: usize = 2000;
const KILLS: usize = 12;

/// The server is killed again and again while a rep's edits of weeks go up.
#[tokio::test(flavor = "multi_thread")]
async fn killing_the_server_at_random_moments_loses_and_doubles_nothing() {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    let accounts: Vec<RecordId> = (0..200)
        .map(|n| create(&mut rep, "organization", &[("name", format!("Account {n}").as_str())]))
        .collect();
    for n in 0..EDITS {
        let account = accounts[n % accounts.len()];
        set(&mut rep, account, "organization", &[("employee_count", n.to_string().as_str())]);
    }
    // The first value of an account that is edited to 0 is an edit all the same.
    let made = rep.replica.status().unwrap().unsent;
    assert_eq!(made, (EDITS + accounts.len()) as u64);
    let token = world.token(world.rep);
    let mut acknowledged = 0;
    for _ in 0..KILLS {
        let server = ServerProcess::start(&world.config).await;
        let url = server.sync_url();
        let after = Duration::from_millis(random.random_range(5..250));
        let killer = tokio::spawn(async move {
            tokio::time::sleep(after).await;
            drop(server);
        });
        let _ = rep.sync(&url, &token, |_| {}).await;
        rep.replica.disconnected(None);
        killer.await.unwrap();
        let left = rep.replica.status().unwrap().unsent;
        let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM sync.changes")
            .fetch_one(&world.owner)
            .await
            .unwrap();
        assert!(made - left >= acknowledged, "what was acknowledged stays so");
        acknowledged = made - left;
        assert!(stored as u64 >= acknowledged, "acknowledged edits are stored");
    }
    world.sync(&mut rep).await;
    let status = rep.replica.status().unwrap();
    assert_eq!((status.unsent, status.refused), (0, 0));
    let outcome = world.assert_projected().await;
    assert_eq!((outcome.records, outcome.changes), (accounts.len() as u64, made));
    world.assert_agrees(&rep).await;
    world.end().await;
}
