//! What a manager does from an app to accounts that others look after: JSON over HTTP, with the token of the
//! socket. See docs/MANAGE.md.
//!
//! A request runs as its user. Whether a user may do a thing, the database says, as it does of a push; here is
//! only who asks, how much, how often and from which page.

mod answers;
mod asked;
mod desk;
mod problem;
mod refused;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::{self, SignedIn};
use super::origin::may_connect;
use crate::app::App;
use crate::ops::deeds::{self, Came, Deed};
use asked::{Act, HandOver, Look, Merge, Unmerge, Wanted};
pub use desk::Desk;
use problem::Problem;

/// How long a request may take, reading and doing. Longer than a commit that is waited for.
const ANSWERED_WITHIN: Duration = Duration::from_secs(40);

/// The door, under `/api`.
pub fn router(app: Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/api/hand-over/preview", post(look::<HandOver>))
        .route("/api/hand-over", post(act::<HandOver>))
        .route("/api/merge/preview", post(look::<Merge>))
        .route("/api/merge", post(act::<Merge>))
        .route("/api/unmerge/preview", post(look::<Unmerge>))
        .route("/api/unmerge", post(act::<Unmerge>))
        .route("/api/refused", get(refused_work))
        .layer(middleware::from_fn_with_state(app, of_pages_that_may))
}

/// Pages of the server's own origin and of those that are configured get in, and may read the answer.
async fn of_pages_that_may(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !may_connect(request.headers(), &app.origins) {
        return Problem::foreign_origin().into_response();
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let mut say = |name: HeaderName, value: &'static str| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    say(header::CACHE_CONTROL, "no-store");
    say(header::VARY, "Origin");
    if let Some(origin) = origin {
        say(header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type");
        say(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
        say(header::ACCESS_CONTROL_MAX_AGE, "600");
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

/// Who asks, by the token in `Authorization: Bearer`, if it is their turn.
async fn who(app: &App, headers: &HeaderMap) -> Result<SignedIn, Problem> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Err(Problem::no_token());
    };
    let checked = auth::check(&app.verifier, token).await?;
    let signed_in = auth::sign_in(&app.pool, checked).await?;
    app.desk.turn_of(signed_in.user)?;
    Ok(signed_in)
}

/// Does some work for somebody on a thread where it may take the processor, to its end also when whoever asked
/// has gone.
async fn at_the_desk<F>(
    app: Arc<App>,
    work: impl FnOnce(Arc<App>) -> F + Send + 'static,
) -> Result<Value, Problem>
where
    F: Future<Output = Result<Value, Problem>>,
{
    let place = app.desk.place().await?;
    let tasks = app.tasks.clone();
    let runtime = tokio::runtime::Handle::current();
    let working = tasks.spawn_blocking(move || {
        let worked =
            runtime.block_on(async { tokio::time::timeout(ANSWERED_WITHIN, work(app)).await });
        drop(place);
        worked.unwrap_or_else(|_| Err(Problem::unavailable()))
    });
    working.await.unwrap_or_else(|_| Err(Problem::internal()))
}

async fn look<W: Wanted>(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let user = who(&app, request.headers()).await?.user.0;
    let Look { accounts, from, wanted } = asked::read::<Look<W>>(request).await?;
    let answer = at_the_desk(app, async move |app: Arc<App>| {
        let deed = wanted.deed()?;
        let (accounts, more) = match (accounts, from) {
            (Some(accounts), None) => (asked::bounded(accounts)?, 0),
            (None, Some(person)) => deeds::accounts_of(&app.pool, user, person).await?,
            (Some(_), Some(_)) | (None, None) => return Err(asked::either_or()),
        };
        let mut answer = answers::preview(&app, user, deed, &accounts).await?;
        answer["more"] = json!(more);
        Ok(answer)
    });
    Ok(Json(answer.await?))
}

async fn act<W: Wanted>(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let user = who(&app, request.headers()).await?.user.0;
    let Act { request, accounts, wanted } = asked::read::<Act<W>>(request).await?;
    let answer = at_the_desk(app, async move |app: Arc<App>| {
        let deed = wanted.deed()?;
        let shown = asked::bounded(accounts)?.into_iter().map(Into::into).collect::<Vec<_>>();
        done(&app, user, deed, &shown, request).await
    });
    Ok(Json(answer.await?))
}

async fn done(
    app: &App,
    user: Uuid,
    deed: Deed,
    shown: &[deeds::Shown],
    request: Uuid,
) -> Result<Value, Problem> {
    match deeds::carry_out(&app.pool, &app.committer, user, deed, shown, request).await? {
        Came::Done { accounts, before } => Ok(json!({ "accounts": accounts, "before": before })),
        Came::Stale(accounts) => Err(Problem::stale(&accounts)),
        Came::Refused(refused) => Err(Problem::refused(refused)),
    }
}

async fn refused_work(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let user = who(&app, request.headers()).await?.user.0;
    let read = at_the_desk(app, async move |app: Arc<App>| refused::of_the_team(&app, user).await);
    Ok(Json(read.await?))
}
