//! A world for one test: a database of its own, a server in this process, devices in files.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use client_sdk::core::document::RecordEdit;
use client_sdk::core::ids::{RecordId, UserId};
use client_sdk::{Client, LinkFault, Server, SyncSummary};
use sqlx::postgres::{PgConnection, PgPool, Postgres};
use sqlx::{AssertSqlSafe, Connection, Executor, Transaction};
use sync_core::replica::OpenOptions;
use sync_core::schema::{Kind, Schema};
use sync_server::config::{Config, TokenConfig, WebConfig};
use sync_server::http::auth::{self, Claims};
use sync_server::ops::{assign, grace, people, report, reproject};
use sync_server::server::{self, Running};
use sync_server::store::Patience;
use sync_server::{clock, store};
use uuid::Uuid;

// By its path, since benchmarks have this file too.
#[path = "template.rs"]
pub(crate) mod template;

pub(crate) use template::with_database;

/// How long a server of a test waits for its database: longer than a busy machine takes for anything.
pub(crate) const PATIENCE: Patience = Patience::of(Duration::from_secs(60));
pub(crate) const SECRET: &str = "a secret for tests that is long enough";

/// A kind of the CRM.
pub(crate) fn kind(name: &str) -> Kind {
    sync_core::crm::schema().kind(name).unwrap().clone()
}

pub(crate) struct World {
    pub(crate) server: Running,
    pub(crate) owner: PgPool,
    pub(crate) config: Config,
    pub(crate) admin: Uuid,
    pub(crate) manager: Uuid,
    pub(crate) rep: Uuid,
    pub(crate) other_rep: Uuid,
    pub(crate) files: tempfile::TempDir,
    pub(crate) admin_url: String,
    name: String,
}

async fn add_person(
    owner: &PgPool,
    name: &str,
    role: &str,
    manager: Option<Uuid>,
    territory: Option<Uuid>,
) -> Uuid {
    let user = people::NewUser {
        email: format!("{name}@example.com"),
        first_name: Some(name.to_owned()),
        last_name: Some("Test".into()),
        role: Some(role.into()),
        manager,
        territory,
        ..Default::default()
    };
    people::add_user(owner, &user).await.unwrap()
}

