//! Which tokens let whom in, and what a refused one hears.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use sync_server::clock;
use sync_server::config::{Config, TokenConfig};
use sync_server::http::auth::jwks::JwksSource;
use sync_server::ops::people::{self, UserChange, new_id};
use sync_server::server::{self, Running};
use uuid::Uuid;

use crate::caller::Caller;
use crate::harness::{GENEROUS, SECRET, World};
use crate::signer::{Signer, base64url, key_set, message};

const ISSUER: &str = "https://project.example/auth/v1";

/// What a sound token of the user says.
fn claims(user: Uuid) -> Value {
    let exp = clock::now().seconds() + 600;
    json!({"sub": user.to_string(), "exp": exp, "aud": "authenticated", "iss": ISSUER, "role": "authenticated"})
}

/// The same with some claims changed; null takes one out.
fn but(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

async fn serve(world: &World, tokens: TokenConfig) -> Running {
    server::start(&Config { tokens, ..world.config.clone() }, sync_core::crm::schema())
        .await
        .unwrap()
}

/// The role a token gives, or the goodbye code it gets.
async fn answer(server: &Running, token: &str) -> String {
    use sync_core::protocol::ServerMessage;
    match Caller::greet(&server.sync_url(), token).await.next().await {
        Some(ServerMessage::Welcome(welcome)) => welcome.role.to_string(),
        Some(ServerMessage::Goodbye(goodbye)) => goodbye.code,
        other => panic!("neither welcome nor goodbye: {other:?}"),
    }
}

/// Every forged, broken or outdated token is refused with its code; sound ones let the user in with
/// the role of the users table.
#[tokio::test(flavor = "multi_thread")]
async fn every_forged_token_is_refused_and_says_why() {
    let world = World::new().await;
    let (ec, rsa, hmac) = (Signer::elliptic(), Signer::rsa(), Signer::secret(SECRET));
    let (thief, thief_rsa) = (Signer::elliptic(), Signer::secret("guessed"));
    let file = world.files.path().join("keys.json");
    std::fs::write(&file, key_set(&[ec.jwk("ec"), rsa.jwk("rsa")])).unwrap();
    let tokens = TokenConfig {
        jwks: Some(JwksSource::File(file)),
        audience: Some("authenticated".into()),
        issuer: Some(ISSUER.into()),
        ..TokenConfig::from_secret(SECRET)
    };
    let server = serve(&world, tokens).await;
    let change = UserChange { active: Some(false), ..UserChange::default() };
    people::change_user(&world.owner, world.other_rep, &change).await.unwrap();

    let es = json!({"alg": "ES256", "typ": "JWT", "kid": "ec"});
    let rs = json!({"alg": "RS256", "typ": "JWT", "kid": "rsa"});
    let hs = json!({"alg": "HS256", "typ": "JWT"});
    let rosa = claims(world.rep);
    let now = clock::now().seconds();
    let with = |changes: Value| ec.sign(&es, &but(rosa.clone(), changes));
    let header = |changes: Value| ec.sign(&but(es.clone(), changes), &rosa);
    let (ec_jwk, rsa_jwk) = (ec.jwk("ec"), rsa.jwk("rsa"));
    let x = ec_jwk["x"].as_str().unwrap();
    let sound = with(json!({}));
    let parts: Vec<&str> = sound.split('.').collect();
    let promoted = but(rosa.clone(), json!({"sub": world.admin.to_string()}));
    let promoted = base64url(promoted.to_string().as_bytes());
    let public_as_secret = |jwk: &Value, kid: &str| {
        let header = json!({"alg": "HS256", "kid": kid});
        Signer::secret(jwk.to_string()).sign(&header, &rosa)
    };
    let table: Vec<(&str, String, &str)> = vec![
        ("sound, ES256", sound.clone(), "sales_rep"),
        ("sound, RS256", rsa.sign(&rs, &rosa), "sales_rep"),
        ("sound, HS256", hmac.sign(&hs, &rosa), "sales_rep"),
        (
            "HS256 whose secret has a name",
            hmac.sign(&json!({"alg": "HS256", "kid": "legacy"}), &rosa),
            "sales_rep",
        ),
        (
            "several audiences, ours among them",
            with(json!({"aud": ["other", "authenticated"]})),
            "sales_rep",
        ),
        ("valid from ten seconds ahead", with(json!({"nbf": now + 10})), "sales_rep"),
        (
            "claims to be an administrator",
            with(json!({"role": "admin", "app_metadata": {"role": "admin"}})),
            "sales_rep",
        ),
        ("claims to be the service", with(json!({"role": "service_role"})), "sales_rep"),
        (
            "algorithm none",
            format!("{}.", message(&json!({"alg": "none", "kid": "ec"}), &rosa)),
            "bad_token",
        ),
        ("algorithm None", format!("{}.", message(&json!({"alg": "None"}), &rosa)), "bad_token"),
        ("no algorithm", header(json!({"alg": null})), "bad_token"),
        ("HS256 by the public EC key", public_as_secret(&ec_jwk, "ec"), "bad_token"),
        ("HS256 by the public RSA key", public_as_secret(&rsa_jwk, "rsa"), "bad_token"),
        (
            "HS256 by the key's x",
            Signer::secret(x).sign(&json!({"alg": "HS256", "kid": "ec"}), &rosa),
            "bad_token",
        ),
        (
            "HS256 by the key's name",
            Signer::secret("ec").sign(&json!({"alg": "HS256", "kid": "ec"}), &rosa),
            "bad_token",
        ),
        (
            "our secret under an EC key's name",
            hmac.sign(&json!({"alg": "HS256", "kid": "ec"}), &rosa),
            "bad_token",
        ),
        ("another secret", thief_rsa.sign(&hs, &rosa), "bad_token"),
        ("an empty secret", Signer::secret("").sign(&hs, &rosa), "bad_token"),
        (
            "header RS256, EC key",
            rsa.sign(&json!({"alg": "RS256", "kid": "ec"}), &rosa),
            "bad_token",
        ),
        (
            "header ES256, RSA key",
            ec.sign(&json!({"alg": "ES256", "kid": "rsa"}), &rosa),
            "bad_token",
        ),
        ("header HS256, signed ES256", header(json!({"alg": "HS256"})), "bad_token"),
        (
            "header PS256, RSA key",
            rsa.sign(&json!({"alg": "PS256", "kid": "rsa"}), &rosa),
            "bad_token",
        ),
        ("another's key under our key's name", thief.sign(&es, &rosa), "bad_token"),
        (
            "another's key, brought along",
            thief.sign(&but(es.clone(), json!({"kid": "new", "jwk": thief.jwk("new")})), &rosa),
            "bad_token",
        ),
        (
            "another's key, to be fetched",
            thief.sign(&json!({"alg": "ES256", "kid": "new", "jku": "http://127.0.0.1:1/"}), &rosa),
            "bad_token",
        ),
        ("a name that no key has", header(json!({"kid": "other"})), "bad_token"),
        ("a name that is none", header(json!({"kid": 7})), "bad_token"),
        ("no name, several keys", header(json!({"kid": null})), "bad_token"),
        (
            "something critical that is not known",
            header(json!({"crit": ["b64"], "b64": false})),
            "bad_token",
        ),
        ("run out", with(json!({"exp": now - 1})), "expired_token"),
        ("run out long ago", with(json!({"exp": 1})), "expired_token"),
        (
            "run out, and signed by another",
            thief.sign(&es, &but(rosa.clone(), json!({"exp": 1}))),
            "bad_token",
        ),
        ("negative end", with(json!({"exp": -5})), "bad_token"),
        ("no end", with(json!({"exp": null})), "bad_token"),
        ("an end that is text", with(json!({"exp": "never"})), "bad_token"),
        ("not valid yet", with(json!({"nbf": now + 600})), "bad_token"),
        ("valid from some text on", with(json!({"nbf": "now"})), "bad_token"),
        ("no subject", with(json!({"sub": null})), "bad_token"),
        ("a subject that is no id", with(json!({"sub": "rosa@example.com"})), "bad_token"),
        ("a subject that is SQL", with(json!({"sub": "' OR true --"})), "bad_token"),
        ("an unknown subject", with(json!({"sub": new_id().to_string()})), "bad_token"),
        ("a disabled subject", ec.sign(&es, &claims(world.other_rep)), "disabled"),
        ("another audience", with(json!({"aud": "anon"})), "bad_token"),
        ("other audiences", with(json!({"aud": ["anon", "other"]})), "bad_token"),
        ("no audience", with(json!({"aud": null})), "bad_token"),
        ("another issuer", with(json!({"iss": "https://evil.example"})), "bad_token"),
        ("no issuer", with(json!({"iss": null})), "bad_token"),
        (
            "another's claims under our signature",
            format!("{}.{promoted}.{}", parts[0], parts[2]),
            "bad_token",
        ),
        ("a shortened signature", sound[..sound.len() - 4].to_owned(), "bad_token"),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), "bad_token"),
        ("two parts", format!("{}.{}", parts[0], parts[1]), "bad_token"),
        ("four parts", format!("{sound}.{}", parts[2]), "bad_token"),
        ("a blank at its end", format!("{sound} "), "bad_token"),
        ("nothing", String::new(), "bad_token"),
        ("no token", "Bearer".into(), "bad_token"),
        ("a huge one", with(json!({"padding": "x".repeat(20_000)})), "bad_token"),
    ];
    let mut wrong = Vec::new();
    for (what, token, expected) in &table {
        let found = answer(&server, token).await;
        println!("{what}: {found}");
        if found != *expected {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    server.stop().await;
    world.end().await;
}

/// One published key and no secret: a token need not name it, and nothing else counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_key_needs_no_name() {
    let world = World::new().await;
    let (ec, other) = (Signer::elliptic(), Signer::elliptic());
    let file = world.files.path().join("keys.json");
    std::fs::write(&file, key_set(&[ec.jwk("ec")])).unwrap();
    let tokens = TokenConfig { jwks: Some(JwksSource::File(file)), ..TokenConfig::default() };
    let server = serve(&world, tokens).await;
    let (unnamed, rosa) = (json!({"alg": "ES256"}), claims(world.rep));
    assert_eq!(answer(&server, &ec.sign(&unnamed, &rosa)).await, "sales_rep");
    assert_eq!(answer(&server, &other.sign(&unnamed, &rosa)).await, "bad_token");
    let hmac = Signer::secret(SECRET).sign(&json!({"alg": "HS256"}), &rosa);
    assert_eq!(answer(&server, &hmac).await, "bad_token");
    server.stop().await;
    world.end().await;
}

