//! What a status line shows, whenever it changes: edits that wait, a server that does not answer,
//! and that everything is in step.
//!
//! `cargo run -p client-sdk --example status -- FILE.db USER-ID [ws://HOST:PORT/sync TOKEN]`

use std::io::Write;
use std::path::Path;

use client_sdk::core::ids::UserId;
use client_sdk::records::TaskEdit;
use client_sdk::{Client, LinkState, Server};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, user, rest @ ..] = args.as_slice() else {
        anyhow::bail!("give a file and a user id")
    };
    let server = match rest {
        [url, token] => Some(Server::new(url, token.clone())),
        _ => None,
    };
    run(file.as_ref(), user.parse()?, server, &mut std::io::stdout()).await
}

/// Prints each status until everything is sent, where there is a server for that.
pub(crate) async fn run(
    file: &Path,
    user: UserId,
    server: Option<Server>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let client = Client::open(file, Some(user))?;
    let mut statuses = client.status_stream();
    writeln!(out, "{}", statuses.next().await?)?;
    client.tasks().create(TaskEdit::default().title("Call Zoë"))?;
    writeln!(out, "{}", statuses.next().await?)?;

    // Nobody listens there: the edit waits, and the status says why.
    let nowhere = "ws://127.0.0.1:9/sync";
    client.use_server(Server::new(nowhere, "token"));
    client.connect();
    loop {
        let status = statuses.next().await?;
        writeln!(out, "{status}")?;
        if status.last_fault.is_some() {
            break;
        }
    }
    if let Some(server) = server {
        client.use_server(server);
        client.connect();
        loop {
            let status = statuses.next().await?;
            writeln!(out, "{status}")?;
            if status.link == LinkState::Live && status.unsent == 0 {
                break;
            }
        }
    }
    client.disconnect().await;
    Ok(())
}
