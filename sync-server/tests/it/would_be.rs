//! Would this edit be refused? Asked before it is made, and without a trace.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use client_sdk::core::ids::RecordId;
use client_sdk::core::replica::{Culprit, GroupEdit, ReplicaError, WouldBe};
use client_sdk::{Client, Server};
use futures_util::{SinkExt, StreamExt};
use sqlx::AssertSqlSafe;
use sync_core::ids::{GroupId, ServerEpoch, UserId};
use sync_core::protocol::{
    Blob, OpinionOutcome, PushGroup, PushItem, ServerMessage, SessionLimits, VerdictOutcome,
    Welcome,
};
use sync_core::time::UnixMs;
use sync_server::ops::people;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{World, create, edit, pantry_program, set};
use crate::wire::{Line, hello};

/// Long enough for any answer.
const WITHIN: Duration = Duration::from_secs(120);

async fn would_be_at(
    device: &Client,
    url: &str,
    token: &str,
    edits: &[GroupEdit],
    within: Duration,
) -> Result<WouldBe, ReplicaError> {
    device.use_server(Server::new(url, token.to_owned()));
    device.would_be(edits, within).await
}

fn new(device: &mut Client, kind: &str, pairs: &[(&str, &str)]) -> GroupEdit {
    let id = device.mint_id();
    GroupEdit::Create { id, kind: crate::harness::kind(kind), edit: edit(kind, pairs) }
}

fn change(id: RecordId, kind: &str, pairs: &[(&str, &str)]) -> GroupEdit {
    GroupEdit::Edit { id, edit: edit(kind, pairs) }
}

/// What is refused of it, by code and rule; the words stand in for the reason otherwise.
fn said(would_be: &WouldBe) -> (&str, &str) {
    match would_be {
        WouldBe::Accepted => ("accepted", ""),
        WouldBe::Refused { refusal, culprit } => {
            assert!(!refusal.sentence.is_empty());
            let policy = refusal.policy.as_deref().unwrap_or_default();
            match culprit {
                Culprit::Asked => (&refusal.code, policy),
                Culprit::Earlier => ("earlier", policy),
            }
        }
        WouldBe::Unknown(why) => ("unknown", why),
    }
}

impl World {
    async fn would_be(&self, device: &mut Client, edits: &[GroupEdit]) -> WouldBe {
        let token = self.token(device.user().0);
        would_be_at(device, &self.server.sync_url(), &token, edits, WITHIN).await.unwrap()
    }

    /// Everything in the database, but when devices were last heard.
    pub(crate) async fn contents(&self) -> BTreeMap<String, String> {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
             WHERE schemaname IN ('sync', 'public') AND tablename <> 'replicas'",
        )
        .fetch_all(&self.owner)
        .await
        .unwrap();
        let mut contents = BTreeMap::new();
        for table in tables {
            let sql = format!(
                "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} t"
            );
            let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.owner).await.unwrap();
            contents.insert(table, rows);
        }
        assert!(contents.len() > 12 && contents.contains_key("sync.quarantine"));
        contents
    }
}

/// Everything in a device's file, but what it knows of the server.
fn kept(device: &Client) -> BTreeMap<String, String> {
    let read = |sql: &str| device.query(sql).unwrap().rows;
    let tables = read("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'meta'");
    let names = tables.iter().map(|row| row[0].as_str().unwrap().to_owned());
    names
        .map(|name| (name.clone(), format!("{:?}", read(&format!("SELECT * FROM {name}")))))
        .collect()
}

/// How many changes this process counted as refused.
fn refused_so_far() -> u64 {
    let metrics = sync_server::telemetry::metrics().render();
    let count = metrics.lines().find_map(|line| line.strip_prefix("sync_changes_refused_total "));
    count.map_or(0, |count| count.parse().unwrap())
}

