//! `pantry`: a device on the command line.

mod check;
mod import;
mod output;
mod quarantine;
mod sync;
mod tokens;

use std::path::PathBuf;
use std::process::ExitCode;

use check::CheckArgs;
use clap::{Parser, Subcommand};
use client_sdk::core::crm;
use client_sdk::core::document::{FieldState, RecordEdit};
use client_sdk::core::ids::{RecordId, UserId};
use client_sdk::core::replica::{Deleted, GroupEdit, ListOptions, OpenError, Table, rescue};
use client_sdk::core::schema::Kind;
use client_sdk::{Client, TokenSource, read_claims};
use output::Output;
use quarantine::QuarantineCommand;
use serde_json::json;
use tokens::{Server, Tokens};

/// A device's copy of your records: create, edit and find them without a network, and sync when
/// there is one.
///
/// Examples:
///   pantry init --user 0190…             begin a database for a user
///   pantry import places.csv --kind organization --preview
///   pantry new organization name="Café Zoë" priority_level=A
///   pantry set 0190ab12 stage="closed-lost: too dear"
///   pantry check --new organization name=Grand organization_type=customer --token "$TOKEN"
///   pantry sync --server ws://127.0.0.1:3000/sync --token "$TOKEN"
#[derive(Parser)]
#[command(version, arg_required_else_help = true, verbatim_doc_comment)]
struct Cli {
    /// The database file.
    #[arg(long, global = true, env = "PANTRY_DB", default_value = "pantry.db")]
    db: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Begin a database for a user.
    Init {
        /// The user's id; or give a token.
        #[arg(long)]
        user: Option<UserId>,
        /// A token, whose user it is for.
        #[arg(long, env = "PANTRY_TOKEN", hide_env_values = true)]
        token: Option<String>,
        /// A file that holds one.
        #[arg(long, env = "PANTRY_TOKEN_FILE")]
        token_file: Option<PathBuf>,
    },
    /// Read records from a CSV file. Rows that do not fit are listed and left out.
    Import {
        file: PathBuf,
        #[arg(long, default_value = "organization")]
        kind: String,
        /// FIELD=COLUMN, or FIELD=COLUMN+COLUMN to join with a space; guessed when not given.
        #[arg(long)]
        map: Vec<String>,
        /// Only show what would be read.
        #[arg(long)]
        preview: bool,
    },
    /// Create a record: field=value …
    New {
        kind: String,
        values: Vec<String>,
    },
    /// Change a record: field=value …; sets take +key and -key; stage=, status= and completed= add
    /// events.
    Set {
        id: String,
        #[arg(allow_hyphen_values = true)]
        values: Vec<String>,
    },
    /// Show a record with its conflicts.
    Show {
        id: String,
    },
    /// List records of a kind.
    List {
        kind: String,
        /// SQL condition over the columns.
        #[arg(long)]
        r#where: Option<String>,
        #[arg(long)]
        limit: Option<u32>,
        /// Deleted ones too.
        #[arg(long)]
        deleted: bool,
    },
    /// Find records by words.
    Search {
        text: String,
    },
    /// Answer an SQL query over the local tables.
    Query {
        sql: String,
    },
    /// Delete records; `restore` takes it back.
    Delete {
        ids: Vec<String>,
    },
    /// Take deletions back.
    Restore {
        ids: Vec<String>,
    },
    Check(CheckArgs),
    /// Send and receive everything.
    Sync {
        #[command(flatten)]
        server: Server,
        /// Stay connected; reconnect when the connection breaks, and with --token-file also when
        /// there is a newer token.
        #[arg(long)]
        watch: bool,
    },
    /// One line: live or offline, unsent edits, conflicts, refusals.
    Status,
    /// Edits that the server refused: list, show, export, resubmit or discard them.
    Quarantine {
        #[command(subcommand)]
        command: Option<QuarantineCommand>,
    },
    /// Write a record's whole document as Automerge saves it.
    ExportDocument {
        id: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// Save the unsent edits of a damaged database as JSON lines.
    Rescue {
        #[arg(long)]
        out: PathBuf,
    },
}

/// An error with its exit code: 1 the data or command, 3 the server or network, 4 a damaged file. (2
/// is a command line that does not parse; 5 and 6 are answers of `pantry check`.)
struct Failure(u8, String);

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(1, error.to_string())
    }
}

