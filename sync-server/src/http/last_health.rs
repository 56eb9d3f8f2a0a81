//! The last answer about the server's health.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::Value;
use tokio::sync::Mutex;

/// For how long an answer is given again. It looks into the database, and anybody may ask.
const SAME_FOR: Duration = Duration::from_secs(1);

/// The last answer. Whoever asks while it is being made waits for it.
#[derive(Debug, Default)]
pub struct LastHealth(Mutex<Option<(Instant, StatusCode, Value)>>);

impl LastHealth {
    /// The last answer, or another one if that is too old.
    pub(super) async fn or(
        &self,
        another: impl Future<Output = (StatusCode, Value)>,
    ) -> (StatusCode, Value) {
        let mut last = self.0.lock().await;
        if let Some((at, code, answer)) = &*last
            && at.elapsed() < SAME_FOR
        {
            return (*code, answer.clone());
        }
        let (code, answer) = another.await;
        *last = Some((Instant::now(), code, answer.clone()));
        (code, answer)
    }
}
