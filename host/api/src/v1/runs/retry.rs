//! `POST /api/v1/projects/{project}/runs/{id}/retry`: runs again what failed.

use axum::{Json, extract::State};
use host_core::{Name, RunId};
use host_wire::run::Run;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Runs again what failed, what came after it, and what has a newer revision by now.
#[utoipa::path(post, path = "/api/v1/projects/{project}/runs/{id}/retry", tag = "runs", operation_id = "retry_run",
    params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Run), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn retry(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, id)): InPath<(Name, RunId)>,
) -> Result<Json<Run>, Problem> {
    super::find(&state, &project, id).await?;
    Ok(Json(state.runs.retry(id, &who).await?.into()))
}
