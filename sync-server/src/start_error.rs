//! Why a server did not start.

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
