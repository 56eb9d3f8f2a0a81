//! Sending and receiving: once, or until it is interrupted.

use client_sdk::core::printable::line;
use client_sdk::core::replica::{LinkFault, Notice, Outcome, Redated, Wanted, counted};
use client_sdk::{Client, ClientEvent, SyncSummary};
use indicatif::ProgressBar;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::failure::{Failure, REPLACED, damaged, failure};
use crate::output::Output;
use crate::tokens::Server;

const NEW: &str = "new on this device";
const GONE: &str = "removed from this device";
/// Reasons told one by one; of more, only how many there are.
const NOTICES: usize = 5;
/// What a shell expects of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Sends and receives everything.
pub(crate) async fn once(client: &Client, server: Server, out: &Output) -> Result<(), Failure> {
    client.use_server(server.client()?);
    let mut events = client.events();
    let bar = out.progress("receiving");
    let mut syncing = std::pin::pin!(client.sync());
    let mut interrupted = std::pin::pin!(interruption());
    let outcome = loop {
        tokio::select! {
            outcome = &mut syncing => break outcome,
            event = events.recv() => {
                if let Ok(ClientEvent::Notice(Notice::Remaining(left))) = event {
                    show_remaining(&bar, left);
                }
            }
            () = &mut interrupted => {
                client.disconnect().await;
                let missing = missing(client)?;
                return Err(failure(
                    INTERRUPTED,
                    format!("interrupted; every edit is kept on this device{missing}"),
                ));
            }
        }
    };
    bar.finish_and_clear();
    let summary = outcome.map_err(|fault| failed(client, &fault))?;
    told(client, &summary, out)
}

fn told(client: &Client, summary: &SyncSummary, out: &Output) -> Result<(), Failure> {
    let status = client.status()?;
    let value = json!({"unsent": status.unsent, "refused": summary.refused, "records": status.records,
        "redated": summary.redated, "evicted": summary.evicted, "granted": summary.granted, "frames": summary.frames, "bytes": summary.bytes});
    let mut text = format!("in step: {}; {}", counted(status.records, "record"), status.edits());
    text.push_str(&notices(NEW, &summary.granted));
    text.push_str(&notices(GONE, &summary.evicted));
    for one in redated(client, &summary.redated) {
        text.push_str(&format!("\n{one}"));
    }
    if summary.refused > 0 {
        text.push_str(&format!(
            "\n{} refused; `pantry quarantine` says why",
            counted(summary.refused, "edit")
        ));
    }
    out.value(&value, &text);
    Ok(())
}

/// Stays connected until it is interrupted, or until that is of no use any more.
pub(crate) async fn watch(client: &Client, server: Server, out: &Output) -> Result<(), Failure> {
    client.use_server(server.client()?);
    let mut events = client.events();
    client.connect();
    let bar = out.progress("receiving");
    let mut interrupted = std::pin::pin!(interruption());
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = &mut interrupted => {
                client.disconnect().await;
                return Ok(());
            }
        };
        match event {
            Ok(ClientEvent::Notice(Notice::Redated(all))) => {
                for one in redated(client, &all) {
                    out.note(&one);
                }
            }
            Ok(ClientEvent::Notice(notice)) => tell(&notice, &bar, out),
            Ok(ClientEvent::Ended { wanted: Wanted::Always, outcome }) => {
                return match outcome {
                    Outcome::CaughtUp | Outcome::Stopped => Ok(()),
                    Outcome::Failed(fault) => Err(failed(client, &fault)),
                };
            }
            Ok(ClientEvent::RowsChanged(_) | ClientEvent::Ended { wanted: Wanted::Once, .. })
            | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

fn tell(notice: &Notice, bar: &ProgressBar, out: &Output) {
    match notice {
        Notice::Remaining(left) => show_remaining(bar, *left),
        Notice::Granted(reasons) => out.note(notices(NEW, reasons).trim_start()),
        Notice::Evicted(reasons) => out.note(notices(GONE, reasons).trim_start()),
        Notice::Retrying { fault, in_ms } => {
            bar.finish_and_clear();
            out.note(&line(&format!("{fault}; trying again in {in_ms} ms")));
        }
        Notice::WaitsForToken(fault) => {
            bar.finish_and_clear();
            out.note(&line(&format!("{fault} Waiting for a newer token.")));
        }
        Notice::Connected
        | Notice::Refused(_)
        | Notice::Redated(_)
        | Notice::Pushed
        | Notice::Answered { .. } => {}
    }
}

fn show_remaining(bar: &ProgressBar, left: u64) {
    if left > 0 {
        bar.set_message(format!("{left} records to come"));
        bar.tick();
    } else {
        bar.finish_and_clear();
    }
}

fn failed(client: &Client, fault: &LinkFault) -> Failure {
    match fault {
        LinkFault::NoToken(_) => return failure(1, fault),
        LinkFault::Damaged(_) => return damaged(fault),
        LinkFault::Replaced(_) => return failure(REPLACED, fault),
        _ => {}
    }
    let unsent = match client.status() {
        Ok(status) => status.unsent,
        Err(error) => return error.into(),
    };
    let waiting = match unsent {
        0 => String::new(),
        n => format!(" ({} kept on this device)", counted(n, "unsent edit")),
    };
    match missing(client) {
        Ok(missing) => failure(3, format!("{fault}{waiting}{missing}")),
        Err(error) => error,
    }
}

/// What of a first sync has not come.
fn missing(client: &Client) -> Result<String, Failure> {
    let incomplete = client.incomplete()?;
    Ok(incomplete.map(|said| format!("; {said}, `pantry sync` goes on")).unwrap_or_default())
}

/// What was changed of edits because a clock was wrong, a line each.
fn redated(client: &Client, all: &[Redated]) -> Vec<String> {
    let said = |one: &Redated| {
        let said = one.said(|at| client.local(at));
        line(&format!("a clock was wrong: {said}")).into_owned()
    };
    all.iter().map(said).collect()
}

/// A line for each reason, as long as they are few, each after a line's end.
fn notices(what: &str, reasons: &[String]) -> String {
    let told = reasons.iter().take(NOTICES).map(|reason| format!("\n{what}: {}", line(reason)));
    let more = reasons.len().saturating_sub(NOTICES);
    let more = (more > 0).then(|| format!("\n{what}: {more} accounts more"));
    told.chain(more).collect()
}

/// Waits until the user or the system asks the program to end.
async fn interruption() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