/// Rosa asks before she calls a new account a customer, and before she does what she may: she hears
/// the rule, or that she may, and it is so. Of the questions nothing is left anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_by_the_rules_and_leaves_no_trace() {
    assert_eq!(refused_so_far(), 0);
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    let customer =
        [new(&mut rosa, "organization", &[("name", "Grand"), ("organization_type", "customer")])];
    let deal = [
        change(account, "organization", &[("cuisine", "Thai"), ("notes", "Soup.")]),
        new(
            &mut rosa,
            "opportunity",
            &[("organization_id", &account.to_string()), ("name", "Menu")],
        ),
    ];
    let delete = [GroupEdit::Delete { id: account }];
    let (server, device) = (world.contents().await, kept(&rosa));
    for _ in 0..2 {
        let answer = world.would_be(&mut rosa, &customer).await;
        assert_eq!(said(&answer), ("denied", "reps_create_prospects"));
        assert_eq!(said(&world.would_be(&mut rosa, &deal).await), ("accepted", ""));
        assert_eq!(said(&world.would_be(&mut rosa, &delete).await), ("accepted", ""));
    }
    assert_eq!(world.contents().await, server);
    assert_eq!(kept(&rosa), device);
    assert_eq!((rosa.status().unwrap().unsent, refused_so_far()), (0, 0));
    rosa.commit(&customer).unwrap();
    rosa.commit(&deal).unwrap();
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    assert_eq!(refused_so_far(), 1);
    let [refused] = &rosa.quarantine().unwrap()[..] else { panic!("one is refused") };
    assert_eq!(refused.refusal.policy.as_deref(), Some("reps_create_prospects"));
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// Edits wait on the device. One that builds on them, or on a record that only they begin, is judged
/// with them; one that builds on an edit that would be refused hears of that edit, and others do
/// not.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_on_the_device_is_judged_with_the_question() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let kitchen = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let parent = kitchen.to_string();
    let deal =
        create(&mut rosa, "opportunity", &[("organization_id", parent.as_str()), ("name", "Menu")]);
    world.sync(&mut rosa).await;
    let fresh = create(&mut rosa, "organization", &[("name", "Fresh")]);
    set(&mut rosa, kitchen, "organization", &[("notes", "Soup.")]);
    let on_top = [
        change(kitchen, "organization", &[("notes", "Soup. Stew.")]),
        new(&mut rosa, "contact", &[("organization_id", &fresh.to_string()), ("last_name", "Zoë")]),
    ];
    assert_eq!(said(&world.would_be(&mut rosa, &on_top).await), ("accepted", ""));
    // Closed without a reason, together with an edit of the account; then more of both.
    let refused = [
        change(deal, "opportunity", &[("stage", "closed-lost")]),
        change(kitchen, "organization", &[("website", "kitchen.example")]),
    ];
    rosa.commit(&refused).unwrap();
    set(&mut rosa, kitchen, "organization", &[("employee_count", "7")]);
    let (server, device) = (world.contents().await, kept(&rosa));
    for (id, kind, pair) in [
        (deal, "opportunity", ("cases_per_week", "4")),
        (kitchen, "organization", ("cuisine", "Thai")),
    ] {
        let answer = world.would_be(&mut rosa, &[change(id, kind, &[pair])]).await;
        assert_eq!(said(&answer), ("earlier", "closed_deals_need_a_reason"));
    }
    let elsewhere = [change(fresh, "organization", &[("cuisine", "Thai")])];
    assert_eq!(said(&world.would_be(&mut rosa, &elsewhere).await), ("accepted", ""));
    assert_eq!(world.contents().await, server);
    assert_eq!(kept(&rosa), device);
    // More than a push may hold cannot be asked about.
    for n in 0..520 {
        set(&mut rosa, fresh, "organization", &[("employee_count", &n.to_string())]);
    }
    let answer = world.would_be(&mut rosa, &elsewhere).await;
    assert!(said(&answer).1.contains("sync first"), "{answer:?}");
    assert_eq!(world.sync(&mut rosa).await.refused, 2);
    assert_eq!(said(&world.would_be(&mut rosa, &elsewhere).await), ("accepted", ""));
    world.end().await;
}

/// Rosa's account was given to Omar and her device has not heard of it: whether an edit would fit is not
/// said, with grace as without, since that would tell what Omar writes there and leave no trace. Nor does
/// asking take the account away, before she has read the answer. What hangs from no such account is
/// answered once the edit of the account does not wait beside it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_an_account_given_away_meanwhile_is_not_answered() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    world.assign(account, world.other_rep).await;
    let asked = [change(account, "organization", &[("cuisine", "Thai")])];
    let device = kept(&rosa);
    let answer = world.would_be(&mut rosa, &asked).await;
    assert!(said(&answer).0 == "unknown" && said(&answer).1.contains("do not see"), "{answer:?}");
    let new = [new(&mut rosa, "organization", &[("name", "Mine")])];
    assert_eq!(said(&world.would_be(&mut rosa, &new).await), ("accepted", ""));
    world.end_grace().await;
    assert_eq!(world.would_be(&mut rosa, &asked).await, answer);
    assert_eq!(kept(&rosa), device);
    set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    assert_eq!(world.would_be(&mut rosa, &new).await, answer);
    assert!(!world.sync(&mut rosa).await.evicted.is_empty());
    let gone = rosa.with_replica(|replica, env| replica.question(&asked, env));
    assert!(gone.unwrap_err().to_string().contains("no record"));
    world.end().await;
}

