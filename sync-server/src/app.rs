//! The running server: what its parts share, and how it starts and stops.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::serve::ListenerExt;
use sqlx::postgres::{PgListener, PgPool};
use sync_core::ids::UserId;
use sync_core::schema::Schema;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::committer::{Committer, Rules};
use crate::config::Config;
use crate::http::auth::Verifier;
use crate::revocation::{self, Revoked};
use crate::{http, store, telemetry};

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
    places: Mutex<HashMap<UserId, Arc<AtomicUsize>>>,
}

impl App {
    /// Connects to the database and starts the committer and the listener.
    ///
    /// # Errors
    /// When the database cannot be reached or is not migrated, or keys cannot be had.
    pub async fn start(config: &Config) -> Result<Arc<Self>, StartError> {
        let pool = store::connect(&config.database_url, config.pool_size).await?;
        let schema = sync_core::crm::schema();
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
            places: Mutex::default(),
        });
        tokio::spawn(listen(app.clone()));
        let users = store::connect(&config.database_url, 1).await?;
        tokio::spawn(revocation::watch_users(app.clone(), users));
        Ok(app)
    }

    /// The counter of a user's open sockets.
    pub fn places_of(&self, user: UserId) -> Arc<AtomicUsize> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(user).or_default().clone()
    }

    /// Users with open sockets.
    pub fn connected_users(&self) -> Vec<UserId> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        // A counter that nobody else has is nobody's.
        places.retain(|_, place| Arc::strong_count(place) > 1);
        places.keys().copied().collect()
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
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return Ok(()),
            heard = listener.recv() => { heard?; }
            () = tokio::time::sleep(WAKE_AT_LEAST_EVERY) => {}
        }
        app.wake.send_modify(|count| *count += 1);
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its shared parts.
    pub app: Arc<App>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// The address that replicas connect to.
    pub fn sync_url(&self) -> String {
        format!("ws://127.0.0.1:{}/sync", self.address.port())
    }

    /// Waits until the server stopped.
    ///
    /// # Errors
    /// When it could not go on accepting connections.
    pub async fn wait(self) -> std::io::Result<()> {
        self.task.await.map_err(std::io::Error::other)?
    }

    /// Stops it: sessions hear goodbye, what is being committed is finished.
    pub async fn stop(self) {
        self.app.stopping.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.task).await;
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be reached, or was not migrated: run `sync-server migrate up`.
    #[error(
        "the database cannot be used (is it running, and migrated with `sync-server migrate up`?): {0}"
    )]
    Database(#[from] sqlx::Error),
    /// The system has no root certificates: install them (Debian: ca-certificates), or use JWKS_FILE.
    #[error(
        "JWKS_URL cannot be fetched, since this system has no root certificates (install ca-certificates, or use JWKS_FILE): {0}"
    )]
    Keys(reqwest::Error),
    /// The port is taken or not allowed: set PORT.
    #[error("cannot listen on port {port} (set PORT): {source}")]
    Listen {
        /// The port.
        port: u16,
        /// The system's words.
        source: std::io::Error,
    },
}

/// Starts a server.
///
/// # Errors
/// When the database cannot be used or the port not be listened on.
pub async fn start(config: &Config) -> Result<Running, StartError> {
    telemetry::metrics();
    let app = App::start(config).await?;
    let listen = |source| StartError::Listen { port: config.port, source };
    let listener = TcpListener::bind(("0.0.0.0", config.port)).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let stopping = app.stopping.clone();
    let router = http::router(app.clone());
    let task = tokio::spawn(async move {
        // Small messages follow each other here; without this each pair waits for the network to
        // confirm the first, some 40 ms.
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        axum::serve(listener, router)
            .with_graceful_shutdown(async move { stopping.cancelled().await })
            .await
    });
    tracing::info!(%address, "listening");
    Ok(Running { address, app, task })
}
