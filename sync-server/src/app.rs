//! What the parts of a server share.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use sync_core::schema::Schema;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::committer::Committer;
use crate::config::Config;
use crate::http::auth::Verifier;
use crate::ops::migrate;
use crate::places::Places;
use crate::revocation::{self, Revoked};
use crate::start_error::StartError;
use crate::store;
use crate::store::rules::Rules;

/// How long sessions may sleep without a wake-up, should one be lost.
const WAKE_AT_LEAST_EVERY: Duration = Duration::from_secs(10);

/// What the parts of a server share.
#[derive(Debug)]
pub struct App {
    /// The kinds of records.
    pub schema: Arc<Schema>,
    /// Connections, each as `pantry_server`.
    pub pool: PgPool,
    /// Where pushes go.
    pub committer: Committer,
    /// Checks tokens.
    pub verifier: Verifier,
    /// Connected users who may no longer be.
    pub revoked: watch::Sender<Revoked>,
    /// Web origins whose pages may connect.
    pub origins: Vec<String>,
    /// Moves whenever a feed may have something new.
    pub wake: watch::Sender<u64>,
    /// Cancelled when the server is to stop.
    pub stopping: CancellationToken,
    /// Who is connected.
    pub places: Arc<Places>,
    /// Connections and sessions; the server stops when they have ended.
    pub tasks: TaskTracker,
}

impl App {
    /// Connects to the database and starts the committer and the listener.
    ///
    /// # Errors
    /// When the database cannot be reached or is not migrated, or keys cannot be had.
    pub async fn start(config: &Config, schema: Arc<Schema>) -> Result<Arc<Self>, StartError> {
        if let Some(mismatch) = migrate::mismatch_at(&config.database_url).await? {
            return Err(mismatch.into());
        }
        let pool = store::connect(&config.database_url, config.pool_size).await?;
        let rules = Arc::new(Rules::load(&pool, schema.clone()).await?);
        let stopping = CancellationToken::new();
        let verifier =
            Verifier::start(&config.tokens, &stopping).await.map_err(StartError::Keys)?;
        let app = Arc::new(Self {
            schema,
            committer: Committer::start(pool.clone(), rules),
            pool,
            verifier,
            revoked: watch::Sender::default(),
            origins: config.origins.clone(),
            wake: watch::Sender::new(0),
            stopping,
            places: Arc::default(),
            tasks: TaskTracker::new(),
        });
        tokio::spawn(listen(app.clone()));
        let users = store::connect(&config.database_url, 1).await?;
        let (places, revoked) = (app.places.clone(), app.revoked.clone());
        let stopping = app.stopping.clone();
        tokio::spawn(revocation::watch_users(users, places, revoked, stopping));
        Ok(app)
    }
}

/// Wakes all feeds when any process commits; survives a restart of Postgres.
async fn listen(app: Arc<App>) {
    while !app.stopping.is_cancelled() {
        if let Err(error) = listen_once(&app).await {
            tracing::warn!(%error, "the listener lost its connection");
        }
        app.wake.send_modify(|count| *count += 1);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn listen_once(app: &App) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&app.pool).await?;
    listener.listen("pantry_feed").await?;
    store::life::look(&app.pool).await?;
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return Ok(()),
            heard = listener.recv() => { heard?; }
            // Whoever commits looks too; nobody may for long.
            () = tokio::time::sleep(WAKE_AT_LEAST_EVERY) => {
                store::life::look(&app.pool).await?;
            }
        }
        app.wake.send_modify(|count| *count += 1);
    }
}
