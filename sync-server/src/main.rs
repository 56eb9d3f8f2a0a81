//! The command line of the server.

mod cli;
mod commands;
mod seeding;
mod shared;

use anyhow::Context as _;
use clap::Parser as _;
use cli::{Cli, Command, Format, MigrateCommand, StaticFile, TerritoryCommand, UserCommand};
use serde_json::json;
use shared::{any_owner, owner, print, server_pool};
use sync_core::hub::Moments;
use sync_core::printable::line;
use sync_core::role::Role;
use sync_server::config::{self, Config};
use sync_server::http::auth::{self, Claims};
use sync_server::http::client;
use sync_server::ops::static_host::{self, HostFile};
use sync_server::ops::{explain, grace, migrate, people, report, reproject};
use sync_server::{all_said, clock, say, say_json, server, store, telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// Documents are many small allocations, made and dropped on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let done = run(cli.command, cli.json).await;
    // What a command was asked for and could not print, it has not done.
    let written = all_said().context("the output could not be written");
    match done.and_then(|code| written.map(|()| code)) {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "error: {}", line(&told(&error)));
            std::process::ExitCode::FAILURE
        }
    }
}

/// An error with its causes, each said once: some repeat theirs in their own words.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

async fn run(command: Command, json: bool) -> anyhow::Result<std::process::ExitCode> {
    match command {
        Command::Serve { app } => serve(app).await?,
        Command::Migrate(command) => run_migrate(command, json).await?,
        Command::Token { user, role, ttl, link } => print_token(&user, role, ttl, link).await?,
        Command::Seed(options) => Box::pin(seeding::seed(options, json)).await?,
        Command::Reports => {
            let rows = report::reports().map(|(name, about)| vec![json!(name), json!(about)]);
            print(report::Report::new(&["report", "tells"], rows.collect()), json);
        }
        Command::Report { name, user, format } => {
            let pool = owner().await?;
            let user = people::find_user(&pool, &user).await?;
            let pool = server_pool(2).await?;
            let report = report::run(&pool, &name, user).await?;
            match format {
                _ if json => say_json(&report.to_json()),
                Format::Table => say(report.to_table()),
                Format::Csv => say(report.to_csv().trim_end()),
                Format::Json => say_json(&report.to_json()),
            }
        }
        Command::Reproject { check } => return run_reproject(check, json).await,
        Command::User(command) => run_user(command, json).await?,
        Command::Territory(TerritoryCommand::Add { name, parent }) => {
            say(people::add_territory(&owner().await?, &name, parent).await?);
        }
        Command::Territory(TerritoryCommand::List) => {
            let sql = "SELECT id, name, parent_id FROM public.territories ORDER BY name";
            print(report::select_as_owner(&owner().await?, sql).await?, json);
        }
        Command::Assign(options) => return commands::assign(options, json).await,
        Command::Merge { accounts, into, how } => {
            return commands::merge(&accounts, into, &how, json).await;
        }
        Command::Unmerge { accounts, how } => {
            return commands::unmerge(&accounts, &how, json).await;
        }
        Command::MoveContact { contacts, to, how } => {
            return commands::move_contact(&contacts, to, &how, json).await;
        }
        Command::Grace { days } => {
            let owner = owner().await?;
            if let Some(days) = days {
                grace::set_days(&owner, days).await?;
            }
            let days = grace::days(&owner).await?;
            if json { say_json(&json!({ "days": days })) } else { say(format_args!("{days} days")) }
        }
        Command::Explain { user, record } => {
            let owner = owner().await?;
            let user = people::find_user(&owner, &user).await?;
            let pool = server_pool(2).await?;
            let found = explain::explain(&owner, &pool, user, record).await?;
            if json { say_json(&serde_json::to_value(&found)?) } else { say(found.to_text()) }
        }
        Command::StaticHost { file } => print_host_file(file)?,
        Command::Health => return health().await,
    }
    Ok(std::process::ExitCode::SUCCESS)
}

async fn serve(app: Option<std::path::PathBuf>) -> anyhow::Result<()> {
    telemetry::start_logging();
    telemetry::log_panics();
    let mut config = Config::read(|name| std::env::var(name).ok())?;
    config.web.app = app.or(config.web.app);
    // Platforms stop a server with the one or the other. Listened for from the first moment on.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let tell = |text: &str| tracing::warn!("{text}");
    let reached = store::reach(&config.database_url, store::REACHED_WITHIN, tell);
    tokio::select! {
        reached = reached => reached.context("the database cannot be reached")?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    }
    let running = server::start_told(&config, sync_core::crm::schema(), moments()).await?;
    say(format_args!("listening on {}", running.address));
    let stopping = running.app.stopping.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stopping.cancel();
    });
    Ok(running.wait().await?)
}

/// Nobody hears of moments inside the server.
#[cfg(not(feature = "fault-points"))]
fn moments() -> Moments {
    Moments::default()
}

/// A test may have this process end at one of them.
#[cfg(feature = "fault-points")]
fn moments() -> Moments {
    use sync_core::testing::{DIES_AT, Doom};
    let Ok(text) = std::env::var(DIES_AT) else { return Moments::default() };
    let doom = Doom::parse(&text);
    Moments::told_to(move |moment| doom.reach(moment.into()))
}

