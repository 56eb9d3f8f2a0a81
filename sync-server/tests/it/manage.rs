//! What managers do through the door for apps: the database decides who may, what was shown is what is done,
//! and nothing is done twice.

use std::net::SocketAddr;

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use serde_json::{Value as Json, json};
use sync_core::testing::{Doom, FaultPoint};
use sync_server::config::Config;
use sync_server::http::client;
use sync_server::ops::people;
use sync_server::server::{self, Running};
use uuid::Uuid;

use crate::harness::{ServerProcess, World, create, second_server, set};

/// An answer of the door.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Json,
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() }
}

fn post(address: SocketAddr, path: &str) -> reqwest::RequestBuilder {
    let client = client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    client.post(format!("http://127.0.0.1:{}/api/{path}", address.port()))
}

/// Asks as somebody's app does.
async fn ask(world: &World, user: Uuid, path: &str, body: &Json) -> Answer {
    ask_at(&world.server, &world.token(user), path, body).await
}

async fn ask_at(server: &Running, token: &str, path: &str, body: &Json) -> Answer {
    send(request(server.address, path, token, body)).await
}

fn request(address: SocketAddr, path: &str, token: &str, body: &Json) -> reqwest::RequestBuilder {
    post(address, path)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(body.to_string())
}

/// A request to do what a preview showed.
fn act(preview: &Answer, more: &Json) -> Json {
    let accounts = preview.body["accounts"].as_array().unwrap().iter();
    let accounts: Vec<Json> =
        accounts.map(|one| json!({ "id": one["id"], "fingerprint": one["fingerprint"] })).collect();
    let mut act = json!({ "request": people::new_id(), "accounts": accounts });
    act.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    act
}

/// A preview of handing accounts over.
async fn look(world: &World, user: Uuid, accounts: &[RecordId], to: Uuid) -> Answer {
    let accounts: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    ask(world, user, "hand-over/preview", &json!({ "accounts": accounts, "to": to })).await
}

async fn account(world: &World, rosa: &mut Client, name: &str) -> RecordId {
    let account = create(rosa, "organization", &[("name", name)]);
    world.sync(rosa).await;
    account
}

async fn holder(world: &World, account: RecordId) -> Json {
    cell(world, "organizations", account, "assigned_user_id").await
}

async fn cell(world: &World, table: &str, record: RecordId, column: &str) -> Json {
    let sql = format!("SELECT {column} FROM public.{table} WHERE id = '{record}'");
    world.select(world.admin, &sql).await.remove(0).remove(0)
}

/// A manager hands an account over: the preview says what becomes of it and what hangs from it, the open work
/// goes along, one device lets go and the other gets it.
#[tokio::test(flavor = "multi_thread")]
async fn a_manager_hands_an_account_over_with_its_open_work() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let kitchen = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let at = kitchen.to_string();
    create(&mut rosa, "contact", &[("organization_id", &at), ("last_name", "Lee")]);
    let task = create(&mut rosa, "task", &[("organization_id", &at), ("title", "Call Lee")]);
    let deal = create(&mut rosa, "opportunity", &[("organization_id", &at), ("name", "Oil")]);
    world.sync(&mut rosa).await;
    let [rep, other] = [world.rep, world.other_rep].map(|id| json!(id));

    let preview = look(&world, world.manager, &[kitchen], world.other_rep).await;
    assert_eq!(preview.status, 200, "{preview:?}");
    let shown = &preview.body["accounts"][0];
    assert_eq!((&shown["name"], &shown["refused"]), (&json!("Kitchen"), &json!(null)));
    assert_eq!(shown["moves"], json!({ "contacts": 1, "tasks": 1, "visits": 0, "deals": 1 }));
    assert_eq!(preview.body["moves"]["tasks"]["named"][0]["title"], "Call Lee");
    let change = &shown["changes"][0];
    assert_eq!(change["column"], "assigned_user_id");
    assert_eq!(change["from"], json!({ "value": rep, "name": "rosa Test" }));
    assert_eq!(change["to"], json!({ "value": other, "name": "omar Test" }));
    let former = &preview.body["former"][0];
    assert_eq!((&former["id"], &former["name"]), (&rep, &json!("rosa Test")));
    assert!(former["last_sync"].is_string(), "her device was heard: {former}");
    assert_eq!(holder(&world, kitchen).await, rep, "it was a preview");

    let done = act(&preview, &json!({ "to": world.other_rep }));
    let answer = ask(&world, world.manager, "hand-over", &done).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "accounts": 1, "before": 0 })));
    assert_eq!(holder(&world, kitchen).await, other);
    assert_eq!(cell(&world, "tasks", task, "assignee_id").await, other);
    assert_eq!(cell(&world, "opportunities", deal, "user_id").await, other);

    let mut omar = world.device("omar.db", world.other_rep);
    for device in [&mut rosa, &mut omar] {
        world.sync(device).await;
        world.assert_agrees(device).await;
    }
    let kind = crate::harness::kind("organization");
    let here = |device: &Client| device.list(&kind, &Default::default()).unwrap().rows.len();
    assert_eq!((here(&rosa), here(&omar)), (0, 1));
    let audit = "SELECT count(*) FROM sync.audit WHERE action = 'account.assign'";
    let noted = sync_server::ops::report::select_as_owner(&world.owner, audit).await.unwrap();
    assert_eq!(noted.rows, [[json!(1)]]);
    world.assert_projected().await;
    world.end().await;
}

