//! A server that listens: how it starts and stops.
//!
//! It stops in this order: no more connections; sessions hear the verdicts of what they pushed and
//! then goodbye; what is being committed is finished.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sync_core::hub::Moments;
use sync_core::schema::Schema;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::config::Config;
use crate::connection;
use crate::doors::{self, Doors, Room};
use crate::start_error::StartError;
use crate::{http, telemetry};

/// How long stopping may take: some platforms kill after five seconds.
const STOPPED_WITHIN: Duration = Duration::from_millis(4500);
/// Connections to the database beside the pool: whoever watches the users, and one while it is opened.
const CONNECTIONS_BESIDE_POOL: u32 = 2;
/// How often the samples that wait for whoever asks for metrics are summed up.
const SUM_UP_EVERY: Duration = Duration::from_secs(5);

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it says its metrics, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Its shared parts.
    pub app: Arc<App>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// The address that replicas connect to.
    pub fn sync_url(&self) -> String {
        format!("ws://127.0.0.1:{}/sync", self.address.port())
    }

    /// Waits until the server stopped.
    ///
    /// # Errors
    /// When it panicked.
    pub async fn wait(self) -> std::io::Result<()> {
        self.task.await.map_err(std::io::Error::other)
    }

    /// Stops it: sessions hear goodbye, what is being committed is finished.
    pub async fn stop(self) {
        self.app.stopping.cancel();
        let _ = self.task.await;
    }
}

/// Starts a server of a schema, whose tables the database has.
///
/// # Errors
/// When the database cannot be used or the port not be listened on.
pub async fn start(config: &Config, schema: Arc<Schema>) -> Result<Running, StartError> {
    start_told(config, schema, Moments::default()).await
}

/// The same; somebody is told of moments inside the server.
///
/// # Errors
/// As [`start`].
pub async fn start_told(
    config: &Config,
    schema: Arc<Schema>,
    moments: Moments,
) -> Result<Running, StartError> {
    telemetry::metrics();
    let database = (config.pool_size + CONNECTIONS_BESIDE_POOL) as usize;
    let room = Room::within(doors::raise_open_files(), database);
    let site = config.web.app.as_deref().map(http::Site::read).transpose()?;
    let app = App::start(config, schema, moments).await?;
    let all = SocketAddr::from(([0, 0, 0, 0], config.port));
    let router = http::router(app.clone(), &config.web, site);
    let (address, accepting) = listen(&app, all, room, router).await?;
    tracing::info!(%address, ?room, "listening");
    let metrics = match config.metrics {
        Some(at) => {
            let router = http::metrics_router(app.clone());
            let (address, accepting) = listen(&app, at, Room::METRICS, router).await?;
            tracing::info!(%address, "listening to those who ask for metrics");
            app.tasks.spawn(accepting);
            Some(address)
        }
        None => None,
    };
    app.tasks.spawn(sum_up(app.clone()));
    let task = tokio::spawn(run(app.clone(), accepting));
    Ok(Running { address, metrics, app, task })
}

async fn listen(
    app: &Arc<App>,
    at: SocketAddr,
    room: Room,
    router: Router,
) -> Result<(SocketAddr, impl Future<Output = ()> + use<>), StartError> {
    let failed = |source| StartError::Listen { port: at.port(), source };
    let listener = TcpListener::bind(at).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (tasks, stopping) = (app.tasks.clone(), app.stopping.clone());
    Ok((address, connection::accept_all(listener, Doors::new(room), router, tasks, stopping)))
}

/// Serves until the server is to stop, and then until it has stopped.
async fn run(app: Arc<App>, accepting: impl Future<Output = ()>) {
    accepting.await;
    let sessions = app.places.sessions();
    tracing::info!(sessions, "stopping");
    let until = Instant::now() + STOPPED_WITHIN;
    app.tasks.close();
    let mut late = timeout_at(until, app.tasks.wait()).await.is_err();
    late |= timeout_at(until, app.committer.finish()).await.is_err();
    if late {
        tracing::warn!(
            "stopped before all was finished; devices push again what they were not told of"
        );
    } else {
        tracing::info!("stopped");
    }
}

/// Without this every sample would be kept until somebody asks for the metrics.
async fn sum_up(app: Arc<App>) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(SUM_UP_EVERY) => telemetry::metrics().run_upkeep(),
        }
    }
}
