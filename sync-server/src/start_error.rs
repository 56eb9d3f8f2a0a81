//! Why a server did not start.

use crate::http::SiteError;
use crate::ops::migrate::Mismatch;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be reached, or does not let the login become the server.
    #[error("the database cannot be used")]
    Database(#[from] sqlx::Error),
    /// The database's tables are not those of this program.
    #[error(transparent)]
    Schema(#[from] Mismatch),
    /// The system has no root certificates: install them (Debian: ca-certificates), or use JWKS_FILE.
    #[error(
        "JWKS_URL cannot be fetched, since this system has no root certificates (install ca-certificates, or use JWKS_FILE): {0}"
    )]
    Keys(reqwest::Error),
    /// There is no app to be served where it should be: build it, or see to `--app` (APP_DIR).
    #[error(transparent)]
    App(#[from] SiteError),
    /// The port is taken or not allowed: set PORT.
    #[error("cannot listen on port {port} (set PORT): {source}")]
    Listen {
        /// The port.
        port: u16,
        /// The system's words.
        source: std::io::Error,
    },
}