/// Territory and second rep stay unless they are named; all accounts of a person go at once.
#[tokio::test(flavor = "multi_thread")]
async fn all_accounts_of_a_person_are_handed_over_and_what_is_not_named_stays() {
    let world = World::new().await;
    let north = people::add_territory(&world.owner, "North", None).await.unwrap();
    let mut rosa = world.device("rosa.db", world.rep);
    let mut accounts = Vec::new();
    for name in ["Kitchen", "Grill", "Bakery"] {
        accounts.push(account(&world, &mut rosa, name).await);
    }
    world.assign_all(world.admin, &accounts[..1], world.rep, Some(north)).await;
    let second = json!({ "accounts": [accounts[0].to_string()], "second": world.manager });
    let preview = ask(&world, world.admin, "hand-over/preview", &second).await;
    let answer =
        ask(&world, world.admin, "hand-over", &act(&preview, &json!({ "second": world.manager })))
            .await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let to = json!({ "to": world.other_rep });
    let from = json!({ "from": world.rep, "to": world.other_rep });
    let preview = ask(&world, world.manager, "hand-over/preview", &from).await;
    assert_eq!(preview.body["accounts"].as_array().unwrap().len(), 3, "{preview:?}");
    let answer = ask(&world, world.manager, "hand-over", &act(&preview, &to)).await;
    assert_eq!((answer.status, &answer.body["accounts"]), (200, &json!(3)), "{answer:?}");
    let sql = "SELECT count(*) FROM public.organizations WHERE assigned_user_id = (SELECT id FROM public.users WHERE full_name = 'omar Test')";
    assert_eq!(world.select(world.admin, sql).await, [[json!(3)]]);
    assert_eq!(cell(&world, "organizations", accounts[0], "territory_id").await, json!(north));
    let second = cell(&world, "organizations", accounts[0], "secondary_user_id").await;
    assert_eq!(second, json!(world.manager));
    // Nobody second, and nowhere: null says so.
    let cleared =
        json!({ "accounts": [accounts[0].to_string()], "second": null, "territory": null });
    let preview = ask(&world, world.admin, "hand-over/preview", &cleared).await;
    let answer = ask(
        &world,
        world.admin,
        "hand-over",
        &act(&preview, &json!({ "second": null, "territory": null })),
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(cell(&world, "organizations", accounts[0], "territory_id").await, json!(null));
    assert_eq!(holder(&world, accounts[0]).await, json!(world.other_rep));
    let nothing = ask(&world, world.manager, "hand-over/preview", &from).await;
    assert_eq!((nothing.status, &nothing.body["code"]), (404, &json!("unknown_record")));
    world.assert_projected().await;
    world.end().await;
}

/// A rep, a reader and another team's manager are refused by the database, in its words; of an account that
/// they do not see they do not even hear that it is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_whoever_may_not() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let kitchen = account(&world, &mut rosa, "Kitchen").await;
    let stranger = world.person("max", "manager", None, None).await;
    let to = json!({ "to": world.other_rep, "second": world.rep });
    let mut asked = json!({ "accounts": [kitchen.to_string()] });
    asked.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
    let preview = ask(&world, world.rep, "hand-over/preview", &asked).await;
    let why = &preview.body["accounts"][0]["refused"];
    assert_eq!((preview.status, &why["code"]), (200, &json!("denied")), "{preview:?}");
    assert_eq!(why["policy"], "only_managers_reassign");
    let answer = ask(&world, world.rep, "hand-over", &act(&preview, &to)).await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("denied")), "{answer:?}");
    assert_eq!(answer.body["sentence"], "Only a manager may assign an account to somebody else.");
    assert_eq!(answer.body["refused"][0]["account"], kitchen.to_string());
    // The manager's marks serve nobody else.
    let to = json!({ "to": world.other_rep });
    let of_mia = look(&world, world.manager, &[kitchen], world.other_rep).await;
    for user in [world.other_rep, stranger] {
        let preview = look(&world, user, &[kitchen], user).await;
        let unknown = look(&world, user, &[RecordId(people::new_id())], user).await;
        for answer in [&preview, &unknown] {
            assert_eq!((answer.status, &answer.body["code"]), (404, &json!("unknown_record")));
        }
        let answer = ask(&world, user, "hand-over", &act(&of_mia, &to)).await;
        assert_eq!(answer.status, 404, "{answer:?}");
    }
    // A manager gives nothing away to where they would not see it.
    let away = look(&world, world.manager, &[kitchen], stranger).await;
    let answer =
        ask(&world, world.manager, "hand-over", &act(&away, &json!({ "to": stranger }))).await;
    assert_eq!((answer.status, &answer.body["policy"]), (403, &json!("account_must_be_yours")));
    let nobody = people::new_id();
    let away = look(&world, world.manager, &[kitchen], nobody).await;
    assert_eq!(away.body["accounts"][0]["refused"]["policy"], "names_somebody", "{away:?}");
    assert_eq!(holder(&world, kitchen).await, json!(world.rep));
    let refused = world.select(world.admin, "SELECT count(*) FROM sync.quarantine").await;
    assert_eq!(refused, [[json!(0)]], "what is refused here was not tried");
    world.assert_projected().await;
    world.end().await;
}

