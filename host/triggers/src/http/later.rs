//! Requests whose headers ask for more than an answer: `Prefer: respond-async` has them answered later, and
//! `Idempotency-Key` has them executed once however often they are sent.

mod kept;
mod keys;

use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request};
use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use host_core::{
    RunId,
    body::{BodyError, Whole},
    budget::Budget,
    call::CallContext,
    event::Failure,
    function::{FunctionRef, Revision},
    pipeline,
    ports::{Answer, Answered, Idempotency, Later, LaterRequest},
};
use http_body_util::BodyExt;
use serde_json::json;

use super::{Asked, Config, Http, problem::Problem, stream, table::Route};

static PREFER: HeaderName = HeaderName::from_static("prefer");
static KEY: HeaderName = HeaderName::from_static("idempotency-key");
static CALLBACK: HeaderName = HeaderName::from_static("weft-callback");

/// The longest address that is called back.
const LONGEST_CALLBACK: usize = 2_048;

/// What it takes to answer later, and once.
#[derive(Clone)]
pub struct Keeping {
    /// What calls the functions: the same trigger, without a guard of its own.
    pub calls: Arc<Http>,
    /// Where requests are kept.
    pub later: Arc<dyn Later>,
    /// Where keys are known.
    pub keys: Arc<dyn Idempotency>,
}

/// A request whose body was read, and what surrounds it.
struct Read<'a> {
    route: &'a Arc<Route>,
    skip: usize,
    head: request::Parts,
    body: Whole,
    context: CallContext,
}

/// Whether a request may ask for any of it. Every request is asked this.
pub(super) fn concerns(headers: &HeaderMap) -> bool {
    headers.contains_key(&PREFER) || headers.contains_key(&KEY)
}

impl Keeping {
    /// Answers as the headers ask.
    pub(super) async fn answer(
        &self,
        config: &Config,
        bodies: &Arc<Budget>,
        asked: Box<Asked<'_>>,
    ) -> Result<Response<Body>, Problem> {
        let (headers, entries) = (asked.request.headers(), asked.route.entries);
        let is_later = prefers_later(headers);
        let key = keys::read(asked.request.method(), headers)?;
        if (key.is_none() && !is_later) || !(entries.http || entries.handler) {
            return self.calls.by_entry(asked).await;
        }
        let Asked { route, skip, request, context } = *asked;
        let (head, body) = request.into_parts();
        let body = stream::read(body, route.max_body, route.timeout, bodies).await?;
        let read = Read { route, skip, head, body, context };
        match key {
            Some(key) => self.once(config, key, is_later, read).await,
            None => self.keep(config, &read, RunId::next()).await,
        }
    }

    /// Keeps a request; it is durable when this returns.
    async fn keep(&self, config: &Config, read: &Read<'_>, id: RunId) -> Result<Response<Body>, Problem> {
        let Read { route, skip, head, body, context, .. } = read;
        let uri = head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let request = pipeline::Request {
            function: FunctionRef { name: route.function.clone(), revision: Some(route.number) },
            route: route.trigger.to_string(),
            method: head.method.to_string(),
            uri,
            skip: *skip,
            headers: kept_headers(&head.headers),
        };
        let request = LaterRequest {
            id,
            project: route.project.clone(),
            request,
            body: body.bytes.clone(),
            callback: callback(&head.headers)?,
            attempts: config.attempts(),
            owner: context.principal.clone(),
        };
        let id = self.later.keep(request).await.map_err(|error| Problem::of_later(&error))?;
        Ok(accepted(route, id))
    }
}

/// Whether one of the preferences is `respond-async`.
fn prefers_later(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all(&PREFER).iter().filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
    preferences.filter_map(|it| it.split(';').next()).any(|it| it.trim().eq_ignore_ascii_case("respond-async"))
}

fn callback(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(&CALLBACK) else { return Ok(None) };
    let text = value.to_str().ok().filter(|it| it.len() <= LONGEST_CALLBACK);
    text.map(|it| Some(it.to_owned())).ok_or_else(|| Problem::bad_header("weft-callback", "is no address"))
}

/// What is kept of the headers: neither credentials, nor what concerns only the connection or the host.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_dropped = |name: &HeaderName| {
        [
            header::AUTHORIZATION,
            header::PROXY_AUTHORIZATION,
            header::COOKIE,
            header::CONNECTION,
            header::TRANSFER_ENCODING,
            header::TE,
            header::TRAILER,
            header::UPGRADE,
            header::EXPECT,
        ]
        .contains(name)
            || [&PREFER, &KEY, &CALLBACK].contains(&name)
            || name == "keep-alive"
    };
    let kept = headers.iter().filter(|(name, value)| !is_dropped(name) && !value.is_sensitive());
    kept.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}

/// 202, with the run to ask for.
fn accepted(route: &Route, id: RunId) -> Response<Body> {
    let run = format!("/api/v1/projects/{}/runs/{id}", route.project);
    let body = json!({ "run": id, "project": route.project, "url": run, "response": format!("{run}/response") });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("preference-applied", HeaderValue::from_static("respond-async"));
    if let Ok(run) = HeaderValue::try_from(run) {
        headers.insert(header::LOCATION, run);
    }
    response
}

#[async_trait]
impl Answer for Http {
    async fn answer(
        &self,
        revision: Arc<Revision>,
        request: Request<Bytes>,
        skip: usize,
        mut context: CallContext,
    ) -> Answered {
        let route = Arc::new(Route::by_name(&revision));
        context.traceparent = super::traceparent_of(request.headers());
        let call = context.id.to_string();
        let asked = Asked { route: &route, skip, request: request.map(Body::from), context };
        let answered = self.by_entry(Box::new(asked)).await;
        let (transient, response) = match answered {
            Ok(response) => (busy(&response), response),
            Err(problem) => (problem.transient(), problem.of_call(&call).into_response()),
        };
        let response = response.map(|body| body.map_err(|error| BodyError::Other(error.to_string())).boxed_unsync());
        Answered { response, transient }
    }
}

/// What a function says that may be otherwise in a while.
fn busy(response: &Response<Body>) -> Option<Failure> {
    let status = response.status().as_u16();
    if !matches!(status, 408 | 425 | 429 | 502..=504) {
        return None;
    }
    let mut failure = Failure::transient("status", format!("the function answered {status}"));
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse::<u32>().ok());
    failure.retry_after_ms = seconds.map(|it| it.saturating_mul(1_000));
    Some(failure)
}

/// Whether requests of a method are taken twice unless they bear a key.
fn needs_key(method: &Method) -> bool {
    method == Method::POST || method == Method::PATCH
}
