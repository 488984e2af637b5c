//! `DELETE /api/v1/projects/{project}/secrets/{name}`: forgets a secret.

use axum::extract::State;
use host_core::Name;
use http::StatusCode;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Forgets a secret's value. Functions that are granted it get an error when they read it.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/secrets/{name}", tag = "secrets",
    operation_id = "delete_secret", params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
) -> Result<StatusCode, Problem> {
    state.secrets.delete(&project, &name, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
