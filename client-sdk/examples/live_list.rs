//! A list that stays true: one device holds a live list of accounts and stays connected; it edits
//! through the same handle, and sees what another device does.
//!
//! `cargo run -p client-sdk --example live_list -- DIRECTORY USER-ID ws://HOST:PORT/sync TOKEN`

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use client_sdk::core::ids::UserId;
use client_sdk::records::OrganizationEdit;
use client_sdk::{Client, LinkState, ListOptions, Server};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [directory, user, url, token] = args.as_slice() else {
        anyhow::bail!("give a directory, a user id, a server and a token")
    };
    run(directory.as_ref(), user.parse()?, url, token, &mut std::io::stdout()).await?;
    Ok(())
}

/// A client that is connected and has everything.
async fn connected(file: &Path, user: UserId, url: &str, token: &str) -> anyhow::Result<Client> {
    let client = Client::open(file, Some(user))?;
    client.use_server(Server::new(url, token.to_owned()));
    client.connect();
    let mut status = client.status_stream();
    while status.next().await?.link != LinkState::Live {}
    Ok(client)
}

/// Returns how long the edits of another device took to arrive.
pub(crate) async fn run(
    directory: &Path,
    user: UserId,
    url: &str,
    token: &str,
    out: &mut dyn Write,
) -> anyhow::Result<Vec<Duration>> {
    let phone = connected(&directory.join("phone.db"), user, url, token).await?;
    let tablet = connected(&directory.join("tablet.db"), user, url, token).await?;
    let mut list = phone.organizations().live(ListOptions::default())?;
    writeln!(out, "{} accounts at first", list.records().len())?;

    // An edit of one's own while connected: it is in the list when the call returns.
    let own = phone.organizations().create(OrganizationEdit::default().name("Made here"))?;
    let change = list.next().await;
    writeln!(out, "added here: {:?}", change.added[0].name)?;

    let mut took = Vec::new();
    for round in 0..20 {
        let name = format!("Made there {round}");
        let began = Instant::now();
        let other = tablet.organizations().create(OrganizationEdit::default().name(&name))?;
        // What the server stamps on our own edit changes the list as well.
        loop {
            let change = list.next().await;
            if change.added.iter().any(|record| record.id == other) {
                break;
            }
        }
        took.push(began.elapsed());
    }
    let sorted = {
        let mut sorted = took.clone();
        sorted.sort_unstable();
        sorted
    };
    writeln!(
        out,
        "another device's edit arrived after {:.1} ms (median), {:.1} ms (longest)",
        sorted[sorted.len() / 2].as_secs_f64() * 1000.0,
        sorted[sorted.len() - 1].as_secs_f64() * 1000.0
    )?;
    phone.organizations().delete(own)?;
    while !list.next().await.removed.contains(&own) {}
    writeln!(out, "{} accounts at last", list.records().len())?;
    phone.disconnect().await;
    tablet.disconnect().await;
    Ok(took)
}
