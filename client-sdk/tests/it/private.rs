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

fn pantry(dir: &Path, args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_pantry"))
        .env("PANTRY_DB", "a.db")
        .args(args)
        .current_dir(dir)
        .env_remove("PANTRY_TOKEN")
        .env_remove("PANTRY_TOKEN_FILE")
        .output()
        .unwrap()
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// In a directory that others may write to, somebody puts a pipe where a program keeps something beside its
/// database, or where the database is to be. Whoever opened it would wait for ever; so it is refused by
/// name, by every command, and opened by none.
#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(pantry(dir, &["init", "--user", USER]).status.success());
    for end in ["-link", "-wal", "-shm", "-journal"] {
        let path = dir.join(format!("a.db{end}"));
        let _ = std::fs::remove_file(&path);
        pipe(&path);
        for args in [
            &["sync", "--server", "ws://127.0.0.1:9/sync", "--token", "a.b.c"][..],
            &["status"],
            &["new", "organization", "name=Grand"],
            &["rescue", "--out", "edits.jsonl"],
        ] {
            let output = pantry(dir, args);
            let errors = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success(), "{end} {args:?}");
            assert!(errors.contains(&format!("a.db{end} is no file")), "{end} {args:?}: {errors}");
        }
        std::fs::remove_file(&path).unwrap();
    }
    assert!(pantry(dir, &["status"]).status.success());
    std::fs::remove_file(dir.join("a.db")).unwrap();
    pipe(&dir.join("a.db"));
    for args in [&["init", "--user", USER][..], &["status"], &["rescue", "--out", "edits.jsonl"]] {
        let output = pantry(dir, args);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && errors.contains("a.db is no file"),
            "{args:?}: {errors}"
        );
    }
}

/// A link beside a database would have what is written there land elsewhere.
#[test]
fn a_link_beside_a_database_is_refused_and_one_to_a_database_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(pantry(dir, &["init", "--user", USER]).status.success());
    std::os::unix::fs::symlink(dir.join("elsewhere"), dir.join("a.db-link")).unwrap();
    let output = pantry(dir, &["status"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && errors.contains("a.db-link is no file"), "{errors}");
    std::fs::remove_file(dir.join("a.db-link")).unwrap();
    std::fs::rename(dir.join("a.db"), dir.join("b.db")).unwrap();
    std::os::unix::fs::symlink(dir.join("b.db"), dir.join("a.db")).unwrap();
    assert!(pantry(dir, &["status"]).status.success());
}

/// A command that waits for a token out of a pipe to which nobody writes ends when it is told to.
#[test]
fn a_token_that_does_not_come_out_of_its_pipe_keeps_nobody_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(pantry(dir, &["init", "--user", USER]).status.success());
    pipe(&dir.join("token"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_pantry"))
        .args(["--db", "a.db", "sync", "--server", "ws://127.0.0.1:9/sync"])
        .args(["--token-file", "token"])
        .current_dir(dir)
        .spawn()
        .unwrap();
    // Its thread for the file is there: it waits.
    let tasks = format!("/proc/{}/task", child.id());
    let waits = || {
        let names = std::fs::read_dir(&tasks).unwrap().map(|task| {
            std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()
        });
        names.into_iter().any(|name| name.trim() == "token file")
    };
    while cfg!(target_os = "linux") && !waits() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        std::thread::yield_now();
    }
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    // It ends, by the signal or by its own answer to it.
    assert!(!child.wait().unwrap().success());
}

/// As root alone a file can be given to somebody else; `a_file_that_somebody_else_made_is_not_used` asks
/// the same of the rule for whoever runs the tests.
#[test]
fn what_stands_where_a_command_writes_is_used_if_it_is_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(pantry(dir, &["init", "--user", USER]).status.success());
    let theirs = dir.join("edits.jsonl");
    std::fs::write(&theirs, "").unwrap();
    chmod(&theirs, 0o666);
    let given = std::os::unix::fs::chown(&theirs, Some(54_321), None).is_ok();
    let output = pantry(dir, &["quarantine", "export", "--out", "edits.jsonl"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), !given, "{errors}");
    assert_eq!(errors.contains("belongs to another user"), given, "{errors}");
    for end in ["", "-wal"] {
        let path = dir.join(format!("b.db{end}"));
        std::fs::write(&path, "").unwrap();
        chmod(&path, 0o666);
        let given = std::os::unix::fs::chown(&path, Some(54_321), None).is_ok();
        let output = pantry(dir, &["--db", "b.db", "init", "--user", USER]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), !given, "{errors}");
        assert_eq!(errors.contains("belongs to another user"), given, "{errors}");
        std::fs::remove_file(&path).unwrap();
    }
}
