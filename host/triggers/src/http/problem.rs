//! What callers are told when there is no answer: RFC 9457 problems. Guest backtraces stay in the log.

use std::{borrow::Cow, time::Duration};

use ::http::{HeaderValue, Method, Response, StatusCode, header};
use axum::body::Body;
use host_core::{
    Name,
    budget::Exhausted,
    event::{Failure, FailureKind, code},
    identity::Denied,
    ports::{LaterError, NotifyError, TokenRefusal},
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
    challenge: Option<HeaderValue>,
    retry_after_ms: Option<u32>,
    /// The same request may be answered better in a while.
    is_transient: bool,
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
    /// What happened, in words.
    pub(super) fn detail(&self) -> &str {
        &self.0.detail
    }

    fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self(Box::new(Told {
            status,
            code,
            detail,
            hint: None,
            call: None,
            allow: None,
            challenge: None,
            retry_after_ms: None,
            is_transient: false,
        }))
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

    /// The host holds as much of other bodies as it may.
    pub(super) fn bodies_full(exhausted: Exhausted) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "bodies-full", exhausted.to_string())
            .hint("raise `buffered` under [http] in the configuration, or send less at once");
        problem.0.retry_after_ms = Some(1_000);
        problem
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

    /// The route asks for a token.
    pub(super) fn no_token() -> Self {
        Self::unauthorized("no-token", "this function wants to know who asks, and the request shows no token")
            .hint(
                "send `authorization: Bearer TOKEN`; an admin makes one with `fn tokens create NAME --role developer`",
            )
            .challenge("Bearer realm=\"weft\"")
    }

    /// The token is of no use.
    pub(super) fn bad_token(refusal: TokenRefusal) -> Self {
        Self::unauthorized("bad-token", refusal.to_string()).challenge("Bearer realm=\"weft\", error=\"invalid_token\"")
    }

    /// The bearer may not.
    pub(super) fn denied(denied: Denied) -> Self {
        let code = match denied {
            Denied::Role { .. } => "role",
            Denied::Project { .. } => "other-project",
        };
        Self::new(StatusCode::FORBIDDEN, code, denied.to_string())
    }

    /// The route asks for a password.
    pub(super) fn no_password(function: &Name) -> Self {
        Self::unauthorized("no-password", "this function asks for a user and a password").asks_password(function)
    }

    /// The password is wrong, or the user is.
    pub(super) fn bad_password(function: &Name) -> Self {
        Self::unauthorized("bad-password", "this user and password are not known").asks_password(function)
    }

    /// An address guesses.
    pub(super) fn too_many_attempts(wait: Duration) -> Self {
        let detail = "too many wrong passwords came from this address";
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", detail);
        problem.0.retry_after_ms = Some(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX));
        problem
    }

    /// The secret with the users cannot be read; why is for the host's log.
    pub(super) fn no_users() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-users", "who may call this function cannot be read now")
            .hint("the host's log has the reason; `fn secrets list` shows which secrets are set")
    }

    fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    fn challenge(mut self, challenge: &str) -> Self {
        self.0.challenge = HeaderValue::try_from(challenge).ok();
        self
    }

    fn asks_password(self, function: &Name) -> Self {
        self.challenge(&format!("Basic realm=\"{function}\", charset=\"UTF-8\""))
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
        problem.0.is_transient = failure.kind == FailureKind::Transient;
        problem
    }

    /// Why the same request may be answered better in a while.
    pub(super) fn transient(&self) -> Option<Failure> {
        let told = &self.0;
        let failure = Failure { retry_after_ms: told.retry_after_ms, ..Failure::transient(&told.code, &told.detail) };
        told.is_transient.then_some(failure)
    }

    /// Whether the host turned it away before the function saw anything of it.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(&*self.0.code, code::OVERLOADED | code::UNAVAILABLE | code::CANCELLED | code::NOT_FOUND)
    }

    /// A header of the request cannot be read.
    pub(super) fn bad_header(name: &str, detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-header", format!("the header {name} {detail}"))
    }

    /// The key was used for another request.
    pub(super) fn other_request() -> Self {
        let detail = "this idempotency key was used for another request";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", detail).hint("choose a new key for every request")
    }

    /// The request of this key is being executed.
    pub(super) fn still_running(left: Duration) -> Self {
        let detail = "the request with this idempotency key is still being executed";
        let mut problem = Self::new(StatusCode::CONFLICT, "key-in-use", detail);
        // Most are over long before their time is.
        problem.0.retry_after_ms = Some(u32::try_from(left.as_millis()).unwrap_or(u32::MAX).min(1_000));
        problem
    }

    /// The request was executed, and what it was answered is gone.
    pub(super) fn not_kept(status: u16) -> Self {
        let detail =
            format!("the request with this idempotency key was answered {status}, which was too large to keep");
        Self::new(StatusCode::CONFLICT, "response-not-kept", detail)
    }

    /// The function's answer broke off before it could be kept.
    pub(super) fn broken_answer() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "broken-answer", "the function's answer broke off")
    }

    /// The request cannot be kept.
    pub(super) fn of_later(error: &LaterError) -> Self {
        let (status, code) = match error {
            LaterError::NoFunction(_) => (StatusCode::NOT_FOUND, code::NOT_FOUND),
            LaterError::Callback(NotifyError::Refused { .. }) => (StatusCode::FORBIDDEN, "callback-refused"),
            LaterError::Callback(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad-callback"),
            LaterError::Full(_) => {
                let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, code::OVERLOADED, error.to_string());
                problem.0.retry_after_ms = Some(1_000);
                return problem;
            }
            LaterError::Storage(reason) => return Self::storage(reason),
        };
        Self::new(status, code, error.to_string())
    }

    /// The store failed; the function was not called.
    pub(super) fn storage(reason: &str) -> Self {
        tracing::error!(reason, "a store failed");
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage", reason);
        problem.0.retry_after_ms = Some(1_000);
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
        if let Some(challenge) = told.challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
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
