//! The table of files in `sync-core/tests/import`: a browser reads the same files to the same end
//! (`wasm-bindings/npm/test/import.test.mjs`).

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::kit::{begun, pantry};

/// What becomes of every file of the table: where its columns go, which rows and cells are left out, and what
/// is asked. `WRITE_CASES=1` writes what is found into the table, to be read before it is kept.
#[test]
fn every_file_of_the_table_is_read_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sync-core/tests/import");
    let table = folder.join("cases.json");
    let mut cases: Value = serde_json::from_slice(&std::fs::read(&table).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in cases["cases"].as_array_mut().unwrap() {
        let dir = begun();
        let name = case["file"].as_str().unwrap().to_owned();
        let path = folder.join(&name);
        let mut args = vec!["--json", "import", path.to_str().unwrap(), "--preview"];
        args.extend(case["args"].as_array().unwrap().iter().filter_map(Value::as_str));
        let output = pantry(dir.path(), &args);
        let text = String::from_utf8(output.stdout).unwrap();
        let last = text.lines().last().unwrap_or_default();
        let said: Value = serde_json::from_str(last)
            .unwrap_or_else(|_| panic!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
        let found = found(&said);
        for (key, value) in found {
            if case[&key] != value {
                wrong.push(format!("{name}: {key} is {value}"));
            }
            case[&key] = value;
        }
    }
    if std::env::var_os("WRITE_CASES").is_some() {
        std::fs::write(&table, format!("{cases:#}\n")).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a case says of its file.
fn found(said: &Value) -> Map<String, Value> {
    let each = |list: &str| said[list].as_array().cloned().unwrap_or_default();
    let columns: Map<String, Value> = each("columns")
        .iter()
        .map(|column| (column["column"].as_str().unwrap().to_owned(), column["field"].clone()))
        .collect();
    let remarks: Vec<String> = each("remarks")
        .iter()
        .map(|one| format!("{} {} {}", one["line"], text(&one["column"]), text(&one["lost"])))
        .collect();
    let outcome = ["rows", "imported", "left_out", "cells_lost"].map(|name| said[name].clone());
    let all = json!({
        "kind": said["kind"], "encoding": said["encoding"], "delimiter": said["delimiter"],
        "headingLine": said["heading_line"], "columns": columns, "asks": each("asks").len(),
        "outcome": outcome, "remarks": remarks,
    });
    all.as_object().cloned().unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
