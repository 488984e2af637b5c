//! `GET /api/v1/projects/{project}/secrets`: the secrets of a project, without their values.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::{Page, secret::Secret};

use crate::{AppState, extract::InPath, problem::Problem};

/// Lists secrets in order of name: version, when and by whom it was set. Values are never told.
#[utoipa::path(get, path = "/api/v1/projects/{project}/secrets", tag = "secrets", operation_id = "list_secrets",
    params(("project" = String, Path)), responses((status = 200, body = Page<Secret>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
) -> Result<Json<Page<Secret>>, Problem> {
    let secrets = state.secrets.list(&project).await?;
    Ok(Json(Page::whole(secrets.into_iter().map(Secret::from).collect())))
}
