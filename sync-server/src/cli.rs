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
    ///
    /// With --app the app in the browser comes from the same port. What it is told stands in /config.json:
    /// SYNC_URL (none: where it came from), SIGN_IN (token, oidc or supabase) with OIDC_ISSUER,
    /// OIDC_CLIENT_ID, OIDC_SCOPE and OIDC_AUDIENCE, or with SUPABASE_URL and SUPABASE_ANON_KEY. APP_CONNECT_ORIGINS lists further origins
    /// that it may talk to; HSTS_SECONDS, behind TLS, has browsers keep to that.
    Serve {
        /// Directory of the built app; what is in it is read once, now.
        #[arg(long, value_name = "DIR", env = "APP_DIR")]
        app: Option<std::path::PathBuf>,
    },
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
        /// Print a link that signs in to the app at this address, such as http://127.0.0.1:3000. The token
        /// stands behind a #, which browsers send to no server.
        #[arg(long, value_name = "ADDRESS")]
        link: Option<String>,
    },
    /// Fill a fresh database with a made-up company to look at: a manager, five reps, and their accounts
    /// round a town that is nowhere, with contacts, deals, visits and tasks.
    ///
    /// Everything is written as people would write it and judged by the same rules. The same seed as of the
    /// same moment gives the same company. A database that has accounts already is left alone.
    #[command(after_help = "Example: sync-server migrate up && sync-server seed --accounts 200")]
    Seed(SeedOptions),
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
    ///
    /// Changes what is named and nothing else: without --to the first in charge stays, without --second
    /// and --no-second the second, without --territory and --no-territory the territory. Look at it with
    /// --preview first: it lists every column of every account that would change, and what the rules
    /// would refuse. Devices of those who gain or lose an account fetch or erase it at once.
    #[command(
        after_help = "Examples:\n  sync-server assign --as mia@example.com --from rosa@example.com --to omar@example.com --preview\n  sync-server assign --as mia@example.com --where \"billing_address_city = 'Bronx'\" --second omar@example.com"
    )]
    Assign(AssignOptions),
    /// Merge accounts into another one, as a manager or administrator.
    ///
    /// A merged account stays, with all that hangs from it, and points to the one that replaces it;
    /// `unmerge` takes that back. With --preview nothing is changed: every column that would change is
    /// listed, and what the rules would refuse.
    Merge {
        /// Ids of the accounts to be replaced.
        #[arg(required = true)]
        accounts: Vec<uuid::Uuid>,
        /// Id of the account that replaces them.
        #[arg(long)]
        into: uuid::Uuid,
        #[command(flatten)]
        how: How,
    },
    /// Take the merging of accounts back, as a manager or administrator.
    Unmerge {
        /// Ids of the accounts that were merged into others.
        #[arg(required = true)]
        accounts: Vec<uuid::Uuid>,
        #[command(flatten)]
        how: How,
    },
    /// Move contacts to another account, as somebody who may change them and that account.
    ///
    /// What was noted with them stays with the account where it happened.
    MoveContact {
        /// Ids of the contacts.
        #[arg(required = true)]
        contacts: Vec<uuid::Uuid>,
        /// Id of the account where they work from now on.
        #[arg(long)]
        to: uuid::Uuid,
        #[command(flatten)]
        how: How,
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
    /// Print what a host of files alone must be told to serve the app as `serve --app` would: the same
    /// headers and caching. Reads what `serve` reads for the app; SYNC_URL is needed, since the server is
    /// elsewhere. There, ALLOWED_ORIGINS names the app's origin.
    #[command(
        after_help = "Example: SYNC_URL=wss://sync.example/sync HSTS_SECONDS=31536000 sync-server static-host vercel >vercel.json"
    )]
    StaticHost {
        /// Which file: vercel.json, netlify.toml, `_headers` or config.json.
        #[arg(value_enum)]
        file: StaticFile,
    },
    /// Ask a running server how it is; exit code 1 when it is not well. Reads PORT.
    Health,
}

#[derive(clap::Args)]
pub(crate) struct SeedOptions {
    /// Customers and prospects in all.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    pub(crate) accounts: u64,
    /// For how many weeks visits go back.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=104))]
    pub(crate) weeks: u64,
    /// Another number, another company.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The moment that everything has led up to, such as 2026-11-27T12:00:00Z. [default: now]
    #[arg(long, value_name = "MOMENT")]
    pub(crate) as_of: Option<String>,
}

/// As whom something is done, and whether it is done.
#[derive(clap::Args)]
pub(crate) struct How {
    /// As whom: e-mail address or id. The rules are theirs, and their name stands in the history.
    #[arg(long = "as")]
    pub(crate) acting: String,
    /// Change nothing; list every column that would change, and what would be refused.
    #[arg(long, visible_alias = "dry-run")]
    pub(crate) preview: bool,
}

#[derive(clap::Args)]
pub(crate) struct AssignOptions {
    /// Only accounts of which this person is first in charge: e-mail address or id.
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// First in charge: e-mail address or id; several share the accounts alternately.
    #[arg(long, value_delimiter = ',', required_unless_present_any = ["second", "no_second", "territory", "no_territory"])]
    pub(crate) to: Vec<String>,
    /// Second in charge: e-mail address or id.
    #[arg(long, conflicts_with = "no_second")]
    pub(crate) second: Option<String>,
    /// Nobody second in charge.
    #[arg(long)]
    pub(crate) no_second: bool,
    /// Id of the territory to put the accounts in.
    #[arg(long, conflicts_with = "no_territory")]
    pub(crate) territory: Option<uuid::Uuid>,
    /// Take the accounts out of their territories.
    #[arg(long)]
    pub(crate) no_territory: bool,
    /// Open tasks and deals of whoever was first in charge go along to the new first one.
    #[arg(long, requires = "to")]
    pub(crate) with_work: bool,
    /// Which accounts, as an SQL condition over organizations; run as the person after --as.
    #[arg(long, default_value = "NOT is_deleted")]
    pub(crate) r#where: String,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply what is missing.
    ///
    /// Waits at most five seconds for a table that is in use, so that nobody waits behind it for a long
    /// query; then it says so, and is to be run again.
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
    /// Add a person, or change what is named of one whose e-mail address is known. Prints their id.
    ///
    /// A person who was added after the backup that a database was restored from is given back their
    /// id with --id, so that what they wrote is theirs again: see migrations/README.md.
    Add {
        #[arg(long)]
        email: String,
        /// Given name.
        #[arg(long)]
        first: Option<String>,
        /// Family name.
        #[arg(long)]
        last: Option<String>,
        /// [new: sales_rep]
        #[arg(long, value_parser = ROLES)]
        role: Option<String>,
        /// E-mail address or id of whom they report to.
        #[arg(long)]
        manager: Option<String>,
        /// Id of the territory where they work.
        #[arg(long)]
        territory: Option<uuid::Uuid>,
        /// IANA time zone. [new: America/New_York]
        #[arg(long)]
        time_zone: Option<String>,
        /// The id they had before.
        #[arg(long)]
        id: Option<uuid::Uuid>,
    },
    /// Give a person another role; their devices fetch or erase at once what that changes.
    SetRole {
        /// E-mail address or id.
        user: String,
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Give a person another e-mail address, as where one that was added twice is to be freed.
    SetEmail {
        /// E-mail address or id.
        user: String,
        /// The new address, which is nobody's.
        email: String,
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

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum StaticFile {
    Vercel,
    Netlify,
    Headers,
    Config,
}