/// What the migration of a next version would do: a column for each that the tables lack.
async fn add_columns(owner: &PgPool, schema: &Schema) {
    for kind in schema.document_kinds() {
        let known = crate::harness::kind(kind.name);
        for column in kind.columns().iter().filter(|column| !known.columns().contains(column)) {
            let (table, name, ty) = (kind.table, &column.name, column.ty.postgres());
            let sql = format!("ALTER TABLE public.{table} ADD COLUMN {name} {ty}");
            owner.execute(AssertSqlSafe(sql)).await.unwrap();
        }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(sync_core::crm::schema()).await
    }

    /// A world whose server knows the CRM by another version of its schema.
    pub(crate) async fn of(schema: Arc<Schema>) -> Self {
        let admin_url = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL must name a PostgreSQL for tests; `make test` provides one");
        let name = format!("test_{}", people::new_id().simple());
        template::copy(&admin_url, &name).await;
        let database_url = with_database(&admin_url, &name);
        let owner = store::connect_as_owner(&database_url, PATIENCE).await.unwrap();
        add_columns(&owner, &schema).await;
        let config = Config {
            database_url,
            pool_size: 6,
            patience: PATIENCE,
            port: 0,
            metrics: None,
            tokens: TokenConfig::from_secret(SECRET),
            origins: Vec::new(),
            web: WebConfig::default(),
        };
        let server = server::start(&config, schema).await.unwrap();
        let person = async |name: &str, role: &str, manager: Option<Uuid>| {
            add_person(&owner, name, role, manager, None).await
        };
        let admin = person("ada", "admin", None).await;
        let manager = person("mia", "manager", None).await;
        let rep = person("rosa", "sales_rep", Some(manager)).await;
        let other_rep = person("omar", "sales_rep", Some(manager)).await;
        let files = tempfile::tempdir().unwrap();
        Self { server, owner, config, admin, manager, rep, other_rep, files, admin_url, name }
    }

    pub(crate) fn token(&self, user: Uuid) -> String {
        self.token_until(user, 3600)
    }

    pub(crate) fn token_until(&self, user: Uuid, seconds_from_now: i64) -> String {
        token_until(user, seconds_from_now)
    }

    pub(crate) fn device(&self, file: &str, user: Uuid) -> Client {
        Client::open(&self.files.path().join(file), Some(UserId(user))).unwrap()
    }

    /// A device whose app knows the CRM by another version of its schema.
    pub(crate) fn device_of(&self, schema: Arc<Schema>, file: &str, user: Uuid) -> Client {
        let db = rusqlite::Connection::open(self.files.path().join(file)).unwrap();
        Client::open_with(db, OpenOptions { schema, user: Some(UserId(user)) }).unwrap()
    }

    /// Syncs a device as the user it belongs to; panics when that does not succeed.
    pub(crate) async fn sync(&self, device: &mut Client) -> SyncSummary {
        let token = self.token(device.user().0);
        sync_at(device, &self.server.sync_url(), &token).await.unwrap()
    }

    pub(crate) async fn assign(&self, organization: RecordId, to: Uuid) {
        self.assign_all(self.manager, &[organization], to, None).await;
    }

    /// Somebody gives accounts to one person, and into a territory.
    pub(crate) async fn assign_all(
        &self,
        by: Uuid,
        organizations: &[RecordId],
        to: Uuid,
        territory: Option<Uuid>,
    ) {
        let one = |organization: &RecordId| assign::Assignment {
            organization: organization.0,
            to,
            second: None,
            territory,
        };
        let list: Vec<assign::Assignment> = organizations.iter().map(one).collect();
        let app = &self.server.app;
        let outcome = assign::assign(&app.pool, &app.committer, by, &list).await.unwrap();
        assert_eq!((outcome.changed, outcome.refused), (list.len(), Vec::new()));
    }

    /// Has the owner of databases do something.
    pub(crate) async fn run_as_admin(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.admin_url).await.unwrap();
        connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }

    /// Somebody more.
    pub(crate) async fn person(
        &self,
        name: &str,
        role: &str,
        manager: Option<Uuid>,
        territory: Option<Uuid>,
    ) -> Uuid {
        add_person(&self.owner, name, role, manager, territory).await
    }

    /// From here on, edits to accounts that were given away are refused, however old they are.
    pub(crate) async fn end_grace(&self) {
        grace::set_days(&self.owner, 0).await.unwrap();
    }

    /// A transaction in which somebody reads what the server has for them.
    async fn reading(&self, user: Uuid) -> Transaction<'static, Postgres> {
        let mut tx = self.server.app.pool.begin().await.unwrap();
        store::become_user(&mut tx, UserId(user), store::Access::Read).await.unwrap();
        tx
    }

    /// The ids in a table as a user sees them on the server.
    pub(crate) async fn ids_of(&self, user: Uuid, table: &str) -> Vec<Uuid> {
        self.ids_of_each(user, &[table]).await.remove(0)
    }

    /// The same of several tables.
    pub(crate) async fn ids_of_each(&self, user: Uuid, tables: &[&str]) -> Vec<Vec<Uuid>> {
        let mut tx = self.reading(user).await;
        let mut all = Vec::new();
        for table in tables {
            all.push(ids_in(&mut tx, table).await);
        }
        all
    }

    /// The rows of a table as a user sees them on the server.
    pub(crate) async fn rows_of(&self, user: Uuid, table: &str) -> Vec<Vec<serde_json::Value>> {
        let kind = self.server.app.schema.kind(table).unwrap();
        let mut tx = self.reading(user).await;
        let ids = ids_in(&mut tx, table).await;
        rows_in(&mut tx, kind, &ids).await
    }

    /// What a user reads with SQL.
    pub(crate) async fn select(&self, user: Uuid, sql: &str) -> Vec<Vec<serde_json::Value>> {
        report::select(&self.server.app.pool, sql, user).await.unwrap().rows
    }

    /// A user sees the documents of the rows that they see, and no others.
    pub(crate) async fn assert_documents_go_with_rows(&self, user: Uuid) {
        let mut tx = self.reading(user).await;
        self.documents_with_rows(user, &mut tx).await;
    }

    /// The same in a transaction of the user's; which rows these are, by kind.
    async fn documents_with_rows(
        &self,
        user: Uuid,
        tx: &mut PgConnection,
    ) -> BTreeMap<&'static str, Vec<Uuid>> {
        let mut documents = ids_in(tx, "sync.documents").await;
        let mut rows = BTreeMap::new();
        for kind in self.server.app.schema.document_kinds() {
            rows.insert(kind.table, ids_in(tx, kind.table).await);
        }
        let mut seen = rows.values().flatten().copied().collect::<Vec<_>>();
        documents.sort_unstable();
        seen.sort_unstable();
        assert_eq!(documents, seen, "{user}");
        rows
    }

    /// Every table on the device equals what its user sees on the server.
    pub(crate) async fn assert_agrees(&self, device: &Client) {
        let mut tx = self.reading(device.user().0).await;
        let seen = self.documents_with_rows(device.user().0, &mut tx).await;
        for kind in self.server.app.schema.document_kinds() {
            let options = client_sdk::core::replica::ListOptions {
                deleted: client_sdk::core::replica::Deleted::Shown,
                ..Default::default()
            };
            let mut here = device.list(kind, &options).unwrap().rows;
            here.sort_by_key(|row| row[0].as_str().unwrap().to_owned());
            let mut there = rows_in(&mut tx, kind, &seen[kind.table]).await;
            for row in &mut there {
                for (cell, column) in row.iter_mut().zip(kind.columns()) {
                    if column.ty == sync_core::schema::ColumnType::Json
                        && let Some(text) = cell.as_str()
                    {
                        *cell = serde_json::from_str(text).unwrap();
                    }
                }
            }
            // What is on one side only, since whole tables say nothing to a reader.
            let lines = |rows: &[Vec<serde_json::Value>]| -> BTreeSet<String> {
                rows.iter().map(|row| format!("{row:?}")).collect()
            };
            let (here, there) = (lines(&here), lines(&there));
            let extra: Vec<_> = here.difference(&there).collect();
            let missing: Vec<_> = there.difference(&here).collect();
            assert!(
                extra.is_empty() && missing.is_empty(),
                "{} of {}:\n only on the device: {extra:?}\n only on the server: {missing:?}",
                kind.table,
                device.user()
            );
        }
    }

    /// The tables equal the fold of the documents, and these the fold of the changes.
    pub(crate) async fn assert_projected(&self) -> reproject::Outcome {
        let outcome = reproject::run(&self.owner, &self.server.app.schema, reproject::Mode::Check)
            .await
            .unwrap();
        assert_eq!(outcome.differences, Vec::<String>::new());
        outcome
    }

    pub(crate) async fn end(self) {
        let pool = self.server.app.pool.clone();
        self.server.stop().await;
        pool.close().await;
        self.owner.close().await;
        let mut connection = PgConnection::connect(&self.admin_url).await.unwrap();
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        connection.execute(AssertSqlSafe(drop)).await.unwrap();
    }
}

