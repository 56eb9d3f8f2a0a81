//! A session lives on when there is a newer token in time.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use client_sdk::{ClientEvent, LinkState, Notice, Server, TokenError, TokenSource};
use serde_json::json;
use sync_server::clock;
use uuid::Uuid;

use crate::caller::Caller;
use crate::harness::{World, create, pantry, pantry_program, token_until, until};

/// A session that got a newer token before the first one ran out, and when that was or will be.
async fn prolonged(world: &World) -> (Caller, i64) {
    for _ in 0..5 {
        let (mut caller, exp_ms) = Caller::let_in_briefly(world, world.rep).await;
        caller.refresh(&world.token(world.rep)).await;
        if caller.is_answered().await {
            return (caller, exp_ms);
        }
    }
    panic!("a newer token never came in time");
}

/// A newer token keeps a session open past the end of the first; another user's, a broken one or one
/// that has run out ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_token_prolongs_a_session_and_a_bad_one_ends_it() {
    let world = World::new().await;
    let url = world.server.sync_url();
    let (mut caller, exp_ms) = prolonged(&world).await;
    // Sessions are looked at every half a second.
    until("the first token ran out", async || clock::now().0 > exp_ms + 1500).await;
    assert!(caller.is_answered().await, "the first token's end is of no account");
    let bad = [
        (world.token(world.other_rep), "wrong_user"),
        (world.token_until(world.rep, -1), "expired_token"),
        ("rubbish".to_owned(), "bad_token"),
    ];
    for (token, code) in bad {
        let mut caller = Caller::greet(&url, &world.token(world.rep)).await;
        caller.welcome().await;
        caller.refresh(&token).await;
        assert_eq!(caller.end().await.unwrap().code, code);
    }
    world.end().await;
}

/// Signs a token of fifteen seconds whenever it is asked; a third of them is left for the next one to come.
struct Short {
    user: Uuid,
    asked: Arc<AtomicU32>,
}

impl TokenSource for Short {
    async fn token(&mut self) -> Result<String, TokenError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(token_until(self.user, 15))
    }
}

/// The client asks its source before the token runs out, as often as it takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_renews_its_token_before_it_runs_out() {
    let world = World::new().await;
    let rosa = world.device("rosa.db", world.rep);
    let asked = Arc::new(AtomicU32::new(0));
    let source = Short { user: world.rep, asked: asked.clone() };
    rosa.use_server(Server::new(world.server.sync_url(), source));
    let mut events = rosa.events();
    rosa.connect();
    let ending = async {
        loop {
            match events.recv().await.unwrap() {
                ClientEvent::Notice(Notice::Retrying { .. } | Notice::WaitsForToken(_))
                | ClientEvent::Ended { .. } => return,
                ClientEvent::Notice(_) | ClientEvent::RowsChanged(_) => {}
            }
        }
    };
    let renewed = until("asked three times", async || asked.load(Ordering::Relaxed) >= 3);
    tokio::select! {
        () = ending => panic!("the session ended"),
        () = renewed => {}
    }
    assert_eq!(rosa.status().unwrap().link, LinkState::Live);
    world.end().await;
}

/// `pantry sync --watch --token-file`: a token renewed in time prolongs the session; one that comes
/// too late is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn pantry_follows_a_token_file() {
    let world = World::new().await;
    let (db, file) = (world.files.path().join("rosa.db"), world.files.path().join("token"));
    let write = |seconds| {
        let new = world.files.path().join("token.new");
        std::fs::write(&new, format!("{}\n", world.token_until(world.rep, seconds))).unwrap();
        std::fs::rename(new, &file).unwrap();
    };
    let first_exp_ms = clock::now().0 + 20_000;
    write(20);
    pantry(&db, &["init", "--token-file", file.to_str().unwrap()]);
    let mut child = Command::new(pantry_program())
        .arg("--db")
        .arg(&db)
        .args(["sync", "--watch", "--server", &world.server.sync_url(), "--token-file"])
        .arg(&file)
        .env_remove("PANTRY_TOKEN")
        .stderr(Stdio::from(std::fs::File::create(world.files.path().join("said")).unwrap()))
        .spawn()
        .unwrap();
    let said = || std::fs::read_to_string(world.files.path().join("said")).unwrap();
    until("it is live", async || pantry(&db, &["status"]).starts_with("live")).await;
    write(26);
    until("the first token ran out", async || clock::now().0 > first_exp_ms + 1500).await;
    assert_eq!(said(), "", "the session outlived its first token");
    // Nobody renews the second one in time.
    until("it waits for a newer token", async || said().contains("newer token")).await;
    assert!(said().contains("sign in again"), "{}", said());
    write(600);
    let mut mia = world.device("mia.db", world.rep);
    create(&mut mia, "organization", &[("name", "Late Diner")]);
    world.sync(&mut mia).await;
    let found = || pantry(&db, &["query", "SELECT name FROM organizations", "--json"]);
    until("the account has come", async || !found().is_empty()).await;
    let found = found();
    assert_eq!(found.trim(), json!({"name": "Late Diner"}).to_string(), "{}", said());
    child.kill().unwrap();
    child.wait().unwrap();
    world.end().await;
}
