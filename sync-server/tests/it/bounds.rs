//! How much a user may store, and how many devices are remembered of one.

use sync_core::ids::{GroupId, RecordId, ReplicaId};
use sync_core::limits;
use sync_core::protocol::{Blob, Hello, PushGroup, PushItem, VerdictOutcome};
use sync_server::ops::people;
use uuid::Uuid;

use crate::harness::{World, create, set};
use crate::wire::{Line, hello};

impl World {
    /// What is counted of a user: records and bytes.
    async fn used(&self, user: Uuid) -> (i64, i64) {
        sqlx::query_as("SELECT documents, bytes FROM sync.usage WHERE user_id = $1")
            .bind(user)
            .fetch_one(&self.owner)
            .await
            .unwrap()
    }

    /// What stands in the tables of a user: records and bytes.
    async fn stored(&self, user: Uuid) -> (i64, i64) {
        sqlx::query_as(
            "SELECT count(DISTINCT c.record_id),
                    (sum(octet_length(c.bytes)) + (SELECT coalesce(sum(octet_length(q.bytes) + octet_length(q.edit::text)), 0)
                                                   FROM sync.quarantine q WHERE q.author = $1))::bigint
             FROM sync.changes c WHERE c.author = $1",
        )
        .bind(user)
        .fetch_one(&self.owner)
        .await
        .unwrap()
    }

    /// Has a user near the end of what they may store.
    async fn set_used(&self, user: Uuid, documents: u64, bytes: u64) {
        sqlx::query("UPDATE sync.usage SET documents = $2, bytes = $3 WHERE user_id = $1")
            .bind(user)
            .bind(i64::try_from(documents).unwrap())
            .bind(i64::try_from(bytes).unwrap())
            .execute(&self.owner)
            .await
            .unwrap();
    }
}

/// What a user has stored is counted with every commit, and is what stands in the tables.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_of_a_user_is_what_is_stored() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    for name in ["One", "Two", "Three"] {
        let account = create(&mut rosa, "organization", &[("name", name)]);
        set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    }
    create(&mut rosa, "organization", &[("name", "Grand"), ("organization_type", "customer")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    let stored = world.stored(world.rep).await;
    assert_eq!(stored.0, 3);
    assert_eq!(world.used(world.rep).await, stored);
    // Pushed again, nothing is counted twice.
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    assert_eq!(world.used(world.rep).await, stored);
    world.end().await;
}

/// Whoever has stored as much as one may is told so in words; others go on, and so do they once an
/// administrator saw to it.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_user_may_store_is_refused_and_said_plainly() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let mut omar = world.device("omar.db", world.other_rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    for (documents, bytes, words) in [
        (limits::DOCUMENTS_PER_USER, 0, "500000 records"),
        (0, limits::BYTES_PER_USER, "2048 MiB of edits"),
    ] {
        world.set_used(world.rep, documents, bytes).await;
        create(&mut rosa, "organization", &[("name", "One more")]);
        create(&mut omar, "organization", &[("name", "Omar's")]);
        assert_eq!(world.sync(&mut rosa).await.refused, 1);
        assert_eq!(world.sync(&mut omar).await.refused, 0);
        let [refused] = &rosa.quarantine().unwrap()[..] else { panic!("one is refused") };
        assert_eq!(refused.refusal.code, "over_quota");
        let sentence = &refused.refusal.sentence;
        assert!(sentence.contains(words) && sentence.contains("administrator"), "{sentence}");
        rosa.discard(refused.hash).unwrap();
    }
    // Edits of what is there need no new record.
    world.set_used(world.rep, limits::DOCUMENTS_PER_USER, 0).await;
    set(&mut rosa, account, "organization", &[("cuisine", "Thai")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    world.set_used(world.rep, 0, 0).await;
    create(&mut rosa, "organization", &[("name", "One more")]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// Refused edits fill the disk as accepted ones do. They count, of a long one few words are kept, and of
/// whoever has stored as much as one may nothing but that there was one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_counts_as_what_is_stored() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    let notes = "é".repeat(15_000);
    let grand = [("name", "Grand"), ("organization_type", "customer"), ("notes", notes.as_str())];
    let kept = async || -> (i64, i64, i64, i64) {
        sqlx::query_as(
            "SELECT count(*), sum(octet_length(bytes))::bigint, max(octet_length(edit::text))::bigint,
                    count(*) FILTER (WHERE octet_length(bytes) = 0 AND edit IS NULL)
             FROM sync.quarantine",
        )
        .fetch_one(&world.owner)
        .await
        .unwrap()
    };
    create(&mut rosa, "organization", &grand);
    assert!(world.sync(&mut rosa).await.refused > 0);
    let (count, bytes, words, bare) = kept().await;
    assert!(bytes > 15_000 && bare == 0, "{bytes} bytes, {bare} bare");
    // As the database writes JSON, with blanks.
    assert!(words < 2 * limits::REFUSED_WORDS_BYTES as i64, "{words} bytes of words");
    assert_eq!(world.used(world.rep).await, world.stored(world.rep).await);
    world.set_used(world.rep, 0, limits::BYTES_PER_USER).await;
    create(&mut rosa, "organization", &grand);
    assert!(world.sync(&mut rosa).await.refused > 0);
    assert_eq!(kept().await, (2 * count, bytes, words, count));
    world.end().await;
}

/// Each new database file is a device. Of more than are remembered, those that were heard longest ago
/// are forgotten, and can come back.
#[tokio::test(flavor = "multi_thread")]
async fn of_more_devices_than_are_remembered_the_oldest_are_forgotten() {
    let world = World::new().await;
    let most = limits::DEVICES_PER_USER as i64;
    sqlx::query(
        "INSERT INTO sync.replicas (replica_id, user_id, app, last_sync)
         SELECT gen_random_uuid(), $1, 'old', now() - n * interval '1 day' FROM generate_series(1, $2) AS n",
    )
    .bind(world.rep)
    .bind(most)
    .execute(&world.owner)
    .await
    .unwrap();
    let oldest: Uuid =
        sqlx::query_scalar("SELECT replica_id FROM sync.replicas ORDER BY last_sync LIMIT 1")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    let count = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM sync.replicas WHERE user_id = $1")
            .bind(world.rep)
            .fetch_one(&world.owner)
            .await
            .unwrap()
    };
    let greet = async |replica: Uuid| {
        let hello = Hello { replica: ReplicaId(replica), ..hello(world.token(world.rep)) };
        let (_line, welcome) = Line::greeted(&world.server.sync_url(), hello).await;
        welcome.unwrap();
    };
    let known = async |replica: Uuid| -> bool {
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM sync.replicas WHERE replica_id = $1)")
            .bind(replica)
            .fetch_one(&world.owner)
            .await
            .unwrap()
    };
    let fresh = people::new_id();
    greet(fresh).await;
    assert_eq!((count().await, known(fresh).await, known(oldest).await), (most, true, false));
    greet(oldest).await;
    assert_eq!((count().await, known(fresh).await, known(oldest).await), (most, true, true));
    world.end().await;
}