/// The ids in a table, as whoever a transaction acts for sees them.
async fn ids_in(tx: &mut PgConnection, table: &str) -> Vec<Uuid> {
    let sql = format!("SELECT id FROM {table}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(tx).await.unwrap()
}

/// The rows of these ids, in their order, as whoever a transaction acts for sees them.
async fn rows_in(tx: &mut PgConnection, kind: &Kind, ids: &[Uuid]) -> Vec<Vec<serde_json::Value>> {
    if ids.is_empty() {
        return Vec::new();
    }
    let mut rows = store::rows::by_id(tx, kind, ids).await.unwrap();
    rows.sort_by_key(|(id, _)| *id);
    let as_json = |(_, row): &(Uuid, sync_core::cell::Row)| {
        row.iter().map(|cell| serde_json::to_value(cell).unwrap()).collect()
    };
    rows.iter().map(as_json).collect()
}

/// A token that runs out then.
pub(crate) fn token_until(user: Uuid, seconds_from_now: i64) -> String {
    let exp = u64::try_from(clock::now().seconds() + seconds_from_now).unwrap();
    let claims = Claims { sub: user.to_string(), exp, role: "authenticated".into() };
    auth::sign(SECRET, &claims).unwrap()
}

/// Syncs a device with a server.
pub(crate) async fn sync_at(
    device: &Client,
    url: &str,
    token: &str,
) -> Result<SyncSummary, LinkFault> {
    device.use_server(Server::new(url, token.to_owned()));
    device.sync().await
}

pub(crate) fn edit(kind: &str, pairs: &[(&str, &str)]) -> RecordEdit {
    RecordEdit::parse(&crate::harness::kind(kind), pairs.iter().copied()).unwrap()
}

pub(crate) fn create(device: &mut Client, kind: &str, pairs: &[(&str, &str)]) -> RecordId {
    let edit = edit(kind, pairs);
    device.create(&crate::harness::kind(kind), edit).unwrap()
}

pub(crate) fn set(device: &mut Client, id: RecordId, kind: &str, pairs: &[(&str, &str)]) {
    device.edit(id, edit(kind, pairs)).unwrap();
}

/// The device's command line. Built beside the server, since both belong to one workspace.
pub(crate) fn pantry_program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_sync-server")).with_file_name("pantry");
    assert!(program.exists(), "{} is missing: build the whole workspace", program.display());
    program
}

