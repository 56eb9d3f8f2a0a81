//! The commands and their arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use client_sdk::core::ids::UserId;

use crate::check::CheckArgs;
use crate::import::{ImportArgs, ImportsCommand};
use crate::quarantine::QuarantineCommand;
use crate::rescue::RescueArgs;
use crate::tokens::Server;

/// A device's copy of your records: create, edit and find them without a network, and sync when
/// there is one.
///
/// Examples:
///   export PANTRY_TOKEN=…                not --token: every user of the system can read a command line
///   pantry init                          begin a database for the token's user; or --user ID
///   pantry import places.csv --preview
///   pantry new organization name="Café Zoë" priority_level=A
///   pantry set 5f2c19 stage="closed-lost: too dear"
///   pantry check --new organization name=Grand organization_type=customer
///   pantry sync --server ws://127.0.0.1:3000/sync --token-file ~/.pantry-token
#[derive(Parser)]
#[command(name = "pantry", version, arg_required_else_help = true, verbatim_doc_comment)]
pub(crate) struct Cli {
    /// The database file.
    #[arg(long, global = true, env = "PANTRY_DB", default_value = "pantry.db")]
    pub(crate) db: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Begin a database for a user.
    Init {
        /// The user's id, where there is no token yet: `sync-server user list` shows it, and it is
        /// the `sub` of their tokens.
        #[arg(long)]
        user: Option<UserId>,
        /// A token of the user whose database it is to be. Every user of this system can read a command
        /// line: give it in the variable, or in a file.
        #[arg(long, env = "PANTRY_TOKEN", hide_env_values = true)]
        token: Option<String>,
        /// A file that holds one.
        #[arg(long, env = "PANTRY_TOKEN_FILE")]
        token_file: Option<PathBuf>,
        /// The time zone in which times of day are meant that are typed here, such as
        /// America/New_York; the system's when not given. It may be set later too, without a user.
        #[arg(long)]
        zone: Option<String>,
    },
    Import(ImportArgs),
    /// The imports of this device: list them, or undo one.
    Imports {
        #[command(subcommand)]
        command: Option<ImportsCommand>,
    },
    /// Create a record: field=value …
    ///
    /// Values are read as people write them: 1,200 · yes · Prospect · 2026-11-20 10:00 (in your time
    /// zone) · 25,000.00 USD. What is not understood is refused.
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
    /// What became of a record: each change with who made it and when, newest first.
    History {
        id: String,
        /// Changes to tell at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Undo a change of a record: the fields that still say what it wrote say again what they said
    /// before. Undoing is an edit, and can be undone.
    Undo {
        id: String,
        /// The first characters of the change's name, as `history` tells it; your last one when not given.
        change: Option<String>,
    },
    /// What several people gave different values at once: who said what and when, and the value that all of
    /// them started from.
    Conflicts {
        /// Those of one record; of all when not given.
        id: Option<String>,
    },
    /// Settle a contested field: `settle ID cuisine=Thai`, or keep one of its values by its number, as
    /// `conflicts` lists them: `settle ID cuisine --keep 2`. `is_deleted=no` restores, `is_deleted=yes`
    /// deletes for good.
    Settle {
        id: String,
        /// The field, or field=value.
        field: String,
        /// The number of the value to keep.
        #[arg(long)]
        keep: Option<usize>,
    },
    /// A report over the records that are here, as the server would make it of them; without a name, those
    /// there are.
    Report {
        name: Option<String>,
        /// Print CSV, in which no spreadsheet finds a formula.
        #[arg(long)]
        csv: bool,
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
        /// Records to list at most; it is said when there are more.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Answer an SQL query over the local tables.
    ///
    /// They are called as the kinds, in the plural, and hold deleted records too: `WHERE NOT is_deleted`
    /// leaves those out. `SELECT name, sql FROM sqlite_schema` lists tables and columns.
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
    /// Live or offline, whether everything has come, unsent edits, conflicts, refusals; and whose copy it is.
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
    Rescue(RescueArgs),
}

/// What is left of a command once it has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing but what it printed.
    Nothing,
    /// What it wrote to the database, whether or not that could be printed.
    Stands,
}

impl Command {
    /// What is left of it, if it comes to its end.
    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::Import(args) if args.preview => Effect::Nothing,
            Self::Quarantine { command } => match command {
                Some(QuarantineCommand::Resubmit { .. } | QuarantineCommand::Discard { .. }) => {
                    Effect::Stands
                }
                _ => Effect::Nothing,
            },
            Self::Imports { command } => match command {
                Some(ImportsCommand::Undo { .. }) => Effect::Stands,
                Some(ImportsCommand::List) | None => Effect::Nothing,
            },
            Self::Rescue(RescueArgs { back, .. }) if back.is_none() => Effect::Nothing,
            Self::Init { .. }
            | Self::Import(_)
            | Self::New { .. }
            | Self::Set { .. }
            | Self::Delete { .. }
            | Self::Restore { .. }
            | Self::Undo { .. }
            | Self::Settle { .. }
            | Self::Sync { .. }
            | Self::Rescue(_) => Effect::Stands,
            Self::Show { .. }
            | Self::History { .. }
            | Self::Conflicts { .. }
            | Self::Report { .. }
            | Self::List { .. }
            | Self::Search { .. }
            | Self::Query { .. }
            | Self::Check(_)
            | Self::Status
            | Self::ExportDocument { .. } => Effect::Nothing,
        }
    }
}
