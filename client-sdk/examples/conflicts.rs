//! Two devices change the same field of one account without a network. Both values are kept: one is
//! shown, the conflict is listed, and the next edit of the field settles it.
//!
//! `cargo run -p client-sdk --example conflicts -- DIRECTORY USER-ID ws://HOST:PORT/sync TOKEN`

use std::io::Write;
use std::path::Path;

use client_sdk::core::ids::UserId;
use client_sdk::records::OrganizationEdit;
use client_sdk::{Client, Server};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [directory, user, url, token] = args.as_slice() else {
        anyhow::bail!("give a directory, a user id, a server and a token")
    };
    run(directory.as_ref(), user.parse()?, url, token, &mut std::io::stdout()).await
}

/// Makes a conflict, shows it and settles it.
pub(crate) async fn run(
    directory: &Path,
    user: UserId,
    url: &str,
    token: &str,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let device = |file: &str| -> anyhow::Result<Client> {
        let client = Client::open(&directory.join(file), Some(user))?;
        client.use_server(Server::new(url, token.to_owned()));
        Ok(client)
    };
    let (phone, tablet) = (device("phone.db")?, device("tablet.db")?);
    let id = phone.organizations().create(OrganizationEdit::default().name("Corner Bistro"))?;
    phone.sync().await?;
    tablet.sync().await?;

    // Neither hears of the other.
    let cuisine = |word: &str| OrganizationEdit::default().cuisine(word);
    phone.organizations().update(id, cuisine("French"))?;
    tablet.organizations().update(id, cuisine("Belgian"))?;
    phone.sync().await?;
    tablet.sync().await?;
    phone.sync().await?;
    writeln!(out, "{}", phone.status()?)?;
    for client in [&phone, &tablet] {
        let record = client.record(id)?.ok_or_else(|| anyhow::anyhow!("the account is here"))?;
        for conflict in &record.conflicts {
            let values: Vec<String> = conflict.values.iter().map(ToString::to_string).collect();
            writeln!(
                out,
                "{}: {} is shown, of {}",
                conflict.field,
                values[0],
                values.join(" and ")
            )?;
        }
    }
    // Whoever decides writes the field, even with the value that is shown.
    phone.organizations().update(id, cuisine("French"))?;
    phone.sync().await?;
    tablet.sync().await?;
    writeln!(out, "{}", tablet.status()?)?;
    Ok(())
}
