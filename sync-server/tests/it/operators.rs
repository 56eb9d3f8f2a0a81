//! What operators do to records goes through documents: it changes what is named and nothing else, is
//! looked at before, and is undone by nobody's next edit.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use client_sdk::core::ids::RecordId;
use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, Executor as _};
use sync_server::ops::people::{self, NewUser};

use crate::harness::{GENEROUS, SECRET, World, create, set};

struct Ran {
    out: String,
    errors: String,
    code: Option<i32>,
}

/// Runs the server's command line.
async fn run(world: &World, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sync-server"));
    command.env("DATABASE_URL", &world.config.database_url).args(args);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { out: text(output.stdout), errors: text(output.stderr), code: output.status.code() }
}

/// Runs it, and reads what it printed as JSON.
async fn said(world: &World, args: &[&str]) -> Json {
    let ran = run(world, &[&["--json"], args].concat()).await;
    assert_eq!(ran.code, Some(0), "{args:?}: {}{}", ran.out, ran.errors);
    serde_json::from_str(&ran.out).unwrap()
}

/// The columns that a preview names, with what each becomes.
fn columns(preview: &Json) -> Vec<(String, Json)> {
    let rows = preview.as_array().unwrap().iter();
    rows.map(|row| (row["column"].as_str().unwrap().to_owned(), row["to"].clone())).collect()
}

/// An account with a second in charge, in a territory: whoever gives it to somebody else, or gives it
/// another second, takes neither away.
#[tokio::test(flavor = "multi_thread")]
async fn assigning_changes_only_what_is_named() {
    let world = World::new().await;
    let north = people::add_territory(&world.owner, "North", None).await.unwrap();
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    let stands = async || -> Vec<Json> {
        let sql =
            "SELECT assigned_user_id, secondary_user_id, territory_id FROM public.organizations";
        world.select(world.admin, sql).await.remove(0)
    };
    let [rep, other] = [world.rep, world.other_rep].map(|id| id.to_string());
    let territory = north.to_string();
    let as_mia = ["--as", "mia@example.com"];
    let with = |args: &[&'static str]| [&["assign"], args, &as_mia[..]].concat();
    // By the owner's word alone: neither first nor second is named.
    let placed =
        [&["assign", "--territory", &territory][..], &["--as", "ada@example.com"]].concat();
    assert_eq!(said(&world, &placed).await, json!({ "changed": 1, "refused": [] }));
    assert_eq!(stands().await, [json!(rep), json!(null), json!(territory)]);
    let second = with(&["--second", "omar@example.com"]);
    let preview = said(&world, &[&second[..], &["--preview"]].concat()).await;
    let named = format!("omar@example.com ({other})");
    assert_eq!(columns(&preview), [("secondary_user_id".to_owned(), json!(named))]);
    assert_eq!(preview[0]["record"], account.to_string());
    assert_eq!(preview[0]["name"], "Kitchen");
    assert_eq!(preview[0]["would be refused"], json!(null));
    assert_eq!(stands().await, [json!(rep), json!(null), json!(territory)], "it is a preview");
    said(&world, &second).await;
    assert_eq!(stands().await, [json!(rep), json!(other), json!(territory)]);
    said(&world, &with(&["--to", "mia@example.com"])).await;
    let manager = world.manager.to_string();
    assert_eq!(stands().await, [json!(manager), json!(other), json!(territory)]);
    // What stands so already is no edit.
    let again = said(&world, &with(&["--to", "mia@example.com"])).await;
    assert_eq!(again, json!({ "changed": 0, "refused": [] }));
    said(&world, &with(&["--no-second", "--no-territory", "--to", "rosa@example.com"])).await;
    assert_eq!(stands().await, [json!(rep), json!(null), json!(null)]);
    // The rules are asked, also beforehand: a rep assigns nothing.
    let by_rosa = ["assign", "--to", "omar@example.com", "--as", "rosa@example.com"];
    let preview = said(&world, &[&by_rosa[..], &["--dry-run"]].concat()).await;
    let why = preview[0]["would be refused"].as_str().unwrap();
    assert!(why.ends_with("(denied)"), "{why}");
    let ran = run(&world, &by_rosa).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("0 records changed, 1 refused"), "{}", ran.out);
    let nothing = run(&world, &["assign", "--as", "mia@example.com"]).await;
    assert_eq!(nothing.code, Some(2), "something must be named: {}", nothing.errors);
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// Open work of whoever looked after an account goes along where that is said, and stays where it is not.
#[tokio::test(flavor = "multi_thread")]
async fn open_work_goes_along_where_it_is_said() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let at = account.to_string();
    let task = create(&mut rosa, "task", &[("organization_id", &at), ("title", "Call")]);
    let deal = create(&mut rosa, "opportunity", &[("organization_id", &at), ("name", "Oil")]);
    world.sync(&mut rosa).await;
    let whose = async || {
        [
            cell(&world, "tasks", task, "coalesce(assignee_id, created_by)").await,
            cell(&world, "opportunities", deal, "user_id").await,
        ]
    };
    let to = ["assign", "--as", "mia@example.com", "--to"];
    said(&world, &[&to[..], &["mia@example.com"]].concat()).await;
    assert_eq!(whose().await, [json!(world.rep), json!(world.rep)]);
    said(&world, &[&to[..], &["rosa@example.com"]].concat()).await;
    let along = [&to[..], &["omar@example.com", "--with-work"]].concat();
    assert_eq!(said(&world, &along).await, json!({ "changed": 3, "refused": [] }));
    assert_eq!(whose().await, [json!(world.other_rep), json!(world.other_rep)]);
    world.assert_projected().await;
    world.end().await;
}

