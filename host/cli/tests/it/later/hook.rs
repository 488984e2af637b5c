//! A server that wants to be told: it hands on what it is sent, and turns some away first.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
    mpsc,
};

use axum::{
    Router,
    body::Bytes,
    http::{StatusCode, Uri},
};
use serde_json::Value;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::support::PATIENCE;

/// The running server; it ends with its runtime.
pub(super) struct Hook {
    pub(super) url: String,
    told: Mutex<mpsc::Receiver<(String, Value)>>,
    refusals: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Hook {
    pub(super) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, told) = mpsc::channel();
        let refusals = Arc::new(AtomicUsize::new(0));
        let left = refusals.clone();
        let router = Router::new().fallback(move |uri: Uri, body: Bytes| {
            let _ = sender.send((uri.path().to_owned(), serde_json::from_slice(&body).unwrap_or_default()));
            let is_busy = left.fetch_update(SeqCst, SeqCst, |it| it.checked_sub(1)).is_ok();
            async move { if is_busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK } }
        });
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { url, told: Mutex::new(told), refusals, _runtime: runtime }
    }

    /// Turns away so many of the next.
    pub(super) fn refuse(&self, count: usize) {
        self.refusals.store(count, SeqCst);
    }

    /// The path and the event that came next.
    pub(super) fn next(&self) -> (String, Value) {
        self.told.lock().unwrap().recv_timeout(PATIENCE).unwrap()
    }
}
