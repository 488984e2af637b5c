//! One execution per key: whoever asks again is given the same answer.

use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Method, Request, Response, header, request};
use axum::body::Body;
use host_core::{
    Digest, RunId,
    ports::{Begun, KeptResponse, KeyScope, Turn},
};

use super::{
    KEY, Keeping, Read,
    kept::{self, Kept},
    needs_key,
};
use crate::http::{Asked, Config, problem::Problem, table::Route};

/// The longest key that is taken.
const LONGEST: usize = 255;
/// How much longer than its call a turn lasts.
const MARGIN: Duration = Duration::from_secs(10);

/// The key of a request that has and needs one: a text in quotes, or as it is.
pub(super) fn read(method: &Method, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(&KEY).iter();
    let Some(value) = values.next().filter(|_| needs_key(method)) else { return Ok(None) };
    let wrong = |detail| Problem::bad_header("idempotency-key", detail);
    if values.next().is_some() {
        return Err(wrong("stands there more than once"));
    }
    let text = value.to_str().map_err(|_| wrong("is no text"))?.trim();
    let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let key = inner.map_or_else(|| text.to_owned(), |it| it.replace("\\\"", "\"").replace("\\\\", "\\"));
    match key.len() {
        0 => Err(wrong("is empty")),
        1..=LONGEST => Ok(Some(key)),
        _ => Err(wrong("is longer than 255 characters")),
    }
}

impl Keeping {
    /// Executes a request, unless its key says that it was.
    pub(super) async fn once(
        &self,
        config: &Config,
        key: String,
        is_later: bool,
        read: Read<'_>,
    ) -> Result<Response<Body>, Problem> {
        let scope = scope(read.route, &read.context.principal, key);
        let lease = read.route.timeout.saturating_add(MARGIN);
        let begun = self.keys.begin(
            &scope,
            fingerprint(&read.head, &read.body.bytes, is_later),
            lease,
            config.keep_keys.duration(),
        );
        match begun.await.map_err(|error| Problem::storage(&error.to_string()))? {
            Begun::Mine(turn) if is_later => {
                // The same run however often the host died on the way.
                let answer = self.keep(config, &read, RunId::from_uuid(turn.id)).await;
                self.settle(&scope, turn, config, answer).await
            }
            Begun::Mine(turn) => self.execute(scope, turn, config, read).await,
            Begun::Done(response) => replay(response),
            Begun::Running(left) => Err(Problem::still_running(left)),
            Begun::Other => Err(Problem::other_request()),
        }
    }

    /// Calls the function, and keeps its answer before anybody sees it. A client that goes away does not stop it: it
    /// will come back for the answer.
    async fn execute(
        &self,
        scope: KeyScope,
        turn: Turn,
        config: &Config,
        read: Read<'_>,
    ) -> Result<Response<Body>, Problem> {
        let Read { route, skip, head, body, context } = read;
        let (keeping, config, route) = (self.clone(), config.clone(), route.clone());
        let executing = tokio::spawn(async move {
            let call = context.id.to_string();
            let request = Request::from_parts(head, Body::from(body.bytes.clone()));
            let asked = Box::new(Asked { route: &route, skip, request, context });
            let answer = keeping.calls.by_entry(asked).await;
            let answer = match answer {
                Err(problem) if !problem.is_refusal() => Ok(problem.of_call(&call).into_response()),
                answer => answer,
            };
            let settled = keeping.settle(&scope, turn, &config, answer).await;
            drop(body);
            settled
        });
        executing.await.unwrap_or_else(|_| Err(Problem::unexpected_reply()))
    }

    /// Keeps an answer, durably; what never reached the function leaves no trace.
    async fn settle(
        &self,
        scope: &KeyScope,
        turn: Turn,
        config: &Config,
        answer: Result<Response<Body>, Problem>,
    ) -> Result<Response<Body>, Problem> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(problem) => {
                if let Err(error) = self.keys.release(scope, turn).await {
                    tracing::warn!(%error, "could not forget a key; it counts as in use until its turn is over");
                }
                return Err(problem);
            }
        };
        let most = usize::try_from(config.max_kept.0).unwrap_or(usize::MAX);
        let Kept { response, answer } = kept::read(answer, most).await;
        match self.keys.finish(scope, turn, &response).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(key = scope.key, "an answer came after its turn was over; another one is kept"),
            // Whoever comes back is told that it is still executed, and then it is executed again.
            Err(error) => return Err(Problem::storage(&error.to_string())),
        }
        Ok(answer)
    }
}

fn scope(route: &Route, principal: &str, key: String) -> KeyScope {
    KeyScope {
        project: route.project.clone(),
        subject: format!("function {}", route.function),
        principal: principal.to_owned(),
        key,
    }
}

/// What makes two requests the same: method, address, media type, bytes, and how they are to be answered.
fn fingerprint(head: &request::Parts, body: &[u8], is_later: bool) -> Digest {
    let media_type = head.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let uri = head.uri.path_and_query().map_or("", |it| it.as_str());
    let mut text = format!("{}\n{uri}\n{is_later}\n{}\n", head.method, media_type.len()).into_bytes();
    text.extend_from_slice(media_type);
    text.extend_from_slice(body);
    Digest::of(&text)
}

/// The same answer again.
fn replay(kept: KeptResponse) -> Result<Response<Body>, Problem> {
    let Some(body) = kept.body else { return Err(Problem::not_kept(kept.status)) };
    let mut builder = Response::builder().status(kept.status);
    for (name, value) in &kept.headers {
        builder = builder.header(name, value);
    }
    let builder = builder.header("idempotency-replayed", "true");
    builder.body(Body::from(body)).map_err(|error| Problem::storage(&format!("a kept answer is damaged: {error}")))
}