/// Accounts are merged and that is taken back, and a contact moves; every column that changes is named
/// before, and what the account's rep edits afterwards undoes nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_merged_and_contacts_move_through_documents() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = |rosa: &mut _, name: &str| create(rosa, "organization", &[("name", name)]);
    let (kitchen, double) = (account(&mut rosa, "Kitchen"), account(&mut rosa, "Kitchen Inc"));
    let at = double.to_string();
    let lee = create(&mut rosa, "contact", &[("organization_id", &at), ("last_name", "Lee")]);
    world.sync(&mut rosa).await;
    let [from, into, contact] = [double, kitchen, lee].map(|id| id.to_string());
    let as_mia = ["--as", "mia@example.com"];
    let merge = [&["merge", &from, "--into", &into][..], &as_mia].concat();
    let preview = said(&world, &[&merge[..], &["--preview"]].concat()).await;
    let named = format!("Kitchen ({into})");
    assert_eq!(columns(&preview), [("merged_into".to_owned(), json!(named))]);
    assert_eq!(cell(&world, "organizations", double, "merged_into").await, json!(null));
    assert_eq!(said(&world, &merge).await["changed"], 1);
    let moves = [&["move-contact", &contact, "--to", &into][..], &as_mia].concat();
    let preview = said(&world, &[&moves[..], &["--preview"]].concat()).await;
    assert_eq!(columns(&preview), [("organization_id".to_owned(), json!(named))]);
    assert_eq!(said(&world, &moves).await["changed"], 1);
    // Whoever had not heard of it edits both.
    set(&mut rosa, double, "organization", &[("cuisine", "Thai")]);
    set(&mut rosa, lee, "contact", &[("job_title", "Chef")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    assert_eq!(cell(&world, "organizations", double, "merged_into").await, json!(into));
    assert_eq!(cell(&world, "contacts", lee, "organization_id").await, json!(into));
    assert_eq!(cell(&world, "contacts", lee, "job_title").await, "Chef");
    world.assert_agrees(&rosa).await;
    // Slips are told before anything is changed.
    let nobody = people::new_id().to_string();
    for (args, why) in [
        (["merge", &into, "--into", &from], "is merged into"),
        (["merge", &into, "--into", &into], "cannot be merged into itself"),
        (["merge", &nobody, "--into", &into], "is none of the organizations"),
        (["move-contact", &contact, "--to", &nobody], "is none of the organizations"),
        (["move-contact", &into, "--to", &into], "is none of the contacts"),
    ] {
        let ran = run(&world, &[&args[..], &as_mia].concat()).await;
        assert_eq!(ran.code, Some(1), "{args:?}");
        assert!(ran.errors.contains(why), "{args:?}: {}", ran.errors);
    }
    let unmerge = [&["unmerge", &from][..], &as_mia].concat();
    let preview = said(&world, &[&unmerge[..], &["--preview"]].concat()).await;
    assert_eq!(columns(&preview), [("merged_into".to_owned(), json!(null))]);
    assert_eq!(said(&world, &unmerge).await["changed"], 1);
    assert_eq!(cell(&world, "organizations", double, "merged_into").await, json!(null));
    let ran = run(&world, &unmerge).await;
    assert!(ran.errors.contains("is merged into no other account"), "{}", ran.errors);
    // A rep merges nothing.
    let by_rosa = ["merge", &from, "--into", &into, "--as", "rosa@example.com"];
    let ran = run(&world, &by_rosa).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("Only a manager may merge"), "{}", ran.out);
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

async fn cell(world: &World, table: &str, record: RecordId, column: &str) -> Json {
    let sql = format!("SELECT {column} FROM public.{table} WHERE id = '{record}'");
    world.select(world.admin, &sql).await.remove(0).remove(0)
}

/// Whoever writes to a record's row in SQL, the owner too, is refused and told what to use: the next edit
/// of the record would undo it without a word.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_not_written_by_hand() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    for sql in [
        format!("UPDATE public.organizations SET merged_into = id WHERE id = '{account}'"),
        "INSERT INTO public.contacts (id, last_name) VALUES (gen_random_uuid(), 'Lee')".to_owned(),
        "UPDATE public.tasks SET title = 'x'".to_owned(),
    ] {
        let refused = world.owner.execute(AssertSqlSafe(sql.clone())).await.unwrap_err();
        let refused = refused.into_database_error().unwrap();
        assert_eq!(refused.constraint(), Some("rows_follow_documents"), "{sql}");
        let refused = refused.downcast::<sqlx::postgres::PgDatabaseError>();
        assert!(refused.hint().unwrap().contains("sync-server assign, merge"), "{sql}");
    }
    set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    // A row that was written all the same is written anew from its document.
    let odd = "BEGIN; SET LOCAL pantry.projects = 'on'; UPDATE public.organizations SET name = 'Odd'; COMMIT";
    world.owner.execute(odd).await.unwrap();
    let ran = run(&world, &["reproject"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert_eq!(cell(&world, "organizations", account, "name").await, "Kitchen");
    world.assert_projected().await;
    world.end().await;
}

/// `user add` of an address that is known changes what is named; and a person whom a restored database
/// does not know is given back their id, so that what they wrote before is theirs.
#[tokio::test(flavor = "multi_thread")]
async fn adding_a_known_person_changes_only_what_is_named() {
    let world = World::new().await;
    let north = people::add_territory(&world.owner, "North", None).await.unwrap();
    let stands = async |email: &str| -> Vec<Json> {
        let sql = format!(
            "SELECT id, full_name, role, manager_id, territory_id, time_zone FROM public.users WHERE email = '{email}'"
        );
        sync_server::ops::report::select_as_owner(&world.owner, &sql).await.unwrap().rows.remove(0)
    };
    let add = ["user", "add", "--email", "rosa@example.com"];
    let territory = north.to_string();
    let before = stands("rosa@example.com").await;
    let named = [&add[..], &["--territory", &territory, "--role", "manager"]].concat();
    assert_eq!(said(&world, &named).await["id"], before[0]);
    said(&world, &[&add[..], &["--time-zone", "Europe/Paris"]].concat()).await;
    let mut expected = before.clone();
    expected[2] = json!("manager");
    expected[4] = json!(territory);
    expected[5] = json!("Europe/Paris");
    assert_eq!(stands("rosa@example.com").await, expected);
    let id = people::new_id();
    let text = id.to_string();
    let new = ["user", "add", "--email", "ned@example.com", "--id", &text];
    let ran = run(&world, &new).await;
    assert!(ran.errors.contains("a new person needs a name"), "{}", ran.errors);
    said(&world, &[&new[..], &["--first", "Nina", "--last", "Test"]].concat()).await;
    let expected = [
        json!(text),
        json!("Nina Test"),
        json!("sales_rep"),
        json!(null),
        json!(null),
        json!("America/New_York"),
    ];
    assert_eq!(stands("ned@example.com").await, expected);
    // An id is one person's.
    let taken = NewUser { id: Some(id), email: "rosa@example.com".into(), ..Default::default() };
    let refused = people::add_user(&world.owner, &taken).await.unwrap_err().to_string();
    assert!(refused.contains("has the id") && refused.contains("keeps it"), "{refused}");
    let email = "other@example.com".to_owned();
    let taken = NewUser { email, first_name: Some("Other".into()), ..taken };
    let refused = people::add_user(&world.owner, &taken).await.unwrap_err().to_string();
    assert!(refused.contains("is the id of ned@example.com"), "{refused}");
    world.end().await;
}

/// After a restore somebody was added anew, with another id than their devices have. The refusal to give the
/// old id to a second person of that address says how the address is freed, and that way works.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_was_added_anew_gets_the_old_id_in_the_way_that_is_said() {
    let world = World::new().await;
    let name = ["--first", "Zoe", "--last", "Rep"];
    let add = ["user", "add", "--email", "zoe@example.com"];
    let anew = said(&world, &[&add[..], &name].concat()).await["id"].as_str().unwrap().to_owned();
    let before = people::new_id().to_string();
    let give_back = [&add[..], &name, &["--id", &before]].concat();
    let ran = run(&world, &give_back).await;
    assert_eq!(ran.code, Some(1), "{}", ran.errors);
    assert!(ran.errors.contains(&format!("user set-email {anew}")), "{}", ran.errors);
    assert!(ran.errors.contains(&format!("user disable {anew}")), "{}", ran.errors);
    for args in
        [&["user", "set-email", &anew, "zoe.anew@example.com"][..], &["user", "disable", &anew]]
    {
        let ran = run(&world, args).await;
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.errors);
    }
    assert_eq!(said(&world, &give_back).await["id"], json!(before));
    let sql = "SELECT detail->>'email' FROM sync.audit WHERE detail->>'email' IS NOT NULL";
    let noted = sync_server::ops::report::select_as_owner(&world.owner, sql).await.unwrap().rows;
    assert_eq!(noted, [[json!("zoe.anew@example.com")]]);
    world.end().await;
}

