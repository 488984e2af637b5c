//! `GET /api/v1/projects`: every project.

use axum::{Json, extract::State};
use host_wire::Page;

use crate::{AppState, problem::Problem};

/// Lists every project, in order of name; `default` is always there.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", operation_id = "list_projects",
    responses((status = 200, body = Page<String>)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Json<Page<String>>, Problem> {
    let projects = state.store.projects().await?;
    Ok(Json(Page::whole(projects.into_iter().map(String::from).collect())))
}