fn failure(code: u8, text: impl std::fmt::Display) -> Failure {
    Failure(code, text.to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = Output { json: cli.json };
    match run(cli, &out).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(code, text)) => {
            // An answer that is no success was printed already, and is no error.
            if !text.is_empty() {
                out.error(&text);
            }
            ExitCode::from(code)
        }
    }
}

fn open(db: &std::path::Path, user: Option<UserId>) -> Result<Client, Failure> {
    if user.is_none() && !db.exists() {
        let text = format!("no database at {}; `pantry init --user ID` begins one", db.display());
        return Err(failure(1, text));
    }
    Client::open(db, user).map_err(|error| match error {
        OpenError::Damaged(_) => failure(
            4,
            format!("{error}. `pantry rescue --out edits.jsonl` saves the unsent edits; then begin a new database"),
        ),
        other => failure(1, other),
    })
}

/// Fills the tables anew after an update that changed which fields there are.
fn fill_tables(client: &Client, out: &Output) -> Result<(), Failure> {
    const AT_ONCE: u32 = 500;
    let Some(begun) = client.rebuilding()? else { return Ok(()) };
    let bar = out.progress("updating");
    bar.set_length(begun.total);
    while let Some(progress) = client.rebuild_some(AT_ONCE)? {
        bar.set_position(progress.done);
    }
    bar.finish_and_clear();
    Ok(())
}

async fn run(cli: Cli, out: &Output) -> Result<(), Failure> {
    if let Command::Init { user, token, token_file } = &cli.command {
        let user = match user {
            Some(user) => *user,
            None => match Tokens::of(token.clone(), token_file.clone()) {
                Some(mut tokens) => user_of_token(&tokens.token().await?)?,
                None => {
                    return Err(failure(1, "give --user ID, --token TOKEN or --token-file FILE"));
                }
            },
        };
        let client = open(&cli.db, Some(user))?;
        out.value(
            &json!({"db": cli.db, "user": user.to_string(), "replica": client.id().to_string()}),
            &format!("{} is ready for user {user}", cli.db.display()),
        );
        return Ok(());
    }
    if let Command::Rescue { out: file } = &cli.command {
        return rescue_edits(&cli.db, file, out);
    }
    let client = open(&cli.db, None)?;
    fill_tables(&client, out)?;
    match cli.command {
        Command::Init { .. } | Command::Rescue { .. } => Ok(()),
        Command::Import { file, kind, map, preview } => {
            import::run(&client, &file, &kind_named(&kind)?, &map, preview, out)
        }
        Command::New { kind, values } => {
            let kind = kind_named(&kind)?;
            let edit = RecordEdit::parse(&kind, pairs(&values)?)?;
            let id = client.create(&kind, edit)?;
            out.value(&json!({"id": id.to_string()}), &id.to_string());
            Ok(())
        }
        Command::Set { id, values } => {
            let id = find(&client, &id)?;
            let kind = client.kind_of(id)?.ok_or_else(|| unknown(&id.to_string()))?;
            let edit = RecordEdit::parse(&kind, pairs(&values)?)?;
            let done = client.edit(id, edit)?;
            let text = if done.changes.is_empty() { "nothing to change" } else { "changed" };
            out.value(&json!({"id": id.to_string(), "changed": !done.changes.is_empty()}), text);
            Ok(())
        }
        Command::Show { id } => show(&client, &id, out),
        Command::List { kind, r#where, limit, deleted } => {
            let deleted = if deleted { Deleted::Shown } else { Deleted::Hidden };
            let options = ListOptions { filter: r#where, deleted, limit };
            let kind = kind_named(&kind)?;
            let table = client.list(&kind, &options)?;
            if out.json {
                out.table(&table)
            } else {
                out.table(&brief(&table))
            }
            Ok(())
        }
        Command::Search { text } => {
            let hits = client.search(&text, 50)?;
            let rows = hits
                .iter()
                .map(|hit| vec![json!(hit.id.to_string()), json!(hit.kind), json!(hit.title)]);
            let columns = ["id", "kind", "title"].map(str::to_owned).to_vec();
            out.table(&Table { columns, rows: rows.collect() });
            Ok(())
        }
        Command::Query { sql } => {
            out.table(&client.query(&sql)?);
            Ok(())
        }
        Command::Delete { ids } => life(&client, &ids, out, |id| GroupEdit::Delete { id }),
        Command::Restore { ids } => life(&client, &ids, out, |id| GroupEdit::Restore { id }),
        Command::Check(check) => check::run(&client, check, out).await,
        Command::Sync { server, watch: false } => sync::once(&client, server, out).await,
        Command::Sync { server, watch: true } => sync::watch(&client, server, out).await,
        Command::Status => {
            let status = client.status()?;
            let value = json!({
                "link": status.link.to_string(), "unsent": status.unsent,
                "oldest_unsent": status.oldest_unsent.map(|at| at.to_string()),
                "conflicts": status.conflicts, "refused": status.refused, "records": status.records,
                "last_sync": status.last_sync.map(|at| at.to_string()), "last_fault": status.last_fault,
            });
            out.value(&value, &status.to_string());
            Ok(())
        }
        Command::Quarantine { command } => {
            quarantine::run(&client, command.unwrap_or(QuarantineCommand::List), out)
        }
        Command::ExportDocument { id, out: file } => {
            let id = find(&client, &id)?;
            let bytes = client.save_document(id)?;
            std::fs::write(&file, &bytes)?;
            let text = format!("{} bytes written to {}", bytes.len(), file.display());
            out.value(&json!({"bytes": bytes.len(), "file": file}), &text);
            Ok(())
        }
    }
}

fn kind_named(name: &str) -> Result<Kind, Failure> {
    let schema = crm::schema();
    schema.kind(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = schema.kinds().iter().map(|kind| kind.name).collect();
        failure(1, format!("no kind \"{name}\"; there are {}", known.join(", ")))
    })
}