/// What is asked for again under the same request is answered, and done once; under another it is stale, as it
/// is when something changed since the preview.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_what_is_done_and_once() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let [kitchen, grill] =
        [account(&world, &mut rosa, "Kitchen").await, account(&world, &mut rosa, "Grill").await];
    let to = json!({ "to": world.other_rep });
    let preview = look(&world, world.manager, &[kitchen, grill], world.other_rep).await;
    // A task more: it would go along without having been shown.
    let at = kitchen.to_string();
    create(&mut rosa, "task", &[("organization_id", &at), ("title", "Call")]);
    world.sync(&mut rosa).await;
    let stale = ask(&world, world.manager, "hand-over", &act(&preview, &to)).await;
    assert_eq!((stale.status, &stale.body["code"]), (409, &json!("stale")), "{stale:?}");
    assert_eq!(stale.body["accounts"], json!([at]));
    assert_eq!(holder(&world, grill).await, json!(world.rep), "none of it was done");

    let preview = look(&world, world.manager, &[kitchen, grill], world.other_rep).await;
    let first = act(&preview, &to);
    let answer = ask(&world, world.manager, "hand-over", &first).await;
    assert_eq!(answer.body, json!({ "accounts": 2, "before": 0 }));
    let position = "SELECT last_position FROM sync.clock";
    let stands = async || {
        sync_server::ops::report::select_as_owner(&world.owner, position).await.unwrap().rows
    };
    let before = stands().await;
    // The answer was lost; another server of the same database is asked.
    let second = second_server(&world).await;
    let again = ask_at(&second, &world.token(world.manager), "hand-over", &first).await;
    assert_eq!((again.status, again.body), (200, json!({ "accounts": 2, "before": 2 })));
    assert_eq!(stands().await, before);
    // Of a request that died half-way the rest is done.
    let left = account(&world, &mut rosa, "Bakery").await;
    let preview = look(&world, world.manager, &[left], world.other_rep).await;
    let mut more = act(&preview, &to);
    more["request"] = first["request"].clone();
    let both = [&first["accounts"], &more["accounts"]].map(|one| one.as_array().unwrap().clone());
    more["accounts"] = json!(both.concat());
    let rest = ask(&world, world.manager, "hand-over", &more).await;
    assert_eq!((rest.status, rest.body), (200, json!({ "accounts": 3, "before": 2 })));
    assert_eq!(holder(&world, left).await, json!(world.other_rep));
    // Somebody else's request of the same id is their own.
    let of_ada = ask(&world, world.admin, "hand-over", &first).await;
    assert_eq!((of_ada.status, &of_ada.body["code"]), (409, &json!("stale")));
    std::sync::Arc::into_inner(second).unwrap().stop().await;
    world.assert_projected().await;
    world.end().await;
}

