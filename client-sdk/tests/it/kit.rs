//! `pantry` as the tests run it.

use std::path::Path;
use std::process::{Command, Output};

pub(crate) const USER: &str = "01a20878-e375-72ee-8516-8e43d0b76d93";

pub(crate) fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pantry"));
    command.args(["--db", "a.db"]).args(args).current_dir(dir).env_remove("PANTRY_TOKEN");
    command
}

pub(crate) fn pantry(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().unwrap()
}

/// What a command that succeeds prints.
#[track_caller]
pub(crate) fn ok(dir: &Path, args: &[&str]) -> String {
    let output = pantry(dir, args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The exit code and what was said on standard error.
pub(crate) fn fails(dir: &Path, args: &[&str]) -> (i32, String) {
    let output = pantry(dir, args);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// What was said on standard error by a command that succeeds.
#[track_caller]
pub(crate) fn said(dir: &Path, args: &[&str]) -> String {
    let output = pantry(dir, args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {errors}");
    errors
}

/// A database in New York.
pub(crate) fn begun() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "--user", USER, "--zone", "America/New_York"]);
    dir
}

/// The first cell of the first row that a statement gives.
#[track_caller]
pub(crate) fn cell(dir: &Path, sql: &str) -> serde_json::Value {
    let rows = ok(dir, &["--json", "query", sql]);
    let row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    row.as_object().unwrap().values().next().unwrap().clone()
}
