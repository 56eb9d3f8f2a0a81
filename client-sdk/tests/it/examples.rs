//! The examples that need no server, run. The others run beside a server, in `sync-server/tests/`.

use client_sdk::core::ids::UserId;

#[allow(dead_code)]
#[path = "../../examples/offline_edit.rs"]
mod offline_edit;
#[allow(dead_code)]
#[path = "../../examples/status.rs"]
mod status;

const USER: UserId = UserId(uuid::Uuid::from_u128(7));

#[test]
fn the_example_offline_edit_runs() {
    let directory = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    offline_edit::run(&directory.path().join("a.db"), USER, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("not created: name is missing"), "{out}");
    assert!(out.contains("found Café Zoë"), "{out}");
    assert!(out.contains("listed Café Zoë [\"patio\"]"), "{out}");
    assert!(out.contains("2 edits only on this device"), "{out}");
}

/// Without a server: the edit waits, and the status says why.
#[tokio::test]
async fn the_example_status_runs_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    status::run(&directory.path().join("a.db"), USER, None, &mut out).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("offline · everything is sent\n"), "{out}");
    assert!(out.contains("1 edit only on this device"), "{out}");
    assert!(out.lines().last().unwrap().contains("no server answers"), "{out}");
}
