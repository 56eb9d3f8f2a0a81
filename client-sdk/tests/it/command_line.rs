//! `pantry` from the outside: what it prints, and what it leaves behind.

use std::process::Command;

use crate::kit::{begun, fails, ok, pantry};

/// Create, change, find, delete and restore, all without a server.
#[test]
fn a_day_without_a_network_works() {
    let dir = begun();
    let dir = dir.path();
    let id = ok(dir, &["new", "organization", "name=Café Zoë", "priority_level=A"]);
    let id = id.trim();
    ok(dir, &["set", id, "cuisine=Thai", "tags=+patio", "billing_address.city=Albany"]);
    assert!(ok(dir, &["show", &id[28..]]).contains("cuisine: Thai"));
    assert!(ok(dir, &["search", "zoe"]).contains(id));
    assert!(ok(dir, &["list", "organization", "--where", "priority_level = 'A'"]).contains("Zoë"));
    let row = ok(
        dir,
        &["--json", "query", "SELECT tags, billing_address_city AS city FROM organizations"],
    );
    let row: serde_json::Value = serde_json::from_str(&row).unwrap();
    assert_eq!(row, serde_json::json!({"tags": "[\"patio\"]", "city": "Albany"}));
    ok(dir, &["delete", id]);
    assert!(!ok(dir, &["list", "organization"]).contains("Zoë"));
    ok(dir, &["restore", id]);
    assert!(ok(dir, &["list", "organization"]).contains("Zoë"));
    assert!(ok(dir, &["status"]).contains("4 edits only on this device"));
}

/// A visit begins with the arrival and is given its departure later; neither is written over.
#[test]
fn the_departure_of_a_visit_is_noted_once() {
    let dir = begun();
    let dir = dir.path();
    let account = ok(dir, &["new", "organization", "name=Grand"]);
    let account = format!("organization_id={}", account.trim());
    let arrived = "check_in.at_ms=1790000000000";
    let id = ok(dir, &["new", "interaction", "interaction_type=VISIT", &account, arrived]);
    let id = id.trim();
    ok(dir, &["set", id, "check_out.at_ms=1790000900000", "check_out.lat=42.5"]);
    for again in ["check_out.at_ms=5", "check_out.lng=1", "check_out=", "check_in.at_ms=5"] {
        let (code, said) = fails(dir, &["set", id, again]);
        assert!(code == 1 && said.contains("was written already and stays as it is"), "{said}");
    }
    let sql = "SELECT check_out_at_ms AS at, check_out_lat AS lat FROM interactions";
    let row: serde_json::Value = serde_json::from_str(&ok(dir, &["--json", "query", sql])).unwrap();
    assert_eq!(row, serde_json::json!({ "at": 1_790_000_900_000_i64, "lat": 42.5 }));
}

/// Bad rows and cells are listed with line and reason; the good ones are read.
#[test]
fn malformed_rows_are_listed_and_the_good_ones_imported() {
    let dir = begun();
    let file = "name,priority_level,employee_count,building,street\n\
                Good One,A,12,7,Main St\nBad Priority,E,1,,\n,B,1,,\nToo,many,cells,in,this,row\nGood Two,B,3,,\n";
    std::fs::write(dir.path().join("in.csv"), file).unwrap();
    let output = pantry(dir.path(), &["import", "in.csv", "--kind", "organization"]);
    assert_eq!(output.status.code(), Some(7), "not everything was taken");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("line 3, priority_level \"E\"") && said.contains("one of A, B, C, D"),
        "{said}"
    );
    assert!(said.contains("line 4: name is missing") && said.contains("line 5"), "{said}");
    let street = ok(dir.path(), &["query", "SELECT billing_address_street FROM organizations"]);
    assert!(street.contains("7 Main St") && street.contains("3 rows"), "{street}");
}

