//! Prints the field reference that `docs/FIELDS.md` holds.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout()
        .write_all(sync_core::schema::field_reference(&sync_core::crm::schema()).as_bytes())
}