/// A key taken out of the file, or replaced under its name, ends the sessions that stand on it and no
/// others; a file that cannot be read ends none.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_with_their_key() {
    let world = World::new().await;
    let (ec, rsa) = (Signer::elliptic(), Signer::rsa());
    let file = world.files.path().join("keys.json");
    std::fs::write(&file, key_set(&[ec.jwk("a"), rsa.jwk("b")])).unwrap();
    let source = Some(JwksSource::File(file.clone()));
    let server = serve(&world, TokenConfig { jwks: source, ..TokenConfig::default() }).await;
    let rosa = claims(world.rep);
    let on_ec = ec.sign(&json!({"alg": "ES256", "kid": "a"}), &rosa);
    let on_rsa = rsa.sign(&json!({"alg": "RS256", "kid": "b"}), &rosa);
    let mut first = Caller::greet(&server.sync_url(), &on_ec).await;
    let mut second = Caller::greet(&server.sync_url(), &on_rsa).await;
    first.welcome().await;
    second.welcome().await;
    for broken in ["", "{\"keys\": [", "<html>", "{}"] {
        std::fs::write(&file, broken).unwrap();
        let stays = tokio::time::timeout(Duration::from_millis(700), first.end()).await;
        assert!(stays.is_err(), "{broken:?}: {stays:?}");
    }
    assert_eq!(answer(&server, &on_ec).await, "sales_rep", "the last good set stays in force");
    std::fs::remove_file(&file).unwrap();
    let stays = tokio::time::timeout(Duration::from_millis(700), first.end()).await;
    assert!(stays.is_err(), "{stays:?}");
    let unknown = ec.sign(&json!({"alg": "ES256", "kid": "c"}), &rosa);
    assert_eq!(answer(&server, &unknown).await, "unavailable", "it may be in the next set");
    let began = Instant::now();
    std::fs::write(&file, key_set(&[rsa.jwk("b")])).unwrap();
    let goodbye = tokio::time::timeout(GENEROUS, first.end()).await.expect("closed in time");
    println!(
        "measured: from a key's removal to a closed socket: {} ms",
        began.elapsed().as_millis()
    );
    let goodbye = goodbye.expect("the server says why");
    assert_eq!(goodbye.code, "bad_token");
    assert!(goodbye.sentence.contains("withdrawn"), "{}", goodbye.sentence);
    assert_eq!(answer(&server, &on_ec).await, "bad_token");
    assert_eq!(answer(&server, &on_rsa).await, "sales_rep");
    let stays = tokio::time::timeout(Duration::from_millis(700), second.end()).await;
    assert!(stays.is_err(), "the other key's session stays: {stays:?}");
    std::fs::write(&file, key_set(&[Signer::rsa().jwk("b")])).unwrap();
    let goodbye = tokio::time::timeout(GENEROUS, second.end()).await.expect("closed in time");
    assert_eq!(goodbye.expect("the server says why").code, "bad_token");
    server.stop().await;
    world.end().await;
}

