//! What the command line takes.

use clap::{Parser, Subcommand, ValueEnum};

/// The roles that the users table takes.
const ROLES: [&str; 4] = ["admin", "manager", "sales_rep", "read_only"];

/// Kitchen Pantry's sync server: merges edits from devices, stores them in PostgreSQL, answers
/// reports. Every command reads DATABASE_URL.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve devices. Reads DATABASE_URL; SUPABASE_JWT_SECRET (or JWT_SECRET), JWKS_FILE or JWKS_URL,
    /// one at least; JWT_AUDIENCE and JWT_ISSUER (none: any); PORT (3000), DATABASE_POOL_SIZE (10),
    /// DATABASE_TIMEOUT (8: seconds after which a commit is given up and its pushes are to come again),
    /// LOG_LEVEL (info), ALLOWED_ORIGINS (none: web pages of the server's own origin only), METRICS_ADDR
    /// (none: metrics are not served; 127.0.0.1:9100: they are, at /metrics, to whoever reaches that).
    Serve,
    /// Create or change the database's tables.
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Print a token for development. Reads SUPABASE_JWT_SECRET (or JWT_SECRET) too.
    Token {
        /// E-mail address or id of the user.
        #[arg(long)]
        user: String,
        /// The database role it names, as Supabase does. What a user may do is never taken from a
        /// token but from the users table: see `user set-role`.
        #[arg(long, default_value = "authenticated")]
        role: String,
        /// How long it is good for, in seconds.
        #[arg(long, default_value_t = 43_200)]
        ttl: u64,
    },
    /// List the reports there are.
    Reports,
    /// Print a report as a user would see it.
    Report {
        /// Its name; `sync-server reports` lists them.
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
    },
    /// People.
    #[command(subcommand)]
    User(UserCommand),
    /// Territories.
    #[command(subcommand)]
    Territory(TerritoryCommand),
    /// Assign accounts, as a manager or administrator.
    Assign {
        /// Only accounts that are first in charge of this person: e-mail address or id.
        #[arg(long)]
        from: Option<String>,
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
        /// Only list them.
        #[arg(long)]
        preview: bool,
    },
    /// Show or set for how many days after an account was given to somebody else edits are taken that
    /// were made before their author's device heard of it.
    Grace {
        /// So many days from now on; 0 for none at all.
        #[arg(long, value_parser = clap::value_parser!(u16).range(0..=3650))]
        days: Option<u16>,
    },
    /// Say whether a person may read and change a record, by which rule, and what the rule goes by.
    Explain {
        /// E-mail address or id of the person.
        #[arg(long)]
        user: String,
        /// Id of the record.
        #[arg(long)]
        record: uuid::Uuid,
    },
    /// Ask a running server how it is; exit code 1 when it is not well. Reads PORT.
    Health,
}

#[derive(Subcommand)]
pub(crate) enum MigrateCommand {
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
pub(crate) enum UserCommand {
    /// Add a person, or bring one up to date. Prints their id.
    Add {
        #[arg(long)]
        email: String,
        #[arg(long)]
        first: String,
        #[arg(long)]
        last: String,
        #[arg(long, default_value = "sales_rep", value_parser = ROLES)]
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
    /// Give a person another role; their devices fetch or erase at once what that changes.
    SetRole {
        /// E-mail address or id.
        user: String,
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Move a person to another manager or territory.
    Move {
        /// E-mail address or id.
        user: String,
        /// E-mail address or id of whom they report to.
        #[arg(long, required_unless_present = "territory")]
        manager: Option<String>,
        /// Id of the territory where they work.
        #[arg(long)]
        territory: Option<uuid::Uuid>,
    },
    /// Keep a person from signing in; their devices erase what they hold, except unsent edits.
    Disable {
        /// E-mail address or id.
        user: String,
    },
    /// Let a disabled person sign in again.
    Enable {
        /// E-mail address or id.
        user: String,
    },
    /// List people.
    List,
}

#[derive(Subcommand)]
pub(crate) enum TerritoryCommand {
    /// Add a territory. Prints its id.
    Add {
        name: String,
        /// Id of the territory it lies in.
        #[arg(long)]
        parent: Option<uuid::Uuid>,
    },
    /// List territories.
    List,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
}
