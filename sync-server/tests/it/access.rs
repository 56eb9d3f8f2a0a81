//! What a device holds follows what its user may see, however that changes.

use client_sdk::core::ids::RecordId;
use client_sdk::{ClientEvent, LinkState, Outcome};
use sync_server::ops::explain;
use sync_server::ops::people::{self, UserChange};

use crate::harness::{GENEROUS, World, create, set, sync_at, until};

fn account(device: &mut client_sdk::Client, name: &str) -> RecordId {
    create(device, "organization", &[("name", name)])
}

/// A contact changes employer: it leaves the device of the rep who sees only the old one, and comes
/// to the rep of the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_who_changes_employer_changes_devices() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut omar = world.device("omar.db", world.other_rep);
    let mut mia = world.device("mia.db", world.manager);
    let (old, new) = (account(&mut rosa, "Old Place"), account(&mut omar, "New Place"));
    let contact = create(
        &mut rosa,
        "contact",
        &[
            ("organization_id", old.to_string().as_str()),
            ("first_name", "Kim"),
            ("last_name", "Lee"),
            ("notes", "Prefers mornings."),
        ],
    );
    for device in [&mut rosa, &mut omar, &mut mia] {
        world.sync(device).await;
    }
    set(&mut mia, contact, "contact", &[("organization_id", new.to_string().as_str())]);
    for device in [&mut mia, &mut rosa, &mut omar] {
        world.sync(device).await;
        world.assert_agrees(device).await;
    }
    assert!(rosa.record(contact).unwrap().is_none(), "Rosa's device let go of it");
    assert!(rosa.search("mornings", 10).unwrap().is_empty());
    assert!(omar.record(contact).unwrap().is_some());
    // Back again, and the move of before does not take it away a second time.
    set(&mut mia, contact, "contact", &[("organization_id", old.to_string().as_str())]);
    for device in [&mut mia, &mut rosa, &mut omar] {
        world.sync(device).await;
        world.assert_agrees(device).await;
    }
    assert!(rosa.record(contact).unwrap().is_some());
    world.end().await;
}

/// Whatever a record hangs from: accounts, people, people who are gone, nothing that is known.
#[tokio::test(flavor = "multi_thread")]
async fn documents_are_visible_exactly_with_their_rows() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut omar = world.device("omar.db", world.other_rep);
    let place = account(&mut rosa, "Kitchen").to_string();
    create(&mut rosa, "contact", &[("last_name", "Lee"), ("organization_id", &place)]);
    create(&mut rosa, "contact", &[("last_name", "Kim")]);
    create(&mut omar, "task", &[("title", "Wash the van")]);
    create(&mut omar, "contact", &[("last_name", "Nori")]);
    world.sync(&mut rosa).await;
    world.sync(&mut omar).await;
    // Somebody is erased in SQL; what hung from them is an administrator's alone.
    for table in ["sync.actors", "sync.replicas"] {
        let sql = format!("DELETE FROM {table} WHERE user_id = $1");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(world.other_rep)
            .execute(&world.owner)
            .await
            .unwrap();
    }
    sqlx::query("DELETE FROM public.users WHERE id = $1")
        .bind(world.other_rep)
        .execute(&world.owner)
        .await
        .unwrap();
    for user in [world.rep, world.other_rep, world.manager, world.admin] {
        world.assert_documents_go_with_rows(user).await;
    }
    let mut ada = world.device("ada.db", world.admin);
    world.sync(&mut ada).await;
    world.assert_agrees(&ada).await;
    assert_eq!(ada.query("SELECT id FROM tasks").unwrap().rows.len(), 1);
    world.end().await;
}

/// Whoever made a task for a colleague does not get it back by writing to it, and reads nothing of what
/// the colleague wrote.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_given_away_is_not_taken_back() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut omar = world.device("omar.db", world.other_rep);
    let to_omar = world.other_rep.to_string();
    let task = create(&mut rosa, "task", &[("title", "Call"), ("assignee_id", &to_omar)]);
    world.sync(&mut rosa).await;
    world.sync(&mut omar).await;
    set(&mut omar, task, "task", &[("description", "They owe us.")]);
    world.sync(&mut omar).await;
    let sql = "SELECT id FROM public.tasks";
    assert!(world.select(world.rep, sql).await.is_empty());
    let asked = explain::explain(&world.owner, &world.server.app.pool, world.rep, task.0).await;
    let asked = asked.unwrap();
    assert_eq!((asked.reads, asked.writes), (false, false));
    world.end().await;
}

