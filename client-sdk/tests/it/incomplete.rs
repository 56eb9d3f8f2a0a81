//! A copy to which only part of what its user sees has come.

use std::collections::BTreeMap;
use std::path::Path;

use client_sdk::Client;
use client_sdk::core::cell::Cell;
use client_sdk::core::ids::{FeedPosition, RecordId, ScopeId, ServerEpoch};
use client_sdk::core::protocol::{
    Blob, FeedBatch, FeedItem, ServerMessage, SessionLimits, Welcome,
};
use client_sdk::core::replica::Incomplete;
use client_sdk::core::time::UnixMs;
use serde_json::{Value, json};

use crate::kit::{begun, fails, ok, pantry, said};

/// A server that says what it is told to say.
struct Server {
    client: Client,
    position: u32,
}

impl Server {
    /// Lets a client in; what it is to get comes next.
    fn welcome(dir: &Path, live: bool) -> Self {
        let client = Client::open(&dir.join("a.db"), None).unwrap();
        let welcome = Welcome {
            protocol: 1,
            user: client.user(),
            role: "sales_rep".into(),
            epoch: ServerEpoch(uuid::Uuid::from_u128(9)),
            now: UnixMs(1_800_000_000_000),
            limits: SessionLimits {
                frame_bytes: 1 << 20,
                inflated_bytes: 1 << 20,
                changes_per_push: 100,
                changes_per_group: 100,
                change_bytes: 1 << 16,
                push_window: 4,
                feed_window: 4,
            },
            live,
            fingerprint: None,
        };
        client.with_replica(|replica, _| replica.connect("token", "test").map(drop)).unwrap();
        let server = Self { client, position: 0 };
        server.says(ServerMessage::Welcome(welcome));
        server
    }

    fn says(&self, message: ServerMessage) {
        let frame = message.to_bytes();
        self.client
            .with_replica(|replica, env| replica.handle_frame(&frame, env).map(drop))
            .unwrap();
    }

    /// Sends a territory, after which so many records are still to come.
    fn sends(&mut self, anew: bool, remaining: u64) {
        self.position += 1;
        let name = Cell::Text(format!("Territory {}", self.position));
        let item = FeedItem {
            record: RecordId(uuid::Uuid::from_u128(self.position.into())),
            kind: "territory".into(),
            scope: ScopeId::EVERYONE,
            snapshot: None,
            changes: Vec::new(),
            receipts: Vec::new(),
            row: None,
            fields: Some(BTreeMap::from([("name".to_owned(), name)])),
        };
        self.says(ServerMessage::Feed(FeedBatch {
            cursor: Blob(self.position.to_be_bytes().to_vec()),
            items: vec![item],
            anew,
            live: remaining == 0,
            head: FeedPosition(self.position.into()),
            remaining,
            ..FeedBatch::default()
        }));
    }
}

fn status(dir: &Path) -> Value {
    serde_json::from_str(&ok(dir, &["--json", "status"])).unwrap()
}

fn places(dir: &Path) {
    std::fs::write(dir.join("p.csv"), "name,cuisine\nGrand,Thai\nHarbor,French\n").unwrap();
}

/// A first sync stops after two records of five thousand. Whoever looks at the copy is told that most of
/// it is missing, and an import, which would create everything a second time, is refused until all has
/// come, however many sessions that takes.
#[test]
fn a_copy_that_never_had_everything_says_so_and_takes_no_import() {
    let dir = begun();
    let dir = dir.path();
    places(dir);
    let mut server = Server::welcome(dir, false);
    server.sends(true, 4_999);
    server.sends(false, 4_998);
    let position = server.position;
    drop(server);

    let said_of_it = "this copy is not complete: 2 of 5000 records have come";
    assert!(
        ok(dir, &["status"]).starts_with(&format!("offline · {said_of_it} · everything is sent"))
    );
    let value = status(dir);
    assert_eq!(
        [&value["complete"], &value["came"], &value["to_come"]],
        [&json!(false), &json!(2), &json!(4_998)]
    );
    for args in [&["list", "organization"][..], &["search", "grand"], &["query", "SELECT 1"]] {
        let errors = said(dir, args);
        assert_eq!(errors.matches(said_of_it).count(), 1, "{args:?}: {errors}");
        let errors = said(dir, &[&["--json"], args].concat());
        let line: Value = serde_json::from_str(&errors).unwrap();
        assert!(line["warning"].as_str().unwrap().contains(said_of_it), "{args:?}: {errors}");
    }
    let (code, errors) = fails(dir, &["import", "p.csv"]);
    assert_eq!(code, 1);
    assert!(errors.contains(said_of_it) && errors.contains("--incomplete"), "{errors}");
    assert!(said(dir, &["import", "p.csv", "--preview"]).contains(said_of_it));
    ok(dir, &["import", "p.csv", "--incomplete"]);

    let mut server = Server::welcome(dir, false);
    server.position = position;
    server.sends(false, 1);
    let left = Incomplete { came: 3, to_come: Some(1) };
    assert_eq!(server.client.incomplete().unwrap(), Some(left));
    server.sends(false, 0);
    assert_eq!(server.client.status().unwrap().incomplete, None);
    drop(server);
    assert_eq!(status(dir)["complete"], json!(true));
    assert_eq!(said(dir, &["query", "SELECT 1"]), "");
    ok(dir, &["import", "p.csv"]);
}

/// The line breaks after the server's first word, before anything came.
#[test]
fn a_copy_whose_line_broke_before_anything_came_says_so() {
    let dir = begun();
    let dir = dir.path();
    places(dir);
    drop(Server::welcome(dir, false));
    let line = ok(dir, &["status"]);
    assert!(line.contains("this copy is not complete: what the server has for it"), "{line}");
    assert_eq!(status(dir)["to_come"], Value::Null);
    assert_eq!(fails(dir, &["import", "p.csv"]).0, 1);
}

/// A device that never heard a server lacks nothing that it could know of: it imports as before.
#[test]
fn a_device_that_never_heard_a_server_imports() {
    let dir = begun();
    let dir = dir.path();
    places(dir);
    assert_eq!(status(dir)["complete"], json!(true));
    let output = pantry(dir, &["import", "p.csv"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A later session of a complete copy, and a feed that begins anew and has come to its end, leave it
/// complete.
#[test]
fn a_copy_that_had_everything_stays_complete() {
    let dir = begun();
    let dir = dir.path();
    Server::welcome(dir, false).sends(true, 0);
    assert_eq!(status(dir)["complete"], json!(true));
    let mut server = Server::welcome(dir, false);
    server.position = 1;
    server.sends(false, 7);
    assert_eq!(server.client.incomplete().unwrap(), None, "what is new is no first sync");
    drop(server);
    assert_eq!(status(dir)["complete"], json!(true));
}
