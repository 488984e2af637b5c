//! From the outcomes of events to the response.

use ::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use axum::body::Body;
use bytes::BytesMut;
use host_core::{
    CallId,
    event::{Failure, Outcome, Output, in_header, is_attribute},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::problem::Problem;
use crate::cloudevents::data_of;

/// The extension that is the answer's status, and none of the output's.
const STATUS: &str = "httpstatus";

/// The most extensions of an output that become headers: many clients take no more than a hundred headers.
const MOST_EXTENSIONS: usize = 64;

// Read once, not with every answer.
static SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
static SOURCE: HeaderName = HeaderName::from_static("ce-source");
static ID: HeaderName = HeaderName::from_static("ce-id");
static TYPE: HeaderName = HeaderName::from_static("ce-type");
static TIME: HeaderName = HeaderName::from_static("ce-time");

/// How many headers most answers have: room for all of them is made at once.
const USUAL_HEADERS: usize = 12;

/// How many bytes the values take that the host writes into most answers.
const USUAL_VALUES: usize = 160;

/// What the host says of every output of a call.
pub(super) struct Stamp<'r> {
    pub(super) source: &'r HeaderValue,
    pub(super) time: Timestamp,
    pub(super) traceparent: Option<&'r str>,
}

/// What a request carried, which says how it is answered.
pub(super) enum Form {
    /// No event: one was made of it, with the call's id.
    Plain,
    /// The event of this id.
    Event(String),
    /// Those of these ids.
    Batch(Vec<String>),
}

/// The answer to a request of this form. `room` is an empty map for its headers.
pub(super) fn of_outcomes<'s>(
    form: &Form,
    call: CallId,
    mut outcomes: Vec<Outcome>,
    stamp: impl FnOnce() -> Stamp<'s>,
    room: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let id = match form {
        Form::Plain => None,
        Form::Event(id) => Some(&**id),
        Form::Batch(ids) => return Ok(of_batch(ids, outcomes, &stamp())),
    };
    match outcomes.pop() {
        Some(Ok(outputs)) => of_outputs(id, call, outputs, stamp, room),
        Some(Err(failure)) => Err(Problem::of_guest(&failure)),
        None => Err(Problem::unexpected_reply()),
    }
}

/// The first output is the answer; its extension `httpstatus` is the status.
///
/// It is a CloudEvent in the binary mode where the request was one, of this id. The answer to a plain request is one if
/// the output says more than data: HTTP has no other place for it.
fn of_outputs<'s>(
    id: Option<&str>,
    call: CallId,
    outputs: Vec<Output>,
    stamp: impl FnOnce() -> Stamp<'s>,
    mut room: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let Some(mut output) = outputs.into_iter().next() else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(response);
    };
    let status = status_of(&output)?;
    let has_body = status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED;
    let data = std::mem::take(&mut output.data);
    let mut response = Response::new(if has_body { Body::from(data) } else { Body::empty() });
    *response.status_mut() = status;
    room.reserve(USUAL_HEADERS);
    match id {
        Some(id) => describe(id, &output, &stamp(), &mut room),
        None if says_more_than_data(&output) => describe(call.text(&mut [0; 36]), &output, &stamp(), &mut room),
        None => {}
    }
    *response.headers_mut() = room;
    if has_body {
        let content_type = output.content_type.and_then(|it| HeaderValue::try_from(it).ok());
        let content_type = content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    Ok(response)
}

fn says_more_than_data(output: &Output) -> bool {
    output.subject.is_some() || output.extensions.iter().any(|(name, _)| name != STATUS)
}

