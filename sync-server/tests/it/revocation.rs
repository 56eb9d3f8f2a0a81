//! A session ends when its permission does, whatever the client and the database are doing, and the
//! server says why. How late is printed; on a busy machine only that it ends, and not before its time, must
//! hold.

use std::time::{Duration, Instant};

use client_sdk::core::ids::UserId;
use rand::RngExt as _;
use sqlx::{Connection as _, Executor as _};
use sync_core::limits;
use sync_core::protocol::ServerMessage;
use sync_server::clock;
use sync_server::ops::people::{self, UserChange};

use crate::caller::Caller;
use crate::harness::{GENEROUS, World, create, set, until};

/// Waits for the goodbye; returns its code.
async fn code(caller: &mut Caller) -> String {
    caller.end().await.expect("the server says why").code
}

async fn set_active(world: &World, active: bool) {
    let change = UserChange { active: Some(active), ..UserChange::default() };
    people::change_user(&world.owner, world.rep, &change).await.unwrap();
}

/// A token that ran out a moment ago lets nobody in, and one that runs out ends the session.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_within_a_second_of_its_token() {
    let world = World::new().await;
    let url = world.server.sync_url();
    let mut late = Caller::greet(&url, &world.token_until(world.rep, -1)).await;
    assert_eq!(code(&mut late).await, "expired_token");
    let (mut caller, exp_ms) = Caller::let_in_briefly(&world, world.rep).await;
    let goodbye = tokio::time::timeout(GENEROUS, caller.end()).await;
    let late = clock::now().0 - exp_ms;
    let goodbye = goodbye.expect("closed in time").expect("the server says why");
    assert_eq!(goodbye.code, "expired_token");
    assert!(goodbye.sentence.contains("sign in again"), "{}", goodbye.sentence);
    println!("measured: from expiry to a closed socket: {late} ms");
    assert!(late >= 0, "not before its time: {late} ms");
    world.end().await;
}

/// Whoever does not acknowledge what came is disabled all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_acknowledges_nothing_is_disabled_within_a_second() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let place = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    let mut caller = Caller::greet(&world.server.sync_url(), &world.token(world.rep)).await;
    caller.welcome().await;
    for batch in 0..limits::FEED_WINDOW {
        let count = batch.to_string();
        assert!(matches!(caller.next().await, Some(ServerMessage::Feed(_))));
        set(&mut rosa, place, "organization", &[("employee_count", count.as_str())]);
        world.sync(&mut rosa).await;
    }
    let began = Instant::now();
    set_active(&world, false).await;
    let code = tokio::time::timeout(GENEROUS, code(&mut caller)).await.expect("closed in time");
    println!(
        "measured: from disabling to a closed socket, window full: {} ms",
        began.elapsed().as_millis()
    );
    assert_eq!(code, "disabled");
    world.end().await;
}

/// The same for a usual client, whoever wrote to the users table and by whatever means.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_disabled_is_told_within_a_second() {
    let world = World::new().await;
    let mut caller = Caller::greet(&world.server.sync_url(), &world.token(world.rep)).await;
    caller.welcome().await;
    let began = Instant::now();
    // Without the triggers that wake sessions.
    let sql = "ALTER TABLE public.users DISABLE TRIGGER USER;
        UPDATE public.users SET is_active = false;
        ALTER TABLE public.users ENABLE TRIGGER USER";
    let mut connection = world.owner.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    tx.execute(sql).await.unwrap();
    tx.commit().await.unwrap();
    drop(connection);
    let code = tokio::time::timeout(GENEROUS, code(&mut caller)).await.expect("closed in time");
    println!("measured: from disabling to a closed socket: {} ms", began.elapsed().as_millis());
    assert_eq!(code, "disabled");
    // Enabled again she may come back at once and stays.
    set_active(&world, true).await;
    let mut again = Caller::greet(&world.server.sync_url(), &world.token(world.rep)).await;
    assert_eq!(again.welcome().await.user, UserId(world.rep));
    let stays = tokio::time::timeout(Duration::from_millis(1200), again.end()).await;
    assert!(stays.is_err(), "ended though enabled: {stays:?}");
    world.end().await;
}

/// A session that waits for the database ends nevertheless.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_waits_for_the_database_ends_with_its_token() {
    let world = World::new().await;
    let (mut caller, exp_ms) = Caller::let_in_briefly(&world, world.rep).await;
    let mut connection = world.owner.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    tx.execute("LOCK TABLE sync.clock IN ACCESS EXCLUSIVE MODE").await.unwrap();
    world.server.app.wake.send_modify(|wake| wake.news += 1);
    let ended = tokio::time::timeout(GENEROUS, code(&mut caller)).await;
    let late = clock::now().0 - exp_ms;
    tx.rollback().await.unwrap();
    drop(connection);
    assert_eq!(ended.expect("closed in time"), "expired_token");
    println!("measured: from expiry to a closed socket, database stuck: {late} ms");
    world.end().await;
}

/// A client that reads nothing keeps the server waiting to send; its session ends nevertheless.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut_off_all_the_same() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    // Much more than the system buffers, and not to be compressed away.
    let noise = || -> String {
        (0..2_600).map(|_| rand::rng().random_range('\u{4e00}'..'\u{9f00}')).collect()
    };
    for _ in 0..24 {
        let fields: Vec<(String, String)> =
            (0..25).map(|n| (format!("custom_fields.noise{n}"), noise())).collect();
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<(&str, &str)> = fields.chain([("name", "Kitchen")]).collect();
        create(&mut rosa, "organization", &pairs);
    }
    world.sync(&mut rosa).await;
    let exp_ms = (clock::now().seconds() + 2) * 1000;
    let (url, token) = (world.server.sync_url(), world.token_until(world.rep, 2));
    let mut caller = Caller::greet(&url, &token).await;
    let gone = tokio::time::timeout(GENEROUS, caller.write_until_gone());
    gone.await.expect("cut off in time");
    let late = clock::now().0 - exp_ms;
    println!("measured: from expiry to a closed socket, client not reading: {late} ms");
    assert!(late >= 0, "cut off before its time: {late} ms");
    let sessions = || world.server.app.places.sessions();
    until("that session is over", async || sessions() == 0).await;
    let mut caller = Caller::greet(&url, &world.token(world.rep)).await;
    until("another one stands", async || sessions() == 1).await;
    let began = Instant::now();
    set_active(&world, false).await;
    let gone = tokio::time::timeout(GENEROUS, caller.write_until_gone());
    gone.await.expect("cut off in time");
    let late = began.elapsed().as_millis();
    println!("measured: from disabling to a closed socket, client not reading: {late} ms");
    world.end().await;
}
