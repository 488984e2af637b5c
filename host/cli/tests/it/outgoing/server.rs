//! A server for guests to call, in a thread of its own, that counts its connections and misbehaves when asked to.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderMap, Request, StatusCode, header},
    response::IntoResponse,
    routing::{any, get},
    serve::ListenerExt as _,
};
use futures_util::{StreamExt as _, stream};
use tokio::{net::TcpListener, runtime::Runtime};

/// The running server; it ends with its runtime.
pub(super) struct Server {
    pub(super) url: String,
    accepted: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Server {
    pub(super) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = accepted.clone();
        let counted = listener.tap_io(move |_| {
            counter.fetch_add(1, Relaxed);
        });
        runtime.spawn(async move { axum::serve(counted, routes()).await });
        Self { url, accepted, _runtime: runtime }
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Relaxed)
    }
}

fn routes() -> Router {
    Router::new()
        .route("/echo", any(|request: Request<Body>| async { request.into_body() }))
        .route("/hello", any(|| async { "hello" }))
        .route("/head", any(head))
        .route("/large/{bytes}", get(|Path(bytes): Path<usize>| async move { vec![b'x'; bytes] }))
        .route("/silent", get(std::future::pending::<&'static str>))
        .route("/stall", get(|| async { Body::from_stream(first().chain(stream::pending())) }))
        .route("/die", any(|| async { Body::from_stream(first_then_error()) }))
        .route("/redirect/{port}", get(redirect))
}

/// The header fields of the request, a line each.
async fn head(headers: HeaderMap) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("?"))).collect()
}

fn first() -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::iter([Ok(Bytes::from_static(b"half of it"))])
}

/// A piece, and then the connection breaks.
fn first_then_error() -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    let broken = || Err(std::io::Error::other("asked to die"));
    // The piece has to be on its way before the connection ends.
    let later = stream::once(async move {
        tokio::task::yield_now().await;
        broken()
    });
    stream::iter([Ok(Bytes::from_static(b"half of it"))]).chain(later)
}

async fn redirect(Path(port): Path<u16>) -> impl IntoResponse {
    (StatusCode::FOUND, [(header::LOCATION, format!("http://127.0.0.1:{port}/hello"))])
}
