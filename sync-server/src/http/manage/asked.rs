//! What requests say.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

use axum::extract::Request;
use axum::http::header;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::problem::Problem;
use crate::ops::assign::{Becomes, Reassignment};
use crate::ops::deeds::{ACCOUNTS_AT_ONCE, Deed, Shown};

/// Bytes of a request: so many accounts with their marks, and as much again.
const BODY_BYTES: usize = 128 << 10;
/// How long its body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// What is wanted of accounts, as a request says it beside their names.
pub(super) trait Wanted: DeserializeOwned + Send + 'static {
    /// As what is done.
    fn deed(self) -> Result<Deed, Problem>;
}

/// Who is to look after the accounts. What is left out stays as it is; null is nobody, or nowhere.
#[derive(Deserialize)]
pub(super) struct HandOver {
    to: Option<Uuid>,
    #[serde(default, deserialize_with = "becomes")]
    second: Becomes,
    #[serde(default, deserialize_with = "becomes")]
    territory: Becomes,
}

fn becomes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Becomes, D::Error> {
    Ok(Option::<Uuid>::deserialize(deserializer)?.map_or(Becomes::Nothing, Becomes::This))
}

impl Wanted for HandOver {
    fn deed(self) -> Result<Deed, Problem> {
        let Self { to, second, territory } = self;
        let first = to.map_or(Becomes::AsItIs, Becomes::This);
        if [first, second, territory].iter().all(|part| *part == Becomes::AsItIs) {
            return Err(Problem::malformed(
                "nothing is to change: say \"to\", \"second\" or \"territory\"",
            ));
        }
        Ok(Deed::HandOver(Reassignment { first, second, territory }))
    }
}

/// Which account replaces the others.
#[derive(Deserialize)]
pub(super) struct Merge {
    into: Uuid,
}

impl Wanted for Merge {
    fn deed(self) -> Result<Deed, Problem> {
        Ok(Deed::Merge { into: self.into })
    }
}

/// Nothing more.
#[derive(Deserialize)]
pub(super) struct Unmerge {}

impl Wanted for Unmerge {
    fn deed(self) -> Result<Deed, Problem> {
        Ok(Deed::Unmerge)
    }
}

/// What would come of it?
#[derive(Deserialize)]
pub(super) struct Look<W> {
    /// Of these accounts.
    pub(super) accounts: Option<Vec<Uuid>>,
    /// Of all that a person looks after first.
    pub(super) from: Option<Uuid>,
    #[serde(flatten)]
    pub(super) wanted: W,
}

/// Do it.
#[derive(Deserialize)]
pub(super) struct Act<W> {
    /// The request's own id: what has been done under it is not done again.
    pub(super) request: Uuid,
    /// The accounts, each with the mark that came with the preview.
    pub(super) accounts: Vec<Marked>,
    #[serde(flatten)]
    pub(super) wanted: W,
}

/// An account as it was shown.
#[derive(PartialEq, Eq, Hash, Clone, Deserialize)]
pub(super) struct Marked {
    id: Uuid,
    fingerprint: String,
}

impl From<Marked> for Shown {
    fn from(Marked { id, fingerprint }: Marked) -> Self {
        Self { account: id, fingerprint }
    }
}

/// Each once, some, and no more than are done at once.
pub(super) fn bounded<T: Eq + Hash + Clone>(mut accounts: Vec<T>) -> Result<Vec<T>, Problem> {
    let mut known = HashSet::new();
    accounts.retain(|account| known.insert(account.clone()));
    match accounts.len() {
        0 => Err(Problem::malformed("\"accounts\" names no account")),
        1..=ACCOUNTS_AT_ONCE => Ok(accounts),
        _ => Err(Problem::too_large(&format!("at most {ACCOUNTS_AT_ONCE} accounts in a request"))),
    }
}

pub(super) fn either_or() -> Problem {
    Problem::malformed("say either \"accounts\" or \"from\", the person whose accounts are meant")
}

/// Reads the body. A form of another page can send none that says it is JSON.
pub(super) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let essence = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = essence.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::no_json());
    }
    let body = axum::body::to_bytes(request.into_body(), BODY_BYTES);
    let body = tokio::time::timeout(BODY_WITHIN, body).await.map_err(|_| Problem::too_slow())?;
    let body = body.map_err(|_| {
        Problem::too_large(&format!("a request has at most {} KiB", BODY_BYTES >> 10))
    })?;
    serde_json::from_slice(&body).map_err(|error| Problem::malformed(&error.to_string()))
}