/// An identity provider that publishes whatever the test says.
struct Provider {
    url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    async fn start() -> Self {
        let answer = Arc::new(Mutex::new((StatusCode::INTERNAL_SERVER_ERROR, String::new())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (said, count) = (answer.clone(), asked.clone());
        let keys = get(move || async move {
            count.fetch_add(1, Ordering::SeqCst);
            said.lock().unwrap().clone()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(
            async move { axum::serve(listener, Router::new().route("/keys", keys)).await },
        );
        Self { url, answer, asked }
    }

    fn says(&self, status: StatusCode, keys: &[Value]) {
        *self.answer.lock().unwrap() = (status, key_set(keys));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Keys from an address: a provider that is down at first, a key that is new, and many tokens with
/// unknown keys, which do not make us ask again and again.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_again_for_an_unknown_name_but_not_all_the_time() {
    let world = World::new().await;
    let (old, new) = (Signer::elliptic(), Signer::elliptic());
    let rosa = claims(world.rep);
    let named =
        |signer: &Signer, kid: &str| signer.sign(&json!({"alg": "ES256", "kid": kid}), &rosa);
    let provider = Provider::start().await;
    let source = || Some(JwksSource::Url(provider.url.parse().unwrap()));
    let server = serve(&world, TokenConfig { jwks: source(), ..TokenConfig::default() }).await;
    assert_eq!(provider.asked(), 1, "asked at the start");
    assert_eq!(answer(&server, &named(&old, "old")).await, "unavailable");
    assert_eq!(provider.asked(), 2, "asked again for a name");
    server.stop().await;

    provider.says(StatusCode::OK, &[old.jwk("old")]);
    let server = serve(&world, TokenConfig { jwks: source(), ..TokenConfig::default() }).await;
    assert_eq!(answer(&server, &named(&old, "old")).await, "sales_rep");
    assert_eq!(provider.asked(), 3, "what is known is not asked for");
    provider.says(StatusCode::OK, &[old.jwk("old"), new.jwk("new")]);
    assert_eq!(answer(&server, &named(&new, "new")).await, "sales_rep");
    assert_eq!(provider.asked(), 4);
    let began = Instant::now();
    for n in 0..20 {
        assert_eq!(answer(&server, &named(&new, &format!("forged{n}"))).await, "bad_token");
    }
    // On a machine on which that takes longer than ten seconds, they may have been fetched again.
    let most = 4 + began.elapsed().as_secs() as usize / 10;
    assert!(provider.asked() <= most, "asked {} times", provider.asked());
    server.stop().await;
    world.end().await;
}

/// Pages of other origins do not even get a socket, and a token in the address counts for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn neither_a_foreign_page_nor_a_token_in_the_address_gets_in() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let world = World::new().await;
    let mut config = world.config.clone();
    config.origins = vec!["https://app.example".into()];
    let server = server::start(&config, sync_core::crm::schema()).await.unwrap();
    let dial = async |origin: &str| {
        let mut request = server.sync_url().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Ok((_, response)) => response.status().as_u16(),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                response.status().as_u16()
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(dial("https://app.example").await, 101);
    assert_eq!(dial("https://evil.example").await, 403);
    let token = world.token(world.rep);
    let url = format!("{}?token={token}&access_token={token}", server.sync_url());
    let mut caller = Caller::greet(&url, "").await;
    assert_eq!(caller.end().await.unwrap().code, "bad_token");
    server.stop().await;
    world.end().await;
}
