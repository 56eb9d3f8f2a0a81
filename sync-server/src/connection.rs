//! Takes connections in and speaks HTTP on them, for as long as a stranger may.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sync_core::limits;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::counted::Counted;
use crate::doors::{Doors, FreePlace, Visit};

/// How long the header of a request may take, the first as any later one: as long may a connection
/// idle.
const HEADER_WITHIN: Duration = Duration::from_secs(10);
/// How long a request that is being answered may take when the server stops.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// The wait after the system gave no connection, for want of files or memory.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Takes connections in until the server is to stop.
pub async fn accept_all(
    listener: TcpListener,
    doors: Arc<Doors>,
    router: Router,
    tasks: TaskTracker,
    stopping: CancellationToken,
) {
    let accepting = async {
        loop {
            let place = doors.free_place().await;
            let (stream, address) = accept(&listener).await;
            let visit = Arc::new(admit(&doors, address, place));
            tasks.spawn(serve(stream, visit, router.clone(), stopping.clone()));
        }
    };
    tokio::select! {
        biased;
        () = stopping.cancelled() => {}
        () = accepting => {}
    }
}

fn admit(doors: &Arc<Doors>, address: SocketAddr, place: FreePlace) -> Visit {
    doors.admit(address.ip(), place)
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Small messages follow each other here; without this each pair waits for the network
                // to confirm the first, some 40 ms.
                let _ = stream.set_nodelay(true);
                return (stream, address);
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "the system gave no connection");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }
}

/// The caller has gone meanwhile; the next one is waiting.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers one connection's requests. When one of them asks for a WebSocket, that goes on elsewhere.
async fn serve(stream: TcpStream, visit: Arc<Visit>, router: Router, stopping: CancellationToken) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        visit.traffic().asked();
        request.extensions_mut().insert(visit.clone());
        router.call(request)
    });
    let io = TokioIo::new(Counted::new(stream, visit.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(limits::REQUEST_HEADER_BYTES)
        .serve_connection(io, service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = visit.sent_away() => {}
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(ANSWERED_WITHIN, connection).await;
        }
    }
}