/// Whoever is disabled reads nothing more with a token that still holds, not even that something changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_reads_no_news_of_their_access() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    account(&mut rosa, "Kitchen");
    world.sync(&mut rosa).await;
    let off = UserChange { active: Some(false), ..UserChange::default() };
    people::change_user(&world.owner, world.rep, &off).await.unwrap();
    let noted = "SELECT count(*) FROM sync.access_events WHERE user_id = $1";
    let noted: i64 =
        sqlx::query_scalar(noted).bind(world.rep).fetch_one(&world.owner).await.unwrap();
    assert!(noted > 0, "there is something to be read");
    let sql = "SELECT reason FROM sync.access_events";
    assert!(world.select(world.rep, sql).await.is_empty());
    world.end().await;
}

/// Tasks without an account are given to colleagues, offline: by whoever made them and by whoever has
/// them. An edit that takes its own author's access away is taken, and the device lets go.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_given_away_leaves_the_device_that_gave_it() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut omar = world.device("omar.db", world.other_rep);
    let mut mia = world.device("mia.db", world.manager);
    let (to_omar, to_mia) = (world.other_rep.to_string(), world.manager.to_string());
    let known = create(&mut rosa, "task", &[("title", "Order menus")]);
    for device in [&mut rosa, &mut omar, &mut mia] {
        world.sync(device).await;
    }
    // One that stands already, one that is made for him, and one that is handed on before it is sent.
    set(&mut rosa, known, "task", &[("assignee_id", &to_omar)]);
    set(&mut rosa, known, "task", &[("priority", "high")]);
    let fresh = create(&mut rosa, "task", &[("title", "Wash the van"), ("assignee_id", &to_omar)]);
    let own = create(&mut rosa, "task", &[("title", "Buy stamps")]);
    let later = create(&mut rosa, "task", &[("title", "Call the bank")]);
    set(&mut rosa, later, "task", &[("assignee_id", &to_omar)]);
    let summary = world.sync(&mut rosa).await;
    assert_eq!((summary.refused, summary.evicted.len()), (0, 3), "{:?}", summary.evicted);
    world.sync(&mut omar).await;
    for task in [known, fresh, later] {
        assert!(rosa.record(task).unwrap().is_none(), "she let go of it");
        assert!(omar.record(task).unwrap().is_some(), "he has it");
    }
    assert!(rosa.search("van", 5).unwrap().is_empty());
    assert!(rosa.record(own).unwrap().is_some());
    // He hands one on in turn; a task that is neither his nor made by him he cannot touch.
    set(&mut omar, fresh, "task", &[("assignee_id", &to_mia)]);
    let hers = create(&mut omar, "contact", &[("last_name", "Lee")]);
    assert_eq!(world.sync(&mut omar).await.refused, 0);
    world.sync(&mut mia).await;
    assert!(mia.record(fresh).unwrap().is_some());
    assert!(omar.record(fresh).unwrap().is_none());
    assert!(omar.record(hers).unwrap().is_some());
    for device in [&mut rosa, &mut omar, &mut mia] {
        world.sync(device).await;
        world.assert_agrees(device).await;
    }
    let ask =
        explain::explain(&world.owner, &world.server.app.pool, world.rep, own.0).await.unwrap();
    assert!(ask.writes);
    let ask = explain::explain(&world.owner, &world.server.app.pool, world.other_rep, own.0)
        .await
        .unwrap();
    assert_eq!((ask.reads, ask.writes), (false, false));
    assert!(ask.to_text().contains("it has none and is somebody else's"), "{}", ask.to_text());
    world.assert_projected().await;
    world.end().await;
}

/// An account goes to another rep: no byte of its words is left in the first rep's files, neither in
/// rows nor in the search index, in free pages or in the journal.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_evicted_account_is_left_in_the_file() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    for n in 0..60 {
        account(&mut rosa, &format!("Ordinary Kitchen {n}"));
    }
    let gone = create(
        &mut rosa,
        "organization",
        &[
            ("name", "Quxelbrunn Bistro"),
            ("notes", "The chef Wrzaskowski wants truffles from Vlkovarind."),
            ("custom_fields.alley", "Zmrzlinaplatz"),
        ],
    );
    let parent = gone.to_string();
    create(
        &mut rosa,
        "interaction",
        &[
            ("organization_id", parent.as_str()),
            ("interaction_type", "VISIT"),
            ("subject", "Grobvantel tasting"),
        ],
    );
    let words = ["quxelbrunn", "wrzaskowski", "vlkovarind", "zmrzlinaplatz", "grobvantel"];
    world.sync(&mut rosa).await;
    assert!(!found_in_files(&world, &words[..3]).is_empty(), "before, the words are there");
    world.assign(gone, world.other_rep).await;
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    assert_eq!(found_in_files(&world, &words), Vec::<String>::new());
    drop(rosa);
    assert_eq!(found_in_files(&world, &words), Vec::<String>::new());
    world.end().await;
}

