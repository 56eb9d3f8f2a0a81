//! What cannot be printed is an error, and what nobody wants to read on is none.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use crate::kit::{begun, command, fails, ok};

/// The exit code and what was said, with no room for the output.
fn into_a_full_device(dir: &Path, args: &[&str]) -> (i32, String) {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command(dir, args).stdout(full).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// A list that was cut off is no list: whoever puts it into a file hears of it.
#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_an_error() {
    let dir = begun();
    let dir = dir.path();
    ok(dir, &["new", "organization", "name=Grand"]);
    for args in [
        &["--json", "query", "SELECT name FROM organizations"][..],
        &["list", "organization"],
        &["new", "organization", "name=Second"],
        &["quarantine", "list"],
        &["status"],
    ] {
        let (code, errors) = into_a_full_device(dir, args);
        assert_eq!(code, 1, "{args:?}: {errors}");
        assert!(errors.contains("the output could not be written"), "{args:?}: {errors}");
    }
    let (code, errors) = fails(dir, &["quarantine", "export", "--out", "/dev/full"]);
    assert!(code == 1 || errors.is_empty(), "{errors}");
}

/// `pantry query … | head` ends quietly.
#[test]
#[cfg(unix)]
fn a_reader_who_has_enough_is_no_error() {
    let dir = begun();
    let dir = dir.path();
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
                SELECT i FROM n";
    let mut child = command(dir, &["--json", "query", many])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut begun = [0; 8];
    child.stdout.take().unwrap().read_exact(&mut begun).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
