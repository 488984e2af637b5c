//! Events for a function that speaks HTTP only: each becomes a POST in the binary mode of CloudEvents.

use std::sync::Arc;

use bytes::Bytes;
use host_core::{
    body::{self, Body},
    call::{Call, CallContext, Called, End, Finished, Reply},
    event::{Event, Failure, FailureKind, Outcome, Output, code, in_header, is_attribute},
    function::Revision,
    ports::Invoke,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};

/// Posts each event in order and gathers the outcomes into one reply.
pub(crate) async fn post(
    invoke: &dyn Invoke,
    revision: &Arc<Revision>,
    context: &CallContext,
    events: Vec<Event>,
) -> Called {
    let most = usize::try_from(revision.manifest.limits.max_body.0).unwrap_or(usize::MAX);
    let mut outcomes = Vec::with_capacity(events.len());
    let mut all = Finished::default();
    for event in events {
        let (outcome, finished) = post_one(invoke, revision, context, event, most).await;
        outcomes.push(outcome);
        add(&mut all, finished);
    }
    Called { reply: Ok(Reply::Events(outcomes)), end: End::Now(all) }
}

async fn post_one(
    invoke: &dyn Invoke,
    revision: &Arc<Revision>,
    context: &CallContext,
    event: Event,
    most: usize,
) -> (Outcome, Finished) {
    let request = match request_of(event, revision.function.as_str()) {
        Ok(request) => request,
        Err(failure) => return (Err(failure), Finished::default()),
    };
    let called = invoke.call(Arc::clone(revision), context.clone(), Call::Http(request)).await;
    let outcome = match called.reply {
        Ok(Reply::Http(response)) => outcome_of(response, most).await,
        Ok(_) => Err(Failure::fatal(code::NO_RESPONSE, "the function gave no response")),
        Err(failure) => Err(failure),
    };
    let finished = match called.end {
        End::Now(finished) => finished,
        End::Later(later) => later.await,
    };
    (outcome.and_then(|outputs| finished.failure.clone().map_or(Ok(outputs), Err)), finished)
}

/// The event as a request: attributes as `ce-` headers, the payload as the body.
fn request_of(event: Event, host: &str) -> Result<Request<Body>, Failure> {
    let mut request = Request::new(body::full(event.data));
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    let mut set = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        match (name, HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                headers.insert(name, value);
                Ok(())
            }
            _ => Err(Failure::invalid(code::INVALID_INPUT, "an attribute of the event does not fit into a header")),
        }
    };
    set("host", host)?;
    set("ce-specversion", "1.0")?;
    set("ce-id", &in_header(&event.id))?;
    set("ce-source", &in_header(&event.source))?;
    set("ce-type", &in_header(&event.r#type))?;
    for (name, value) in [("ce-subject", &event.subject), ("ce-time", &event.time)] {
        value.iter().try_for_each(|value| set(name, &in_header(value)))?;
    }
    event.content_type.iter().try_for_each(|it| set("content-type", it))?;
    for (name, value) in &event.extensions {
        if is_attribute(name) {
            tracing::warn!(event = event.id, name, "an extension bears the name of an attribute and is left out");
            continue;
        }
        set(&format!("ce-{name}"), &in_header(value))?;
    }
    Ok(request)
}

/// What the status of the response means for the event.
async fn outcome_of(response: Response<Body>, most: usize) -> Outcome {
    let (head, body) = response.into_parts();
    let bytes = Limited::new(body, most).collect().await.map(http_body_util::Collected::to_bytes);
    let bytes = bytes.map_err(|error| Failure::fatal("bad-response", format!("its response broke off: {error}")))?;
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).map(str::to_owned);
    if head.status.is_success() {
        return Ok(if bytes.is_empty() { Vec::new() } else { vec![output(bytes, content_type)] });
    }
    let kind = match head.status.as_u16() {
        408 | 425 | 429 | 502..=504 => FailureKind::Transient,
        _ => FailureKind::Invalid,
    };
    let mut failure = Failure::new(kind, "http-status", format!("the function answered {}", head.status));
    failure.retry_after_ms = retry_after_ms(head.headers.get(header::RETRY_AFTER));
    Err(failure)
}

fn output(data: Bytes, content_type: Option<String>) -> Output {
    Output {
        outlet: String::new(),
        r#type: "weft.http.response".into(),
        subject: None,
        content_type,
        key: None,
        extensions: Vec::new(),
        data,
    }
}

fn retry_after_ms(value: Option<&HeaderValue>) -> Option<u32> {
    let seconds: u32 = value?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1_000))
}

fn add(all: &mut Finished, one: Finished) {
    all.usage.cpu_us += one.usage.cpu_us;
    all.usage.memory_bytes = all.usage.memory_bytes.max(one.usage.memory_bytes);
    all.usage.bytes_in += one.usage.bytes_in;
    all.usage.bytes_out += one.usage.bytes_out;
    all.usage.fresh |= one.usage.fresh;
    for version in one.models {
        if !all.models.contains(&version) {
            all.models.push(version);
        }
    }
}
