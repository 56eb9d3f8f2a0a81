//! Many users over few connections, many of them gone in the middle of a request.

use std::task::Poll;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::Executor;
use sync_core::cell::Cell;
use sync_core::document::{self, Pen, PenRole, RecordEdit};
use sync_core::guard;
use sync_core::hub::{PushJob, PushedChange, PushedGroup};
use sync_core::ids::{Actor, EventId, GroupId, RecordId, ReplicaId, UserId};
use sync_server::clock;
use sync_server::committer::Committer;
use sync_server::ops::people::{entropy, new_id};
use sync_server::store;
use sync_server::store::rules::Rules;
use uuid::Uuid;

use crate::feed::Feed;
use crate::harness::{PATIENCE, World, until};

const USERS: usize = 1000;
const CONNECTIONS: u32 = 2;

/// A change that begins an account, as a device would push it.
fn account(user: UserId, name: &str) -> (RecordId, PushedGroup) {
    let kind = crate::harness::kind("organization");
    let now = clock::now();
    let record = RecordId(new_id());
    let pen = Pen { actor: Actor(entropy()), author: user, now, role: PenRole::Device };
    let edit = RecordEdit::parse(&kind, [("name", name)]).unwrap();
    let mut mint = || EventId::mint(now, entropy());
    let (_, change) = document::create(&kind, record, &edit, &pen, &mut mint).unwrap();
    let parsed = guard::parse(&change.bytes);
    let change =
        PushedChange { record, kind: kind.name.into(), hash: change.hash, parsed, receipt: None };
    (
        record,
        PushedGroup { group: GroupId::mint(now, entropy()), seen: None, changes: vec![change] },
    )
}

/// Does some work, and drops it after so many moments at which it had to wait.
async fn dropped_after<T>(moments: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = Box::pin(work);
    let mut left = moments;
    std::future::poll_fn(move |context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// A thousand users push and read over two connections; three in ten give up at a random moment.
/// Nobody reads another's row, every acknowledged push is stored, and no transaction stays open.
#[tokio::test(flavor = "multi_thread")]
async fn dropped_requests_leave_nothing_behind_for_others() {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::new().await;
    let users: Vec<Uuid> = (0..USERS).map(|_| new_id()).collect();
    sqlx::query(
        "INSERT INTO public.users (id, email, role)
         SELECT id, id || '@example.com', 'sales_rep' FROM UNNEST($1::uuid[]) AS t(id)",
    )
    .bind(&users)
    .execute(&world.owner)
    .await
    .unwrap();
    let pool = store::connect(&world.config.database_url, CONNECTIONS, PATIENCE).await.unwrap();
    let rules = std::sync::Arc::new(Rules::load(&pool, sync_core::crm::schema()).await.unwrap());
    let committer = Committer::start(pool.clone(), rules, PATIENCE);
    // At once; more would wait for a connection until they were told that there is none.
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(50));
    let mut tasks = tokio::task::JoinSet::new();
    for user in users.iter().copied().map(UserId) {
        // After the first moment at which there is something to wait for, or at most the four hundredth.
        let moments = random.random_bool(0.3).then(|| 10_f64.powf(random.random_range(0.0..2.6)));
        let moments = moments.map(|moments| moments as u32);
        let (pool, committer, places) = (pool.clone(), committer.clone(), places.clone());
        tasks.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let name = format!("Account of {user}");
            let (record, group) = account(user, &name);
            let work = async {
                let replica = ReplicaId(new_id());
                let verdicts =
                    committer.push(PushJob::of_device(user, replica, vec![group])).await.unwrap();
                assert_eq!(verdicts.len(), 1);
                let mut feed = Feed::open(&pool, user).await;
                let mut names = Vec::new();
                while let Some(batch) = feed.next(&[]).await {
                    for item in batch.items.into_iter().filter(|i| i.kind == "organization") {
                        names.push(item.row.unwrap()[3].clone());
                    }
                }
                assert_eq!(names, [Cell::Text(name.clone())], "what {user} sees");
                record
            };
            match moments {
                None => Some(work.await),
                Some(moments) => dropped_after(moments, work).await,
            }
        });
    }
    let mut acknowledged = Vec::new();
    let mut dropped = 0;
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            Some(record) => acknowledged.push(record.0),
            None => dropped += 1,
        }
    }
    println!("{dropped} gave up");
    assert!(dropped > 0, "nobody gave up; seed {seed}");
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM public.organizations WHERE id = ANY($1)")
            .bind(&acknowledged)
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!(stored as usize, acknowledged.len(), "seed {seed}");
    world.assert_projected().await;
    drop(committer);
    // Returned connections are looked at in the background.
    until(&format!("no transaction is left open; seed {seed}"), async || {
        let sql = "SELECT count(*) = 0 FROM pg_stat_activity
             WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        sqlx::query_scalar(sql).fetch_one(&world.owner).await.unwrap()
    })
    .await;
    pool.close().await;
    world.end().await;
}

/// A connection given back in the middle of somebody's transaction is closed; one given back in order
/// serves the next.
#[tokio::test]
async fn a_connection_in_the_middle_of_something_is_not_given_to_the_next() {
    let world = World::new().await;
    let pool = store::connect(&world.config.database_url, 1, PATIENCE).await.unwrap();
    let who = "SELECT pg_backend_pid(), current_user::text";
    let (first, _): (i32, String) = sqlx::query_as(who).fetch_one(&pool).await.unwrap();
    let (second, _): (i32, String) = sqlx::query_as(who).fetch_one(&pool).await.unwrap();
    assert_eq!(first, second);
    let mut connection = pool.acquire().await.unwrap();
    // As text, so that the library does not know of the transaction.
    connection.execute("BEGIN; SET LOCAL ROLE authenticated").await.unwrap();
    drop(connection);
    let (third, role): (i32, String) = sqlx::query_as(who).fetch_one(&pool).await.unwrap();
    assert_ne!(third, first);
    assert_eq!(role, "pantry_server");
    pool.close().await;
    world.end().await;
}
