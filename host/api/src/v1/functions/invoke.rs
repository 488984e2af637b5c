//! `POST /api/v1/projects/{project}/functions/{name}/invoke`: calls a function by hand.

use axum::{Json, body::Body, extract::State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use host_core::{
    CallId, Name,
    body::Whole,
    call::{Call, CallContext, Reply, Target, TriggerRef},
    event::{Event, is_attribute},
    function::FunctionRef,
    ports::Deployments,
};
use host_wire::invoke::{self, Invoke, Invoked, Outcome};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    principal::Principal,
    problem::Problem,
};

/// The media type of several events; any other is the payload of one.
const EVENTS: &str = "application/vnd.weft.events+json";

/// What the event says of itself.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// What happened; `weft.invoke`, when absent.
    r#type: Option<String>,
    /// What it is about.
    subject: Option<String>,
}

/// How many events there are, whatever they are.
#[derive(Deserialize)]
struct Counted {
    events: Vec<IgnoredAny>,
}

/// Calls a function, `name` or `name@revision`, with the body as the payload of one event, or with several events.
#[utoipa::path(post, path = "/api/v1/projects/{project}/functions/{name}/invoke", tag = "functions",
    operation_id = "invoke_function", params(("project" = String, Path), ("name" = String, Path), Query),
    request_body(content((Vec<u8> = "*/*"), (Invoke = "application/vnd.weft.events+json"))),
    responses((status = 200, body = Invoked), (status = 404, body = host_wire::Problem),
        (status = 429, body = host_wire::Problem), (status = 504, body = host_wire::Problem)))]
pub(crate) async fn invoke(
    State(state): State<AppState>,
    Principal(principal): Principal,
    InPath((project, function)): InPath<(Name, FunctionRef)>,
    InQuery(query): InQuery<Query>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Invoked>, Problem> {
    let most = most(&state, &project, &function).await?;
    // Held until the call is over, so that those who wait for a place count as well.
    let Whole { bytes: body, held: _held } = crate::body::read(&state, body, most).await?;
    let mut context = CallContext::new(TriggerRef::new("api", "invoke"));
    context.principal = principal;
    let id = context.id;
    let _guard = context.cancelled.clone().drop_guard();
    let events = events(id, query, &headers, body, state.config().max_events)?;
    let called = state.dispatch.call(Target::Function(project, function), context, Call::Events(events)).await;
    match called.reply {
        Ok(Reply::Events(outcomes)) => {
            let outcomes = outcomes.into_iter().map(|it| Outcome::new(it, |bytes| STANDARD.encode(bytes)));
            Ok(Json(Invoked { call: id, outcomes: outcomes.collect() }))
        }
        Ok(_) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected-reply", "the call gave no outcomes")),
        Err(failure) => Err(Problem::from(failure).call(id)),
    }
}

/// The most bytes that the function takes; one that is not deployed is refused before its body is read.
async fn most(state: &AppState, project: &Name, function: &FunctionRef) -> Result<u64, Problem> {
    let active = state.directory.functions().get(project, &function.name).cloned();
    let revision = match active {
        Some(active) => active,
        None if function.revision.is_some() => state.store.revision(project, function).await?,
        None => {
            let detail = format!("function `{}` of project `{project}` is not deployed", function.name);
            return Err(Problem::not_found(detail).hint("`fn list` shows what is deployed"));
        }
    };
    Ok(revision.manifest.limits.max_body.0.min(state.config().max_invoke.0))
}

fn events(id: CallId, query: Query, headers: &HeaderMap, body: Bytes, most: usize) -> Result<Vec<Event>, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).map(str::to_owned);
    if content_type.as_deref().is_some_and(|it| it.starts_with(EVENTS)) {
        let bad_json = |error: serde_json::Error| Problem::new(StatusCode::BAD_REQUEST, "bad-json", error.to_string());
        // Counted first: an event that says nothing takes hundreds of times its text once it is read.
        let Counted { events } = serde_json::from_slice(&body).map_err(bad_json)?;
        if events.len() > most {
            let detail = format!("the call has more than {most} events");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-events", detail));
        }
        let invoke: Invoke = serde_json::from_slice(&body).map_err(bad_json)?;
        if invoke.events.is_empty() {
            return Err(Problem::unprocessable("no-events", "there is no event to call the function with"));
        }
        return invoke.events.into_iter().enumerate().map(|(number, it)| event(id, number, it)).collect();
    }
    let one = invoke::Event { r#type: query.r#type, subject: query.subject, ..invoke::Event::default() };
    let mut event = event(id, 0, one)?;
    (event.data, event.content_type) = (body, content_type);
    Ok(vec![event])
}

fn event(id: CallId, number: usize, event: invoke::Event) -> Result<Event, Problem> {
    if let Some(name) = event.extensions.keys().find(|it| is_attribute(it)) {
        let detail = format!("event {number} has an extension `{name}`, which is the name of an attribute");
        return Err(Problem::unprocessable("invalid-body", detail));
    }
    let is_json = event.datacontenttype.as_deref().is_none_or(|it| it.contains("json"));
    let data = match (event.data, event.data_base64) {
        (Some(_), Some(_)) => {
            let detail = format!("event {number} has both `data` and `data_base64`");
            return Err(Problem::unprocessable("invalid-body", detail));
        }
        (Some(Value::String(text)), None) if !is_json => text.into(),
        (Some(value), None) => value.to_string().into(),
        (None, None) => Bytes::new(),
        (None, Some(encoded)) => STANDARD.decode(encoded).map(Bytes::from).map_err(|error| {
            Problem::unprocessable("invalid-body", format!("`data_base64` of event {number} is not base64: {error}"))
        })?,
    };
    Ok(Event {
        id: event.id.unwrap_or_else(|| format!("{id}/{number}")),
        source: event.source.unwrap_or_else(|| "/api/v1/invoke".into()),
        r#type: event.r#type.unwrap_or_else(|| "weft.invoke".into()),
        subject: event.subject,
        time: event.time,
        content_type: event.datacontenttype.or_else(|| Some("application/json".into())),
        key: event.key.map(Bytes::from),
        inlet: event.inlet.unwrap_or_default(),
        extensions: event.extensions.into_iter().collect(),
        data,
    })
}
