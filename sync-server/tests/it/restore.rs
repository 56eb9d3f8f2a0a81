//! A database that is put back from a dump: the server notices by itself, and its devices bring back
//! what it had accepted since.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use client_sdk::core::ids::{GroupId, Receipt, RecordId, ServerEpoch, UserId};
use client_sdk::core::replica::LinkState;
use client_sdk::{Client, Server};
use sqlx::Executor;
use sync_core::hub::{FeedAnswer, FeedRequest};
use sync_core::protocol::{Blob, PushGroup, PushItem, VerdictOutcome};
use sync_server::config::Config;
use sync_server::ops::{assign, people};
use sync_server::store::feed::FeedReader;
use sync_server::{server, store};
use uuid::Uuid;

use crate::harness::{PATIENCE, World, create, set, with_database};
use crate::wire::{Line, hello};

/// How long a world may take to heal, on a machine that does much else.
const HEALS_WITHIN: Duration = Duration::from_secs(120);
const PHONES: usize = 20;

/// PostgreSQL's own programs, newest first.
fn program(name: &str) -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed
        .map(|one| one.path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| name.into())
}

fn run(name: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program(name)).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{name}: {errors}")) }
}

fn dump(world: &World) -> PathBuf {
    let path = world.files.path().join("dump");
    let (file, url) = (path.to_str().unwrap().to_owned(), world.config.database_url.as_str());
    // The owner is no superuser, and row security holds for the owner too, whose policy shows everything.
    let dump = ["--format=custom", "--enable-row-security", "--file", &file, "--dbname", url];
    run("pg_dump", &dump).unwrap();
    path
}

/// Puts a dump in the place of what stands in the database, whoever is connected. What these do may
/// come into its way, so that it is tried again, as whoever restores would.
fn put_back(world: &World, dump: &Path) {
    let (file, url) = (dump.to_str().unwrap(), world.config.database_url.as_str());
    let restore = ["--clean", "--if-exists", "--single-transaction", "--dbname", url, file];
    let mut tries = 0;
    while let Err(error) = run("pg_restore", &restore) {
        tries += 1;
        assert!(error.contains("deadlock") && tries < 50, "{error}");
    }
}

async fn epoch(world: &World) -> ServerEpoch {
    let epoch: Uuid =
        sqlx::query_scalar("SELECT epoch FROM sync.clock").fetch_one(&world.owner).await.unwrap();
    ServerEpoch(epoch)
}

async fn is_restored(world: &World) -> bool {
    sqlx::query_scalar("SELECT sync.is_restored()").fetch_one(&world.owner).await.unwrap()
}

async fn author_of(world: &World, record: RecordId) -> Option<Uuid> {
    sqlx::query_scalar("SELECT author FROM sync.changes WHERE record_id = $1 LIMIT 1")
        .bind(record.0)
        .fetch_optional(&world.owner)
        .await
        .unwrap()
}

/// Goes on syncing until nothing is left to be said: what one device brings back is news to another.
async fn heal(world: &World, devices: &mut [Client]) {
    for _ in 0..3 {
        for device in devices.iter_mut() {
            world.sync(device).await;
        }
    }
}

/// An edit of an account that the dump has, a new account, and a new contact: all accepted after the
/// dump, all lost by it. The device that made them is gone for good; a colleague's brings them back.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_after_the_dump_comes_back_from_another_device_under_its_author() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let known = create(&mut rosa, "organization", &[("name", "Trattoria")]);
    let mut mia = world.device("mia.db", world.manager);
    world.sync(&mut rosa).await;
    world.sync(&mut mia).await;
    let kept = dump(&world);
    let life = epoch(&world).await;
    set(&mut rosa, known, "organization", &[("cuisine", "Thai")]);
    let fresh = create(&mut rosa, "organization", &[("name", "Osteria")]);
    let parent = fresh.to_string();
    let pairs = [("last_name", "Lee"), ("organization_id", parent.as_str())];
    let contact = create(&mut rosa, "contact", &pairs);
    world.sync(&mut rosa).await;
    world.sync(&mut mia).await;
    drop(rosa);
    put_back(&world, &kept);
    assert_eq!(author_of(&world, fresh).await, None, "the dump is older");
    heal(&world, std::slice::from_mut(&mut mia)).await;
    assert_ne!(epoch(&world).await, life);
    assert_eq!(author_of(&world, fresh).await, Some(world.rep));
    assert_eq!(author_of(&world, contact).await, Some(world.rep));
    let status = mia.status().unwrap();
    assert_eq!((status.unsent, status.refused, status.comparing), (0, 0, 0));
    let cuisine = world
        .select(world.manager, "SELECT cuisine FROM organizations WHERE name = 'Trattoria'")
        .await;
    assert_eq!(cuisine, [[serde_json::json!("Thai")]]);
    world.assert_agrees(&mia).await;
    world.assert_projected().await;
    // And whoever comes later finds it too.
    let mut late = world.device("late.db", world.rep);
    world.sync(&mut late).await;
    world.assert_agrees(&late).await;
    world.end().await;
}

