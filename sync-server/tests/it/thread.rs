//! The thread, end to end: an offline edit on a device becomes a row in a report.

use client_sdk::core::replica::LinkState;
use sync_core::ids::{ChangeHash, FeedPosition, UserId};
use sync_server::ops::{assign, report};

use crate::feed::Feed;
use crate::harness::{World, create, second_server, set, sync_at};

/// A rep creates an account and logs a visit in a cooler; later the report of her manager shows it.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_made_offline_reaches_the_report_of_a_manager() {
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    let org = create(&mut rep, "organization", &[("name", "Café Zoë"), ("notes", "Back door.")]);
    let org_id = org.to_string();
    create(
        &mut rep,
        "interaction",
        &[
            ("organization_id", org_id.as_str()),
            ("interaction_type", "VISIT"),
            ("subject", "Tasting"),
        ],
    );
    assert_eq!(rep.status().unwrap().unsent, 2);
    world.sync(&mut rep).await;
    let status = rep.status().unwrap();
    assert_eq!((status.unsent, status.refused, status.link), (0, 0, LinkState::Offline));
    world.assert_agrees(&rep).await;
    let report = report::run(&world.server.app.pool, "activity", world.manager).await.unwrap();
    assert_eq!(report.rows.len(), 1);
    assert_eq!(report.rows[0][0], "rosa Test");
    assert_eq!(report.rows[0][2], "VISIT");
    let others = report::run(&world.server.app.pool, "activity", world.other_rep).await.unwrap();
    assert_eq!(others.rows.len(), 0, "a colleague's report shows nothing of it");
    world.assert_projected().await;
    world.end().await;
}

/// The manager's device receives what the rep wrote, edits it, and the rep's device receives that.
#[tokio::test(flavor = "multi_thread")]
async fn two_devices_converge_through_the_server() {
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    let mut manager = world.device("manager.db", world.manager);
    let org = create(&mut rep, "organization", &[("name", "Harbor Grill")]);
    world.sync(&mut rep).await;
    world.sync(&mut manager).await;
    world.assert_agrees(&manager).await;
    // Both edit offline: different fields merge, the same field is a conflict on both.
    set(&mut rep, org, "organization", &[("cuisine", "Seafood"), ("website", "a.example")]);
    set(&mut manager, org, "organization", &[("employee_count", "12"), ("website", "b.example")]);
    world.sync(&mut rep).await;
    world.sync(&mut manager).await;
    world.sync(&mut rep).await;
    let at_rep = rep.record(org).unwrap().unwrap();
    let at_manager = manager.record(org).unwrap().unwrap();
    assert_eq!(at_rep.fields, at_manager.fields);
    assert_eq!(at_rep.conflicts, at_manager.conflicts);
    assert_eq!(at_rep.json("cuisine"), "Seafood");
    assert_eq!(at_rep.json("employee_count"), 12);
    let contested = at_rep.conflicts.iter().find(|c| c.field == "website").unwrap();
    let mut all: Vec<&str> = contested.values.iter().filter_map(|v| v.as_str()).collect();
    all.sort_unstable();
    assert_eq!(all, ["a.example", "b.example"]);
    world.assert_agrees(&rep).await;
    world.assert_agrees(&manager).await;
    world.assert_projected().await;
    world.end().await;
}

/// An account goes to a colleague: the old device erases it, the new one receives it with what
/// hangs from it, and an edit made too late is refused by name and kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_reassigned_account_moves_from_one_device_to_the_other() {
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    let mut other = world.device("other.db", world.other_rep);
    let org = create(&mut rep, "organization", &[("name", "Blue Door")]);
    let org_id = org.to_string();
    let contact = create(
        &mut rep,
        "contact",
        &[("organization_id", org_id.as_str()), ("last_name", "Okafor")],
    );
    let kept = create(&mut rep, "organization", &[("name", "Corner Deli")]);
    world.sync(&mut rep).await;
    world.sync(&mut other).await;
    assert!(other.record(org).unwrap().is_none());
    set(&mut rep, org, "organization", &[("cuisine", "Thai")]);
    set(&mut rep, kept, "organization", &[("cuisine", "Deli")]);
    world.assign(org, world.other_rep).await;
    world.sync(&mut rep).await;
    world.sync(&mut other).await;
    assert!(rep.record(org).unwrap().is_none(), "the old device erased the account");
    assert!(rep.record(contact).unwrap().is_none(), "and what hangs from it");
    assert!(other.record(contact).unwrap().is_some(), "the new one has both");
    assert!(rep.quarantine().unwrap().is_empty());
    let theirs = other.record(org).unwrap().unwrap();
    assert_eq!(
        theirs.json("cuisine"),
        "Thai",
        "with what was done before the first rep heard of it"
    );
    assert_eq!(rep.record(kept).unwrap().unwrap().json("cuisine"), "Deli");
    world.assert_agrees(&rep).await;
    world.assert_agrees(&other).await;
    world.assert_projected().await;
    world.end().await;
}

