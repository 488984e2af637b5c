//! Errors on their way out, as RFC 9457 problems.

use axum::response::{IntoResponse, Response};
use host_wire::problem::Mistake;
use http::{HeaderValue, StatusCode, header};

mod from;

/// A problem with its status. The type is `urn:weft:problem:<code>`.
#[derive(Debug)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    retry_after_s: Option<u32>,
    wire: host_wire::Problem,
}

impl Problem {
    /// A problem of a kind.
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let wire = host_wire::Problem {
            r#type: format!("urn:weft:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            ..host_wire::Problem::default()
        };
        Self(Box::new(Inner { status, retry_after_s: None, wire }))
    }

    /// What was asked for is well-formed, but cannot be done.
    pub(crate) fn unprocessable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// More than this host takes at a time.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).retry_after_s(1)
    }

    /// A store failed; nothing was changed.
    pub(crate) fn storage(detail: impl Into<String>) -> Self {
        let detail = detail.into();
        tracing::error!(detail, "a store failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage", detail).retry_after_s(1)
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.wire.hint = Some(hint.into());
        self
    }

    /// Where it is, in what was sent.
    pub(crate) fn place(mut self, place: impl Into<String>) -> Self {
        self.0.wire.place = Some(place.into());
        self
    }

    /// The call it happened in.
    pub(crate) fn call(mut self, call: host_core::CallId) -> Self {
        self.0.wire.call = Some(call.to_string());
        self
    }

    /// Every mistake.
    pub(crate) fn mistakes(mut self, mistakes: impl IntoIterator<Item = Mistake>) -> Self {
        self.0.wire.mistakes = mistakes.into_iter().collect();
        self
    }

    /// When to come back.
    pub(crate) fn retry_after_s(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Inner { status, retry_after_s, wire } = *self.0;
        let mut response = (status, axum::Json(wire)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