fn pairs(values: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let split =
        |value: &'_ String| value.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
    for value in values {
        if split(value).is_none() {
            return Err(failure(1, format!("\"{value}\" is not field=value")));
        }
    }
    Ok(values.iter().filter_map(|value| value.split_once('=')).collect())
}

fn unknown(id: &str) -> Failure {
    failure(1, format!("no record {id} on this device; `pantry search` finds records by words"))
}

/// A whole id, or the beginning or end of one that only one record has.
fn find(client: &Client, id: &str) -> Result<RecordId, Failure> {
    if let Ok(id) = id.parse::<RecordId>() {
        return match client.kind_of(id)? {
            Some(_) => Ok(id),
            None => Err(unknown(&id.to_string())),
        };
    }
    let plain = id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if id.len() < 6 || !plain {
        return Err(failure(
            1,
            format!("\"{id}\" is not an id, nor six or more characters of one"),
        ));
    }
    let part = id.to_ascii_lowercase();
    let tables = client.schema().document_kinds().map(|kind| {
        format!("SELECT id FROM {} WHERE id LIKE '{part}%' OR id LIKE '%{part}'", kind.table)
    });
    let sql = tables.collect::<Vec<_>>().join(" UNION ALL ");
    let found = client.query(&sql)?.rows;
    match found.as_slice() {
        [row] => Ok(row[0].as_str().unwrap_or_default().parse()?),
        [] => Err(unknown(id)),
        many => Err(failure(
            1,
            format!("{} records have \"{id}\" in their id; give more of it", many.len()),
        )),
    }
}

fn life(
    client: &Client,
    ids: &[String],
    out: &Output,
    make: fn(RecordId) -> GroupEdit,
) -> Result<(), Failure> {
    let edits: Vec<GroupEdit> =
        ids.iter().map(|id| find(client, id).map(make)).collect::<Result<_, _>>()?;
    let done = client.commit(&edits)?;
    out.value(&json!({"changed": done.changes.len()}), &format!("{} changed", done.changes.len()));
    Ok(())
}

