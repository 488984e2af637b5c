//! `GET /api/v1/projects/{project}/artifacts/{digest}`: what is known of some bytes.

use axum::{Json, extract::State};
use host_core::{Digest, Name};
use host_wire::artifact::Artifact;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows what is known of an artifact.
#[utoipa::path(get, path = "/api/v1/projects/{project}/artifacts/{digest}", tag = "artifacts",
    operation_id = "show_artifact", params(("project" = String, Path), ("digest" = String, Path)),
    responses((status = 200, body = Artifact), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, digest)): InPath<(Name, Digest)>,
) -> Result<Json<Artifact>, Problem> {
    Ok(Json(state.store.artifact(&project, &digest).await?.into()))
}