/// A person joined after the backup and got an account; both are lost by it. Devices bring the account
/// back before the person is added again; from then on the manager sees it, on a device that stood
/// connected all the time too.
#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_person_who_is_added_again_is_seen_again() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Trattoria")]);
    let mut mia = world.device("mia.db", world.manager);
    heal(&world, &mut [rosa, mia.clone()]).await;
    let kept = dump(&world);
    let lin = people::NewUser {
        id: Some(Uuid::from_u128(0x5005)),
        email: "lin@example.com".into(),
        first_name: Some("Lin".into()),
        manager: Some(world.manager),
        ..Default::default()
    };
    let id = people::add_user(&world.owner, &lin).await.unwrap();
    world.assign(account, id).await;
    let hers = world.device("lin.db", id);
    heal(&world, &mut [hers.clone(), mia.clone()]).await;
    put_back(&world, &kept);
    heal(&world, std::slice::from_mut(&mut mia)).await;
    people::add_user(&world.owner, &lin).await.unwrap();
    heal(&world, &mut [hers.clone(), mia.clone()]).await;
    world.assert_agrees(&mia).await;
    world.assert_agrees(&hers).await;
    assert!(mia.record(account).unwrap().is_some() && hers.record(account).unwrap().is_some());
    world.end().await;
}

