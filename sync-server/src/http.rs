//! The HTTP door: the socket, what managers do, the app's files, health and metrics.

mod app_settings;
pub mod auth;
pub mod client;
mod health;
mod last_health;
pub mod manage;
mod origin;
mod packing;
pub mod page_headers;
mod site;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router, middleware};
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use crate::app::App;
use crate::config::WebConfig;
use crate::doors::Visit;
use crate::{session, telemetry};
pub use app_settings::app_settings;
pub use last_health::LastHealth;
use origin::may_connect;
use page_headers::{ASK_EACH_TIME, PageHeaders};
pub use site::{Site, SiteError};

/// What everybody may ask; the app in the browser too, where there is one.
pub fn router(app: Arc<App>, web: &WebConfig, site: Option<Site>) -> Router {
    let (settings, headers) = (app_settings(web), PageHeaders::of(web));
    let router = Router::new()
        .route("/sync", get(socket))
        .route("/health", get(health::health))
        .route("/config.json", get(async move || told(&settings)))
        .merge(manage::router(app.clone()));
    let router = match site.map(Arc::new) {
        Some(site) => router.fallback(get(async move |request: Request| {
            let mut response = site.answer(request.uri().path(), request.headers());
            if response.status() != StatusCode::NOT_FOUND {
                response.extensions_mut().insert(OfTheApp);
            }
            response
        })),
        None => router,
    };
    let put_on = move |response: Response| std::future::ready(headers.put_on(response));
    router
        .layer(middleware::from_fn(measure))
        .layer(middleware::map_response(put_on))
        .with_state(app)
}

/// Marks an answer as one of the app's files: a label of its own among the metrics, one for all of them.
#[derive(Clone, Copy)]
struct OfTheApp;

fn told(settings: &serde_json::Value) -> Response {
    ([(header::CACHE_CONTROL, ASK_EACH_TIME)], Json(settings)).into_response()
}

/// What operators ask, on an address of their own.
pub fn metrics_router(app: Arc<App>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

async fn socket(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Arc<Visit>>,
    mut request: Request,
) -> Response {
    if !may_connect(request.headers(), &app.origins) {
        let text = "pages of this origin may not connect; ALLOWED_ORIGINS lists those that may\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let upgraded = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    match create_response(&axum::http::Request::from_parts(parts, ())) {
        Ok(response) => {
            app.tasks.clone().spawn(async move {
                if let Ok(upgraded) = upgraded.await {
                    session::serve(app, upgraded, visit).await;
                }
            });
            response.map(|()| Body::empty())
        }
        Err(error) => {
            let text =
                format!("here is a WebSocket, which this request does not ask for: {error}\n");
            (StatusCode::BAD_REQUEST, text).into_response()
        }
    }
}

async fn metrics(State(app): State<Arc<App>>) -> String {
    let busy = app.pool.size() as usize - app.pool.num_idle().min(app.pool.size() as usize);
    metrics::gauge!("database_active_connections").set(busy as f64);
    telemetry::metrics().render()
}

async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_label(request.method()).to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let route = route.unwrap_or_else(|| match response.extensions().get::<OfTheApp>() {
        Some(OfTheApp) => "app".to_owned(),
        None => "unmatched".to_owned(),
    });
    let status = response.status().as_u16().to_string();
    let labels = [("method", method), ("route", route), ("status_code", status)];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels)
        .record(started.elapsed().as_secs_f64());
    response
}

/// A label has few values, whatever strangers make up: each is kept for as long as the server runs.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