/// Runs the device's command line; returns what it printed.
pub(crate) fn pantry(file: &Path, args: &[&str]) -> String {
    let output = Command::new(pantry_program()).arg("--db").arg(file).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pantry {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A second server on the same database.
pub(crate) async fn second_server(world: &World) -> Arc<Running> {
    Arc::new(server::start(&world.config, sync_core::crm::schema()).await.unwrap())
}

/// How long anything may take on a slow machine.
pub(crate) const GENEROUS: Duration = Duration::from_secs(120);

/// Looks again and again until it is so.
pub(crate) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(GENEROUS, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// A server as a process of its own, killed without warning when dropped.
pub(crate) struct ServerProcess {
    pub(crate) child: Child,
    port: u16,
}

impl ServerProcess {
    /// Starts it on a free port and waits until it takes connections.
    pub(crate) async fn start(config: &Config) -> Self {
        Self::run(config, Command::new(env!("CARGO_BIN_EXE_sync-server")).arg("serve")).await
    }

    /// Starts one that ends at a point, as a test has it.
    pub(crate) async fn dying(config: &Config, dies_at: Option<String>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sync-server"));
        let at = dies_at.map(|at| (sync_core::testing::DIES_AT, at));
        Self::run(config, command.arg("serve").envs(at)).await
    }

    /// Starts it where a process may open no more than so many files.
    pub(crate) async fn with_open_files(config: &Config, files: u32) -> Self {
        let script = format!("ulimit -n {files} && exec \"$0\" serve");
        let program = env!("CARGO_BIN_EXE_sync-server");
        Self::run(config, Command::new("sh").args(["-c", &script, program])).await
    }

    async fn run(config: &Config, command: &mut Command) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = command
            .env("DATABASE_URL", &config.database_url)
            .env("SUPABASE_JWT_SECRET", SECRET)
            .env("PORT", port.to_string())
            .env("DATABASE_TIMEOUT", config.patience.commit().as_secs().to_string())
            .env("LOG_LEVEL", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let process = Self { child, port };
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        process
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) fn sync_url(&self) -> String {
        format!("ws://{}/sync", self.address())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // SIGKILL: the process gets no chance to tidy up.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
