//! `POST /api/v1/projects/{project}/runs/{id}/reproduce`: does a run again from its record.

use axum::{Json, extract::State};
use host_core::{Name, RunId};
use host_wire::run::Run;
use http::StatusCode;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Submits a run that does this one again: same code by digest, same params, inputs and seeds.
#[utoipa::path(post, path = "/api/v1/projects/{project}/runs/{id}/reproduce", tag = "runs",
    operation_id = "reproduce_run", params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 201, body = Run), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn reproduce(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, id)): InPath<(Name, RunId)>,
) -> Result<(StatusCode, Json<Run>), Problem> {
    super::find(&state, &project, id).await?;
    Ok((StatusCode::CREATED, Json(state.runs.reproduce(id, &who).await?.into())))
}
