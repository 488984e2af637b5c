//! Accepts connections on one port until told to stop, then lets those that are open finish.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::body::Body;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit as Place, Semaphore},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{front::Front, opening::Opening, patience::Patience};

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

/// What every connection shares.
#[derive(Clone)]
struct Server {
    http: auto::Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
    front: Front,
    head: Duration,
}

/// Serves `front` until `stop`, over TLS where there is an acceptor; then waits for open connections.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    front: Front,
    stop: CancellationToken,
    bounds: Bounds,
) {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().header_read_timeout(bounds.head);
    http.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let server = Server { http, tls, front, head: bounds.head };
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(bounds.connections.max(1)));
    while let Some(accepted) = stop.run_until_cancelled(accept(&listener, &places)).await {
        match accepted {
            Ok((place, client)) => drop(tokio::spawn(server.clone().welcome(client, open.watcher(), place))),
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

impl Server {
    /// Serves one client until it goes away. A handshake may take as long as the head of a request.
    async fn welcome(self, (stream, peer): (TcpStream, SocketAddr), open: Watcher, place: Place) {
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else { return self.talk(stream, peer, open, place).await };
        match tokio::time::timeout(self.head, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.talk(stream, peer, open, place).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "could not agree on TLS"),
            Err(_) => tracing::debug!(%peer, "a client took too long to agree on TLS"),
        }
    }

    async fn talk<S>(self, stream: S, peer: SocketAddr, open: Watcher, place: Place)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let front = Arc::new(self.front);
        let service = service_fn(move |request: Request<Incoming>| front.clone().answer(peer, request.map(Body::new)));
        let stream = TokioIo::new(Opening::new(stream, self.head));
        let mut http = self.http;
        http.http1().timer(Patience::default());
        let connection = http.serve_connection_with_upgrades(stream, service).into_owned();
        if let Err(error) = open.watch(connection).await {
            tracing::debug!(%peer, %error, "connection ended early");
        }
        drop(place);
    }
}
