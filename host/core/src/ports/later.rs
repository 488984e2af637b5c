//! Requests that are answered later: durable before they are acknowledged.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Name, RunId,
    body::Body,
    call::CallContext,
    event::Failure,
    function::Revision,
    pipeline::{Attempts, Request},
};

/// A request to keep.
#[derive(Debug, Clone)]
pub struct LaterRequest {
    /// The identity of its run; keeping it again under the same one changes nothing.
    pub id: RunId,
    /// The project.
    pub project: Name,
    /// The request.
    pub request: Request,
    /// Its bytes.
    pub body: Bytes,
    /// Where to tell of its end.
    pub callback: Option<String>,
    /// How often it is tried.
    pub attempts: Attempts,
    /// On whose behalf.
    pub owner: String,
}

/// Why a request is not kept.
#[derive(Debug, thiserror::Error)]
pub enum LaterError {
    /// There is no such function any more.
    #[error("{0}")]
    NoFunction(String),
    /// Nobody may be told there.
    #[error("{0}")]
    Callback(#[from] NotifyError),
    /// As many as may wait for this function do so.
    #[error("{0} requests to this function wait to be answered, as many as may")]
    Full(u32),
    /// The store failed; nothing was kept.
    #[error("{0}")]
    Storage(String),
}

/// Keeps requests and has them answered.
#[async_trait]
pub trait Later: Send + Sync {
    /// Keeps a request; it is durable when this returns.
    ///
    /// # Errors
    /// When its callback is not allowed, or it cannot be kept.
    async fn keep(&self, request: LaterRequest) -> Result<RunId, LaterError>;
}

/// What a kept request was answered.
pub struct Answered {
    /// The response; a problem, where the function gave none.
    pub response: http::Response<Body>,
    /// Why the same request may be answered better in a while.
    pub transient: Option<Failure>,
}

/// Answers a kept request as if it had come just now.
#[async_trait]
pub trait Answer: Send + Sync {
    /// The answer of `revision`; the first `skip` bytes of the path are not for it to see.
    async fn answer(
        &self,
        revision: Arc<Revision>,
        request: http::Request<Bytes>,
        skip: usize,
        context: CallContext,
    ) -> Answered;
}

/// Answers nothing: a host that keeps no requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAnswer;

#[async_trait]
impl Answer for NoAnswer {
    async fn answer(&self, _: Arc<Revision>, _: http::Request<Bytes>, _: usize, _: CallContext) -> Answered {
        let mut response = http::Response::new(crate::body::empty());
        *response.status_mut() = http::StatusCode::NOT_IMPLEMENTED;
        Answered { response, transient: None }
    }
}

/// Why somebody could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// It is no address that can be told anything.
    #[error("`{url}` cannot be called back: {reason}")]
    Invalid {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The function's grants do not allow it.
    #[error("`{url}` may not be called back: {reason}")]
    Refused {
        /// The address.
        url: String,
        /// Why, and which line of the manifest would allow it.
        reason: String,
    },
    /// It may work later.
    #[error("`{url}` could not be reached: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
}

/// Sends events to whoever wants to know, as far as a function's grants allow.
#[async_trait]
pub trait Notify: Send + Sync {
    /// Whether `revision` may send anything there, as far as its address alone says.
    ///
    /// # Errors
    /// When it may not.
    fn check(&self, revision: &Revision, url: &str) -> Result<(), NotifyError>;

    /// Posts `body` there on behalf of `revision`; the status of the answer.
    ///
    /// # Errors
    /// When it may not, or nobody answered within `longest`.
    async fn post(
        &self,
        revision: &Revision,
        url: &str,
        content_type: &'static str,
        body: Bytes,
        longest: Duration,
    ) -> Result<u16, NotifyError>;
}

/// Tells nobody: a host without a way out.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNotify;

#[async_trait]
impl Notify for NoNotify {
    fn check(&self, _: &Revision, url: &str) -> Result<(), NotifyError> {
        Err(NotifyError::Refused { url: url.to_owned(), reason: "this host calls nobody back".to_owned() })
    }

    async fn post(
        &self,
        revision: &Revision,
        url: &str,
        _: &'static str,
        _: Bytes,
        _: Duration,
    ) -> Result<u16, NotifyError> {
        self.check(revision, url).map(|()| 0)
    }
}
