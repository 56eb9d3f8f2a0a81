//! Writes the golden corpus, `sync-core/tests/golden/v1`: what must load, and mean and be answered the
//! same, for ever. Two runs write the same bytes.
//!
//! Run by `make golden`, deliberately: a version that was released is read and never written again.
#![allow(clippy::unwrap_used)]

#[path = "corpus.rs"]
mod corpus;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(corpus::VERSION);
    for (name, bytes) in corpus::files() {
        let file = root.join(name);
        std::fs::create_dir_all(file.parent().unwrap())?;
        std::fs::write(file, bytes)?;
    }
    Ok(())
}