/// Every mistake is answered with what is allowed, and with exit code 1.
#[test]
fn mistakes_are_answered_with_what_is_allowed() {
    let dir = begun();
    let dir = dir.path();
    let id = ok(dir, &["new", "task", "title=Call"]);
    for (args, said) in [
        (vec!["new", "restaurant", "name=x"], "organization, organization_finance, contact"),
        (vec!["new", "task", "titel=x"], "these can: title, "),
        (vec!["set", id.trim(), "due_date=soon"], "a day as YYYY-MM-DD"),
        (vec!["set", id.trim(), "due_date"], "not field=value"),
        (vec!["show", "01a20878-ffff-72ee-8516-8e43d0b76d93"], "no record"),
        (vec!["query", "DELETE FROM tasks"], "only SELECT"),
    ] {
        let (code, errors) = fails(dir, &args);
        assert_eq!(code, 1, "{args:?}");
        assert!(errors.contains(said), "{args:?}: {errors}");
    }
}

/// No server, over plain and encrypted sockets: the edit stays, and the status says why.
#[test]
fn without_a_server_the_edit_stays_and_the_status_says_why() {
    let dir = begun();
    ok(dir.path(), &["new", "organization", "name=Patient"]);
    for server in ["ws://127.0.0.1:9/sync", "wss://127.0.0.1:9/sync"] {
        let (code, errors) = fails(dir.path(), &["sync", "--server", server, "--token", "t"]);
        assert_eq!(code, 3, "{errors}");
        assert!(errors.contains("1 unsent edit kept on this device"), "{errors}");
    }
    let status = ok(dir.path(), &["status"]);
    assert!(status.contains("1 edit only on this device") && status.contains("no server answers"));
}

/// What is no address of a server is said to be none.
#[test]
fn an_address_that_is_none_is_said_to_be_none() {
    let dir = begun();
    let (code, errors) = fails(dir.path(), &["sync", "--server", "nonsense", "--token", "t"]);
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("wss://HOST/sync") && !errors.contains("edit"), "{errors}");
}

/// A disk without room for another byte: what is there can be read and saved, and an edit is refused.
#[test]
#[cfg(unix)]
fn without_room_on_the_disk_everything_can_still_be_read() {
    let dir = begun();
    ok(dir.path(), &["new", "organization", "name=Kept"]);
    // No file may grow; a program that tries is told so, and not ended.
    let cramped = |args: &[&str]| {
        Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
            .args([env!("CARGO_BIN_EXE_pantry"), "--db", "a.db"])
            .args(args)
            .current_dir(dir.path())
            .output()
            .unwrap()
    };
    let listed = cramped(&["list", "organization"]);
    assert!(String::from_utf8(listed.stdout).unwrap().contains("Kept"), "{:?}", listed.stderr);
    let refused = cramped(&["new", "organization", "name=Lost"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("could not be written"), "{said}");
    let saved = cramped(&["rescue", "--out", "/dev/null"]);
    assert!(String::from_utf8(saved.stdout).unwrap().starts_with("1 unsent edit written"));
    assert!(ok(dir.path(), &["status"]).contains("1 edit only on this device"));
}

/// Garbage where a database should be is said to be that, and left alone.
#[test]
fn a_damaged_database_is_said_to_be_one_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    std::fs::write(&file, vec![0x5a; 8192]).unwrap();
    let (code, errors) = fails(dir.path(), &["status"]);
    assert_eq!(code, 4, "{errors}");
    assert!(errors.contains("damaged") && errors.contains("rescue"), "{errors}");
    assert!(std::fs::read(&file).unwrap() == vec![0x5a; 8192]);
}

/// What stands beside the file after a command is empty or gone: a copy of the file alone has every edit.
#[test]
fn after_a_command_the_file_alone_is_the_whole_device() {
    let dir = begun();
    let journal = dir.path().join("a.db-wal");
    for n in 0..10 {
        ok(dir.path(), &["new", "organization", &format!("name=Kitchen {n}")]);
        assert_eq!(std::fs::metadata(&journal).map_or(0, |journal| journal.len()), 0);
    }
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("a.db"), copy.path().join("a.db")).unwrap();
    assert!(ok(copy.path(), &["status"]).contains("10 edits only on this device"));
}

