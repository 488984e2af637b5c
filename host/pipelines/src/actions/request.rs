//! Makes a request that was kept, and keeps what it was answered.

use bytes::Bytes;
use futures_util::StreamExt;
use host_core::{
    artifact::{Blob, Kind},
    body::Body,
    call::{CallContext, TriggerRef},
    event::{Failure, FailureKind, code},
    pipeline::{REQUEST_BODY, RESPONSE, Request},
    ports::ArtifactError,
    run::{PinnedFunction, StepInput, StepOutput, StepResult},
};
use http::{HeaderMap, header, request, response};
use http_body_util::BodyDataStream;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::function::revision;
use crate::{
    executor::{Attempt, Broken, With, attempt_number, step_ref},
    failure::{of_artifact, of_unresolved},
    inputs,
    services::Services,
    view::View,
};

/// Makes the request. What may be answered better later is tried again, as often as the step says; the last answer
/// counts, whatever it is.
pub(crate) async fn run(view: &View<'_>, action: &Request, with: With<'_>, cancelled: &CancellationToken) -> Attempt {
    let services = with.services;
    let revision = revision(view, &action.function, services).await?;
    let pinned = PinnedFunction { revision: revision.id, number: revision.number, component: revision.component };
    let mut result = StepResult { function: Some(pinned), ..StepResult::default() };
    let sources = view.work().map_err(|error| of_unresolved("request", &error))?.inputs;
    inputs::resolve(view, with, &revision.manifest, sources, &mut result.inputs).await?;
    let body = body(&result.inputs, services, revision.manifest.limits.max_body.0).await?;
    let answered =
        services.answer.answer(revision, request(action, body)?, action.skip, context(view, action, cancelled));
    let answered = answered.await;
    if let Some(failure) = answered.transient {
        let again = view.step.retry.again(attempt_number(view.claim), FailureKind::Transient);
        // A host that is stopping gives the step back, whichever attempt it is.
        if again || failure.code == code::UNAVAILABLE {
            return Err(Broken::new(failure, result));
        }
    }
    let (head, body) = answered.response.into_parts();
    match keep(body, services, with.config.response_bytes).await {
        Ok(blob) => Ok(with_response(result, &head, &blob)),
        Err(failure) => Err(Broken::new(failure, result)),
    }
}

async fn body(inputs: &[StepInput], services: &Services, most: u64) -> Result<Bytes, Failure> {
    let Some(input) = inputs.iter().find(|it| it.name == REQUEST_BODY) else { return Ok(Bytes::new()) };
    services.artifacts.get(&input.digest, most).await.map_err(|error| of_artifact(REQUEST_BODY, &error))
}

fn request(action: &Request, body: Bytes) -> Result<http::Request<Bytes>, Failure> {
    let mut request = request::Builder::new().method(action.method.as_str()).uri(action.uri.as_str());
    for (name, value) in &action.headers {
        request = request.header(name, value);
    }
    // It was a request when it came; only a damaged journal could say otherwise.
    request.body(body).map_err(|error| Failure::fatal("damaged-run", format!("the kept request is none: {error}")))
}

fn context(view: &View<'_>, action: &Request, cancelled: &CancellationToken) -> CallContext {
    let mut context = CallContext::new(TriggerRef::new("http", action.route.as_str()));
    context.attempt = view.claim.attempt;
    context.principal.clone_from(&view.claim.run.owner);
    context.cancelled = cancelled.child_token();
    context.step = Some(step_ref(view.claim));
    context
}

/// Streams the bytes of the response into the artifact store.
async fn keep(body: Body, services: &Services, most: u64) -> Result<Blob, Failure> {
    let bytes = BodyDataStream::new(body).map(|piece| piece.map_err(|error| ArtifactError::Source(error.to_string())));
    services.artifacts.put_stream(bytes.boxed(), most, None).await.map_err(|error| match error {
        ArtifactError::Source(reason) => Failure::transient("broken-answer", format!("the answer broke off: {reason}")),
        other => of_artifact(RESPONSE, &other),
    })
}

fn with_response(mut result: StepResult, head: &response::Parts, blob: &Blob) -> StepResult {
    let media_type = head.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let status = head.status.as_u16();
    result.outputs.push(StepOutput {
        name: RESPONSE.to_owned(),
        digest: blob.digest,
        size: blob.size,
        kind: Kind::File,
        media_type,
        metadata: json!({ "status": status, "headers": texts(&head.headers) }),
    });
    result.results = Map::from_iter([("status".to_owned(), Value::from(status))]);
    result
}

/// Headers that are text, in their order; cookies are for whoever asked, not for whoever reads records.
fn texts(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let kept = headers.iter().filter(|(name, _)| *name != header::SET_COOKIE);
    kept.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}
