//! Bad luck on a device: files that are replaced or another program's, disks that are full, changes that
//! are damaged.

use std::path::Path;
use std::process::Command;

use client_sdk::Client;
use client_sdk::core::document::RecordEdit;
use client_sdk::core::ids::RecordId;
use client_sdk::core::replica::{Lasts, LinkFault, ReplicaError};
use serde_json::json;

use crate::kit::{begun, cell, command, fails, ok, said};

fn create(client: &Client, name: &str) -> Result<RecordId, ReplicaError> {
    let kind = client.schema().kind("organization").unwrap().clone();
    let edit = RecordEdit::parse(&kind, [("name", name)]).unwrap();
    client.create(&kind, edit)
}

/// The file of an open client is moved away, and another one stands in its place. The client writes to
/// neither of them, nor to the journal of the new one, and says what is the matter.
#[test]
#[cfg(unix)]
fn a_client_writes_to_no_file_that_took_the_place_of_its_own() {
    let dir = begun();
    let file = dir.path().join("a.db");
    let old = Client::open(&file, None).unwrap();
    create(&old, "Before").unwrap();
    let aside = dir.path().join("aside.db");
    std::fs::rename(&file, &aside).unwrap();
    let _ = std::fs::rename(dir.path().join("a.db-wal"), dir.path().join("aside.db-wal"));
    let refused = create(&old, "Lost").unwrap_err();
    assert!(matches!(refused, ReplicaError::Replaced), "{refused}");
    assert!(!file.exists(), "nothing is begun where the file stood");

    let new = Client::open(&file, Some(old.user())).unwrap();
    create(&new, "After").unwrap();
    let refused = create(&old, "Lost").unwrap_err();
    assert!(matches!(refused, ReplicaError::Replaced), "{refused}");
    old.gather();
    drop(old);
    create(&new, "Later").unwrap();
    drop(new);
    let names = |db: &Path| {
        let client = Client::open(db, None).unwrap();
        client.query("SELECT group_concat(name) FROM organizations").unwrap().rows[0][0].clone()
    };
    assert_eq!((names(&file), names(&aside)), (json!("After,Later"), json!("Before")));
}

/// An app that is not connected and watches its status hears that its file was removed.
#[tokio::test]
#[cfg(unix)]
async fn whoever_watches_a_file_that_is_removed_hears_of_it() {
    let dir = begun();
    let file = dir.path().join("a.db");
    let client = Client::open(&file, None).unwrap();
    let mut statuses = client.status_stream();
    assert_eq!(statuses.next().await.unwrap().last_fault, None);
    std::fs::remove_file(&file).unwrap();
    let told = async {
        loop {
            if let Some(fault) = statuses.next().await.unwrap().last_fault {
                return fault;
            }
        }
    };
    let fault = tokio::time::timeout(std::time::Duration::from_secs(120), told).await.unwrap();
    assert!(fault.contains("was replaced or removed"), "{fault}");
}

/// Another program's database is left as it is, down to its permissions.
#[test]
fn nothing_is_begun_in_another_programs_database() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    for version in [0, 1, 7] {
        let _ = std::fs::remove_file(&file);
        let db = rusqlite::Connection::open(&file).unwrap();
        db.execute_batch(&format!("CREATE TABLE songs (title); PRAGMA user_version = {version}"))
            .unwrap();
        drop(db);
        let before = (std::fs::read(&file).unwrap(), permissions(&file));
        let (code, errors) = fails(dir.path(), &["init", "--user", crate::kit::USER]);
        assert!(code == 1 && errors.contains("another program"), "{version}: {errors}");
        assert!(before == (std::fs::read(&file).unwrap(), permissions(&file)), "{version}");
    }
}

#[cfg(unix)]
fn permissions(file: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions())
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> u32 {
    0
}