/// Which of these words stand in the files of Rosa's replica; also in part, since an index stores
/// what a word does not share with its neighbour.
pub(crate) fn found_in_files(world: &World, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in ["rosa.db", "rosa.db-wal", "rosa.db-shm"] {
        let Ok(bytes) = std::fs::read(world.files.path().join(file)) else { continue };
        let text = bytes.to_ascii_lowercase();
        for word in words {
            let part = &word.as_bytes()[2..];
            if text.windows(part.len()).any(|window| window == part) {
                found.push(format!("{word} in {file}"));
            }
        }
    }
    found
}

/// Somebody is disabled while connected: the session ends at once and says why, the device erases
/// what it held and keeps what was not sent; enabled again, everything comes back and goes up.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_s_device_is_emptied_and_keeps_unsent_edits() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let place = account(&mut rosa, "Quxelbrunn Bistro");
    world.sync(&mut rosa).await;
    let (url, token) = (world.server.sync_url(), world.token(world.rep));
    let active = |active| UserChange { active: Some(active), ..UserChange::default() };
    let (off, on) = (active(false), active(true));
    let mut events = rosa.events();
    rosa.connect();
    let ending = async {
        loop {
            if let ClientEvent::Ended { outcome, .. } = events.recv().await.unwrap() {
                return outcome;
            }
        }
    };
    until("it is connected", async || rosa.status().unwrap().link == LinkState::Live).await;
    let (ended, ()) = tokio::join!(tokio::time::timeout(GENEROUS, ending), async {
        people::change_user(&world.owner, world.rep, &off).await.unwrap();
    });
    let ended = ended.expect("the session ends by itself");
    let Outcome::Failed(why) = ended else { panic!("{ended:?}") };
    let why = why.to_string();
    assert!(why.contains("no longer active"), "{why}");
    assert!(rosa.record(place).unwrap().is_none());
    assert_eq!(found_in_files(&world, &["quxelbrunn"]), Vec::<String>::new());
    // What is made without knowing, on a device that is offline, is kept as well.
    people::change_user(&world.owner, world.rep, &on).await.unwrap();
    world.sync(&mut rosa).await;
    assert!(rosa.record(place).unwrap().is_some(), "enabled again, all is back");
    set(&mut rosa, place, "organization", &[("cuisine", "Thai")]);
    people::change_user(&world.owner, world.rep, &off).await.unwrap();
    let why = sync_at(&rosa, &url, &token).await.unwrap_err().to_string();
    assert!(why.contains("no longer active"), "{why}");
    assert!(rosa.record(place).unwrap().is_none());
    assert_eq!(rosa.status().unwrap().unsent, 1);
    people::change_user(&world.owner, world.rep, &on).await.unwrap();
    world.sync(&mut rosa).await;
    assert_eq!(rosa.record(place).unwrap().unwrap().json("cuisine"), "Thai");
    world.assert_agrees(&rosa).await;
    world.end().await;
}

/// A manager becomes a rep, and a rep a manager: what their devices hold follows.
#[tokio::test(flavor = "multi_thread")]
async fn devices_follow_a_change_of_role() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut mia = world.device("mia.db", world.manager);
    account(&mut rosa, "Seen by her manager");
    account(&mut mia, "Mia's own");
    world.sync(&mut rosa).await;
    world.sync(&mut mia).await;
    assert_eq!(mia.query("SELECT id FROM organizations").unwrap().rows.len(), 2);
    let role = |role: &str| UserChange { role: Some(role.into()), ..UserChange::default() };
    for (to, seen) in [("sales_rep", 1), ("manager", 2), ("read_only", 1), ("admin", 2)] {
        people::change_user(&world.owner, world.manager, &role(to)).await.unwrap();
        world.sync(&mut mia).await;
        world.assert_agrees(&mia).await;
        let held = mia.query("SELECT id FROM organizations").unwrap().rows.len();
        assert_eq!(held, seen, "as {to}");
    }
    world.end().await;
}

