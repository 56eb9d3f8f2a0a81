//! A device's files are their owner's alone.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use client_sdk::Client;
use client_sdk::core::document::RecordEdit;
use client_sdk::core::ids::UserId;
use sync_core::crm;

const USER: &str = "01a20878-e375-72ee-8516-8e43d0b76d93";

fn user() -> UserId {
    USER.parse().unwrap()
}

/// The files that others than their owner may read or write.
fn open_to_others(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let open = entries.filter(|entry| entry.metadata().unwrap().permissions().mode() & 0o077 != 0);
    open.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn edit(client: &Client) {
    let kind = crm::schema().kind("organization").unwrap().clone();
    let edit = RecordEdit::parse(&kind, [("name", "Kitchen")]).unwrap();
    client.create(&kind, edit).unwrap();
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn a_database_and_what_stands_beside_it_are_readable_by_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pantry.db");
    let client = Client::open(&path, Some(user())).unwrap();
    edit(&client);
    let count = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(count, 3, "the database, its journal and what processes share");
    assert_eq!(open_to_others(dir.path()), [""; 0]);
}

#[test]
fn a_database_that_others_could_read_is_closed_to_them_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pantry.db");
    let first = Client::open(&path, Some(user())).unwrap();
    edit(&first);
    let names = ["pantry.db", "pantry.db-wal", "pantry.db-shm"];
    for name in names {
        chmod(&dir.path().join(name), 0o644);
    }
    assert_eq!(open_to_others(dir.path()).len(), 3);
    let second = Client::open(&path, None).unwrap();
    assert_eq!(open_to_others(dir.path()), [""; 0]);
    edit(&second);
    edit(&first);
    assert_eq!(open_to_others(dir.path()), [""; 0]);
    // A file of which a host opened the connection itself.
    drop((first, second));
    chmod(&path, 0o664);
    let db = rusqlite::Connection::open(&path).unwrap();
    let options = client_sdk::core::replica::OpenOptions { schema: crm::schema(), user: None };
    let _third = Client::open_with(db, options).unwrap();
    assert_eq!(open_to_others(dir.path()), [""; 0]);
}

/// With every permission given by default, and into files that were there.
#[test]
fn what_the_command_line_writes_is_readable_by_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["document.automerge", "edits.jsonl"] {
        std::fs::write(dir.path().join(name), "much longer than what will be written here")
            .unwrap();
        chmod(&dir.path().join(name), 0o644);
    }
    let pantry = |args: &str| {
        let program = env!("CARGO_BIN_EXE_pantry");
        let line = format!("umask 0; exec {program} --db a.db {args}");
        let output =
            Command::new("sh").args(["-c", &line]).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    pantry(&format!("init --user {USER}"));
    let id = pantry("new organization name=Kitchen");
    pantry(&format!("export-document {} --out document.automerge", id.trim()));
    pantry("quarantine export --out edits.jsonl");
    pantry("rescue --out rescued.jsonl");
    assert_eq!(open_to_others(dir.path()), [""; 0]);
    assert_eq!(std::fs::read(dir.path().join("edits.jsonl")).unwrap(), b"");
}
