//! What is saved of a damaged database, and how it comes into another one.

use std::path::Path;

use serde_json::{Value, json};

use crate::kit::{USER, begun, cell, fails, ok, pantry};

const PAGE: usize = 4096;

/// A device with so many unsent edits, in a file that has all of them.
fn with_edits(count: usize) -> tempfile::TempDir {
    let dir = crate::kit::begun();
    for number in 0..count {
        ok(
            dir.path(),
            &["new", "organization", &format!("name=Kitchen {number}"), "notes=Open late."],
        );
    }
    dir
}

fn damage(dir: &Path, at: usize, length: usize) {
    let file = dir.join("a.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[at..at + length].fill(0xa5);
    std::fs::write(file, bytes).unwrap();
}

/// The exit code, and what was said of it as JSON.
fn rescue(dir: &Path, out: &str) -> (i32, Value) {
    let output = pantry(dir, &["--json", "rescue", "--out", out]);
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), serde_json::from_str(&said).unwrap_or_default())
}

/// The sixteen bytes by which SQLite knows a database are gone, or all that it says of itself at its
/// beginning. Every edit is saved, put into another database once, and sent from there like any other.
#[test]
fn edits_of_a_file_whose_beginning_is_damaged_are_put_into_another_one() {
    for length in [16, 24] {
        let dir = with_edits(12);
        let dir = dir.path();
        damage(dir, 0, length);
        let (code, errors) = fails(dir, &["list", "organization"]);
        assert!(code == 4 && errors.contains("pantry rescue"), "{errors}");
        let (code, said) = rescue(dir, "edits.jsonl");
        assert_eq!((code, &said["edits"], &said["unreadable"]), (0, &json!(12), &json!(0)));

        std::fs::remove_file(dir.join("a.db")).unwrap();
        ok(dir, &["init", "--user", USER]);
        let said = ok(dir, &["rescue", "--back", "edits.jsonl", "--yes"]);
        assert!(said.starts_with("12 edits unsent again"), "{said}");
        let said = ok(dir, &["rescue", "--back", "edits.jsonl", "--yes"]);
        assert!(said.starts_with("0 edits unsent again, 12 here already"), "{said}");
        assert_eq!(
            cell(dir, "SELECT count(*) FROM organizations WHERE notes = 'Open late.'"),
            json!(12)
        );
        assert!(ok(dir, &["search", "kitchen"]).contains("12 rows"));
        assert!(ok(dir, &["status"]).contains("12 edits only on this device"));
    }
}

/// Whichever page is damaged, the edits that are saved and those that are said to be lost are all that
/// there were; and when any is lost, the exit code says so.
#[test]
fn what_could_not_be_read_is_said() {
    let whole = with_edits(60);
    let sound = std::fs::read(whole.path().join("a.db")).unwrap();
    let mut lossy = 0;
    for page in 1..sound.len() / PAGE {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db"), &sound).unwrap();
        damage(dir.path(), page * PAGE, PAGE);
        let (code, said) = rescue(dir.path(), "edits.jsonl");
        let lines = std::fs::read_to_string(dir.path().join("edits.jsonl")).unwrap_or_default();
        let count = lines.lines().count() as u64;
        let said = (code, said["edits"].as_u64(), said["unreadable"].as_u64());
        if count == 60 {
            assert_eq!(said, (0, Some(60), Some(0)), "page {page}");
        } else if code != 4 {
            lossy += 1;
            assert_eq!((said.0, said.1), (8, Some(count)), "page {page}");
            assert!(said.2.is_none_or(|lost| lost == 60 - count), "page {page}: {said:?}");
        }
    }
    assert!(lossy > 0, "no page with edits was damaged");
}

