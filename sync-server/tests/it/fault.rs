//! A fault in the engine: one change on which judging panics.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sync_core::crm;
use sync_core::document::{self, Pen, PenRole, RecordEdit};
use sync_core::error::RefusalCode;
use sync_core::guard;
use sync_core::hub::{Moment, Moments, PushJob, PushedChange, PushedGroup};
use sync_core::ids::{Actor, EventId, GroupId, RecordId, ReplicaId, UserId};
use sync_core::protocol::{OpinionOutcome, Verdict, VerdictOutcome};
use sync_server::clock::now;
use sync_server::committer::{Committer, CommitterHealth};
use sync_server::http::client;
use sync_server::ops::people::{entropy, new_id};
use sync_server::store::rules::Rules;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::{GENEROUS, PATIENCE, World, until};

/// A change that begins an account, as a device would push it.
pub(crate) fn account(user: Uuid, name: &str) -> PushedChange {
    let (now, schema) = (now(), crm::schema());
    let kind = schema.kind("organization").unwrap();
    let record = RecordId(new_id());
    let author = UserId(user);
    let pen = Pen { actor: Actor(entropy()), author, now, role: PenRole::Device };
    let edit = RecordEdit::parse(kind, [("name", name)]).unwrap();
    let mut mint = || EventId::mint(now, entropy());
    let (_, change) = document::create(kind, record, &edit, &pen, &mut mint).unwrap();
    let parsed = guard::parse(&change.bytes);
    PushedChange { record, kind: kind.name.into(), hash: change.hash, parsed, receipt: None }
}

pub(crate) fn job(user: Uuid, changes: Vec<PushedChange>) -> PushJob {
    let group = |change| PushedGroup {
        group: GroupId::mint(now(), entropy()),
        seen: None,
        changes: vec![change],
    };
    let groups = changes.into_iter().map(group).collect();
    PushJob::of_device(UserId(user), ReplicaId(new_id()), groups)
}

pub(crate) fn codes(verdicts: &[Verdict]) -> Vec<Option<RefusalCode>> {
    let code = |verdict: &Verdict| match &verdict.outcome {
        VerdictOutcome::Accepted(_) => None,
        VerdictOutcome::Refused(refusal) => RefusalCode::parse(&refusal.code),
    };
    verdicts.iter().map(code).collect()
}

/// A rule of the guard is missing, and judging one change of many panics outside of what is caught.
/// That change alone is refused; its neighbours in the push and in the batch are accepted; and the
/// process goes on committing.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_which_judging_panics_is_refused_and_the_server_goes_on() {
    let world = World::new().await;
    let of_rosa: Vec<PushedChange> =
        (0..7).map(|n| account(world.rep, &format!("Account {n}"))).collect();
    let marked = of_rosa[4].hash;
    let faults = Arc::new(AtomicUsize::new(0));
    let counted = faults.clone();
    let moments = Moments::told_to(move |moment| {
        if moment == Moment::Judging(marked) {
            counted.fetch_add(1, Ordering::Relaxed);
            panic!("a fault in the engine");
        }
    });
    let pool = world.server.app.pool.clone();
    let rules = Arc::new(Rules::load(&pool, crm::schema()).await.unwrap());
    let committer = Committer::start_told(pool, rules, PATIENCE, moments);
    // Held back, so that what comes meanwhile is committed together.
    let mut held = world.owner.begin().await.unwrap();
    sqlx::query("SELECT last_position FROM sync.clock FOR UPDATE")
        .fetch_one(&mut *held)
        .await
        .unwrap();
    let first = committer.push(job(world.rep, vec![account(world.rep, "First")]));
    let rosa = committer.push(job(world.rep, of_rosa.clone()));
    let omar = committer.push(job(world.other_rep, vec![account(world.other_rep, "Omar's")]));
    let release = async { held.rollback().await.unwrap() };
    let (first, rosa, omar, ()) = tokio::join!(first, rosa, omar, release);
    assert_eq!(codes(&first.unwrap()), [None]);
    let mut expected = [None; 7];
    expected[4] = Some(RefusalCode::EngineFault);
    assert_eq!(codes(&rosa.unwrap()), expected);
    assert_eq!(codes(&omar.unwrap()), [None]);
    assert!(faults.load(Ordering::Relaxed) > 1, "the fault was searched for");
    // A question about it is not the end either.
    let opinions = committer.ask(job(world.rep, vec![of_rosa[4].clone()])).await;
    let [opinion] = &opinions[..] else { panic!("one opinion: {opinions:?}") };
    let OpinionOutcome::Refused(refusal) = &opinion.would_be else { panic!("{opinion:?}") };
    assert_eq!(RefusalCode::parse(&refusal.code), Some(RefusalCode::Internal));
    let after = committer.push(job(world.rep, vec![account(world.rep, "After")])).await;
    assert_eq!(codes(&after.unwrap()), [None]);
    assert_eq!(committer.health(), CommitterHealth::Well);
    world.assert_projected().await;
    world.end().await;
}

/// Judging takes the processor for as long as it lasts, here until the server has said that it is well. It
/// does so though a single thread serves everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_a_push_is_judged_the_server_goes_on_answering() {
    let world = World::new().await;
    let (judging, begun) = std::sync::mpsc::channel();
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    let (judging, waits) = (Mutex::new(judging), Mutex::new(waits));
    let moments = Moments::told_to(move |moment| {
        if matches!(moment, Moment::Judging(_)) {
            judging.lock().unwrap().send(()).unwrap();
            waits.lock().unwrap().recv_timeout(GENEROUS).expect("the server answered meanwhile");
        }
    });
    let pool = world.server.app.pool.clone();
    let rules = Arc::new(Rules::load(&pool, crm::schema()).await.unwrap());
    let committer = Committer::start_told(pool, rules, PATIENCE, moments);
    let url = format!("http://{}/health", world.server.address);
    let asking = async {
        tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        let client = client::builder().timeout(GENEROUS).no_proxy().build().unwrap();
        let status = client.get(&url).send().await.unwrap().status();
        go_on.send(()).unwrap();
        status
    };
    let pushing = committer.push(job(world.rep, vec![account(world.rep, "First")]));
    let (status, verdicts) = tokio::join!(asking, pushing);
    assert_eq!(status, 200);
    assert_eq!(codes(&verdicts.unwrap()), [None]);
    world.end().await;
}

/// A database that does not answer is told of before whoever asks has lost patience.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_is_unhealthy_soon() {
    let world = World::new().await;
    let pool = &world.server.app.pool;
    let mut taken = Vec::new();
    let url = format!("http://{}/health", world.server.address);
    let client = client::builder().timeout(GENEROUS).no_proxy().build().unwrap();
    until("all that the server's own tasks do not hold is taken", async || {
        if let Ok(taken_too) = timeout(Duration::from_secs(1), pool.acquire()).await {
            taken.push(taken_too.unwrap());
            return false;
        }
        let answer = client.get(&url).send().await.unwrap();
        answer.status() == 503
            && answer.text().await.unwrap().contains("the database does not answer")
    })
    .await;
    drop(taken);
    // They are looked at before they are lent again, which on a busy machine takes a moment.
    while client.get(&url).send().await.unwrap().status() != 200 {}
    world.end().await;
}