/// Two managers hand the same account over at once, on two servers: one does, and the other is told that it is
/// not as it was shown.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_one_hands_over_and_the_other_is_told() {
    let world = World::new().await;
    let second = second_server(&world).await;
    let mut rosa = world.device("rosa.db", world.rep);
    let kitchen = account(&world, &mut rosa, "Kitchen").await;
    let by_mia = look(&world, world.manager, &[kitchen], world.other_rep).await;
    let by_ada = look(&world, world.admin, &[kitchen], world.manager).await;
    let (mia, ada) = (world.token(world.manager), world.token(world.admin));
    let (one, other) = (
        act(&by_mia, &json!({ "to": world.other_rep })),
        act(&by_ada, &json!({ "to": world.manager })),
    );
    let (one, other) = tokio::join!(
        ask_at(&world.server, &mia, "hand-over", &one),
        ask_at(&second, &ada, "hand-over", &other)
    );
    let mut both = [one.status, other.status];
    both.sort_unstable();
    assert_eq!(both, [200, 409], "{one:?} {other:?}");
    let expected = if one.status == 200 { world.other_rep } else { world.manager };
    assert_eq!(holder(&world, kitchen).await, json!(expected));
    std::sync::Arc::into_inner(second).unwrap().stop().await;
    world.assert_projected().await;
    world.end().await;
}

/// A server dies before or after it committed a deed; the same request at another does what is missing, once.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_died_of_is_asked_for_again_and_done_once() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let token = world.token(world.manager);
    for (point, before) in [(FaultPoint::ServerBeforeCommit, 0), (FaultPoint::ServerAfterCommit, 1)]
    {
        let kitchen = account(&world, &mut rosa, "Kitchen").await;
        let preview = look(&world, world.manager, &[kitchen], world.other_rep).await;
        let deed = act(&preview, &json!({ "to": world.other_rep }));
        let doomed = ServerProcess::dying(&world.config, Some(Doom::in_words(point, 1))).await;
        let asked = request(doomed.address(), "hand-over", &token, &deed).send().await;
        assert!(asked.is_err(), "{point}: it died before it answered");
        let answer = ask(&world, world.manager, "hand-over", &deed).await;
        let expected = json!({ "accounts": 1, "before": before });
        assert_eq!((answer.status, answer.body), (200, expected), "{point}");
        let again = ask(&world, world.manager, "hand-over", &deed).await;
        assert_eq!(again.body["before"], 1);
        assert_eq!(holder(&world, kitchen).await, json!(world.other_rep));
        let sql = format!(
            "SELECT count(*) FROM sync.audit WHERE record_id = '{kitchen}' AND action = 'account.assign'"
        );
        let noted = sync_server::ops::report::select_as_owner(&world.owner, &sql).await.unwrap();
        assert_eq!(noted.rows, [[json!(1)]], "{point}");
    }
    world.assert_projected().await;
    world.end().await;
}