/// No network, no right to sign in, a server that has never heard of questions: nobody knows, and
/// the reason is said. An edit that does not fit at all is wrong with or without a network.
#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_answers_it_is_unknown() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    let asked = [change(account, "organization", &[("cuisine", "Thai")])];
    let offline = would_be_at(&rosa, "ws://127.0.0.1:9/sync", "x", &asked, WITHIN).await;
    assert!(said(&offline.unwrap()).1.contains("no server answers"));
    let url = world.server.sync_url();
    let stranger = would_be_at(&rosa, &url, "no token", &asked, WITHIN).await.unwrap();
    assert_eq!(said(&stranger).0, "unknown");
    assert!(said(&stranger).1.contains("sign in again"), "{stranger:?}");
    let other =
        would_be_at(&rosa, &url, &world.token(world.other_rep), &asked, WITHIN).await.unwrap();
    assert!(said(&other).1.contains("another user"), "{other:?}");
    let old = old_server(UserId(world.rep)).await;
    let token = world.token(world.rep);
    let answer = would_be_at(&rosa, &old, &token, &asked, Duration::from_secs(1)).await.unwrap();
    assert!(said(&answer).1.contains("did not answer in time"), "{answer:?}");
    let nothing = [change(account, "organization", &[("name", "Kitchen")])];
    assert!(said(&world.would_be(&mut rosa, &nothing).await).1.contains("says that already"));
    let missing = [change(RecordId(people::new_id()), "organization", &[("name", "Nowhere")])];
    assert!(would_be_at(&rosa, &old, &token, &missing, WITHIN).await.is_err());
    assert_eq!(said(&world.would_be(&mut rosa, &asked).await), ("accepted", ""));
    world.end().await;
}

/// A server of before there were questions: it says welcome and ignores what it does not know.
async fn old_server(user: UserId) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/sync", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let _hello = socket.next().await;
        let welcome = ServerMessage::Welcome(Welcome {
            protocol: 1,
            user,
            role: "sales_rep".into(),
            epoch: ServerEpoch(people::new_id()),
            now: UnixMs(0),
            limits: SessionLimits {
                frame_bytes: 1 << 20,
                inflated_bytes: 8 << 20,
                changes_per_push: 512,
                changes_per_group: 64,
                change_bytes: 256 << 10,
                push_window: 4,
                feed_window: 4,
            },
            live: true,
            fingerprint: None,
        });
        socket.send(Message::Binary(welcome.to_bytes().into())).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    });
    url
}

