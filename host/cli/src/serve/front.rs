//! The first fork: what is under `/fn/` is for a function, and everything else finds its way through the router.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, extract::ConnectInfo};
use host_triggers::http::Http;
use http::{Method, Request, Response};
use tower::ServiceExt;

/// Everything a host answers. Copies are cheap and alike.
#[derive(Clone)]
pub(crate) struct Front(Arc<Ways>);

struct Ways {
    functions: Option<Arc<Http>>,
    /// The control plane and inference; the functions again where it knows no path.
    router: Router,
}

impl Front {
    /// Asks `control` first, and `functions` for what it does not know.
    pub(super) fn new(control: Router, functions: Arc<Http>) -> Self {
        let behind = functions.clone();
        let router = control.fallback(move |request| async move { behind.answer(request).await });
        Self(Arc::new(Ways { functions: Some(functions), router }))
    }

    /// Asks `control` and nobody else.
    pub(super) fn only(control: Router) -> Self {
        Self(Arc::new(Ways { functions: None, router: control }))
    }

    /// Answers one request of `peer`. No path of the control plane begins with `/fn/`, so that its router, which takes a
    /// microsecond to say so, need not be asked.
    ///
    /// Each connection has a front of its own: counting the holders of one for all would have them wait for each other.
    pub(super) async fn answer(
        self: Arc<Self>,
        peer: SocketAddr,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Infallible> {
        if let Some(functions) = &self.0.functions
            && request.uri().path().starts_with("/fn/")
            && has_body_of_its_own(request.method())
        {
            return Ok(functions.answer_to(Some(peer), request).await);
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        self.0.router.clone().oneshot(request).await
    }

    /// The router alone, for who listens to no port.
    pub(super) fn into_router(self) -> Router {
        self.0.router.clone()
    }
}

/// Whether the answer to such a request is sent as it is; the router takes the body off others.
fn has_body_of_its_own(method: &Method) -> bool {
    method != Method::HEAD && method != Method::CONNECT
}
