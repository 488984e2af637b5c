//! Answers where no route has one: unknown paths, other methods, panics.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri};

use crate::problem::Problem;

/// A path under `/api` that is none.
pub(crate) async fn not_found(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {method} {}", uri.path()))
        .hint("GET /api/v1/openapi.json lists every path")
}

/// A path that takes other methods.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

/// A handler that panicked: a bug, and the host goes on.
pub(crate) fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let cause = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!(cause = cause.unwrap_or("unknown"), "a request met a bug in the host");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the host met a bug of its own")
        .hint("its log says where; please report it")
        .into_response()
}
