//! Logs as JSON lines and metrics under the names that the deployment guide asks for.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sync_core::printable;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts structured logging at the level of `LOG_LEVEL`; later calls do nothing.
pub fn start_logging() {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".into());
    // What a database remarks beside an answer is no trouble: that there is nothing to take back, when a
    // request was dropped while its transaction began.
    let quiet = "sqlx=warn,sqlx::postgres::notice=error";
    let filter = tracing_subscriber::EnvFilter::try_new(format!("{level},{quiet}"))
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(|| Printable(std::io::stderr()))
        .finish()
        .with(filter_fn(holds_no_token))
        .try_init();
}

/// Has every panic logged as one line like all others, instead of a text for people on standard error.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("a panic that is no text");
        tracing::error!(location, panic = message, "panicked");
    }));
}

/// Where log lines are written, as JSON with nothing in it that a terminal obeys.
#[derive(Debug)]
struct Printable<W>(W);

impl<W: std::io::Write> std::io::Write for Printable<W> {
    /// One call is one line of the log.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(printable::json(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Below `info` the socket's library writes out every frame, and the first of each session has a
/// token in it. That is left out, whatever `LOG_LEVEL` asks for.
fn holds_no_token(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO
        || !(metadata.target().starts_with("tungstenite")
            || metadata.target().starts_with("tokio_tungstenite"))
}

/// The process's metrics, made at the first call.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE.get_or_init(|| {
        let http = [0.1, 0.3, 0.5, 0.7, 1.0, 3.0, 5.0, 7.0, 10.0];
        let database = [0.01, 0.05, 0.1, 0.3, 0.5, 1.0, 3.0, 5.0];
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full("http_request_duration_seconds".into()), &http)
            .and_then(|b| {
                b.set_buckets_for_metric(
                    Matcher::Full("database_query_duration_seconds".into()),
                    &database,
                )
            });
        let recorder = builder.expect("BUG: the bucket lists are not empty").build_recorder();
        let handle = recorder.handle();
        // Another recorder in the process, as in tests, keeps its place.
        let _ = metrics::set_global_recorder(recorder);
        handle
    })
}

/// Notes how long a unit of database work took.
pub fn database_work(query_type: &'static str, started: std::time::Instant) {
    metrics::histogram!("database_query_duration_seconds", "query_type" => query_type, "table" => "")
        .record(started.elapsed().as_secs_f64());
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_line_holds_nothing_that_a_terminal_obeys() {
        let logged = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = logged.clone();
        #[derive(Clone)]
        struct Sink(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
        impl Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().expect("BUG: nobody panics").extend(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let writer = Sink(sink);
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(move || Printable(writer.clone()))
            .finish();
        let foreign = "\u{1b}[2J\u{9b}31m\u{7f}\u{202e}x\n{\"level\":\"ERROR\"}";
        tracing::subscriber::with_default(subscriber, || tracing::info!(error = %foreign, "x"));
        let text = String::from_utf8(logged.lock().expect("BUG: nobody panics").clone());
        let text = text.expect("BUG: JSON is text");
        assert_eq!(text.lines().count(), 1);
        assert_eq!(printable::line(text.trim_end()), text.trim_end());
        let read: serde_json::Value = serde_json::from_str(&text).expect("BUG: a line is JSON");
        assert_eq!(read["fields"]["error"], foreign);
    }
}
