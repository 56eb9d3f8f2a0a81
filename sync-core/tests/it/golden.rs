//! What devices and servers stored and said loads, and means and is answered the same, for ever.
//!
//! The tests read `sync-core/tests/golden` and never write it; `make golden` does.

#[path = "../../examples/golden/corpus.rs"]
pub(crate) mod corpus;

mod changes;
mod conversations;
mod devices;
mod documents;
pub(crate) mod files;
mod frames;
mod wire;

use files::{lacking, promised, written};
use serde_json::Value as Json;

/// What is there must stay; should new versions write it otherwise, both are to be read from then on.
#[test]
fn what_is_written_today_is_what_was_written() {
    let mut today = corpus::files();
    let mut differing = Vec::new();
    for (name, golden) in written() {
        let now = today.remove(&name);
        // Files of SQLite name its version; what they hold is compared in `devices`.
        if name.ends_with(".sqlite") {
            continue;
        }
        let parse = |bytes: &[u8]| promised(serde_json::from_slice::<Json>(bytes).unwrap());
        let now = now.map_or(Json::Null, |bytes| parse(&bytes));
        let lacks = lacking(&parse(&golden), &now);
        differing.extend(lacks.into_iter().map(|place| format!("{name}: {place}")));
    }
    differing.extend(today.keys().map(|name| format!("{name} is new")));
    assert!(
        differing.is_empty(),
        "what is written today would differ; if this is meant, add the next version beside {} and \
         never change what is there:\n{}",
        corpus::VERSION,
        differing.join("\n")
    );
}
