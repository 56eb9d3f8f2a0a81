//! A document saved here says the same in the JavaScript package, and a change made there is taken here.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use data_encoding::HEXLOWER;
use serde_json::Value as Json;
use sync_core::document::{FieldState, PenRole, hydrate};
use sync_core::guard::{self, Context};

use crate::golden::files::{folder, lacking, versions};
use crate::kit::{created, edited, kind, pen};

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js")
}

/// What Node prints; its program is in a file, or comes as text.
fn printed(command: &mut Command, program: &str) -> Vec<u8> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said} (`make test` installs the package)");
    output.stdout
}

fn node(script: &str, argument: &Path) -> Vec<u8> {
    printed(Command::new("node").arg(scripts().join(script)).arg(argument), "")
}

/// What a script says of a file or folder.
fn run(script: &str, argument: &Path) -> Json {
    serde_json::from_slice(&node(script, argument)).unwrap()
}

/// What a program says.
fn run_program(program: &str) -> Json {
    let mut command = Command::new("node");
    command.current_dir(scripts()).args(["--input-type=module", "-"]);
    serde_json::from_slice(&printed(&mut command, program)).unwrap()
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

/// The code on the page is one program, and the guard takes every change that it makes.
#[test]
fn the_page_for_javascript_says_the_truth() {
    let page = include_str!("../../../docs/JAVASCRIPT.md");
    let blocks = page.split("```js\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let mut program: String = blocks.map(|(code, _)| code).collect();
    program.push_str("console.log(JSON.stringify({ user, record, changes: changes.map(hex) }))\n");
    let said = run_program(&program);
    let text = |name: &str| said[name].as_str().unwrap();
    let kind = kind("task");
    let mut doc = kind.genesis().doc.clone();
    let changes = said["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 6);
    for change in changes {
        let bytes = HEXLOWER.decode(change.as_str().unwrap().as_bytes()).unwrap();
        let parsed = guard::parse(&bytes).unwrap();
        let context = Context {
            record: text("record").parse().unwrap(),
            kind: kind.clone(),
            doc: &doc,
            author: text("user").parse().unwrap(),
            now: parsed.claimed_at(),
            pen: PenRole::Device,
        };
        let verified = guard::verify(parsed, &context).unwrap_or_else(|no| panic!("{no:?}"));
        doc = guard::apply(&doc, kind, verified).unwrap().doc;
    }
    let says = hydrate(&doc, kind);
    assert_eq!(says.violations, []);
    assert_eq!(says.json("priority"), "medium");
    assert_eq!(says.field("description"), Some(&FieldState::Text("Ring three times 🛎".into())));
}

/// Frames, genesis changes, changes and rows of the corpus, read by the client in JavaScript.
#[test]
fn the_client_in_javascript_reads_the_corpus() {
    for version in versions() {
        let output = node("conform.mjs", &version);
        let counts = String::from_utf8(output).unwrap();
        println!("{counts}");
        for what in ["genesis changes made", "frames read", "rows computed", "changes applied"] {
            assert!(counts.contains(what), "{counts}");
        }
    }
}
