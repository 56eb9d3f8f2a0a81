//! Why a request is not done, as its answer says it: the codes of the socket where there is one for it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::hub::Unavailable;
use sync_core::protocol::{Goodbye, GoodbyeCode};
use uuid::Uuid;

use crate::ops::slip::Slip;
use crate::store::patience::out_of_reach;

/// What this door alone says.
#[derive(Clone, Copy)]
enum DoorCode {
    /// Something else would come of it than was shown. Look again.
    Stale,
    /// A record is not there, or is not seen.
    UnknownRecord,
    /// It makes no sense.
    Senseless,
    /// The page's origin is not one that may.
    ForeignOrigin,
}

impl DoorCode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::UnknownRecord => "unknown_record",
            Self::Senseless => "senseless",
            Self::ForeignOrigin => "foreign_origin",
        }
    }
}

/// Why a request is not done.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    body: Value,
}

impl Problem {
    fn new(status: StatusCode, code: &str, sentence: &str) -> Self {
        Self { status, body: json!({ "code": code, "sentence": sentence }) }
    }

    fn of_form(status: StatusCode, code: RefusalCode, sentence: &str) -> Self {
        Self::new(status, code.as_str(), sentence)
    }

    pub(super) fn malformed(what: &str) -> Self {
        let sentence = format!("This request is not what the server understands: {what}.");
        Self::of_form(StatusCode::BAD_REQUEST, RefusalCode::Malformed, &sentence)
    }

    pub(super) fn no_json() -> Self {
        let sentence = "This request must say that it is application/json.";
        Self::of_form(StatusCode::UNSUPPORTED_MEDIA_TYPE, RefusalCode::Malformed, sentence)
    }

    pub(super) fn too_slow() -> Self {
        let sentence = "The request did not come in time; try again.";
        Self::new(StatusCode::REQUEST_TIMEOUT, GoodbyeCode::Unavailable.as_str(), sentence)
    }

    pub(super) fn too_large(what: &str) -> Self {
        let sentence = format!("This is too much at once: {what}.");
        Self::of_form(StatusCode::PAYLOAD_TOO_LARGE, RefusalCode::TooLarge, &sentence)
    }

    pub(super) fn foreign_origin() -> Self {
        let sentence = "Pages of this origin may not ask; ALLOWED_ORIGINS lists those that may.";
        Self::new(StatusCode::FORBIDDEN, DoorCode::ForeignOrigin.as_str(), sentence)
    }

    pub(super) fn no_token() -> Self {
        let sentence =
            "Nobody is signed in: the request has no Authorization: Bearer with a token.";
        Self::new(StatusCode::UNAUTHORIZED, GoodbyeCode::BadToken.as_str(), sentence)
    }

    pub(super) fn too_often() -> Self {
        let sentence = "You ask too often; wait a moment.";
        let mut problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, GoodbyeCode::RateLimited.as_str(), sentence);
        problem.body["retry_after_ms"] = json!(1000);
        problem
    }

    pub(super) fn unavailable() -> Self {
        let sentence =
            "The server could not do it in time, or only a part. Ask again: nothing is done twice.";
        let code = GoodbyeCode::Unavailable.as_str();
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, sentence);
        problem.body["retry_after_ms"] = json!(2000);
        problem
    }

    pub(super) fn internal() -> Self {
        let sentence = "The server failed for a reason of its own; tell whoever looks after it.";
        Self::of_form(StatusCode::INTERNAL_SERVER_ERROR, RefusalCode::Internal, sentence)
    }

    pub(super) fn stale(accounts: &[Uuid]) -> Self {
        let sentence =
            "Something changed since it was shown to you. Nothing was done; look at it again.";
        let mut problem = Self::new(StatusCode::CONFLICT, DoorCode::Stale.as_str(), sentence);
        problem.body["accounts"] = json!(accounts);
        problem
    }

    /// The first reason, and all of them by account.
    pub(super) fn refused(all: Vec<(Uuid, Refusal)>) -> Self {
        let Some((_, first)) = all.first() else { return Self::internal() };
        let status = match RefusalCode::parse(&first.code) {
            Some(RefusalCode::Denied) => StatusCode::FORBIDDEN,
            Some(RefusalCode::Internal) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let mut problem = Self::new(status, &first.code, &first.sentence);
        problem.body["policy"] = json!(first.policy);
        let of = |(account, refusal): &(Uuid, Refusal)| json!({ "account": account, "code": refusal.code, "policy": refusal.policy, "sentence": refusal.sentence });
        problem.body["refused"] = all.iter().map(of).collect();
        problem
    }
}

impl From<Goodbye> for Problem {
    fn from(Goodbye { code, sentence, retry_after_ms }: Goodbye) -> Self {
        let status = match GoodbyeCode::parse(&code) {
            Some(GoodbyeCode::BadToken | GoodbyeCode::ExpiredToken) => StatusCode::UNAUTHORIZED,
            Some(GoodbyeCode::Disabled | GoodbyeCode::WrongUser) => StatusCode::FORBIDDEN,
            Some(GoodbyeCode::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
            Some(GoodbyeCode::TooOld | GoodbyeCode::Protocol | GoodbyeCode::Replaced) => {
                StatusCode::BAD_REQUEST
            }
            Some(GoodbyeCode::Unavailable) | None => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut problem = Self::new(status, &code, &sentence);
        if let Some(ms) = retry_after_ms {
            problem.body["retry_after_ms"] = json!(ms);
        }
        problem
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        if let Some(slip) = error.downcast_ref::<Slip>() {
            let (status, code) = match slip {
                Slip::NotSeen(_) => (StatusCode::NOT_FOUND, DoorCode::UnknownRecord),
                Slip::Senseless(_) => (StatusCode::UNPROCESSABLE_ENTITY, DoorCode::Senseless),
            };
            return Self::new(status, code.as_str(), &slip.to_string());
        }
        if error.downcast_ref::<Unavailable>().is_some()
            || error.downcast_ref::<sqlx::Error>().is_some_and(out_of_reach)
        {
            return Self::unavailable();
        }
        tracing::error!(error = format!("{error:#}"), "a manager's request failed");
        Self::internal()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
