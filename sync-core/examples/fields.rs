//! Writes the field reference: `docs/FIELDS.md` for people and `docs/fields.json` for programs.

use std::fs::write;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let schema = sync_core::crm::schema();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    write(docs.join("FIELDS.md"), sync_core::schema::field_reference(&schema))?;
    write(docs.join("fields.json"), sync_core::schema::field_listing(&schema))
}