/// A push of more groups than it may have changes is not read to its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_of_more_groups_than_a_push_may_have_ends_the_session() {
    let world = World::new().await;
    let empty = || PushGroup { group: GroupId(people::new_id()), seen: None, items: Vec::new() };
    let greeted = async || {
        let (line, welcome) =
            Line::greeted(&world.server.sync_url(), hello(world.token(world.rep))).await;
        welcome.unwrap();
        line
    };
    let most = vec![empty(); limits::CHANGES_RECEIVED];
    let verdicts = greeted().await.push(most.clone()).await.unwrap();
    assert!(verdicts.iter().all(|one| matches!(one.outcome, VerdictOutcome::Accepted(_))));
    let goodbye = greeted().await.push([most, vec![empty()]].concat()).await.unwrap_err();
    assert_eq!(goodbye.code, "protocol");
    assert!(goodbye.sentence.contains("push: groups"), "{}", goodbye.sentence);
    world.end().await;
}

/// Somebody pushes long changes over several lines while the database holds every commit up. What of
/// it the server takes in to wait has an end; all of it is answered once the database goes on.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_judged_has_an_end() {
    let world = World::new().await;
    let waiting = || -> usize {
        let metrics = sync_server::telemetry::metrics().render();
        let bytes = metrics.lines().find_map(|line| line.strip_prefix("sync_waiting_bytes "));
        bytes.map_or(0, |bytes| bytes.parse().unwrap())
    };
    let item = || PushItem {
        record: RecordId(people::new_id()),
        kind: "organization".into(),
        change: Blob(vec![7; limits::CHANGE_BYTES]),
        receipt: None,
    };
    let long = || PushGroup {
        group: GroupId(people::new_id()),
        seen: None,
        items: (0..20).map(|_| item()).collect(),
    };
    let mut held = world.owner.begin().await.unwrap();
    sqlx::query("SELECT FROM sync.clock FOR UPDATE").execute(&mut *held).await.unwrap();
    let pushing = (0..6).map(|_| async {
        let hello = Hello { replica: ReplicaId(people::new_id()), ..hello(world.token(world.rep)) };
        let (mut line, welcome) = Line::greeted(&world.server.sync_url(), hello).await;
        welcome.unwrap();
        line.push(vec![long()]).await.map(|verdicts| verdicts.len())
    });
    let pushing = futures_util::future::join_all(pushing);
    let watching = async {
        while waiting() == 0 {
            tokio::task::yield_now().await;
        }
        // Of six pushes there is room for two; the others came meanwhile or come now, and wait outside.
        assert!(waiting() <= limits::WAITING_BYTES_PER_USER);
        held.rollback().await.unwrap();
    };
    let (verdicts, ()) = tokio::join!(pushing, watching);
    assert!(
        verdicts.iter().all(|one| one.as_ref().is_ok_and(|count| *count == 20)),
        "{verdicts:?}"
    );
    assert_eq!(waiting(), 0);
    world.end().await;
}