/// Among many edits pushed at once, only the one to a foreign account is refused.
#[tokio::test(flavor = "multi_thread")]
async fn one_refused_edit_does_not_hold_up_the_others() {
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    let mut other = world.device("other.db", world.other_rep);
    let foreign = create(&mut other, "organization", &[("name", "Not Hers")]);
    world.sync(&mut other).await;
    for index in 0..50 {
        create(&mut rep, "organization", &[("name", format!("Account {index}").as_str())]);
    }
    let foreign_id = foreign.to_string();
    let intruding = create(
        &mut rep,
        "contact",
        &[("organization_id", foreign_id.as_str()), ("last_name", "Intruder")],
    );
    for index in 50..100 {
        create(&mut rep, "organization", &[("name", format!("Account {index}").as_str())]);
    }
    let summary = world.sync(&mut rep).await;
    assert_eq!(summary.refused, 1);
    let refused = rep.quarantine().unwrap();
    assert_eq!(refused[0].record, intruding);
    assert_eq!(refused[0].refusal.policy.as_deref(), Some("account_must_be_visible"));
    assert_eq!(world.rows_of(world.rep, "organizations").await.len(), 100);
    world.assert_projected().await;
    world.end().await;
}

/// With nothing to say, a reconnect is one message each way and far below a kilobyte.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_reconnect_is_one_round_trip_under_a_kilobyte() {
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    for index in 0..300 {
        create(&mut rep, "organization", &[("name", format!("Account {index}").as_str())]);
    }
    world.sync(&mut rep).await;
    world.sync(&mut rep).await;
    let idle = world.sync(&mut rep).await;
    assert_eq!(idle.frames, 2);
    assert!(idle.bytes < 1024, "{} bytes", idle.bytes);
    world.end().await;
}

/// Two server processes on one database: what was pushed to one is fed by the other, and nothing is
/// missed or doubled.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_feed_the_same() {
    let world = World::new().await;
    let second = second_server(&world).await;
    let mut rep = world.device("rep.db", world.rep);
    let mut tablet = world.device("tablet.db", world.rep);
    let org = create(&mut rep, "organization", &[("name", "Twin Oaks")]);
    world.sync(&mut rep).await;
    let token = world.token(world.rep);
    sync_at(&tablet, &second.sync_url(), &token).await.unwrap();
    set(&mut tablet, org, "organization", &[("cuisine", "Grill")]);
    sync_at(&tablet, &second.sync_url(), &token).await.unwrap();
    set(&mut rep, org, "organization", &[("website", "twin.example")]);
    world.sync(&mut rep).await;
    sync_at(&tablet, &second.sync_url(), &token).await.unwrap();
    let here = rep.record(org).unwrap().unwrap();
    assert_eq!(here.fields, tablet.record(org).unwrap().unwrap().fields);
    assert_eq!(here.json("cuisine"), "Grill");
    world.assert_agrees(&rep).await;
    world.assert_agrees(&tablet).await;
    second.app.stopping.cancel();
    second.app.pool.close().await;
    world.end().await;
}

/// A wrong or expired token is told apart, and the edit stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_costs_no_edit_and_says_why() {
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    create(&mut rep, "organization", &[("name", "Patient")]);
    let url = world.server.sync_url();
    let expired = world.token_until(world.rep, -120);
    let wrong = format!("{}x", world.token(world.rep));
    for (token, said) in [(expired, "run out"), (wrong, "not valid")] {
        let error = sync_at(&rep, &url, &token).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        let status = rep.status().unwrap();
        assert_eq!(status.unsent, 1);
        assert!(status.to_string().contains(said), "{status}");
    }
    let foreign = world.token(world.other_rep);
    assert!(sync_at(&rep, &url, &foreign).await.is_err(), "another user's token");
    let gone = sync_at(&rep, "ws://127.0.0.1:9/sync", "t").await.unwrap_err().to_string();
    assert!(gone.contains("no server answers"), "{gone}");
    assert_eq!(rep.status().unwrap().unsent, 1);
    world.end().await;
}

