//! Where the published key set comes from: a file that is watched, or an address that is asked.
//!
//! Whatever goes wrong, the last good set stays in force and the log says what is the matter.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Uri;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::keys::{KeySet, SET_BYTES};

/// How often a file is read: a key taken out of it ends its sessions within a second.
const READ_EVERY: Duration = Duration::from_millis(500);
/// How often an address is asked when nothing calls for it.
const FETCH_EVERY: Duration = Duration::from_secs(60);
/// Shortest time between two questions, however many tokens name unknown keys.
const FETCH_AT_MOST_EVERY: Duration = Duration::from_secs(10);
/// How long an answer may take.
const FETCH_WITHIN: Duration = Duration::from_secs(5);

/// Where the published keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// In a file.
    File(PathBuf),
    /// At an address.
    Url(Uri),
}

/// Whether the last look at the source went well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freshness {
    /// It did.
    Current,
    /// It did not: there may be keys that are not known here.
    Outdated,
}

/// The set in force.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its keys.
    pub set: Arc<KeySet>,
    /// Whether it is the latest.
    pub freshness: Freshness,
}

/// Reads a set from a file.
///
/// # Errors
/// Says why it cannot be used.
pub fn read_file(path: &Path) -> Result<KeySet, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("it cannot be read: {error}"))?;
    KeySet::parse(&bytes).map_err(|error| error.to_string())
}

/// Puts a set in force, or says that there is none to be had.
fn publish(published: &watch::Sender<Published>, outcome: Result<KeySet, String>, of: &str) {
    match outcome {
        Ok(set) => {
            for why in &set.left_out {
                tracing::warn!(%why, source = of, "a published key was left out");
            }
            tracing::info!(keys = set.len(), source = of, "the published keys were read");
            let set = Published { set: Arc::new(set), freshness: Freshness::Current };
            published.send_replace(set);
        }
        Err(why) => {
            tracing::error!(%why, source = of, "the published keys cannot be read; the last good ones stay in force");
            published.send_modify(|now| now.freshness = Freshness::Outdated);
        }
    }
}

/// Follows a file.
pub(super) async fn follow_file(
    path: PathBuf,
    published: watch::Sender<Published>,
    stopping: CancellationToken,
) {
    let of = path.display().to_string();
    let mut last: Option<Result<Vec<u8>, String>> = None;
    loop {
        // By content: what a file says of its time may be the same before and after a change.
        let read = tokio::fs::read(&path).await.map_err(|e| format!("it cannot be read: {e}"));
        if last.as_ref() != Some(&read) {
            let parse = |bytes: &Vec<u8>| KeySet::parse(bytes).map_err(|error| error.to_string());
            publish(&published, read.as_ref().map_err(String::clone).and_then(parse), &of);
            last = Some(read);
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(READ_EVERY) => {}
        }
    }
}

#[derive(Default)]
struct Asked {
    /// When a token last gave reason to.
    prompted: Option<Instant>,
    /// What the last answer was.
    answer: Vec<u8>,
}

/// An address that publishes keys.
pub(super) struct Address {
    url: Uri,
    /// The address without what may be a secret in it, for the log.
    name: String,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    published: watch::Sender<Published>,
    /// Held while it is being asked.
    asked: Mutex<Asked>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Address {
    /// An address not asked yet.
    ///
    /// # Errors
    /// When the system has no root certificates to know the other end by.
    pub(super) fn new(url: Uri, published: watch::Sender<Published>) -> std::io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?;
        let tls = match url.scheme_str() {
            Some("http") => tls.with_root_certificates(rustls::RootCertStore::empty()),
            _ => tls.with_native_roots()?,
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let name = format!("{}{}", url.host().unwrap_or_default(), url.path());
        Ok(Self { url, name, client, published, asked: Mutex::default() })
    }

    /// Asks because a token names a key that is not known, unless that was done a moment ago. Whoever
    /// comes meanwhile waits for the same answer.
    pub(super) async fn refetch(self: &Arc<Self>) {
        let this = self.clone();
        // In a task of its own: whoever asked may leave, others wait for the answer too.
        let asking = tokio::spawn(async move {
            let mut asked = this.asked.lock().await;
            if asked.prompted.is_none_or(|at| at.elapsed() >= FETCH_AT_MOST_EVERY) {
                asked.prompted = Some(Instant::now());
                this.ask(&mut asked).await;
            }
        });
        let _ = asking.await;
    }

    /// Asks.
    pub(super) async fn refresh(&self) {
        let mut asked = self.asked.lock().await;
        self.ask(&mut asked).await;
    }

    async fn ask(&self, asked: &mut Asked) {
        let answer = match timeout(FETCH_WITHIN, self.fetch()).await {
            Ok(answer) => answer,
            Err(_) => Err("no answer in time".to_owned()),
        };
        let current = self.published.borrow().freshness == Freshness::Current;
        match answer {
            Ok(bytes) if current && bytes == asked.answer => {}
            Ok(bytes) => {
                let set = KeySet::parse(&bytes).map_err(|error| error.to_string());
                asked.answer = bytes;
                publish(&self.published, set, &self.name);
            }
            Err(why) => publish(&self.published, Err(why), &self.name),
        }
    }

    async fn fetch(&self) -> Result<Vec<u8>, String> {
        let response = self.client.get(self.url.clone()).await.map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            source.unwrap_or_else(|| error.to_string())
        })?;
        // Not followed elsewhere: the keys come from where the operator said.
        if response.status() != axum::http::StatusCode::OK {
            return Err(format!("the answer is {}", response.status()));
        }
        let body = Limited::new(response.into_body(), SET_BYTES).collect().await;
        Ok(body.map_err(|error| error.to_string())?.to_bytes().to_vec())
    }

    /// Asks now and then, sooner after a failure.
    pub(super) async fn follow(self: Arc<Self>, stopping: CancellationToken) {
        loop {
            let wait = match self.published.borrow().freshness {
                Freshness::Current => FETCH_EVERY,
                Freshness::Outdated => FETCH_AT_MOST_EVERY,
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            self.refresh().await;
        }
    }
}
