//! Writes the typed records in `client-sdk/src/records/` anew from the declarations.
//!
//! `cargo run -p client-sdk --example records`

#[path = "../tests/it/generate.rs"]
mod generate;

fn main() -> std::io::Result<()> {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (file, text) in generate::files(&client_sdk::core::crm::schema()) {
        std::fs::write(src.join(file), text)?;
    }
    Ok(())
}