/// Columns in Postgres are those of the declarations, by name and type. Their order may differ: a
/// column that is added to a table stands last, and nothing reads columns by their place.
#[tokio::test(flavor = "multi_thread")]
async fn the_live_columns_are_the_declared_ones() {
    let world = World::new().await;
    for kind in sync_core::crm::schema().document_kinds() {
        let live: Vec<(String, String)> = sqlx::query_as(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
             WHERE attrelid = ('public.' || $1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname COLLATE \"C\"",
        )
        .bind(kind.table)
        .fetch_all(&world.owner)
        .await
        .unwrap();
        let mut declared: Vec<(String, String)> = kind
            .columns()
            .iter()
            .map(|column| {
                let ty = match column.ty {
                    sync_core::schema::ColumnType::Timestamp => "timestamp with time zone",
                    other => other.postgres(),
                };
                (column.name.to_string(), ty.to_owned())
            })
            .collect();
        declared.sort();
        assert_eq!(live, declared, "{}", kind.table);
    }
    world.end().await;
}

/// No table, view or policy escapes: row security is forced on every table users can reach, views
/// run as their reader, and everything says in a comment what it is for.
#[tokio::test(flavor = "multi_thread")]
async fn every_reachable_table_has_row_security_forced_and_explained() {
    let world = World::new().await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'sync', 'reports')
           AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
           AND (c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
             OR c.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
             OR c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL)",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
    let mute: Vec<String> = sqlx::query_scalar(
        "SELECT polrelid::regclass || '.' || polname FROM pg_policy WHERE obj_description(oid, 'pg_policy') IS NULL",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert_eq!(mute, Vec::<String>::new());
    let none: i64 = {
        let nobody = uuid::Uuid::from_u128(0xdead);
        world.rows_of(nobody, "organizations").await.len() as i64
    };
    assert_eq!(none, 0, "an unknown user sees nothing");
    let mut rep = world.device("rep.db", world.rep);
    create(&mut rep, "organization", &[("name", "Seen by an admin")]);
    world.sync(&mut rep).await;
    assert_eq!(world.rows_of(world.admin, "organizations").await.len(), 1);
    world.end().await;
}

/// Every migration can be taken back and applied again.
#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_down_and_up_again() {
    let world = World::new().await;
    sync_server::ops::migrate::down(&world.owner, true).await.unwrap();
    assert_eq!(sync_server::ops::migrate::applied(&world.owner).await.unwrap(), Vec::<i64>::new());
    sync_server::ops::migrate::up(&world.owner).await.unwrap();
    world.end().await;
}

/// Accounts made long ago and assigned anew since: whoever bootstraps receives each whole, also
/// those late in the list, whose beginning lies before what was sent already.
#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_brings_records_that_began_before_what_was_sent_already() {
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    let mut other = world.device("other.db", world.other_rep);
    let accounts: Vec<_> = (0..MORE_THAN_A_BATCH)
        .map(|n| create(&mut rep, "organization", &[("name", format!("Account {n}").as_str())]))
        .collect();
    world.sync(&mut rep).await;
    let list: Vec<_> = accounts
        .iter()
        .map(|account| sync_server::ops::assign::Assignment {
            organization: account.0,
            to: world.other_rep,
            second: None,
            territory: None,
        })
        .collect();
    let app = &world.server.app;
    let outcome = assign::assign(&app.pool, &app.committer, world.manager, &list).await.unwrap();
    assert_eq!((outcome.changed, outcome.refused.len()), (MORE_THAN_A_BATCH, 0));
    world.sync(&mut other).await;
    world.assert_agrees(&other).await;
    world.sync(&mut rep).await;
    world.assert_agrees(&rep).await;
    world.end().await;
}

/// Records that need two batches of a feed.
const MORE_THAN_A_BATCH: usize = sync_core::limits::RECORDS_PER_FEED_BATCH + 76;

/// Own changes fill more than a batch of the feed: none is sent back, and the one batch that tells
/// the replica that it is past them comes at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_steps_over_own_changes_to_its_end() {
    let world = World::new().await;
    let mut rep = world.device("rep.db", world.rep);
    for n in 0..MORE_THAN_A_BATCH {
        create(&mut rep, "organization", &[("name", format!("Account {n}").as_str())]);
    }
    world.sync(&mut rep).await;
    let position: i64 = sqlx::query_scalar("SELECT last_position FROM sync.clock")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    let pool = &world.server.app.pool;
    let mut feed = Feed::open(pool, UserId(world.rep)).await;
    for position in 1..=position {
        feed.note_own(FeedPosition(position));
    }
    // As over a connection that began before any of it.
    let mut records = 0;
    let mut last = None;
    while let Some(batch) = feed.next(&[]).await {
        records += batch.items.iter().filter(|item| item.kind == "organization").count();
        last = Some(batch);
    }
    let last = last.unwrap();
    assert_eq!((last.live, last.head), (true, FeedPosition(position)));
    assert_eq!(records, 0, "the replica has them");
    world.end().await;
}