/// Twenty phones, some connected while the dump is put back and some not: every edit that was
/// acknowledged and that a phone holds is back soon after that phone connects again, and nobody is told
/// that everything is sent before.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_phones_bring_back_what_a_dump_of_before_lacks() {
    let world = World::new().await;
    let mut phones: Vec<Client> = Vec::new();
    for n in 0..PHONES {
        let user = [world.rep, world.other_rep, world.manager][n % 3];
        let mut phone = world.device(&format!("phone{n}.db"), user);
        create(&mut phone, "organization", &[("name", format!("Before {n}").as_str())]);
        world.sync(&mut phone).await;
        phones.push(phone);
    }
    let kept = dump(&world);
    let mut made = Vec::new();
    for (n, phone) in phones.iter_mut().enumerate() {
        let name = format!("After {n}");
        made.push((create(phone, "organization", &[("name", name.as_str())]), name));
        world.sync(phone).await;
    }
    // A second round, so that most hold what others made.
    for phone in phones.iter_mut().skip(PHONES / 2) {
        world.sync(phone).await;
    }
    for phone in phones.iter().take(PHONES / 2) {
        phone.use_server(Server::new(world.server.sync_url(), world.token(phone.user().0)));
        phone.connect();
    }
    put_back(&world, &kept);
    let all_back = async {
        loop {
            let names: Vec<String> =
                sqlx::query_scalar("SELECT name FROM organizations WHERE name LIKE 'After %'")
                    .fetch_all(&world.owner)
                    .await
                    .unwrap();
            if made.iter().take(PHONES / 2).all(|(_, name)| names.contains(name)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(HEALS_WITHIN, all_back)
        .await
        .expect("the connected ones bring theirs back");
    for phone in phones.iter().take(PHONES / 2) {
        phone.disconnect().await;
    }
    heal(&world, &mut phones).await;
    for (record, name) in &made {
        assert!(author_of(&world, *record).await.is_some(), "{name} is lost");
    }
    for phone in &phones {
        let status = phone.status().unwrap();
        assert_eq!((status.unsent, status.refused, status.comparing), (0, 0, 0));
        world.assert_agrees(phone).await;
    }
    world.assert_projected().await;
    world.end().await;
}

/// What a restore changes is noticed; what a running database does to its own rows is not one.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_restore_begins_another_life() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    create(&mut rosa, "organization", &[("name", "Trattoria")]);
    world.sync(&mut rosa).await;
    let life = epoch(&world).await;
    assert!(!is_restored(&world).await);
    world.owner.execute("VACUUM FULL sync.clock").await.unwrap();
    world.owner.execute("VACUUM FREEZE sync.clock").await.unwrap();
    assert!(!is_restored(&world).await, "a vacuum is no restore");
    // As psql does with ON_ERROR_ROLLBACK, and every function that catches errors.
    world
        .owner
        .execute(
            "BEGIN; SAVEPOINT one; UPDATE public.users SET first_name = first_name; RELEASE one;
             SAVEPOINT two; UPDATE public.users SET first_name = first_name; RELEASE two; COMMIT",
        )
        .await
        .unwrap();
    assert!(!is_restored(&world).await, "a savepoint is no restore");
    assert_eq!(epoch(&world).await, life);
    let kept = dump(&world);
    put_back(&world, &kept);
    // Whoever writes first begins the other life, be it somebody with SQL.
    world.owner.execute("UPDATE public.users SET first_name = first_name").await.unwrap();
    assert_ne!(epoch(&world).await, life);
    assert!(!is_restored(&world).await);
    world.end().await;
}

/// A copy of the database, to try things out, on which an administrator gives Rosa an account of Omar's.
/// The receipt that the copy wrote for it proves nothing where the copy was made from: Rosa would get by
/// it there what she was given on the copy alone. A receipt from before the copy proves its change in
/// both.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_copy_of_the_database_accepts_is_no_proof_where_it_was_copied() {
    let world = World::new().await;
    let mut omar = world.device("omar.db", world.other_rep);
    let account = create(&mut omar, "organization", &[("name", "Trattoria")]);
    world.sync(&mut omar).await;
    let name = format!("test_{}", people::new_id().simple());
    world.run_as_admin(&format!("CREATE DATABASE {name}")).await;
    let copy_url = with_database(&world.admin_url, &name);
    let (file, kept) = (dump(&world), [epoch(&world).await]);
    let restore = ["--single-transaction", "--dbname", &copy_url, file.to_str().unwrap()];
    run("pg_restore", &restore).unwrap();
    let config = Config { database_url: copy_url, ..world.config.clone() };
    let copy = server::start(&config, sync_core::crm::schema()).await.unwrap();
    let assignment = assign::Assignment {
        organization: account.0,
        to: world.rep,
        second: None,
        territory: None,
    };
    let (pool, committer) = (&copy.app.pool, &copy.app.committer);
    let outcome = assign::assign(pool, committer, world.admin, &[assignment]).await.unwrap();
    assert_eq!((outcome.changed, outcome.refused), (1, Vec::new()));
    // As Rosa's device hears it of the copy.
    let (mut line, _) = Line::greeted(&copy.sync_url(), hello(world.token(world.rep))).await;
    line.until_live(0).await;
    let owner = store::connect_as_owner(&config.database_url, PATIENCE).await.unwrap();
    let changes: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT bytes, receipt FROM sync.changes WHERE record_id = $1 ORDER BY position",
    )
    .bind(account.0)
    .fetch_all(&owner)
    .await
    .unwrap();
    let [(first, old_receipt), .., (given, receipt)] = &changes[..] else { panic!("{changes:?}") };
    let group = |change: &[u8], receipt: &[u8]| {
        let receipt = Some(Receipt(receipt.try_into().unwrap()));
        let (record, change) = (account, Blob(change.to_vec()));
        let items = vec![PushItem { record, kind: "organization".into(), change, receipt }];
        vec![PushGroup { group: GroupId(people::new_id()), seen: None, items }]
    };
    let (mut line, _) =
        Line::greeted(&world.server.sync_url(), hello(world.token(world.rep))).await;
    let verdicts = line.push(group(given, receipt)).await.unwrap();
    assert!(matches!(verdicts[0].outcome, VerdictOutcome::Refused(_)), "{verdicts:?}");
    let verdicts = line.push(group(first, old_receipt)).await.unwrap();
    assert!(matches!(verdicts[0].outcome, VerdictOutcome::Accepted(_)), "{verdicts:?}");
    let held: Uuid = sqlx::query_scalar("SELECT assigned_user_id FROM organizations WHERE id = $1")
        .bind(account.0)
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!((held, [epoch(&world).await]), (world.other_rep, kept));
    world.assert_projected().await;
    owner.close().await;
    copy.stop().await;
    world.run_as_admin(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    world.end().await;
}

