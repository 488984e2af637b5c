//! `POST /api/v1/projects/{project}/runs/{id}/retry`: runs again what failed.

use axum::{Json, extract::State};
use host_core::{Name, RunId};
use host_wire::run::Run;

use crate::{AppState, auth, extract::InPath, principal::Caller, problem::Problem};

/// Runs again what failed, what came after it, and what has a newer revision by now.
#[utoipa::path(post, path = "/api/v1/projects/{project}/runs/{id}/retry", tag = "runs", operation_id = "retry_run",
    params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Run), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn retry(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath((project, id)): InPath<(Name, RunId)>,
) -> Result<Json<Run>, Problem> {
    let run = super::find(&state, &project, id).await?;
    caller.check_role(auth::role_for(&run.spec.pipeline))?;
    Ok(Json(state.runs.retry(id, &caller.name).await?.into()))
}
