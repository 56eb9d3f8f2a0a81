//! An account is created and edited without a network, found again, and sent when there is one.
//!
//! `cargo run -p client-sdk --example offline_edit -- FILE.db USER-ID [ws://HOST:PORT/sync TOKEN]`

use std::io::Write;
use std::path::Path;

use client_sdk::core::ids::UserId;
use client_sdk::records::{Organization, OrganizationEdit, OrganizationError, PriorityLevel};
use client_sdk::{Client, ListOptions, Server};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, user, rest @ ..] = args.as_slice() else {
        anyhow::bail!("give a file and a user id")
    };
    let mut out = std::io::stdout();
    let client = run(file.as_ref(), user.parse()?, &mut out)?;
    if let [url, token] = rest {
        client.use_server(Server::new(url, token.clone()));
        client.sync().await?;
        writeln!(out, "{}", client.status()?)?;
    }
    Ok(())
}

/// Everything that needs no network.
pub(crate) fn run(file: &Path, user: UserId, out: &mut dyn Write) -> anyhow::Result<Client> {
    let client = Client::open(file, Some(user))?;
    let edit = OrganizationEdit::default()
        .name("Café Zoë")
        .priority_level(PriorityLevel::A)
        .add_to_tags("patio");
    let id = client.organizations().create(edit)?;
    client.organizations().update(id, OrganizationEdit::default().notes("Open until ten."))?;

    // What does not fit is refused at once, with the field as a value to match on.
    let empty = client.organizations().create(OrganizationEdit::default());
    if let Err(OrganizationError::Missing(field)) = empty {
        writeln!(out, "not created: {field} is missing")?;
    }
    for hit in client.search("zoe", 10)? {
        writeln!(out, "found {}", hit.title)?;
    }
    for Organization { name, tags, .. } in client.organizations().list(&ListOptions::default())? {
        writeln!(out, "listed {} {tags:?}", name.unwrap_or_default())?;
    }
    writeln!(out, "{}", client.status()?)?;
    Ok(client)
}