/// A stored change is damaged. Whichever command meets it says so and what to do; a link does not try
/// again.
#[test]
fn a_damaged_change_is_called_so_wherever_it_is_met() {
    let dir = begun();
    let dir = dir.path();
    let id = ok(dir, &["new", "organization", "name=Grand"]);
    let db = rusqlite::Connection::open(dir.join("a.db")).unwrap();
    db.execute("UPDATE changes SET bytes = x'00010203'", []).unwrap();
    drop(db);
    for args in [&["show", id.trim()][..], &["set", id.trim(), "cuisine=Thai"]] {
        let (code, errors) = fails(dir, args);
        assert!(code == 4 && errors.contains("pantry rescue --out"), "{args:?}: {errors}");
    }
    let client = Client::open(&dir.join("a.db"), None).unwrap();
    let met = client.record(id.trim().parse().unwrap()).unwrap_err();
    let fault = LinkFault::from(met);
    assert!(matches!(fault, LinkFault::Damaged(_)) && fault.lasts() == Lasts::Lasting, "{fault}");
}

/// What was done is not to be done again because it could not be printed: a second `new` would make a
/// second record.
#[test]
#[cfg(target_os = "linux")]
fn a_command_that_did_its_work_says_so_when_it_cannot_print_it() {
    let dir = begun();
    let dir = dir.path();
    std::fs::write(dir.join("p.csv"), "name\nGrand\nHarbor\n").unwrap();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for (args, does) in [
        (&["new", "organization", "name=Mill"][..], true),
        (&["import", "p.csv"], true),
        (&["import", "p.csv", "--preview"], false),
        (&["list", "organization"], false),
    ] {
        let output = command(dir, args).stdout(full()).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {errors}");
        assert_eq!(errors.contains("do not repeat it"), does, "{args:?}: {errors}");
    }
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(3));
}

/// A report that cannot be opened keeps the import from beginning; one that cannot be written does not
/// have it begun again.
#[test]
#[cfg(target_os = "linux")]
fn a_report_that_cannot_be_written_is_known_before_or_costs_no_second_import() {
    let dir = begun();
    let dir = dir.path();
    std::fs::write(dir.join("p.csv"), "name\nGrand\n").unwrap();
    let (code, errors) = fails(dir, &["import", "p.csv", "--report", "nowhere/r.csv"]);
    assert!(code == 1 && errors.contains("cannot write nowhere/r.csv"), "{errors}");
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(0));
    let (code, errors) = fails(dir, &["import", "p.csv", "--report", "/dev/full"]);
    assert!(code == 1 && errors.contains("do not repeat it"), "{errors}");
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(1));
}

/// The disk is full amid an import. It says how many rows stand, and the same command goes on there.
#[test]
#[cfg(unix)]
fn an_import_that_fills_the_disk_says_what_stands_and_goes_on() {
    let dir = begun();
    let dir = dir.path();
    let rows: String =
        (0..1500).map(|row| format!("Kitchen {row},Open late and early.\n")).collect();
    std::fs::write(dir.join("p.csv"), format!("name,notes\n{rows}")).unwrap();
    let cramped = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$@\"", "sh"])
        .args([env!("CARGO_BIN_EXE_pantry"), "--db", "a.db", "import", "p.csv"])
        .current_dir(dir)
        .output()
        .unwrap();
    let errors = String::from_utf8(cramped.stderr).unwrap();
    assert_eq!(cramped.status.code(), Some(1), "{errors}");
    let stand = cell(dir, "SELECT count(*) FROM organizations").as_u64().unwrap();
    assert!(stand > 0 && stand < 1500, "{stand}: {errors}");
    assert!(errors.contains(&format!("{stand} rows were taken in and stand")), "{stand}: {errors}");
    ok(dir, &["import", "p.csv"]);
    assert_eq!(cell(dir, "SELECT count(*) FROM organizations"), json!(1500));
}

/// A list of what was found that ends at its limit says that it does.
#[test]
fn a_search_says_when_its_list_is_cut_off() {
    let dir = begun();
    let dir = dir.path();
    for number in 0..4 {
        ok(dir, &["new", "organization", &format!("name=Kitchen {number}")]);
    }
    let errors = said(dir, &["search", "kitchen", "--limit", "3"]);
    assert!(errors.contains("cut off after 3"), "{errors}");
    assert!(ok(dir, &["search", "kitchen", "--limit", "3"]).contains("3 rows"));
    assert_eq!(said(dir, &["search", "kitchen", "--limit", "4"]), "");
    assert_eq!(said(dir, &["search", "kitchen"]), "");
}
