//! `DELETE /api/v1/projects/{project}/functions/{name}`: takes a function out of service.

use axum::extract::State;
use host_core::Name;
use http::StatusCode;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Takes a function out of service; its revisions and records stay.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/functions/{name}", tag = "functions",
    operation_id = "delete_function", params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
) -> Result<StatusCode, Problem> {
    state.release.delete(&project, &name, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
