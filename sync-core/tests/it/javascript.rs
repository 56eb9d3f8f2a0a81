//! A document saved here says the same in the JavaScript package.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use sync_core::document::hydrate;

use crate::golden::files::{folder, lacking, versions};
use crate::kit::{created, edited, kind, pen};

/// What a script says of a file or folder.
fn run(script: &str, argument: &Path) -> Json {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js").join(script);
    let output = Command::new("node").arg(script).arg(argument).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said} (`make test` installs the package)");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Another language finds in them what their files say they hold, and the same changes.
#[test]
fn the_golden_documents_hold_the_same_in_javascript() {
    let read: Vec<Json> =
        versions().iter().map(|version| run("golden.mjs", &version.join("documents"))).collect();
    for (path, golden) in folder("documents") {
        let name = path.to_string_lossy();
        let found = read.iter().find_map(|files| files.get(&*name)).unwrap();
        assert_eq!(found.as_array().map(Vec::len), Some(2), "{name}");
        for form in found.as_array().unwrap() {
            assert_eq!(form["holds"], golden["holds"], "{name}");
            // Of the author of a change the package knows nothing.
            let lacks = lacking(form, &golden);
            assert!(lacks.is_empty(), "{name}: {}", lacks.join("\n"));
        }
    }
}

/// Registers, a whole value, text, a set, a moment and a conflict, read by Node.
#[test]
fn a_saved_document_says_the_same_in_javascript() {
    let organization = kind("organization");
    let (first, _) = created(organization, &[("name", "Café Zoë 🍜")], &pen(1, 1));
    let (mut here, mut there) = (first.clone(), first);
    let pairs = [
        ("employee_count", "12"),
        ("needs_review", "yes"),
        ("billing_address", "street=1 Main St, city=Albany"),
        ("tags", "patio, bar"),
        ("notes", "Zurück bis zehn"),
        ("website", "a.example"),
    ];
    edited(&mut here, organization, &pairs, &pen(1, 1), &mut 0).unwrap();
    edited(&mut there, organization, &[("website", "b.example")], &pen(2, 2), &mut 0).unwrap();
    here.merge(&mut there).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("doc");
    std::fs::write(&file, here.save()).unwrap();
    let read = run("read.mjs", &file);
    let doc = &read["doc"];
    let hydrated = hydrate(&here, organization);
    assert_eq!(doc["name"], hydrated.json("name"));
    assert_eq!(doc["employee_count"], 12);
    assert_eq!(doc["needs_review"], true);
    assert_eq!(doc["notes"], "Zurück bis zehn");
    assert_eq!(doc["tags"], serde_json::json!({"bar": true, "patio": true}));
    assert_eq!(doc["created_at"], hydrated.json("created_at"));
    assert_eq!(doc["billing_address"], r#"{"city":"Albany","street":"1 Main St"}"#);
    assert_eq!(read["websites"], serde_json::json!(["a.example", "b.example"]));
}