/// Whoever mistypes a condition hears of it, with an exit code that a script sees.
#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_of_no_account_is_an_error() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    for more in [&["--where", "name = 'Kitchn'"][..], &["--from", "omar@example.com", "--preview"]]
    {
        let args = ["assign", "--to", "omar@example.com", "--as", "mia@example.com"];
        let ran = run(&world, &[&args[..], more].concat()).await;
        let said = "no account that mia@example.com sees matches";
        assert!(ran.code == Some(1) && ran.errors.contains(said), "{}{}", ran.out, ran.errors);
    }
    world.end().await;
}

/// A database that does not answer is named at once, and waited for; the password is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_is_named_at_once() {
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let url = format!("postgres://pantry:geheim@127.0.0.1:{port}/pantry");
    for args in [&["user", "list"][..], &["migrate", "up"], &["serve"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sync-server"))
            .args(args)
            .env("DATABASE_URL", &url)
            .env("SUPABASE_JWT_SECRET", SECRET)
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, told) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let lines = BufReader::new(output).lines().map_while(Result::ok);
                lines.for_each(|line| drop(tell.send(line)));
            });
        }
        let first = told.recv_timeout(GENEROUS).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let said = format!("for the database at 127.0.0.1:{port}/pantry");
        assert!(first.contains(&said) && !first.contains("geheim"), "{args:?}: {first}");
    }
}
