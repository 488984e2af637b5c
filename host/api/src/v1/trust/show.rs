//! `GET /api/v1/projects/{project}/trust`: whose packages a project takes.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::trust::Trust;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows what a project demands of packages, and the keys it knows.
#[utoipa::path(get, path = "/api/v1/projects/{project}/trust", tag = "trust", operation_id = "show_trust",
    params(("project" = String, Path)), responses((status = 200, body = Trust)))]
pub(crate) async fn show(State(state): State<AppState>, InPath(project): InPath<Name>) -> Result<Json<Trust>, Problem> {
    Ok(Json(super::policy(&state, &project).await?.into()))
}