/// What somebody else wrote is taken of nobody who cannot prove that it was accepted; and what was
/// taken from a user is not had again by offering it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_puts_words_into_a_colleagues_mouth_by_offering_them_back() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    create(&mut rosa, "organization", &[("name", "Trattoria")]);
    // As Rosa's device would push it; said by Omar, with a receipt of his own making.
    let file = rusqlite::Connection::open(world.files.path().join("rosa.db")).unwrap();
    let mut statement = file.prepare("SELECT record, kind, bytes FROM changes").unwrap();
    let items = statement.query_map([], |row| {
        let record = RecordId(Uuid::from_bytes(row.get(0)?));
        let (kind, change) = (row.get(1)?, Blob(row.get(2)?));
        Ok(PushItem { record, kind, change, receipt: Some(Receipt([7; 8])) })
    });
    let items: Vec<PushItem> = items.unwrap().map(Result::unwrap).collect();
    assert!(!items.is_empty());
    let hello = hello(world.token(world.other_rep));
    let (mut line, _) = Line::greeted(&world.server.sync_url(), hello).await;
    let group = PushGroup { group: GroupId(people::new_id()), seen: None, items };
    let verdicts = line.push(vec![group]).await.unwrap();
    for verdict in verdicts {
        assert!(matches!(verdict.outcome, VerdictOutcome::Refused(_)), "{verdict:?}");
        assert_eq!(verdict.receipt, None);
    }
    world.end().await;
}

/// A device that is asked while its server was restored says that it compares, and not that all is well.
#[tokio::test(flavor = "multi_thread")]
async fn a_watching_device_hears_of_the_restore_without_being_asked() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    create(&mut rosa, "organization", &[("name", "Before")]);
    world.sync(&mut rosa).await;
    let kept = dump(&world);
    let lost = create(&mut rosa, "organization", &[("name", "After")]);
    world.sync(&mut rosa).await;
    rosa.use_server(Server::new(world.server.sync_url(), world.token(world.rep)));
    rosa.connect();
    let live = async {
        while rosa.status().unwrap().link != LinkState::Live {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(HEALS_WITHIN, live).await.expect("it connects");
    put_back(&world, &kept);
    let back = async {
        while author_of(&world, lost).await.is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(HEALS_WITHIN, back).await.expect("it notices by itself");
    rosa.disconnect().await;
    world.end().await;
}

/// While a backup is put back, an older snapshot of the database shows no people at all. Nobody is told
/// because of that that they are disabled, which would have their device erase what it holds.
#[tokio::test(flavor = "multi_thread")]
async fn only_who_is_known_to_be_disabled_is_told_so_by_the_feed() {
    let world = World::new().await;
    let app = &world.server.app;
    let clock = async |user: Uuid| {
        let mut reader = FeedReader::new(app.pool.clone(), app.schema.clone());
        reader.answer(UserId(user), &FeedRequest::Clock).await
    };
    assert!(matches!(clock(world.rep).await, Ok(FeedAnswer::Clock(clock)) if clock.active));
    assert!(clock(people::new_id()).await.is_err(), "whoever is not there is not disabled");
    world.owner.execute("UPDATE public.users SET is_active = false").await.unwrap();
    assert!(matches!(clock(world.rep).await, Ok(FeedAnswer::Clock(clock)) if !clock.active));
    world.end().await;
}
