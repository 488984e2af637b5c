//! `DELETE /api/v1/projects/{project}/pipelines/{name}`: takes a pipeline out of force.

use axum::extract::State;
use host_core::{Name, ports::StandingPipelines as _};
use http::StatusCode;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Takes a pipeline out of force: nothing starts it any more. Its runs stay, and those in the works go on.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/pipelines/{name}", tag = "pipelines",
    operation_id = "delete_pipeline", params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
) -> Result<StatusCode, Problem> {
    state.store.forget(&project, &name, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
