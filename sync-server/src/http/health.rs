//! How the server is, for whoever watches it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use crate::app::App;
use crate::committer::CommitterHealth;
use crate::ops::migrate::{self, Mismatch};
use crate::store::patience::within;

/// How long the database may take before its silence is the answer: less than whoever asks waits.
const DATABASE_WITHIN: Duration = Duration::from_secs(3);
/// How long the listener may be silent: it asks its connection before that.
const DEAF_AFTER: Duration = Duration::from_secs(15);

/// Answers with 200 if the server can do its work, and otherwise with 503 and what is wrong.
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let (code, answer) = app.health.or(Box::pin(ask(&app))).await;
    (code, Json(answer)).into_response()
}

async fn ask(app: &App) -> (StatusCode, Value) {
    metrics::counter!("sync_health_looks_total").increment(1);
    let started = Instant::now();
    let looked = within(DATABASE_WITHIN, look(&app.pool)).await;
    let duration = started.elapsed().as_millis() as u64;
    let database = match &looked {
        Ok(_) => json!({"status": "pass", "duration": duration}),
        Err(_) => {
            json!({"status": "fail", "message": "the database does not answer", "duration": duration})
        }
    };
    let checks = json!({
        "database": database,
        "schema": schema(looked.as_ref().ok()),
        "committer": committer(app),
        "listener": listener(app),
        "memory": memory(),
    });
    let fails = |check: &Value| check.get("status").and_then(Value::as_str) == Some("fail");
    let well = !checks.as_object().is_some_and(|checks| checks.values().any(fails));
    let (status, code) = if well {
        ("healthy", StatusCode::OK)
    } else {
        ("unhealthy", StatusCode::SERVICE_UNAVAILABLE)
    };
    let timestamp = crate::clock::now().to_string();
    (code, json!({"status": status, "timestamp": timestamp, "checks": checks}))
}

async fn look(pool: &PgPool) -> sqlx::Result<Option<Mismatch>> {
    migrate::mismatch(&mut *pool.acquire().await?).await
}

/// A later release migrates first and is started then: until that, this server goes on.
fn schema(looked: Option<&Option<Mismatch>>) -> Value {
    match looked {
        None => json!({"status": "warn", "message": "not known: the database does not answer"}),
        Some(None) => json!({"status": "pass"}),
        Some(Some(newer @ Mismatch::Newer { .. })) => {
            json!({"status": "warn", "message": newer.to_string()})
        }
        Some(Some(other)) => json!({"status": "fail", "message": other.to_string()}),
    }
}

fn committer(app: &App) -> Value {
    let message = match app.committer.health() {
        CommitterHealth::Well => None,
        CommitterHealth::Stuck(at_it) => {
            Some(format!("it has been at one batch for {} s", at_it.as_secs()))
        }
        CommitterHealth::Late(waited) => {
            Some(format!("a push has waited for {} s", waited.as_secs()))
        }
        CommitterHealth::Failing(since) => Some(format!(
            "for {} s nothing that was pushed could be stored; the log says why",
            since.as_secs()
        )),
        CommitterHealth::Ended => Some("it ended; restart the server".to_owned()),
    };
    let oldest = app.committer.oldest_push().as_millis() as u64;
    match message {
        None => json!({"status": "pass", "oldestPushMs": oldest}),
        Some(message) => json!({"status": "fail", "message": message, "oldestPushMs": oldest}),
    }
}

/// Devices hear later without it, and that is all.
fn listener(app: &App) -> Value {
    let silent = app.ear.silent_for();
    if silent < DEAF_AFTER {
        json!({"status": "pass"})
    } else {
        let message = format!(
            "for {} s nothing was heard of commits; devices look every ten seconds",
            silent.as_secs()
        );
        json!({"status": "warn", "message": message})
    }
}

fn memory() -> Value {
    let resident = resident_bytes();
    let status = if resident.is_some() { "pass" } else { "warn" };
    json!({"status": status, "metadata": {"residentBytes": resident}})
}

/// Memory in use, where the system tells.
fn resident_bytes() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(resident * 4096)
}