/// A commit is over a moment before its connection hears of it. A feed that is read in between leaves
/// out what that connection pushed, and brings what others did.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_sends_nothing_back_whose_verdict_is_under_way() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut mia = world.device("mia.db", world.manager);
    let old = create(&mut rosa, "organization", &[("name", "Old")]);
    world.sync(&mut rosa).await;
    world.sync(&mut mia).await;
    let pool = &world.server.app.pool;
    let mut feed = Feed::open(pool, UserId(world.rep)).await;
    while feed.next(&[]).await.is_some() {}
    set(&mut mia, old, "organization", &[("website", "old.example")]);
    world.sync(&mut mia).await;
    set(&mut rosa, old, "organization", &[("cuisine", "Thai")]);
    let fresh = create(&mut rosa, "organization", &[("name", "Fresh")]);
    world.sync(&mut rosa).await;
    let under_way = "SELECT hash FROM sync.changes ORDER BY position DESC LIMIT 2";
    let under_way: Vec<Vec<u8>> =
        sqlx::query_scalar(under_way).fetch_all(&world.owner).await.unwrap();
    let under_way: Vec<ChangeHash> =
        under_way.iter().map(|hash| ChangeHash::from_slice(hash).unwrap()).collect();
    let batch = feed.next(&under_way).await.unwrap();
    let sent: Vec<_> = batch.items.iter().map(|item| (item.record, item.changes.len())).collect();
    assert_eq!(sent, [(old, 1)], "the manager's edit alone, and nothing of {fresh}");
    // Told of more, a replica waits for it: it hears also that there is nothing after all.
    set(&mut rosa, fresh, "organization", &[("cuisine", "Thai")]);
    world.sync(&mut rosa).await;
    let under_way = "SELECT hash FROM sync.changes ORDER BY position DESC LIMIT 1";
    let under_way: Vec<u8> = sqlx::query_scalar(under_way).fetch_one(&world.owner).await.unwrap();
    let under_way = [ChangeHash::from_slice(&under_way).unwrap()];
    feed.fetch([old]);
    let asked = feed.next(&under_way).await.unwrap();
    assert_eq!((asked.items.len(), asked.live), (1, false));
    let end = feed.next(&under_way).await.expect("the end");
    assert_eq!((end.items.len(), end.live), (0, true));
    world.end().await;
}

/// While a list is being sent, an account of it is given away. The feed comes to the end of the list,
/// of which nothing may be sent any more, and tells of the loss nevertheless: nobody wakes it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_at_the_end_of_a_list_looks_at_what_happened_meanwhile() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let kept = create(&mut rosa, "organization", &[("name", "Kept")]);
    world.sync(&mut rosa).await;
    let pool = &world.server.app.pool;
    let mut feed = Feed::open(pool, UserId(world.rep)).await;
    while feed.next(&[]).await.is_some() {}
    for _ in 0..2 {
        // Assigned to her anew with a second in charge: it comes whole, and is on the list.
        let list = [assign::Assignment {
            organization: account.0,
            to: world.rep,
            second: Some(world.manager),
            territory: None,
        }];
        let app = &world.server.app;
        assign::assign(&app.pool, &app.committer, world.manager, &list).await.unwrap();
        let whole = feed.next(&[]).await.unwrap();
        assert_eq!((whole.items.len(), whole.live), (1, false));
        world.assign(account, world.other_rep).await;
        let told = feed.next(&[]).await.expect("she hears of it");
        assert_eq!(told.evict.len(), 1);
        assert!(told.live);
        world.assign(account, world.rep).await;
        while feed.next(&[]).await.is_some() {}
    }
    // The same where there is something to be sent at the end of the list.
    let mut mia = world.device("mia.db", world.manager);
    world.sync(&mut mia).await;
    set(&mut mia, kept, "organization", &[("website", "kept.example")]);
    feed.fetch([account]);
    world.sync(&mut mia).await;
    assert_eq!(feed.next(&[]).await.unwrap().items.len(), 1);
    set(&mut mia, account, "organization", &[("website", "kitchen.example")]);
    world.sync(&mut mia).await;
    let end = feed.next(&[]).await.unwrap();
    assert!(!end.live, "at the end of its list, and there is more");
    let rest = feed.next(&[]).await.unwrap();
    assert_eq!(rest.items[0].record, account);
    assert!(rest.live);
    world.end().await;
}