/// A page somewhere in the file is overwritten. Whichever command meets it says what to do.
#[test]
fn a_damaged_page_is_called_so_by_whichever_command_meets_it() {
    const PAGE: usize = 4096;
    let dir = begun();
    for n in 0..40 {
        ok(dir.path(), &["new", "organization", &format!("name=Kitchen {n}"), "notes=Open late."]);
    }
    let sound = std::fs::read(dir.path().join("a.db")).unwrap();
    let mut met = 0;
    for page in 1..sound.len() / PAGE {
        let damaged = tempfile::tempdir().unwrap();
        let mut bytes = sound.clone();
        bytes[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        std::fs::write(damaged.path().join("a.db"), bytes).unwrap();
        let output = pantry(damaged.path(), &["list", "organization"]);
        let said = String::from_utf8(output.stderr).unwrap();
        if said.contains("malformed") || said.contains("damaged") {
            met += 1;
            assert_eq!(output.status.code(), Some(4), "page {page}: {said}");
            assert!(said.contains("pantry rescue"), "page {page}: {said}");
        }
    }
    assert!(met > 0, "no page that was read was damaged");
}

#[test]
fn an_empty_file_is_not_taken_for_a_new_device() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.db"), []).unwrap();
    let (code, errors) = fails(dir.path(), &["list", "organization"]);
    assert_eq!(code, 1);
    assert!(errors.contains("is empty") && errors.contains("pantry init"), "{errors}");
}

/// What an unknown field is answered with can be written: no field of the server, none that follows from
/// others, and logs by the names that people write them by.
#[test]
fn an_unknown_field_is_answered_with_those_that_can_be_set() {
    let dir = begun();
    let dir = dir.path();
    let known = |kind: &str| {
        let (code, errors) = fails(dir, &["new", kind, "nmae=x"]);
        assert_eq!(code, 1, "{errors}");
        let names = errors.rsplit_once("these can: ").unwrap().1.trim();
        names.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    for name in known("organization").iter().filter(|name| !name.contains("custom_fields")) {
        let (_, errors) = fails(dir, &["new", "organization", "name=x", &format!("{name}=x")]);
        assert!(
            !errors.contains("server only") && !errors.contains("no field"),
            "{name}: {errors}"
        );
    }
    let deal = known("opportunity");
    assert!(deal.iter().any(|name| name == "stage"), "{deal:?}");
    for hidden in ["life", "created_by", "created_at", "assignment", "owner"] {
        assert!(!deal.iter().any(|name| name == hidden), "{hidden} in {deal:?}");
    }
}

/// Of a log people see what it comes to, and of a deleted record that it is deleted.
#[test]
fn a_record_is_shown_with_its_stage_and_that_it_is_deleted() {
    let dir = begun();
    let dir = dir.path();
    let account = ok(dir, &["new", "organization", "name=Grand"]);
    let of = format!("organization_id={}", account.trim());
    let deal = ok(dir, &["new", "opportunity", "name=Menu", &of]);
    let deal = deal.trim();
    ok(dir, &["set", deal, "stage=closed-lost: too dear"]);
    let shown = ok(dir, &["show", deal]);
    assert!(shown.contains("\n  stage: closed-lost\n") && !shown.contains("deleted"), "{shown}");
    ok(dir, &["delete", deal]);
    let shown = ok(dir, &["show", deal]);
    let head = shown.lines().next().unwrap();
    assert!(head.contains("is deleted; `pantry restore` takes that back"), "{shown}");
    let json: serde_json::Value =
        serde_json::from_str(&ok(dir, &["--json", "show", deal])).unwrap();
    assert_eq!(json["shown"]["stage"], "closed-lost");
    assert_eq!(json["shown"]["is_deleted"], true);
}