fn show(client: &Client, id: &str, out: &Output) -> Result<(), Failure> {
    let id = find(client, id)?;
    let record = client.record(id)?.ok_or_else(|| unknown(&id.to_string()))?;
    let mut values = serde_json::Map::new();
    for (field, state) in record.kind.fields.iter().zip(&record.fields) {
        let value = match state {
            FieldState::Value(value) => value.to_json(),
            FieldState::Text(text) => json!(text),
            FieldState::Keys(keys) => json!(keys),
            FieldState::Map(map) => json!(map),
            FieldState::Log(events) => events
                .iter()
                .map(|(id, event)| json!({"id": id.to_string(), "event": event}))
                .collect(),
        };
        values.insert(field.name.to_owned(), value);
    }
    let conflicts: Vec<_> =
        record.conflicts.iter().map(|c| json!({"field": c.field, "values": c.values})).collect();
    let odd: Vec<_> =
        record.violations.iter().map(|v| json!({"field": v.field, "problem": v.problem})).collect();
    if out.json {
        out.value(&json!({"id": id.to_string(), "kind": record.kind.name, "values": values, "conflicts": conflicts, "violations": odd}), "");
        return Ok(());
    }
    let mut text = format!("{} {id}", record.kind.name);
    for (name, value) in &values {
        let empty = value.is_null()
            || value.as_str() == Some("")
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty);
        if !empty {
            text.push_str(&format!("\n  {name}: {}", output::plain(value)));
        }
    }
    for conflict in &record.conflicts {
        let all: Vec<String> = conflict.values.iter().map(output::plain).collect();
        text.push_str(&format!(
            "\n  conflict in {}: {} (shown), {}",
            conflict.field,
            all[0],
            all[1..].join(", ")
        ));
    }
    for violation in &record.violations {
        text.push_str(&format!("\n  odd: {} {}", violation.field, violation.problem));
    }
    out.value(&serde_json::Value::Null, &text);
    Ok(())
}

/// The columns that fit on a screen.
fn brief(table: &Table) -> Table {
    const SHOWN: &[&str] = &[
        "id",
        "name",
        "full_name",
        "title",
        "subject",
        "organization_type",
        "priority_level",
        "interaction_type",
        "stage",
        "status",
        "due_date",
        "is_completed",
        "cuisine",
        "credit_limit_minor",
        "credit_limit_currency",
        "payment_terms",
        "updated_at",
        "conflict_count",
    ];
    let indexes: Vec<usize> = (0..table.columns.len())
        .filter(|index| SHOWN.contains(&table.columns[*index].as_str()))
        .collect();
    let pick = |row: &Vec<serde_json::Value>| indexes.iter().map(|i| row[*i].clone()).collect();
    Table {
        columns: indexes.iter().map(|i| table.columns[*i].clone()).collect(),
        rows: table.rows.iter().map(pick).collect(),
    }
}

/// The user that a token is for, read without checking it: the server does that.
fn user_of_token(token: &str) -> Result<UserId, Failure> {
    let wrong = || failure(1, "the token is not one: no user can be read from it");
    let claims = read_claims(token).ok_or_else(wrong)?;
    claims["sub"].as_str().and_then(|sub| sub.parse().ok()).ok_or_else(wrong)
}

fn rescue_edits(db: &std::path::Path, file: &std::path::Path, out: &Output) -> Result<(), Failure> {
    use rusqlite::OpenFlags;
    let db = rusqlite::Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let edits =
        rescue(&db).map_err(|e| failure(4, format!("not even the edits can be read: {e}")))?;
    let mut text = String::new();
    for edit in &edits {
        let change = data_encoding::HEXLOWER.encode(&edit.bytes);
        let line = json!({"record": edit.record.to_string(), "kind": edit.kind, "change": change});
        text.push_str(&format!("{line}\n"));
    }
    std::fs::write(file, text)?;
    let said = format!("{} unsent edits written to {}", edits.len(), file.display());
    out.value(&json!({"edits": edits.len(), "file": file}), &said);
    Ok(())
}