/// What waits in a device's file, as a push would hold it.
fn unsent(world: &World, file: &str) -> Vec<PushGroup> {
    let db = rusqlite::Connection::open(world.files.path().join(file)).unwrap();
    let mut statement =
        db.prepare("SELECT record, kind, bytes FROM changes WHERE state = 1 ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| {
        let record = RecordId(uuid::Uuid::from_bytes(row.get(0)?));
        let item = PushItem { record, kind: row.get(1)?, change: Blob(row.get(2)?), receipt: None };
        Ok(PushGroup { group: GroupId(people::new_id()), seen: None, items: vec![item] })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

async fn codes(line: &mut Line, groups: Vec<PushGroup>) -> Vec<String> {
    let opinions = line.ask(groups).await.unwrap();
    let code = |opinion: sync_core::protocol::Opinion| match opinion.would_be {
        OpinionOutcome::Accepted => "accepted".to_owned(),
        OpinionOutcome::Refused(refusal) => refusal.code,
    };
    opinions.into_iter().map(code).collect()
}

/// Rosa asks by hand: nonsense, another's changes, another's writer. None of it is accepted, none of
/// it is stored or binds anybody's writer, and the session goes on. Her own changes, asked about and
/// then pushed, are judged anew: what was allowed to be is refused when the account went away
/// meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_by_hand_binds_and_promises_nothing() {
    let world = World::new().await;
    let mut omar = world.device("omar.db", world.other_rep);
    let his = create(&mut omar, "organization", &[("name", "His")]);
    world.sync(&mut omar).await;
    set(&mut omar, his, "organization", &[("cuisine", "Thai")]);
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let lost = create(&mut rosa, "organization", &[("name", "Lost")]);
    world.sync(&mut rosa).await;
    let mut again = world.device("rosa.db", world.rep);
    set(&mut again, account, "organization", &[("cuisine", "Thai")]);
    set(&mut again, lost, "organization", &[("cuisine", "Thai")]);
    let mut fresh = world.device("fresh.db", world.other_rep);
    create(&mut fresh, "organization", &[("name", "Fresh")]);
    let url = world.server.sync_url();
    let (mut line, welcome) = Line::greeted(&url, hello(world.token(world.rep))).await;
    welcome.unwrap();
    let before = world.contents().await;
    let own = unsent(&world, "rosa.db");
    let mut garbage = own.clone();
    garbage[0].items[0].change = Blob(vec![0x85, 0x6f, 0x4a, 0x83, 1, 2, 3]);
    assert_eq!(codes(&mut line, garbage).await, ["malformed", "accepted"]);
    assert_eq!(codes(&mut line, unsent(&world, "omar.db")).await, ["internal"]);
    assert_eq!(codes(&mut line, unsent(&world, "fresh.db")).await, ["foreign_author"]);
    assert_eq!(codes(&mut line, Vec::new()).await, [""; 0]);
    for _ in 0..2 {
        assert_eq!(codes(&mut line, own.clone()).await, ["accepted", "accepted"]);
    }
    assert_eq!(world.contents().await, before);
    world.assign(lost, world.other_rep).await;
    let verdicts = line.push(own.clone()).await.unwrap();
    let [first, second] = &verdicts[..] else { panic!("two verdicts: {verdicts:?}") };
    assert!(matches!(first.outcome, VerdictOutcome::Accepted(_)), "{first:?}");
    let VerdictOutcome::Refused(refusal) = &second.outcome else { panic!("{second:?}") };
    assert_eq!((&*refusal.code, &refusal.policy), ("denied", &None));
    // What is stored by now is accepted still, and again; of what is out of sight nothing is said.
    assert_eq!(codes(&mut line, own).await, ["accepted", "internal"]);
    for device in [&mut omar, &mut fresh] {
        assert_eq!(world.sync(device).await.refused, 0);
        world.assert_agrees(device).await;
    }
    // More than may be pushed may not be asked either.
    let many = vec![unsent_nothing(); 600];
    assert_eq!(line.ask(many).await.unwrap_err().code, "protocol");
    world.assert_projected().await;
    world.end().await;
}

fn unsent_nothing() -> PushGroup {
    let record = RecordId(people::new_id());
    let item =
        PushItem { record, kind: "organization".into(), change: Blob(Vec::new()), receipt: None };
    PushGroup { group: GroupId(people::new_id()), seen: None, items: vec![item] }
}

/// Many ask while others push: every push is accepted, every question answered as if it were alone.
#[tokio::test(flavor = "multi_thread")]
async fn questions_beside_pushes_change_nothing_about_them() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    let url = world.server.sync_url();
    let token = world.token(world.rep);
    let (mut line, welcome) = Line::greeted(&url, hello(token.clone())).await;
    welcome.unwrap();
    set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    let own = unsent(&world, "rosa.db");
    let asking = async {
        for _ in 0..40 {
            assert_eq!(codes(&mut line, own.clone()).await, ["accepted"]);
        }
    };
    let pushing = async {
        for n in 0..20 {
            set(&mut rosa, account, "organization", &[("employee_count", &n.to_string())]);
            assert_eq!(world.sync(&mut rosa).await.refused, 0);
        }
    };
    tokio::join!(asking, pushing);
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// The command line says it in words and in JSON, and by its exit code.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_answers_by_words_json_and_exit_code() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]).to_string();
    world.sync(&mut rosa).await;
    let device = kept(&rosa);
    let (url, token) = (world.server.sync_url(), world.token(world.rep));
    let file = world.files.path().join("rosa.db");
    let check = async |server: &str, args: &[&str]| {
        let mut command = Command::new(pantry_program());
        command.arg("--db").arg(&file).args(["check", "--server", server, "--token", &token]);
        command.args(args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), text)
    };
    let (code, text) = check(&url, &[&account, "cuisine=Thai"]).await;
    assert_eq!((code, text.trim()), (0, "it would be accepted"));
    let customer = ["--new", "organization", "name=Grand", "organization_type=customer"];
    let (code, text) = check(&url, &customer).await;
    assert!(code == 5 && text.starts_with("it would be refused: "), "{code}: {text}");
    assert!(text.trim().ends_with("(denied, by reps_create_prospects)"), "{text}");
    let (code, text) = check(&url, &[&["--json"], &customer[..]].concat()).await;
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &said["would_be"], &said["code"]), (5, &"refused".into(), &"denied".into()));
    assert_eq!(
        (&said["policy"], &said["culprit"]),
        (&"reps_create_prospects".into(), &"asked".into())
    );
    let (code, text) = check(&url, &["--delete", &account]).await;
    assert_eq!(code, 0, "{text}");
    let nobody = "ws://127.0.0.1:9/sync";
    let (code, text) = check(nobody, &[&account, "cuisine=Thai"]).await;
    assert!(code == 6 && text.starts_with("unknown: no server answers"), "{code}: {text}");
    let (code, text) = check(nobody, &[&account, "colour=blue"]).await;
    assert!(code == 1 && text.starts_with("error: "), "{code}: {text}");
    assert_eq!(kept(&rosa), device);
    world.end().await;
}
