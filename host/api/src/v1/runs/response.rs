//! `GET /api/v1/projects/{project}/runs/{id}/response`: what a request that is answered later was answered.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use host_core::{
    Name, RunId,
    pipeline::{REQUEST_STEP, RESPONSE},
    ports::ArtifactError,
    run::{RunKind, StepOutput},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{AppState, extract::InPath, problem::Problem};

/// What a function wrote may be a page with scripts; a browser must not run them as if they were the host's.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Headers that would speak for the control plane rather than for the function.
const NOT_REPLAYED: &[HeaderName] = &[
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_SECURITY_POLICY,
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::WWW_AUTHENTICATE,
];

/// Gives the response of a request that was sent with `Prefer: respond-async`: its status, headers and bytes. 202 while
/// there is none yet, 410 once its bytes were collected.
#[utoipa::path(get, path = "/api/v1/projects/{project}/runs/{id}/response", tag = "runs",
    operation_id = "get_run_response", params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, content_type = "*/*", body = Vec<u8>), (status = 202, body = Value),
        (status = 404, body = host_wire::Problem), (status = 409, body = host_wire::Problem),
        (status = 410, body = host_wire::Problem), (status = 502, body = host_wire::Problem)))]
pub(crate) async fn response(
    State(state): State<AppState>,
    InPath((project, id)): InPath<(Name, RunId)>,
) -> Result<Response, Problem> {
    let run = super::find(&state, &project, id).await?;
    if run.spec.kind != RunKind::Request {
        let detail = format!("run {id} is no request: it has steps and artifacts, but no response");
        return Err(Problem::new(StatusCode::CONFLICT, "no-request", detail).hint(format!("fn runs show {id}")));
    }
    let steps = state.runs.journal().steps(id).await?;
    let request = steps.into_iter().find(|it| it.key.step == REQUEST_STEP);
    let output = request.as_ref().and_then(|it| it.outputs.iter().find(|it| it.name == RESPONSE));
    match (output, request.as_ref().and_then(|it| it.failure.as_ref())) {
        (Some(output), _) => replay(&state, output).await,
        (None, Some(failure)) if run.state.is_over() => {
            Err(Problem::new(StatusCode::BAD_GATEWAY, &failure.code, failure.message.clone()))
        }
        (None, _) if run.state.is_over() => {
            let detail = format!("run {id} was {} before it was answered", run.state.as_str());
            Err(Problem::new(StatusCode::BAD_GATEWAY, "not-answered", detail))
        }
        (None, _) => {
            let body = json!({ "run": id, "state": run.state });
            Ok((StatusCode::ACCEPTED, [(header::RETRY_AFTER, "1")], axum::Json(body)).into_response())
        }
    }
}

async fn replay(state: &AppState, output: &StepOutput) -> Result<Response, Problem> {
    let (size, bytes) = match state.artifacts.stream(&output.digest).await {
        Err(ArtifactError::NotFound(digest)) => {
            let detail = format!("the response was collected: artifact {digest} is not in the store any more");
            return Err(Problem::new(StatusCode::GONE, "collected", detail));
        }
        found => found?,
    };
    let mut response = Response::new(Body::from_stream(bytes));
    let status = output.metadata["status"].as_u64().and_then(|it| StatusCode::from_u16(u16::try_from(it).ok()?).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    read_headers(&output.metadata["headers"], headers);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

fn read_headers(kept: &Value, headers: &mut HeaderMap) {
    for pair in kept.as_array().into_iter().flatten() {
        let name = pair[0].as_str().and_then(|it| HeaderName::try_from(it).ok());
        let value = pair[1].as_str().and_then(|it| HeaderValue::try_from(it).ok());
        let Some((name, value)) = name.zip(value) else { continue };
        let is_ours = NOT_REPLAYED.contains(&name) || name.as_str().starts_with("access-control-");
        if !is_ours {
            headers.append(name, value);
        }
    }
}
