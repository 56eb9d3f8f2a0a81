//! A server that listens: how it starts and stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sync_core::schema::Schema;
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::Config;
use crate::start_error::StartError;
use crate::traffic::{CountingListener, Traffic};
use crate::{http, telemetry};

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

/// Starts a server of a schema, whose tables the database has.
///
/// # Errors
/// When the database cannot be used or the port not be listened on.
pub async fn start(config: &Config, schema: Arc<Schema>) -> Result<Running, StartError> {
    telemetry::metrics();
    let app = App::start(config, schema).await?;
    let listen = |source| StartError::Listen { port: config.port, source };
    let listener = TcpListener::bind(("0.0.0.0", config.port)).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let stopping = app.stopping.clone();
    let router = http::router(app.clone());
    let service = router.into_make_service_with_connect_info::<Traffic>();
    let task = tokio::spawn(async move {
        axum::serve(CountingListener(listener), service)
            .with_graceful_shutdown(async move { stopping.cancelled().await })
            .await
    });
    tracing::info!(%address, "listening");
    Ok(Running { address, app, task })
}
