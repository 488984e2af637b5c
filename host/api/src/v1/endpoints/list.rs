//! `GET /api/v1/projects/{project}/endpoints`: what is served.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::{Page, endpoint::Endpoint};

use crate::{AppState, extract::InPath, problem::Problem};

/// Lists endpoints, in order of name.
#[utoipa::path(get, path = "/api/v1/projects/{project}/endpoints", tag = "endpoints", operation_id = "list_endpoints",
    params(("project" = String, Path)), responses((status = 200, body = Page<Endpoint>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
) -> Result<Json<Page<Endpoint>>, Problem> {
    let endpoints = state.models.endpoints(&project).await?;
    Ok(Json(Page::whole(endpoints.into_iter().map(Endpoint::from).collect())))
}
