//! `pantry`: a device on the command line.

mod check;
mod command;
mod conflicts;
mod database;
mod failure;
mod history;
mod import;
mod output;
mod quarantine;
mod records;
mod report;
mod rescue;
mod status;
mod sync;
mod tokens;

use std::process::ExitCode;

use clap::Parser;
use client_sdk::Client;
use client_sdk::core::replica::{Deleted, GroupEdit, ListOptions};
use command::{Cli, Command, Effect};
use failure::{Failure, failure};
use import::ImportsCommand;
use output::Output;
use quarantine::QuarantineCommand;
use rescue::{Consent, RescueArgs};
use tokens::Tokens;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let (out, effect) = (Output::new(cli.json), cli.command.effect());
    let done = run(cli, &out).await.and_then(|()| written(&out, effect));
    let Err(Failure(code, text)) = done else { return ExitCode::SUCCESS };
    // An answer that is no success was printed already, and is no error, unless it was not printed.
    let text = match written(&out, effect) {
        Err(Failure(_, lost)) if text.is_empty() => lost,
        _ => text,
    };
    if !text.is_empty() {
        out.error(&text);
    }
    ExitCode::from(code)
}

/// Whether all that was printed is written.
fn written(out: &Output, effect: Effect) -> Result<(), Failure> {
    out.finish().map_err(|error| {
        let done = match effect {
            Effect::Nothing => "",
            Effect::Stands => {
                ". The command has done its work, and that stands in the database: do not repeat it"
            }
        };
        failure(1, format!("the output could not be written: {error}{done}"))
    })
}

/// A test may have this process end at a named point.
#[cfg(feature = "fault-points")]
fn die_at_a_point(client: &client_sdk::Client) {
    use client_sdk::core::replica::ReplicaMoments;
    use client_sdk::core::testing::{DIES_AT, Doom};
    let Ok(text) = std::env::var(DIES_AT) else { return };
    let doom = Doom::parse(&text);
    let moments = ReplicaMoments::told_to(move |moment| doom.reach(moment.into()));
    client.with_replica(|replica, _| replica.tell_moments(moments));
}

async fn run(cli: Cli, out: &Output) -> Result<(), Failure> {
    if let Command::Init { user, token, token_file, zone } = cli.command {
        let tokens = Tokens::of(token, token_file);
        return database::init(&cli.db, user, tokens, zone.as_deref(), out).await;
    }
    if let Command::Rescue(RescueArgs { out: Some(file), .. }) = &cli.command {
        return rescue::save(&cli.db, file, out);
    }
    let client = database::open(&cli.db, None)?;
    #[cfg(feature = "fault-points")]
    die_at_a_point(&client);
    database::fill_tables(&client, out)?;
    let done = serve(&client, cli.command, out).await;
    // Somebody who copies the file expects to have everything.
    client.gather();
    done
}

async fn serve(client: &Client, command: Command, out: &Output) -> Result<(), Failure> {
    match command {
        Command::Rescue(RescueArgs { back: Some(file), yes, .. }) => {
            let consent = if yes { Consent::Given } else { Consent::Asked };
            rescue::back(client, &file, consent, out)
        }
        Command::Init { .. } | Command::Rescue(_) => Ok(()),
        Command::Import(args) => import::run(client, args, out),
        Command::Imports { command } => {
            import::imports(client, command.unwrap_or(ImportsCommand::List), out)
        }
        Command::New { kind, values } => records::create(client, &kind, &values, out),
        Command::Set { id, values } => records::set(client, &id, &values, out),
        Command::Show { id } => records::show(client, &id, out),
        Command::History { id, limit } => history::show(client, &id, limit, out),
        Command::Undo { id, change } => history::undo(client, &id, change.as_deref(), out),
        Command::Conflicts { id } => conflicts::list(client, id.as_deref(), out),
        Command::Settle { id, field, keep } => conflicts::settle(client, &id, &field, keep, out),
        Command::Report { name: None, csv: _ } => report::list(client, out),
        Command::Report { name: Some(name), csv } => report::show(client, &name, csv, out),
        Command::List { kind, r#where, limit, deleted } => {
            let deleted = if deleted { Deleted::Shown } else { Deleted::Hidden };
            let options = ListOptions { filter: r#where, deleted, limit };
            records::list(client, &kind, &options, out)
        }
        Command::Search { text, limit } => records::search(client, &text, limit, out),
        Command::Query { sql } => records::query(client, &sql, out),
        Command::Delete { ids } => records::life(client, &ids, out, |id| GroupEdit::Delete { id }),
        Command::Restore { ids } => {
            records::life(client, &ids, out, |id| GroupEdit::Restore { id })
        }
        Command::Check(check) => check::run(client, check, out).await,
        Command::Sync { server, watch: false } => sync::once(client, server, out).await,
        Command::Sync { server, watch: true } => sync::watch(client, server, out).await,
        Command::Status => status::show(client, out),
        Command::Quarantine { command } => {
            quarantine::run(client, command.unwrap_or(QuarantineCommand::List), out)
        }
        Command::ExportDocument { id, out: file } => records::export(client, &id, &file, out),
    }
}