/// Accounts are put together as shown, column by column, and that is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_merged_as_shown_and_taken_apart() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let [kitchen, double] = [
        account(&world, &mut rosa, "Kitchen").await,
        account(&world, &mut rosa, "Kitchen Inc").await,
    ];
    set(&mut rosa, double, "organization", &[("cuisine", "Thai")]);
    let at = double.to_string();
    create(&mut rosa, "contact", &[("organization_id", &at), ("last_name", "Lee")]);
    world.sync(&mut rosa).await;
    let wanted = json!({ "accounts": [at], "into": kitchen.to_string() });
    let preview = ask(&world, world.manager, "merge/preview", &wanted).await;
    let shown = &preview.body["accounts"][0];
    let differs = |column: &str| {
        let columns = shown["columns"].as_array().unwrap().iter();
        columns.filter(|one| one["column"] == column).cloned().collect::<Vec<_>>()
    };
    assert_eq!(differs("name")[0]["kept"], "Kitchen", "{preview:?}");
    assert_eq!(differs("cuisine")[0]["given_up"], "Thai");
    assert_eq!(differs("priority_level"), Vec::<Json>::new());
    assert_eq!(shown["moves"]["contacts"], 1);
    let into = json!({ "into": kitchen.to_string() });
    let by_rosa = ask(&world, world.rep, "merge", &act(&preview, &into)).await;
    assert_eq!((by_rosa.status, &by_rosa.body["policy"]), (403, &json!("only_managers_merge")));
    let merge = act(&preview, &into);
    for before in [0, 1] {
        let answer = ask(&world, world.manager, "merge", &merge).await;
        assert_eq!((answer.status, answer.body), (200, json!({ "accounts": 1, "before": before })));
    }
    assert_eq!(
        cell(&world, "organizations", double, "merged_into").await,
        json!(kitchen.to_string())
    );
    let itself = json!({ "accounts": [kitchen.to_string()], "into": kitchen.to_string() });
    let senseless = ask(&world, world.manager, "merge/preview", &itself).await;
    assert_eq!((senseless.status, &senseless.body["code"]), (422, &json!("senseless")));
    let preview = ask(&world, world.manager, "unmerge/preview", &json!({ "accounts": [at] })).await;
    let answer = ask(&world, world.manager, "unmerge", &act(&preview, &json!({}))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(cell(&world, "organizations", double, "merged_into").await, json!(null));
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// A manager reads what was refused of the team, with who, when, why and what it said; another team's manager
/// does not.
#[tokio::test(flavor = "multi_thread")]
async fn refused_work_of_the_team_is_read_by_its_manager() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let kitchen = account(&world, &mut rosa, "Kitchen").await;
    set(&mut rosa, kitchen, "organization", &[("organization_type", "distributor")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    let stranger = world.person("max", "manager", None, None).await;
    let read = async |user: Uuid| {
        let client = client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        let url = format!("http://127.0.0.1:{}/api/refused", world.server.address.port());
        send(client.get(url).header("authorization", format!("Bearer {}", world.token(user)))).await
    };
    for (user, count) in [(world.manager, 1), (world.rep, 1), (stranger, 0), (world.other_rep, 0)] {
        let answer = read(user).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["refused"].as_array().unwrap().len(), count, "{answer:?}");
    }
    let refused = read(world.manager).await.body["refused"][0].clone();
    assert_eq!(refused["who"], "rosa Test");
    assert_eq!(refused["record"], kitchen.to_string());
    assert_eq!(refused["policy"], "reps_win_customers");
    assert!(refused["edit"].to_string().contains("distributor"), "{refused}");
    world.end().await;
}

/// Pages elsewhere, forms, strangers, long and odd requests are turned away, each with its reason.
#[tokio::test(flavor = "multi_thread")]
async fn the_door_is_shut_to_other_pages_forms_and_strangers() {
    let world = World::new().await;
    let token = world.token(world.manager);
    let wanted = json!({ "from": world.rep, "to": world.other_rep }).to_string();
    let asked = |bearer: &str, content_type: &str, body: &str| {
        let request = post(world.server.address, "hand-over/preview");
        let request = request.header("authorization", bearer).header("content-type", content_type);
        request.body(body.to_owned())
    };
    let bearer = format!("Bearer {token}");
    let json = "application/json";
    let disabled = world.person("dan", "manager", None, None).await;
    let gone = people::UserChange { active: Some(false), ..Default::default() };
    people::change_user(&world.owner, disabled, &gone).await.unwrap();
    let expired = format!("Bearer {}", world.token_until(world.manager, -10));
    let of_nobody = format!("Bearer {}", world.token(people::new_id()));
    let of_dan = format!("Bearer {}", world.token(disabled));
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(200_000));
    let many: Vec<Uuid> = (0..501).map(|_| people::new_id()).collect();
    let many = serde_json::json!({ "accounts": many, "to": world.rep }).to_string();
    for (bearer, content_type, body, status, code) in [
        ("", json, &wanted, 401, "bad_token"),
        ("Basic abc", json, &wanted, 401, "bad_token"),
        ("Bearer nonsense", json, &wanted, 401, "bad_token"),
        (&expired, json, &wanted, 401, "expired_token"),
        (&of_nobody, json, &wanted, 401, "bad_token"),
        (&of_dan, json, &wanted, 403, "disabled"),
        (&bearer, "text/plain", &wanted, 415, "malformed"),
        (&bearer, "application/x-www-form-urlencoded", &wanted, 415, "malformed"),
        (&bearer, json, &"{}".to_owned(), 400, "malformed"),
        (&bearer, json, &"nonsense".to_owned(), 400, "malformed"),
        (&bearer, json, &long, 413, "too_large"),
        (&bearer, json, &many, 413, "too_large"),
    ] {
        let answer = send(asked(bearer, content_type, body)).await;
        assert_eq!((answer.status, &answer.body["code"]), (status, &serde_json::json!(code)));
        assert!(!answer.body["sentence"].as_str().unwrap().is_empty());
    }
    let elsewhere =
        send(asked(&bearer, json, &wanted).header("origin", "https://evil.example")).await;
    assert_eq!(
        (elsewhere.status, &elsewhere.body["code"]),
        (403, &serde_json::json!("foreign_origin"))
    );
    let here = format!("http://127.0.0.1:{}", world.server.address.port());
    let own = send(asked(&bearer, json, &wanted).header("origin", here)).await;
    assert_eq!(own.status, 404, "nothing to hand over, and let in: {own:?}");
    // Whoever asks again and again waits.
    let mut last = own;
    for _ in 0..200 {
        last = send(asked(&bearer, json, "{}")).await;
        if last.status == 429 {
            break;
        }
    }
    assert_eq!((last.status, &last.body["code"]), (429, &serde_json::json!("rate_limited")));
    world.end().await;
}

