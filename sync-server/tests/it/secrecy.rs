//! No token and no part of one comes into the log, whatever the level.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::caller::Caller;
use crate::harness::{SECRET, World, create, sync_at};
use crate::signer::{Signer, key_set};

/// How much of a token is too much.
const FRAGMENT: usize = 16;

/// A part of a secret that stands in a text as logs write it: as it is, or its bytes in hex or as a list.
fn leak(secret: &str, text: &str) -> Option<String> {
    let parts = secret.as_bytes().windows(FRAGMENT).step_by(FRAGMENT / 2);
    let forms = |part: &[u8]| {
        let list: Vec<String> = part.iter().map(u8::to_string).collect();
        let plain = String::from_utf8_lossy(part).into_owned();
        [plain, data_encoding::HEXLOWER.encode(part), list.join(", ")]
    };
    parts.flat_map(forms).find(|form| text.contains(form))
}

/// A server that logs everything it can, while tokens of all kinds succeed and fail.
#[tokio::test(flavor = "multi_thread")]
async fn no_part_of_a_token_comes_into_the_log() {
    let world = World::new().await;
    let (ec, thief) = (Signer::elliptic(), Signer::elliptic());
    let keys = world.files.path().join("keys.json");
    std::fs::write(&keys, key_set(&[ec.jwk("ec")])).unwrap();
    let log = world.files.path().join("log");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sync-server"))
        .arg("serve")
        .env("DATABASE_URL", &world.config.database_url)
        .env("SUPABASE_JWT_SECRET", SECRET)
        .env("JWKS_FILE", &keys)
        .env("PORT", port.to_string())
        .env("LOG_LEVEL", "trace,tungstenite::protocol=trace")
        .stdout(Stdio::null())
        .stderr(Stdio::from(std::fs::File::create(&log).unwrap()))
        .spawn()
        .unwrap();
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let url = format!("ws://127.0.0.1:{port}/sync");
    let es = json!({"alg": "ES256", "kid": "ec"});
    let now = sync_server::clock::now().seconds();
    let claims = json!({"sub": world.rep.to_string(), "exp": now + 600});
    let good = [world.token(world.rep), ec.sign(&es, &claims)];
    let odd = json!({"sub": "rosa", "exp": "never", "nbf": "later"});
    let bad = vec![
        world.token_until(world.rep, -60),
        thief.sign(&es, &claims),
        thief.sign(&json!({"alg": "ES256", "kid": "unheard-of"}), &claims),
        thief.sign(&json!({"alg": "none-such", "kid": "ec"}), &claims),
        ec.sign(&es, &odd),
        ec.sign(&json!({"alg": "ES256", "kid": "ec", "crit": ["unheard-of"]}), &claims),
        good[0].trim_end_matches(|c| c != '.').to_owned(),
        "a text that was never meant to be a token".to_owned(),
    ];
    let mut rosa = world.device("rosa.db", world.rep);
    for token in &good {
        create(&mut rosa, "organization", &[("name", "Kitchen")]);
        sync_at(&rosa, &url, token).await.unwrap();
        for bad in &bad {
            let mut caller = Caller::greet(&url, token).await;
            caller.welcome().await;
            caller.refresh(token).await;
            caller.refresh(bad).await;
            caller.end().await.expect("the server says why");
        }
        let mut caller = Caller::greet(&format!("{url}?token={token}"), "").await;
        caller.end().await.expect("the server says why");
    }
    for token in &bad {
        let mut caller = Caller::greet(&url, token).await;
        caller.end().await.expect("the server says why");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("TRACE"), "the log is as long as can be");
    assert!(log.contains("session ended") && log.contains("a token was refused"));
    println!("{} bytes of log", log.len());
    let mut secrets: Vec<&str> = good.iter().chain(&bad).map(String::as_str).collect();
    secrets.push(SECRET);
    for secret in secrets {
        let leak = leak(secret, &log);
        let line = leak.as_ref().and_then(|part| log.lines().find(|l| l.contains(&**part)));
        assert_eq!(leak, None, "in: {line:?}");
    }
    world.end().await;
}

/// Whoever prints a message, the configuration or the server's state for debugging prints no secret.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_for_debugging_holds_no_secret() {
    use sync_core::protocol::{ClientMessage, Refresh};
    let world = World::new().await;
    let rosa = world.device("rosa.db", world.rep);
    let token = world.token(world.rep);
    let hello = ClientMessage::from_bytes(
        &rosa.with_replica(|replica, _| replica.connect(&token, "app")).unwrap(),
    )
    .unwrap();
    let refresh = ClientMessage::Refresh(Refresh { token: token.clone() });
    let printed = format!("{hello:?} {refresh:?} {:?} {:?} {:?}", world.config, world.server, rosa);
    for secret in [token.as_str(), SECRET] {
        assert_eq!(leak(secret, &printed), None);
    }
    world.end().await;
}
