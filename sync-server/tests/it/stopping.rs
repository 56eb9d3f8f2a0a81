//! A server that is told to stop, as platforms do it.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use sync_core::protocol::{Goodbye, GoodbyeCode, VerdictOutcome};
use tokio::net::TcpStream;

use crate::caller::Caller;
use crate::harness::{ServerProcess, World, create};
use crate::wire::outbox;

const DEVICES: usize = 12;

fn tell(server: &ServerProcess, signal: Signal) {
    let pid = Pid::from_raw(server.child.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn come_back_ms(goodbye: &Goodbye) -> u64 {
    assert_eq!(goodbye.code, GoodbyeCode::Unavailable.as_str());
    goodbye.retry_after_ms.expect("it says when to come back")
}

/// Every session, open or not, hears why it ends and when to come back, not all at the same moment,
/// and is closed as a restart.
#[tokio::test(flavor = "multi_thread")]
async fn every_session_hears_goodbye_and_when_to_come_back() {
    let world = World::new().await;
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = ServerProcess::start(&world.config).await;
        let url = server.sync_url();
        let mut callers = vec![Caller::dial(&url).await];
        for user in [world.rep, world.manager].iter().cycle().take(DEVICES) {
            let mut caller = Caller::greet(&url, &world.token(*user)).await;
            caller.welcome().await;
            callers.push(caller);
        }
        tell(&server, signal);
        let mut moments = HashSet::new();
        for caller in &mut callers {
            let goodbye = caller.end().await.expect("it says why");
            assert_eq!(caller.closed, Some(1012));
            moments.insert(come_back_ms(&goodbye));
        }
        assert!(moments.len() > 1, "all at once: {moments:?}");
        let status = tokio::task::spawn_blocking(move || server.child.wait().unwrap());
        assert!(status.await.unwrap().success(), "it ends by itself");
    }
    world.end().await;
}

/// A push that is being committed when the server is told to stop: the device hears that it was
/// accepted, and goodbye only then.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_committed_is_finished_and_told() {
    let world = World::new().await;
    let server = ServerProcess::start(&world.config).await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let (mut line, groups) = outbox(&server.sync_url(), &rosa).await;
    let mut other = PgConnection::connect(&world.config.database_url).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    sqlx::query("SELECT * FROM sync.clock FOR UPDATE").execute(&mut *lock).await.unwrap();
    let pushed = tokio::spawn(async move {
        let verdicts = line.push(groups).await.expect("verdicts before goodbye");
        (verdicts, line.goodbye().await)
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&world.owner).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tell(&server, Signal::TERM);
    // It takes no more connections: it knows that it is to stop.
    while TcpStream::connect(server.address()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    lock.rollback().await.unwrap();
    let (verdicts, goodbye) = pushed.await.unwrap();
    assert!(verdicts.iter().all(|one| matches!(one.outcome, VerdictOutcome::Accepted(_))));
    come_back_ms(&goodbye.expect("it says why"));
    let stored = world.ids_of(world.rep, "organizations").await;
    assert_eq!(stored, [account.0]);
    drop(server);
    world.end().await;
}