/// Says in headers which event this is. What the host says of it cannot be said otherwise by the function.
fn describe(id: &str, output: &Output, stamp: &Stamp<'_>, headers: &mut HeaderMap) {
    headers.insert(&SPECVERSION, HeaderValue::from_static("1.0"));
    headers.insert(&SOURCE, stamp.source.clone());
    // The values share one allocation.
    let mut room = BytesMut::with_capacity(USUAL_VALUES);
    let mut say = |name: HeaderName, parts: &[&str]| {
        parts.iter().for_each(|it| room.extend_from_slice(it.as_bytes()));
        // An encoded text always fits into a header.
        if let Ok(value) = HeaderValue::from_maybe_shared(room.split().freeze()) {
            headers.insert(name, value);
        }
    };
    say(ID.clone(), &[&in_header(id), "/0"]);
    say(TYPE.clone(), &[&in_header(&output.r#type)]);
    say(TIME.clone(), &[&stamp.time.to_string()]);
    if let Some(subject) = &output.subject {
        say(HeaderName::from_static("ce-subject"), &[&in_header(subject)]);
    }
    for (name, value) in extensions(output, stamp).take(MOST_EXTENSIONS) {
        if let Ok(header) = HeaderName::try_from(format!("ce-{name}")) {
            say(header, &[&in_header(value)]);
        }
    }
    if let Some(traceparent) = stamp.traceparent {
        say(HeaderName::from_static("traceparent"), &[traceparent]);
        say(HeaderName::from_static("ce-traceparent"), &[traceparent]);
    }
}

/// The identity of an output: the same however often its event is tried.
fn identity(event: &str, index: usize) -> String {
    [event, "/", &index.to_string()].concat()
}

/// The extensions that a function may give; one that bears the name of an attribute would speak for the host.
fn extensions<'o>(output: &'o Output, stamp: &Stamp<'_>) -> impl Iterator<Item = (&'o String, &'o String)> {
    let has_trace = stamp.traceparent.is_some();
    output.extensions.iter().map(|(name, value)| (name, value)).filter(move |(name, _)| {
        if is_attribute(name) {
            tracing::warn!(extension = name, "an output's extension bears the name of an attribute and is left out");
        }
        !is_attribute(name) && *name != STATUS && !(has_trace && *name == "traceparent")
    })
}

fn status_of(output: &Output) -> Result<StatusCode, Problem> {
    let Some((_, text)) = output.extensions.iter().find(|(name, _)| name == STATUS) else {
        return Ok(StatusCode::OK);
    };
    let status = text.parse().ok().and_then(|it| StatusCode::from_u16(it).ok());
    status.filter(|it| (200..600).contains(&it.as_u16())).ok_or_else(|| Problem::bad_status(text))
}

/// One entry per event, in order: its outputs, or how it failed. The status is 207 when any did.
fn of_batch(ids: &[String], outcomes: Vec<Outcome>, stamp: &Stamp<'_>) -> Response<Body> {
    let failed = outcomes.iter().any(Result::is_err);
    let entries: Vec<Value> = ids.iter().zip(outcomes).map(|(id, outcome)| entry(id, outcome, stamp)).collect();
    // A tree of values always serialises.
    let body = serde_json::to_vec(&entries).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = if failed { StatusCode::MULTI_STATUS } else { StatusCode::OK };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn entry(id: &str, outcome: Outcome, stamp: &Stamp<'_>) -> Value {
    match outcome {
        Ok(outputs) => {
            let outputs = outputs.into_iter().enumerate().map(|(index, it)| output(&identity(id, index), it, stamp));
            json!({ "id": id, "outputs": outputs.collect::<Vec<_>>() })
        }
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

/// An output in the JSON format of CloudEvents.
fn output(id: &str, output: Output, stamp: &Stamp<'_>) -> Value {
    let mut event: Map<String, Value> =
        extensions(&output, stamp).map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let host = [
        ("specversion", "1.0".into()),
        ("id", id.to_owned()),
        ("source", stamp.source.to_str().unwrap_or_default().to_owned()),
        ("time", stamp.time.to_string()),
        ("type", output.r#type),
    ];
    event.extend(host.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    let optional = [
        ("subject", output.subject),
        ("datacontenttype", output.content_type.clone()),
        ("traceparent", stamp.traceparent.map(str::to_owned)),
    ];
    event.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    let (name, data) = data_of(output.content_type.as_deref(), &output.data);
    event.insert(name.to_owned(), data);
    event.into()
}
