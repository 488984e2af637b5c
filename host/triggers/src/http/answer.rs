//! From the outcomes of events to the response.

use ::http::{HeaderValue, Response, StatusCode, header};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::event::{Failure, Outcome, Output};
use serde_json::{Map, Value, json};

use super::problem::Problem;

/// The first output is the answer; its extension `httpstatus` is the status.
pub(super) fn of_outputs(outputs: Vec<Output>) -> Result<Response<Body>, Problem> {
    let Some(output) = outputs.into_iter().next() else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(response);
    };
    let status = status_of(&output)?;
    let has_body = status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED;
    let mut response = Response::new(if has_body { Body::from(output.data) } else { Body::empty() });
    *response.status_mut() = status;
    if has_body {
        let content_type = output.content_type.and_then(|it| HeaderValue::try_from(it).ok());
        let content_type = content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    Ok(response)
}

fn status_of(output: &Output) -> Result<StatusCode, Problem> {
    let Some((_, text)) = output.extensions.iter().find(|(name, _)| name == "httpstatus") else {
        return Ok(StatusCode::OK);
    };
    let status = text.parse().ok().and_then(|it| StatusCode::from_u16(it).ok());
    status.filter(|it| (200..600).contains(&it.as_u16())).ok_or_else(|| Problem::bad_status(text))
}

/// One entry per event, in order: its outputs, or how it failed. The status is 207 when any did.
pub(super) fn of_batch(ids: &[String], outcomes: Vec<Outcome>) -> Response<Body> {
    let failed = outcomes.iter().any(Result::is_err);
    let entries: Vec<Value> = ids.iter().zip(outcomes).map(|(id, outcome)| entry(id, outcome)).collect();
    // A tree of values always serialises.
    let body = serde_json::to_vec(&entries).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = if failed { StatusCode::MULTI_STATUS } else { StatusCode::OK };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn entry(id: &str, outcome: Outcome) -> Value {
    match outcome {
        Ok(outputs) => json!({ "id": id, "outputs": outputs.into_iter().map(output).collect::<Vec<_>>() }),
        Err(failure) => json!({ "id": id, "failure": told(&failure) }),
    }
}

/// A failure without its backtrace.
fn told(failure: &Failure) -> Value {
    let mut told = json!({ "kind": failure.kind.as_str(), "code": failure.code, "message": failure.message });
    if let Some(after) = failure.retry_after_ms {
        told["retry_after_ms"] = after.into();
    }
    told
}

/// An output in the JSON format of CloudEvents, as far as the function filled it.
fn output(output: Output) -> Value {
    let mut event = Map::new();
    event.insert("type".into(), output.r#type.into());
    let optional = [("subject", output.subject), ("datacontenttype", output.content_type.clone())];
    event.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    event.extend(output.extensions.into_iter().map(|(name, value)| (name, value.into())));
    let is_json = output.content_type.as_deref().is_some_and(super::cloudevents::is_json);
    let as_json = is_json.then(|| serde_json::from_slice(&output.data).ok()).flatten();
    match (as_json, std::str::from_utf8(&output.data)) {
        (Some(value), _) => event.insert("data".into(), value),
        (None, Ok(text)) => event.insert("data".into(), text.into()),
        (None, Err(_)) => event.insert("data_base64".into(), STANDARD.encode(&output.data).into()),
    };
    event.into()
}
