//! A company that is made up to look at is one that people could have written.

use std::process::{Command, Output};

use serde_json::{Value, json};
use sync_core::time::UnixMs;
use sync_server::clock;
use sync_server::ops::seed::{self, Seeded, Wanted};

use crate::harness::{SECRET, World, sync_at};

const WANTED: Wanted = Wanted { accounts: 60, weeks: 6, seed: 7, now: UnixMs(1_790_000_000_000) };

async fn seed_into(world: &World, wanted: &Wanted) -> anyhow::Result<Seeded> {
    let app = &world.server.app;
    Box::pin(seed::seed(&world.owner, &app.committer, &app.schema, wanted, |_| {})).await
}

/// Everything is taken by the rules, is in documents and rows alike, and is seen by whom it should be.
#[tokio::test(flavor = "multi_thread")]
async fn a_seeded_company_keeps_the_rules_and_is_worth_looking_at() {
    let world = World::new().await;
    let wanted = Wanted { now: clock::now(), ..WANTED };
    let seeded = seed_into(&world, &wanted).await.unwrap();
    let [admin, manager, rep] = [0, 1, 2].map(|n: usize| seeded.people[n].1);
    // Six principals and four distributors beside the accounts.
    assert_eq!(seeded.records["organization"], 70);
    assert_eq!(world.ids_of(manager, "organizations").await.len(), 70);
    assert_eq!(world.ids_of(admin, "organizations").await.len(), 70);
    let own = world.ids_of(rep, "organizations").await.len();
    assert!((12..=18).contains(&own), "{own}");
    let number = async |sql: &str| {
        let rows = world.select(rep, sql).await;
        rows[0][0].as_i64().unwrap()
    };
    for (what, sql) in [
        (
            "a route today",
            "SELECT count(*) FROM interactions WHERE planned_at::date = (now() AT TIME ZONE 'UTC')::date",
        ),
        ("visits lately", "SELECT count(*) FROM interactions WHERE check_out_at_ms IS NOT NULL"),
        ("open deals", "SELECT count(*) FROM opportunities WHERE stage::text NOT LIKE 'closed%'"),
        ("open tasks", "SELECT count(*) FROM tasks WHERE is_completed IS NOT TRUE"),
        ("tasks that are done", "SELECT count(*) FROM tasks WHERE is_completed"),
        (
            "somebody to ask",
            "SELECT count(*) FROM contacts c JOIN organizations o ON o.primary_contact_id = c.id",
        ),
        (
            "accounts that one finds",
            "SELECT count(*) FROM organizations WHERE location_lat BETWEEN 42.6 AND 42.7",
        ),
    ] {
        assert!(number(sql).await > 0, "a rep has {what}");
    }
    let all = async |sql: &str| world.select(manager, sql).await;
    let stages = all("SELECT count(DISTINCT stage) FROM opportunities").await;
    assert_eq!(stages, [[json!(6)]], "every stage has a deal");
    let priorities = all("SELECT count(DISTINCT priority_level) FROM organizations").await;
    assert_eq!(priorities, [[json!(4)]]);
    let dangling = all("SELECT count(*) FROM dangling_references").await;
    assert_eq!(dangling, [[json!(0)]], "a manager sees whatever is named");
    let dangling = world.select(rep, "SELECT count(*) FROM dangling_references").await;
    assert_eq!(dangling, [[json!(0)]], "and so does a rep");
    let violations = all("SELECT count(*) FROM sync.violations").await;
    assert_eq!(violations, [[json!(0)]]);
    let conflicts = all("SELECT count(*) FROM sync.conflicts").await;
    assert_ne!(conflicts, [[json!(0)]], "something is contested");
    world.assert_projected().await;
    world.end().await;
}

/// Whoever seeds again gets the same company, and a larger one that begins with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_seed_gives_the_same_company() {
    let all = async |wanted: &Wanted| {
        let world = World::new().await;
        let seeded = seed_into(&world, wanted).await.unwrap();
        let sql = "SELECT o.id, o.name, o.location_lat, count(DISTINCT i.id), min(c.full_name)
                   FROM organizations o LEFT JOIN interactions i ON i.organization_id = o.id
                   LEFT JOIN contacts c ON c.organization_id = o.id GROUP BY o.id ORDER BY o.name";
        let rows = world.select(seeded.people[0].1, sql).await;
        world.end().await;
        rows
    };
    let small = Wanted { accounts: 10, ..WANTED };
    let first = all(&small).await;
    assert_eq!(first.len(), 20);
    assert_eq!(first, all(&small).await);
    assert_ne!(first, all(&Wanted { seed: 8, ..small }).await);
}

/// Nobody gets made-up accounts among real ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_has_accounts_is_not_seeded() {
    let world = World::new().await;
    let small = Wanted { accounts: 5, ..WANTED };
    seed_into(&world, &small).await.unwrap();
    let before = world.ids_of(world.admin, "organizations").await.len();
    let error = seed_into(&world, &small).await.unwrap_err();
    assert!(error.to_string().contains("has accounts already"), "{error}");
    assert_eq!(world.ids_of(world.admin, "organizations").await.len(), before);
    world.end().await;
}

/// From an empty database to somebody who is signed in: two commands.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_in_to_a_company_that_was_seeded() {
    let world = World::new().await;
    let run = |args: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sync-server"));
        command.args(args).env("DATABASE_URL", &world.config.database_url);
        command.env("SUPABASE_JWT_SECRET", SECRET).output().unwrap()
    };
    let seeded = run(&["seed", "--accounts", "5", "--json"]);
    let seeded: Value = serde_json::from_slice(&seeded.stdout).unwrap();
    assert_eq!(seeded["records"]["organization"], 15);
    let rosa = &seeded["people"][2];
    assert_eq!(rosa["email"], "rosa@demo.example");
    let link = run(&["token", "--user", "rosa@demo.example", "--link", "http://127.0.0.1:3000/"]);
    let link = String::from_utf8(link.stdout).unwrap();
    let token = link.trim().strip_prefix("http://127.0.0.1:3000/sign-in#token=").unwrap();
    let device = world.device("rosa.db", rosa["id"].as_str().unwrap().parse().unwrap());
    sync_at(&device, &world.server.sync_url(), token).await.unwrap();
    world.assert_agrees(&device).await;
    let again = run(&["seed"]);
    assert!(!again.status.success());
    let told = String::from_utf8(again.stderr).unwrap();
    assert!(told.contains("has accounts already"), "{told}");
    world.end().await;
}
