//! `GET /api/v1/projects/{project}/models/{model}/versions`: the versions of a model.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::{Page, version::Version};

use crate::{AppState, extract::InPath, problem::Problem};

/// Lists versions, newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/models/{model}/versions", tag = "models",
    operation_id = "list_versions", params(("project" = String, Path), ("model" = String, Path)),
    responses((status = 200, body = Page<Version>)))]
pub(crate) async fn versions(
    State(state): State<AppState>,
    InPath((project, model)): InPath<(Name, Name)>,
) -> Result<Json<Page<Version>>, Problem> {
    let versions = state.models.versions(&project, &model).await?;
    Ok(Json(Page::whole(versions.into_iter().map(Version::from).collect())))
}
