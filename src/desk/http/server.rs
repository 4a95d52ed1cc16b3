//! Connections: a bounded number, each with a bounded time for its headers; a stop that lets requests finish.
//!
//! Invariant: a slow or idle client holds one of [`super::access::HttpLimits::connections`] and nothing else.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::counted::{Counted, Limit};

/// Longest wait for the headers of a request, and of an idle connection for its next one.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// Headers of a request.
const MAX_HEADERS: usize = 64;
/// Bytes of a request's headers.
const MAX_HEADER_BYTES: usize = 32 * 1_024;
/// Longest wait for requests when the service stops; event streams are cut then.
const FINISH_WITHIN: Duration = Duration::from_secs(3);
/// Wait after the system refused a connection for want of something.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Binds an address for [`serve`]. The error says which.
pub async fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    let bound = TcpListener::bind(listen).await;
    bound.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}"))
    })
}

/// Serves until `stop` is ready, then lets open requests finish for a bounded time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections: usize,
    counted: Counted,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(connections));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            // Closed at once: waiting would only move the queue into the system.
            counted.hit(Limit::Connections);
            continue;
        };
        // Small answers leave at once.
        let _ = stream.set_nodelay(true);
        let service = router.clone().map_request(
            move |request: hyper::Request<hyper::body::Incoming>| -> Request {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                request
            },
        );
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // What a client does to its connection is its own business.
            let _ = watched.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(FINISH_WITHIN, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::debug!("connections that were still open are cut");
    }
}
