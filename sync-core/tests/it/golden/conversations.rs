//! A server answers today what it answered.

use serde_json::{Value as Json, json};

use super::corpus::conversations::spoken;
use super::corpus::host::{Heard, Host};
use super::files::{folder, lacking, promised, unhex};

/// The client says, byte by byte, what it said then.
#[test]
fn every_conversation_is_answered_the_same() {
    for (name, golden) in folder("conversations") {
        let mut host = Host::new();
        for (index, line) in golden["lines"].as_array().unwrap().iter().enumerate() {
            let heard = match line.get("client") {
                Some(said) => Heard::Frame(unhex(&said["frame"])),
                None => Heard::Meanwhile(line["meanwhile"].clone()),
            };
            let answers: Json = host.hear(heard).iter().map(|frame| spoken(frame)).collect();
            let today = promised(json!({ "server": answers }));
            let then = promised(json!({ "server": line["server"] }));
            let lacks = lacking(&then, &today);
            assert!(lacks.is_empty(), "{}, line {index}: {}", name.display(), lacks.join("\n"));
        }
    }
}