/// A file of edits may be the only copy there is: a second rescue does not write over it, and one that
/// cannot be written leaves nothing behind.
#[test]
fn a_rescue_never_writes_over_what_is_there() {
    let dir = with_edits(2);
    let dir = dir.path();
    assert_eq!(rescue(dir, "edits.jsonl").0, 0);
    let first = std::fs::read(dir.join("edits.jsonl")).unwrap();
    ok(dir, &["new", "organization", "name=Third"]);
    let (code, errors) = fails(dir, &["rescue", "--out", "edits.jsonl"]);
    assert!(code == 1 && errors.contains("name another file"), "{errors}");
    assert!(std::fs::read(dir.join("edits.jsonl")).unwrap() == first);
    assert_eq!(rescue(dir, "more.jsonl").1["edits"], json!(3));
    #[cfg(unix)]
    {
        // No file may grow, as on a full disk.
        let cramped = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
            .args([env!("CARGO_BIN_EXE_pantry"), "--db", "a.db", "rescue", "--out", "full.jsonl"])
            .current_dir(dir)
            .output()
            .unwrap();
        let errors = String::from_utf8(cramped.stderr).unwrap();
        assert_eq!(cramped.status.code(), Some(1), "{errors}");
        assert!(errors.contains("nothing was written") && !dir.join("full.jsonl").exists());
    }
    let (code, errors) = fails(dir, &["rescue", "--out", "nowhere/edits.jsonl"]);
    assert!(code == 1 && errors.contains("nothing was written"), "{errors}");
    let parts = std::fs::read_dir(dir).unwrap().filter_map(Result::ok);
    assert_eq!(
        parts.filter(|file| file.path().extension().is_some_and(|end| end == "part")).count(),
        0
    );
}

/// An edit is put back where what it was made on is there. Edits of one change build on each other, so that
/// one that was left out by hand takes the later ones with it, and these are named.
#[test]
fn an_edit_without_what_it_was_made_on_is_named_and_kept() {
    let dir = with_edits(1);
    let dir = dir.path();
    let id = ok(dir, &["new", "organization", "name=Grand"]);
    ok(dir, &["set", id.trim(), "cuisine=Thai"]);
    assert_eq!(rescue(dir, "edits.jsonl").0, 0);
    let lines = std::fs::read_to_string(dir.join("edits.jsonl")).unwrap();
    let kept: Vec<&str> =
        lines.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, l)| l).collect();
    std::fs::write(dir.join("part.jsonl"), kept.join("\n")).unwrap();

    let other = tempfile::tempdir().unwrap();
    let saved = |name: &str| dir.join(name).display().to_string();
    ok(other.path(), &["init", "--user", USER]);
    let (code, errors) = fails(other.path(), &["rescue", "--back", &saved("part.jsonl"), "--yes"]);
    assert!(code == 8 && errors.contains(id.trim()) && errors.contains("sync first"), "{errors}");
    let status = ok(other.path(), &["status"]);
    assert!(status.contains("1 edit only on this device"), "{status}");
    let said = ok(other.path(), &["rescue", "--back", &saved("edits.jsonl"), "--yes"]);
    assert!(said.starts_with("2 edits unsent again, 1 here already"), "{said}");
    assert_eq!(
        cell(other.path(), "SELECT name FROM organizations WHERE cuisine = 'Thai'"),
        json!("Grand")
    );

    let foreign = tempfile::tempdir().unwrap();
    ok(foreign.path(), &["init", "--user", "01a20878-e375-72ee-8516-8e43d0b76d94"]);
    let (code, errors) =
        fails(foreign.path(), &["rescue", "--back", &saved("edits.jsonl"), "--yes"]);
    assert!(code == 1 && errors.contains("another user's database"), "{errors}");
}

