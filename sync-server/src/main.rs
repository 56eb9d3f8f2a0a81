//! The command line of the server.

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use serde_json::json;
use sync_server::config::Config;
use sync_server::http::auth::{self, Claims};
use sync_server::ops::{assign, migrate, people, report, reproject};
use sync_server::{app, committer, say, store, telemetry};

/// Documents are many small allocations, made and dropped on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Kitchen Pantry's sync server: merges edits from devices, stores them in PostgreSQL, answers
/// reports. Every command reads DATABASE_URL.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve devices. Reads DATABASE_URL, SUPABASE_JWT_SECRET (or JWT_SECRET), PORT (3000),
    /// DATABASE_POOL_SIZE (10), LOG_LEVEL (info).
    Serve,
    /// Create or change the database's tables.
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Print a token for development.
    Token {
        /// E-mail address or id of the user.
        #[arg(long)]
        user: String,
        /// How long it is good for, in seconds.
        #[arg(long, default_value_t = 43_200)]
        ttl: u64,
    },
    /// Print a report as a user would see it.
    Report {
        /// pipeline, activity, overdue_follow_ups, priority_a_not_visited or forecast.
        name: String,
        /// E-mail address or id of the user.
        #[arg(long)]
        user: String,
        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Compare the tables with the documents and the changes they came from.
    Reproject {
        /// Only compare; exit code 1 when anything differs.
        #[arg(long)]
        check: bool,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// People.
    #[command(subcommand)]
    User(UserCommand),
    /// Territories.
    #[command(subcommand)]
    Territory(TerritoryCommand),
    /// Assign accounts, as a manager or administrator.
    Assign {
        /// Whom to assign to; several share the accounts alternately.
        #[arg(long, required = true, value_delimiter = ',')]
        to: Vec<String>,
        /// As which manager or administrator.
        #[arg(long = "as")]
        acting: String,
        /// Territory id to put the accounts in.
        #[arg(long)]
        territory: Option<uuid::Uuid>,
        /// Which accounts, as an SQL condition over organizations; run as that manager.
        #[arg(long, default_value = "NOT is_deleted")]
        r#where: String,
        /// Only say how many there are.
        #[arg(long)]
        preview: bool,
    },
    /// Ask a running server how it is; exit code 1 when it is not well. Reads PORT.
    Health,
}

#[derive(Subcommand)]
enum MigrateCommand {
    /// Apply what is missing.
    Up,
    /// Take the last migration back.
    Down {
        /// Take all of them back. Drops all data.
        #[arg(long)]
        all: bool,
    },
    /// List migrations.
    Status,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add a person, or bring one up to date. Prints their id.
    Add {
        #[arg(long)]
        email: String,
        #[arg(long)]
        first: String,
        #[arg(long)]
        last: String,
        /// admin, manager, sales_rep or read_only.
        #[arg(long, default_value = "sales_rep")]
        role: String,
        /// E-mail address or id of whom they report to.
        #[arg(long)]
        manager: Option<String>,
        /// Id of the territory where they work.
        #[arg(long)]
        territory: Option<uuid::Uuid>,
        /// IANA time zone.
        #[arg(long, default_value = "America/New_York")]
        time_zone: String,
    },
    /// List people.
    List,
}

#[derive(Subcommand)]
enum TerritoryCommand {
    /// Add a territory. Prints its id.
    Add {
        name: String,
        /// Id of the territory it lies in.
        #[arg(long)]
        parent: Option<uuid::Uuid>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn database_url() -> anyhow::Result<String> {
    std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()).context(
        "DATABASE_URL is not set: the address of PostgreSQL, as postgres://USER:PASSWORD@HOST/DATABASE",
    )
}

async fn owner() -> anyhow::Result<sqlx::postgres::PgPool> {
    store::connect_as_owner(&database_url()?).await.context("the database cannot be reached")
}

async fn run(command: Command) -> anyhow::Result<std::process::ExitCode> {
    match command {
        Command::Serve => serve().await?,
        Command::Migrate(command) => run_migrate(command).await?,
        Command::Token { user, ttl } => print_token(&user, ttl).await?,
        Command::Report { name, user, format } => {
            let pool = owner().await?;
            let user = people::find_user(&pool, &user).await?;
            let pool = store::connect(&database_url()?, 2).await?;
            let report = report::run(&pool, &name, user).await?;
            match format {
                Format::Table => say(report.to_table()),
                Format::Csv => say(report.to_csv()?.trim_end()),
                Format::Json => say(report.to_json()),
            }
        }
        Command::Reproject { check, json } => return run_reproject(check, json).await,
        Command::User(command) => run_user(command).await?,
        Command::Territory(TerritoryCommand::Add { name, parent }) => {
            say(people::add_territory(&owner().await?, &name, parent).await?);
        }
        Command::Assign { to, acting, territory, r#where, preview } => {
            return run_assign(&to, &acting, territory, &r#where, preview).await;
        }
        Command::Health => return health().await,
    }
    Ok(std::process::ExitCode::SUCCESS)
}

async fn serve() -> anyhow::Result<()> {
    telemetry::start_logging();
    let config = Config::read(|name| std::env::var(name).ok())?;
    let running = app::start(&config).await?;
    say(format_args!("listening on {}", running.address));
    let stopping = running.app.stopping.clone();
    tokio::spawn(async move {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .expect("BUG: signals can be listened for");
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        stopping.cancel();
    });
    Ok(running.wait().await?)
}

async fn run_migrate(command: MigrateCommand) -> anyhow::Result<()> {
    let pool = owner().await?;
    match command {
        MigrateCommand::Up => migrate::up(&pool).await?,
        MigrateCommand::Down { all } => migrate::down(&pool, all).await?,
        MigrateCommand::Status => {}
    }
    let applied = migrate::applied(&pool).await?;
    let mut seen = std::collections::BTreeSet::new();
    for migration in migrate::MIGRATIONS.iter().filter(|m| seen.insert(m.version)) {
        let state = if applied.contains(&migration.version) { "applied" } else { "missing" };
        say(format_args!("{:04} {:<12} {state}", migration.version, migration.description));
    }
    Ok(())
}

async fn print_token(user: &str, ttl: u64) -> anyhow::Result<()> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    let user = people::find_user(&owner().await?, user).await?;
    let exp = u64::try_from(committer::now().seconds())? + ttl;
    let claims = Claims { sub: user.to_string(), exp, role: "authenticated".into() };
    say(auth::sign(&config.jwt_secret, &claims)?);
    Ok(())
}

async fn run_reproject(check: bool, json: bool) -> anyhow::Result<std::process::ExitCode> {
    let mode = if check { reproject::Mode::Check } else { reproject::Mode::Write };
    let outcome = reproject::run(&owner().await?, mode).await?;
    if json {
        say(
            json!({"records": outcome.records, "changes": outcome.changes, "differences": outcome.differences}),
        );
    } else {
        for difference in &outcome.differences {
            say(difference);
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

async fn run_user(command: UserCommand) -> anyhow::Result<()> {
    let pool = owner().await?;
    match command {
        UserCommand::Add { email, first, last, role, manager, territory, time_zone } => {
            let manager = match manager {
                Some(manager) => Some(people::find_user(&pool, &manager).await?),
                None => None,
            };
            let user = people::NewUser {
                email,
                first_name: first,
                last_name: last,
                role,
                manager,
                territory,
                time_zone,
            };
            say(people::add_user(&pool, &user).await?);
        }
        UserCommand::List => {
            let rows: Vec<(uuid::Uuid, String, Option<String>, String)> = sqlx::query_as(
                "SELECT id, email, full_name, role FROM public.users ORDER BY email",
            )
            .fetch_all(&pool)
            .await?;
            for (id, email, name, role) in rows {
                say(format_args!("{id}  {role:<10} {email}  {}", name.unwrap_or_default()));
            }
        }
    }
    Ok(())
}

async fn run_assign(
    to: &[String],
    acting: &str,
    territory: Option<uuid::Uuid>,
    condition: &str,
    preview: bool,
) -> anyhow::Result<std::process::ExitCode> {
    let owner = owner().await?;
    let acting = people::find_user(&owner, acting).await?;
    let mut targets = Vec::new();
    for who in to {
        targets.push(people::find_user(&owner, who).await?);
    }
    let pool = store::connect(&database_url()?, 4).await?;
    let sql = format!("SELECT id FROM public.organizations WHERE {condition} ORDER BY id");
    let found = report::select(&pool, &sql, acting).await?;
    let ids = found.rows.iter().filter_map(|row| row.first()?.as_str()?.parse().ok());
    let list: Vec<assign::Assignment> = ids
        .enumerate()
        .map(|(index, organization)| assign::Assignment {
            organization,
            to: targets[index % targets.len()],
            second: None,
            territory,
        })
        .collect();
    if preview {
        say(format_args!("{} accounts would be assigned", list.len()));
        return Ok(std::process::ExitCode::SUCCESS);
    }
    let sentences = std::sync::Arc::new(committer::PolicySentences::load(&pool).await?);
    let committer = committer::Committer::start(pool.clone(), sentences);
    let outcome = assign::assign(&pool, &committer, acting, &list).await?;
    for refusal in outcome.refused.iter().take(20) {
        say(format_args!("refused: {refusal}"));
    }
    say(format_args!("{} accounts assigned, {} refused", outcome.assigned, outcome.refused.len()));
    let failed = !outcome.refused.is_empty();
    Ok(if failed { std::process::ExitCode::FAILURE } else { std::process::ExitCode::SUCCESS })
}

/// Speaks just enough HTTP for its own server.
async fn health() -> anyhow::Result<std::process::ExitCode> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let port: u16 = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .with_context(|| format!("no server answers on port {port}"))?;
    socket
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    say(answer.split("\r\n\r\n").nth(1).unwrap_or_default());
    let well = answer.starts_with("HTTP/1.1 200");
    Ok(if well { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}
