//! `POST /api/v1/projects/{project}/runs/{id}/cancel`: stops a run.

use axum::{Json, extract::State};
use host_core::{Name, RunId};
use host_wire::run::Run;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Stops a run: what waits at once, what runs as soon as it can.
#[utoipa::path(post, path = "/api/v1/projects/{project}/runs/{id}/cancel", tag = "runs", operation_id = "cancel_run",
    params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Run), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, id)): InPath<(Name, RunId)>,
) -> Result<Json<Run>, Problem> {
    super::find(&state, &project, id).await?;
    Ok(Json(state.runs.cancel(id, &who).await?.into()))
}