/// Somebody hands a rep a file of edits "to be put back". What is in it would be sent in the rep's name: so
/// each record and field is listed, with what it says and what it would say, and without a word from the
/// rep nothing is written.
#[test]
fn what_a_file_of_edits_would_do_is_listed_before_anything_is_done() {
    let dir = begun();
    let dir = dir.path();
    let id = ok(dir, &["new", "organization", "name=Grand", "cuisine=Thai"]);
    let id = id.trim();
    std::fs::copy(dir.join("a.db"), dir.join("theirs.db")).unwrap();
    let forged = |args: &[&str]| {
        let program = env!("CARGO_BIN_EXE_pantry");
        let output = std::process::Command::new(program)
            .args(["--db", "theirs.db"])
            .args(args)
            .current_dir(dir)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    forged(&["set", id, "cuisine=Greek", "employee_count=7"]);
    forged(&["new", "organization", "name=Forged"]);
    forged(&["rescue", "--out", "edits.jsonl"]);

    let (code, said) = fails(dir, &["rescue", "--back", "edits.jsonl"]);
    assert_eq!(code, 1, "{said}");
    for part in [
        &format!("organization Grand ({id}): changed"),
        "cuisine: Thai → Greek",
        "employee_count: – → 7",
        "organization Forged",
        "name: – → Forged",
        "nothing was put back: 2 edits would be sent in your name",
        "--yes",
    ] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    assert_eq!(
        cell(dir, "SELECT group_concat(name || cuisine) FROM organizations"),
        json!("GrandThai")
    );
    let output = pantry(dir, &["--json", "rescue", "--back", "edits.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let would: Value = serde_json::from_slice(&output.stdout).unwrap();
    let grand = would["would"].as_array().unwrap().iter().find(|one| one["title"] == "Grand");
    let field = &grand.unwrap()["fields"][0];
    assert_eq!(field, &json!({"field": "cuisine", "before": "Thai", "after": "Greek"}));
    assert!(ok(dir, &["status"]).contains("1 edit only on this device"));

    let said = ok(dir, &["rescue", "--back", "edits.jsonl", "--yes"]);
    assert!(said.starts_with("2 edits unsent again, 1 here already"), "{said}");
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(2));
}

/// On a terminal the person is asked, and only a yes is one.
#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_whoever_puts_edits_back_is_asked() {
    use std::io::Write;
    let dir = with_edits(2);
    let dir = dir.path();
    assert_eq!(rescue(dir, "edits.jsonl").0, 0);
    std::fs::remove_file(dir.join("a.db")).unwrap();
    ok(dir, &["init", "--user", USER]);
    let line = format!("{} --db a.db rescue --back edits.jsonl", env!("CARGO_BIN_EXE_pantry"));
    let answered = |answer: &str| {
        let mut child = std::process::Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .current_dir(dir)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut keys = child.stdin.take().unwrap();
        writeln!(keys, "{answer}").unwrap();
        // The terminal stays as long as the program runs.
        let output = child.wait_with_output().unwrap();
        drop(keys);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = answered("");
    assert!(code == Some(1) && said.contains("name: – → Kitchen 1"), "{said}");
    assert!(said.contains("[y/N]") && said.contains("nothing was put back"), "{said}");
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(0));
    let (code, said) = answered("y");
    assert!(code == Some(0) && said.contains("2 edits unsent again"), "{said}");
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(2));
}

/// A file of edits is a stranger's: what is no change, and what names somebody else as its author, is left.
#[test]
fn what_a_file_of_edits_forges_is_left() {
    let dir = with_edits(1);
    let dir = dir.path();
    assert_eq!(rescue(dir, "edits.jsonl").0, 0);
    let lines = std::fs::read_to_string(dir.join("edits.jsonl")).unwrap();
    let mut line: Value = serde_json::from_str(&lines).unwrap();
    line["user"] = json!(null);
    std::fs::write(dir.join("nobodys.jsonl"), line.to_string()).unwrap();
    line["change"] = json!("856f4a83");
    std::fs::write(dir.join("damaged.jsonl"), line.to_string()).unwrap();
    let other = tempfile::tempdir().unwrap();
    ok(other.path(), &["init", "--user", "01a20878-e375-72ee-8516-8e43d0b76d94"]);
    for (name, reason) in
        [("nobodys.jsonl", "somebody else wrote it"), ("damaged.jsonl", "it is damaged itself")]
    {
        let file = dir.join(name).display().to_string();
        let (code, errors) = fails(other.path(), &["rescue", "--back", &file, "--yes"]);
        assert!(code == 8 && errors.contains(reason), "{errors}");
    }
}
