//! An account is created and edited without a network, found again, and sent when there is one.
//!
//! `cargo run -p client-sdk --example offline_edit -- FILE.db USER-ID [ws://HOST:PORT/sync TOKEN]`

use std::io::Write;

use client_sdk::Client;
use client_sdk::core::crm;
use client_sdk::core::document::RecordEdit;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, file, user, rest @ ..] = args.as_slice() else {
        anyhow::bail!("give a file and a user id")
    };
    let mut client = Client::open(file.as_ref(), Some(user.parse()?))?;
    let schema = crm::schema();
    let kind = schema.kind("organization").ok_or_else(|| anyhow::anyhow!("no such kind"))?;

    let edit = RecordEdit::parse(kind, [("name", "Café Zoë"), ("priority_level", "A")])?;
    let id = client.replica.create(kind, edit, &mut client.env)?;
    let note = RecordEdit::parse(kind, [("notes", "Back door is open until ten.")])?;
    client.replica.edit(id, note, &mut client.env)?;

    let mut out = std::io::stdout();
    for hit in client.replica.search("zoe", 10)? {
        writeln!(out, "found {} {}", hit.id, hit.title)?;
    }
    writeln!(out, "{}", client.replica.status()?)?;
    if let [url, token] = rest {
        client.sync(url, token, |_| {}).await?;
        writeln!(out, "{}", client.replica.status()?)?;
    }
    Ok(())
}
