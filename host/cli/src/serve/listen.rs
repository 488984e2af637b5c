//! Accepts connections on one port until told to stop, then lets those that are open finish.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit as Place, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::opening::Opening;

/// How many clients are served at once, and how long they are waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Connections open at once; others wait in the system's queue.
    pub(super) connections: usize,
    /// A client that does not finish its request head within this time is sent away.
    pub(super) head: Duration,
    /// How long open connections may take to finish after `stop`.
    pub(super) drain: Duration,
}

/// How long to wait before accepting again when the process has no file handle left.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Serves `router` until `stop`; then waits for open connections.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, bounds: Bounds) {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(bounds.connections.max(1)));
    while let Some(accepted) = stop.run_until_cancelled(accept(&listener, &places)).await {
        match accepted {
            Ok((place, client)) => connection(&server, &open, place, client, bounds.head, router.clone()),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(bounds.drain, open.shutdown()).await.is_err() {
        tracing::warn!("closing connections that did not finish in time");
    }
}

/// The next client, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(Place, (TcpStream, SocketAddr))> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    Ok((place, listener.accept().await?))
}

fn connection(
    server: &auto::Builder<TokioExecutor>,
    open: &GracefulShutdown,
    place: Place,
    (stream, peer): (TcpStream, SocketAddr),
    head: Duration,
    router: Router,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let connection =
        server.serve_connection_with_upgrades(TokioIo::new(Opening::new(stream, head)), service).into_owned();
    let connection = open.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%peer, %error, "connection ended early");
        }
        drop(place);
    });
}
