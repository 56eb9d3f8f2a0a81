//! How the server asks others over HTTP: a provider of keys, and its own health.
//!
//! **Invariant**: TLS is done by one crypto provider, the one that the database connection uses too.

/// Begins a client; whoever builds it says how long an answer may take.
pub fn builder() -> reqwest::ClientBuilder {
    // An error says that one is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
