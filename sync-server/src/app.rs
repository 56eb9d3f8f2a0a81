//! What the parts of a server share.

use std::sync::Arc;

use sqlx::postgres::PgPool;
use sync_core::hub::Moments;
use sync_core::schema::Schema;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::committer::Committer;
use crate::config::Config;
use crate::http::LastHealth;
use crate::http::auth::Verifier;
use crate::http::manage::Desk;
use crate::listener::{Ear, Listener, Wake};
use crate::ops::migrate;
use crate::places::Places;
use crate::revocation::{self, Revoked};
use crate::start_error::StartError;
use crate::store::rules::Rules;
use crate::store::{self, Patience};

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
    /// How long a commit, and what depends on it, may take.
    pub patience: Patience,
    /// Where managers' requests wait for their turn.
    pub desk: Desk,
    /// How the server was when somebody last asked.
    pub health: LastHealth,
    /// Whether the server hears of commits.
    pub ear: Arc<Ear>,
    /// Moves whenever a feed may have something new.
    pub wake: watch::Sender<Wake>,
    /// Cancelled when the server is to stop.
    pub stopping: CancellationToken,
    /// Who is connected.
    pub places: Arc<Places>,
    /// Who hears of moments inside the server; usually nobody.
    pub moments: Moments,
    /// Connections and sessions; the server stops when they have ended.
    pub tasks: TaskTracker,
}

impl App {
    /// Connects to the database and starts the committer and the listener.
    ///
    /// # Errors
    /// When the database cannot be reached or is not migrated, or keys cannot be had.
    pub async fn start(
        config: &Config,
        schema: Arc<Schema>,
        moments: Moments,
    ) -> Result<Arc<Self>, StartError> {
        let (url, patience) = (&config.database_url, config.patience);
        if let Some(mismatch) = migrate::mismatch_at(url).await? {
            return Err(mismatch.into());
        }
        let pool = store::connect(url, config.pool_size, patience).await?;
        let rules = Arc::new(Rules::load(&pool, schema.clone()).await?);
        // A connection of its own: sessions may have all of the others at work.
        let committing = store::connect(url, 1, patience).await?;
        let stopping = CancellationToken::new();
        let verifier =
            Verifier::start(&config.tokens, &stopping).await.map_err(StartError::Keys)?;
        let app = Arc::new(Self {
            schema,
            committer: Committer::start_told(committing, rules, patience, moments.clone()),
            pool,
            verifier,
            revoked: watch::Sender::default(),
            origins: config.origins.clone(),
            patience,
            desk: Desk::default(),
            health: LastHealth::default(),
            ear: Arc::default(),
            wake: watch::Sender::default(),
            stopping,
            places: Arc::default(),
            moments,
            tasks: TaskTracker::new(),
        });
        let (listening, url) = (app.clone(), config.database_url.clone());
        tokio::spawn(async move {
            let App { ear, wake, places, stopping, .. } = &*listening;
            Listener { url: &url, patience, ear, wake, places, stopping }.run().await;
        });
        let users = store::connect(&config.database_url, 1, patience).await?;
        let (places, revoked) = (app.places.clone(), app.revoked.clone());
        let stopping = app.stopping.clone();
        tokio::spawn(revocation::watch_users(users, places, revoked, stopping));
        Ok(app)
    }
}
