//! What callers are told when there is no answer: RFC 9457 problems. Guest backtraces stay in the log.

use std::borrow::Cow;

use ::http::{HeaderValue, Method, Response, StatusCode, header};
use axum::body::Body;
use host_core::{
    Name,
    event::{Failure, FailureKind, code},
};
use serde::Serialize;

/// A failure on its way to the caller.
#[derive(Debug)]
pub(super) struct Problem(Box<Told>);

#[derive(Debug)]
struct Told {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    hint: Option<&'static str>,
    call: Option<String>,
    allow: Option<HeaderValue>,
    retry_after_ms: Option<u32>,
}

/// Its body.
#[derive(Serialize)]
struct Wire<'p> {
    r#type: String,
    title: &'p str,
    status: u16,
    detail: &'p str,
    code: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'p str>,
}

impl Problem {
    fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self(Box::new(Told { status, code, detail, hint: None, call: None, allow: None, retry_after_ms: None }))
    }

    fn hint(mut self, hint: &'static str) -> Self {
        self.0.hint = Some(hint);
        self
    }

    fn allow(mut self, allow: HeaderValue) -> Self {
        self.0.allow = Some(allow);
        self
    }

    /// No function answers here.
    pub(super) fn nothing_here(method: &Method, path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code::NOT_FOUND, format!("no function answers {method} {path}"))
            .hint("`fn list` shows what is deployed and where it answers")
    }

    /// The path takes other methods.
    pub(super) fn method_not_allowed(allow: &HeaderValue, method: &Method) -> Self {
        let detail = format!("this path does not take {method}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail).allow(allow.clone())
    }

    /// A job has no answer for a request.
    pub(super) fn job_only(function: &Name) -> Self {
        let detail = format!("function `{function}` is a job: it takes runs, not requests");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, code::WRONG_ENTRY, detail)
            .hint("start it with `fn run`")
            .allow(HeaderValue::from_static(""))
    }

    /// The body is larger than the function takes.
    pub(super) fn too_large(most: u64) -> Self {
        let detail = format!("the body is larger than the {most} bytes this function takes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE, detail)
            .hint("raise max_body under [limits] in function.toml")
    }

    /// More events than one request may carry.
    pub(super) fn too_many_events(most: usize) -> Self {
        let detail = format!("the batch has more than {most} events");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-events", detail)
    }

    /// The client sends too slowly.
    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow-body", "the body did not arrive in time")
    }

    /// The client stopped sending.
    pub(super) fn broke_off() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "broken-body", "the body broke off")
    }

    /// The request says it carries an event, but does not.
    pub(super) fn bad_event(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-event", detail)
    }

    /// The page may not ask.
    pub(super) fn other_origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "other-origin", "pages of this origin may not call this function")
    }

    /// The function gave a status that is none.
    pub(super) fn bad_status(status: &str) -> Self {
        let detail = format!("the function gave `{status}` as httpstatus, which is no HTTP status");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "bad-status", detail)
    }

    /// The host did not keep its own promises.
    pub(super) fn unexpected_reply() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected-reply", "the call gave a reply of another kind")
    }

    /// The call failed as a whole.
    pub(super) fn of_host(failure: &Failure) -> Self {
        let status = match failure.code.as_str() {
            code::NOT_FOUND => StatusCode::NOT_FOUND,
            _ => status_of(failure),
        };
        Self::of(failure, status)
    }

    /// The function says that the event failed, or the host says so of this event.
    pub(super) fn of_guest(failure: &Failure) -> Self {
        Self::of(failure, status_of(failure))
    }

    fn of(failure: &Failure, status: StatusCode) -> Self {
        let mut problem = Self::new(status, failure.code.clone(), failure.message.clone());
        problem.0.hint = failure.backtrace.is_some().then_some("the function's log has the backtrace, under this call");
        problem.0.retry_after_ms = failure.retry_after_ms;
        problem
    }

    /// The same, of a call.
    pub(super) fn of_call(mut self, call: &str) -> Self {
        self.0.call = Some(call.to_owned());
        self
    }

    /// As a response.
    pub(super) fn into_response(self) -> Response<Body> {
        let told = *self.0;
        let wire = Wire {
            r#type: format!("urn:weft:problem:{}", told.code),
            title: told.status.canonical_reason().unwrap_or("Problem"),
            status: told.status.as_u16(),
            detail: &told.detail,
            code: &told.code,
            hint: told.hint,
            call: told.call.as_deref(),
        };
        // Texts and numbers always serialise.
        let body = serde_json::to_vec(&wire).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = told.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(allow) = told.allow {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(after) = told.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.div_ceil(1_000)));
        }
        response
    }
}

/// The status that says what kind of failure it is.
fn status_of(failure: &Failure) -> StatusCode {
    match failure.code.as_str() {
        code::OVERLOADED => StatusCode::TOO_MANY_REQUESTS,
        code::DEADLINE => StatusCode::GATEWAY_TIMEOUT,
        code::TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
        code::TRAP | code::MEMORY_LIMIT | code::COPY_LIMIT | code::WRONG_COUNT | code::NO_RESPONSE => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => match failure.kind {
            FailureKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            FailureKind::Transient => StatusCode::SERVICE_UNAVAILABLE,
            FailureKind::Fatal => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}
