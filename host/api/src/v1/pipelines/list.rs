//! `GET /api/v1/projects/{project}/pipelines`: the pipelines that are kept in a project.

use axum::{Json, extract::State};
use host_core::{Name, ports::StandingPipelines as _};
use host_wire::{Page, pipeline::Pipeline};

use crate::{AppState, extract::InPath, problem::Problem};

/// Lists pipelines in order of name, without their text.
#[utoipa::path(get, path = "/api/v1/projects/{project}/pipelines", tag = "pipelines", operation_id = "list_pipelines",
    params(("project" = String, Path)), responses((status = 200, body = Page<Pipeline>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
) -> Result<Json<Page<Pipeline>>, Problem> {
    let kept = state.store.pipelines(&project).await?;
    Ok(Json(Page::whole(kept.into_iter().map(|it| Pipeline::from(it).without_text()).collect())))
}