/// The database says of each person what they may, by which rule, and what it goes by.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_names_the_rule_and_what_it_goes_by() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let place = account(&mut rosa, "Kitchen");
    let parent = place.to_string();
    let task =
        create(&mut rosa, "task", &[("organization_id", parent.as_str()), ("title", "Call")]);
    world.sync(&mut rosa).await;
    let ask = async |user, record: RecordId| {
        explain::explain(&world.owner, &world.server.app.pool, user, record.0).await.unwrap()
    };
    let own = ask(world.rep, place).await;
    assert_eq!((own.reads, own.writes), (true, true), "{own:?}");
    let foreign = ask(world.other_rep, task).await;
    assert_eq!((foreign.reads, foreign.writes), (false, false));
    let refusal = foreign.refusal.as_ref().unwrap();
    assert_eq!(refusal.policy.as_deref(), Some("account_must_be_visible"));
    let text = foreign.to_text();
    assert!(text.contains("omar@example.com is sales_rep"), "{text}");
    assert!(text.contains("\"Kitchen\" is assigned to rosa@example.com"), "{text}");
    let role = UserChange { role: Some("read_only".into()), ..UserChange::default() };
    people::change_user(&world.owner, world.rep, &role).await.unwrap();
    let reader = ask(world.rep, place).await;
    assert_eq!((reader.reads, reader.writes), (true, false), "{reader:?}");
    assert!(reader.to_text().contains("may read records but not change them"));
    world.end().await;
}

/// What managers and operators do to people and accounts stands in the audit, with who did it.
#[tokio::test(flavor = "multi_thread")]
async fn assignments_and_changes_of_people_stand_in_the_audit() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    world.assign(account, world.other_rep).await;
    let role = people::UserChange { role: Some("read_only".into()), ..Default::default() };
    people::change_user(&world.owner, world.rep, &role).await.unwrap();
    let last: Vec<(Option<uuid::Uuid>, String, serde_json::Value)> =
        sqlx::query_as("SELECT user_id, action, detail FROM sync.audit ORDER BY id DESC LIMIT 2")
            .fetch_all(&world.owner)
            .await
            .unwrap();
    let [(nobody, change, person), (manager, assignment, detail)] = &last[..] else {
        panic!("two entries: {last:?}")
    };
    assert_eq!((*nobody, change.as_str()), (None, "user.change"));
    assert_eq!(
        (&person["user"], &person["role"]),
        (&world.rep.to_string().into(), &"read_only".into())
    );
    assert_eq!((*manager, assignment.as_str()), (Some(world.manager), "account.assign"));
    assert_eq!(detail["from"]["assigned"], world.rep.to_string());
    assert_eq!(detail["to"]["assigned"], world.other_rep.to_string());
    world.end().await;
}

/// A platform's own role, beyond row security and with no functions of ours: what its operators do to
/// records by SQL is let through, as from the owner's login.
#[tokio::test(flavor = "multi_thread")]
async fn operators_beyond_row_security_work_in_sql() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let (place, other) = (account(&mut rosa, "Kitchen"), account(&mut rosa, "Other"));
    let at = place.to_string();
    create(&mut rosa, "contact", &[("organization_id", &at), ("last_name", "Lee")]);
    create(&mut rosa, "opportunity", &[("organization_id", &at), ("name", "Menu")]);
    world.sync(&mut rosa).await;
    // As hosted platforms call it; making such a role is for superusers.
    let role = "service_role";
    let to = world.other_rep;
    let mut connection = world.owner.acquire().await.unwrap();
    let mut tx = sqlx::Connection::begin(&mut *connection).await.unwrap();
    for sql in [
        format!(
            "DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} BYPASSRLS; END IF; END $$"
        ),
        format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"),
        format!("SET LOCAL ROLE {role}"),
        "SET LOCAL pantry.projects = 'on'".to_owned(),
        format!("UPDATE public.organizations SET assigned_user_id = '{to}' WHERE id = '{place}'"),
        format!("UPDATE public.organizations SET merged_into = '{other}' WHERE id = '{place}'"),
        format!("UPDATE public.opportunities SET user_id = '{to}'"),
        format!("UPDATE public.contacts SET organization_id = '{other}'"),
        "DELETE FROM public.contacts".to_owned(),
    ] {
        let done = sqlx::Executor::execute(&mut *tx, sqlx::AssertSqlSafe(sql.clone())).await;
        let done = done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(!sql.contains("public.o") || done.rows_affected() == 1, "{sql}");
    }
    tx.rollback().await.unwrap();
    drop(connection);
    world.end().await;
}
