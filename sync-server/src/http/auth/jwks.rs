//! Where the published key set comes from: a file that is watched, or an address that is asked.
//!
//! Whatever goes wrong, the last good set stays in force and the log says what is the matter.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::keys::{KeySet, SET_BYTES};
use crate::http::client;

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
    Url(Url),
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
    url: Url,
    /// The address without what may be a secret in it, for the log.
    name: String,
    client: Client,
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
    pub(super) fn new(
        url: Url,
        published: watch::Sender<Published>,
    ) -> Result<Self, reqwest::Error> {
        // One address of the operator's choice is asked: no redirect and no proxy leads elsewhere.
        let client = client::builder()
            .timeout(FETCH_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let client = match url.scheme() {
            // On this machine itself, which may have no root certificates.
            "http" => client.tls_certs_only([]),
            _ => client.https_only(true),
        };
        let name = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        Ok(Self { url, name, client: client.build()?, published, asked: Mutex::default() })
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
        let answer = self.fetch().await;
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
        let mut response = self.client.get(self.url.clone()).send().await.map_err(in_words)?;
        if response.status() != StatusCode::OK {
            return Err(format!("the answer is {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(in_words)? {
            if body.len() + chunk.len() > SET_BYTES {
                return Err(format!("the answer is longer than {SET_BYTES} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
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

/// An error with its causes, and without the address, which may hold a secret.
fn in_words(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;

    use super::*;

    /// A provider that was taken over could send us elsewhere, or an answer without end.
    #[tokio::test]
    async fn keys_come_from_the_given_address_alone_and_are_no_longer_than_a_set_may_be() {
        let routes = Router::new()
            .route("/keys", get(async || "x".repeat(SET_BYTES)))
            .route("/long", get(async || "x".repeat(SET_BYTES + 1)))
            .route("/moved", get(async || Redirect::temporary("/keys")));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let fetch = async |path: &str| {
            let none =
                Published { set: Arc::new(KeySet::default()), freshness: Freshness::Outdated };
            let url = format!("{host}{path}?secret").parse().unwrap();
            Address::new(url, watch::Sender::new(none)).unwrap().fetch().await
        };
        assert_eq!(fetch("/keys").await.unwrap().len(), SET_BYTES);
        assert!(fetch("/long").await.unwrap_err().contains("longer"));
        assert!(fetch("/moved").await.unwrap_err().contains("307"));
    }

    /// An operator reads in the log what is wrong, and nobody reads what the address may hide.
    #[tokio::test]
    async fn a_failure_names_its_cause_and_not_the_address() {
        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys?geheim", nobody.local_addr().unwrap());
        drop(nobody);
        let none = Published { set: Arc::new(KeySet::default()), freshness: Freshness::Outdated };
        let address = Address::new(url.parse().unwrap(), watch::Sender::new(none)).unwrap();
        let why = address.fetch().await.unwrap_err();
        assert!(why.contains("refused") && !why.contains("geheim"), "{why}");
    }

    /// Building the client panics when no crypto provider is installed.
    #[test]
    fn an_encrypted_address_can_be_asked() {
        let none = Published { set: Arc::new(KeySet::default()), freshness: Freshness::Outdated };
        let url = "https://keys.example/keys".parse().unwrap();
        assert!(Address::new(url, watch::Sender::new(none)).is_ok());
    }
}