async fn run_migrate(command: MigrateCommand, json: bool) -> anyhow::Result<()> {
    let pool = any_owner().await?;
    match command {
        MigrateCommand::Up => migrate::up(&pool).await?,
        MigrateCommand::Down { all } => migrate::down(&pool, all).await?,
        MigrateCommand::Status => {}
    }
    let applied = migrate::applied(&pool).await?;
    let mut seen = std::collections::BTreeSet::new();
    let each = migrate::MIGRATIONS.iter().filter(|m| seen.insert(m.version)).map(|migration| {
        let state = if applied.contains(&migration.version) { "applied" } else { "missing" };
        vec![json!(migration.version), json!(migration.description), json!(state)]
    });
    print(report::Report::new(&["migration", "description", "state"], each.collect()), json);
    Ok(())
}

async fn print_token(
    user: &str,
    role: String,
    ttl: u64,
    link: Option<String>,
) -> anyhow::Result<()> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    let user = people::find_user(&owner().await?, user).await?;
    let exp = u64::try_from(clock::now().seconds())? + ttl;
    let claims = Claims { sub: user.to_string(), exp, role };
    let secret = config.tokens.secret.context(
        "SUPABASE_JWT_SECRET (or JWT_SECRET) is not set: only with it can tokens be signed here",
    )?;
    let token = auth::sign(&secret, &claims)?;
    match link {
        None => say(token),
        Some(app) => say(format_args!("{}/sign-in#token={token}", app.trim_end_matches('/'))),
    }
    Ok(())
}

fn print_host_file(file: StaticFile) -> anyhow::Result<()> {
    let web = config::read_web(|name| std::env::var(name).ok())?;
    anyhow::ensure!(
        web.sync_url.is_some(),
        "SYNC_URL is not set: where the app finds the server, such as wss://sync.example/sync"
    );
    let file = match file {
        StaticFile::Vercel => HostFile::Vercel,
        StaticFile::Netlify => HostFile::Netlify,
        StaticFile::Headers => HostFile::Headers,
        StaticFile::Config => HostFile::Settings,
    };
    say(static_host::text(file, &web).trim_end());
    Ok(())
}

async fn run_reproject(check: bool, json: bool) -> anyhow::Result<std::process::ExitCode> {
    let mode = if check { reproject::Mode::Check } else { reproject::Mode::Write };
    let outcome = reproject::run(&owner().await?, &sync_core::crm::schema(), mode).await?;
    if json {
        say_json(
            &json!({"records": outcome.records, "changes": outcome.changes, "differences": outcome.differences}),
        );
    } else {
        for difference in &outcome.differences {
            say(line(difference));
        }
        say(format_args!(
            "{} records, {} changes, {} differences",
            outcome.records,
            outcome.changes,
            outcome.differences.len()
        ));
    }
    let differs = check && !outcome.differences.is_empty();
    Ok(if differs { std::process::ExitCode::FAILURE } else { std::process::ExitCode::SUCCESS })
}

async fn run_user(command: UserCommand, json: bool) -> anyhow::Result<()> {
    let pool = owner().await?;
    match command {
        UserCommand::Add { email, first, last, role, manager, territory, time_zone, id } => {
            let manager = match manager {
                Some(manager) => Some(people::find_user(&pool, &manager).await?),
                None => None,
            };
            let user = people::NewUser {
                id,
                email,
                first_name: first,
                last_name: last,
                role: role.as_deref().map(Role::from),
                manager,
                territory,
                time_zone,
            };
            let id = people::add_user(&pool, &user).await?;
            if json { say_json(&json!({ "id": id })) } else { say(id) }
        }
        UserCommand::SetRole { user, role } => {
            let change =
                people::UserChange { role: Some(Role::from(role.as_str())), ..Default::default() };
            change_user(&pool, &user, change).await?;
        }
        UserCommand::SetEmail { user, email } => {
            let change = people::UserChange { email: Some(email), ..Default::default() };
            change_user(&pool, &user, change).await?;
        }
        UserCommand::Move { user, manager, territory } => {
            let manager = match manager {
                Some(manager) => Some(people::find_user(&pool, &manager).await?),
                None => None,
            };
            let change = people::UserChange { manager, territory, ..Default::default() };
            change_user(&pool, &user, change).await?;
        }
        UserCommand::Disable { user } => {
            let change = people::UserChange { active: Some(false), ..Default::default() };
            change_user(&pool, &user, change).await?;
        }
        UserCommand::Enable { user } => {
            let change = people::UserChange { active: Some(true), ..Default::default() };
            change_user(&pool, &user, change).await?;
        }
        UserCommand::List => {
            let sql = "SELECT u.id, u.email, u.full_name AS name, u.role, m.email AS manager,
                              t.name AS territory, u.is_active AS active
                       FROM public.users u LEFT JOIN public.users m ON m.id = u.manager_id
                       LEFT JOIN public.territories t ON t.id = u.territory_id ORDER BY u.email";
            print(report::select_as_owner(&pool, sql).await?, json);
        }
    }
    Ok(())
}

async fn change_user(
    pool: &sqlx::postgres::PgPool,
    user: &str,
    change: people::UserChange,
) -> anyhow::Result<()> {
    let id = people::find_user(pool, user).await?;
    people::change_user(pool, id, &change).await?;
    say(id);
    Ok(())
}

/// Asks this machine's server how it is.
async fn health() -> anyhow::Result<std::process::ExitCode> {
    let port: u16 = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    // Plain HTTP on this machine: neither a proxy nor a root certificate has a part in it.
    let client = client::builder()
        .timeout(std::time::Duration::from_secs(10))
        .tls_certs_only([])
        .no_proxy()
        .build()?;
    let answer = client
        .get(format!("http://127.0.0.1:{port}/health"))
        .send()
        .await
        .with_context(|| format!("no server answers on port {port}"))?;
    let well = answer.status() == reqwest::StatusCode::OK;
    say(line(&answer.text().await?));
    Ok(if well { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}
