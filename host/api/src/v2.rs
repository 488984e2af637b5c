//! The Open Inference Protocol, version 2, over REST: the models of the project `default`.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use host_wire::oip;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use utoipa_axum::{router::OpenApiRouter, routes};

use marketplace::registry::Registry;

use crate::{AppState, body::Refused, principal::Caller};

mod infer;
mod model;
mod server;

/// Every route.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(server::metadata))
        .routes(routes!(server::live))
        .routes(routes!(server::ready))
        .routes(routes!(model::metadata))
        .routes(routes!(model::version_metadata))
        .routes(routes!(model::ready))
        .routes(routes!(model::version_ready))
        .routes(routes!(infer::infer))
        .routes(routes!(infer::version_infer))
}

/// Why there is no answer, in the protocol's form.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: String,
    retry_after_ms: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), retry_after_ms: None }
    }

    fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let retry_after_ms = refused.retry_after_s().map(|it| it * 1_000);
        Self { status: refused.status(), error: refused.to_string(), retry_after_ms }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(oip::Error { error: self.error })).into_response();
        if let Some(after) = self.retry_after_ms {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.div_ceil(1_000)));
        }
        response
    }
}

/// What under `/v2` is not the protocol's: the registry's, or nothing at all.
pub(crate) async fn registry(State(state): State<AppState>, Caller(caller): Caller, request: Request) -> Response {
    let path = request.uri().path();
    if Registry::owns(path) {
        return state.registry.answer(&caller, request).await;
    }
    Refusal::new(StatusCode::NOT_FOUND, format!("there is no {} {path}", request.method())).into_response()
}

/// A path that takes other methods.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
}