/// A page of a configured origin, such as the app on a host of files, asks beforehand whether it may, and reads
/// the answer; what is stored of answers is nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_configured_origin_reads_the_answer() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    account(&world, &mut rosa, "Kitchen").await;
    let app = "https://app.example";
    let config = Config { origins: vec![app.to_owned()], ..world.config.clone() };
    let server = server::start(&config, sync_core::crm::schema()).await.unwrap();
    let url = format!("http://127.0.0.1:{}/api/hand-over/preview", server.address.port());
    let client = client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let header = |response: &reqwest::Response, name: &str| {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    for (origin, status, allowed) in
        [(app, 204, Some(app.to_owned())), ("https://evil.example", 403, None)]
    {
        let asked = client.request(reqwest::Method::OPTIONS, &url).header("origin", origin);
        let may = asked.header("access-control-request-method", "POST").send().await.unwrap();
        assert_eq!(
            (may.status().as_u16(), header(&may, "access-control-allow-origin")),
            (status, allowed)
        );
    }
    let wanted = json!({ "from": world.rep, "to": world.other_rep });
    let asked = request(server.address, "hand-over/preview", &world.token(world.manager), &wanted);
    let answer = asked.header("origin", app).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(header(&answer, "access-control-allow-origin").as_deref(), Some(app));
    assert_eq!(header(&answer, "access-control-allow-credentials"), None);
    assert_eq!(header(&answer, "cache-control").as_deref(), Some("no-store"));
    server.stop().await;
    world.end().await;
}
