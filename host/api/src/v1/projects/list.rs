//! `GET /api/v1/projects`: every project.

use axum::{Json, extract::State};
use host_wire::Page;

use crate::{AppState, principal::Caller, problem::Problem};

/// Lists every project, in order of name; `default` is always there. Whoever is bound to a project sees that one.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", operation_id = "list_projects",
    responses((status = 200, body = Page<String>)))]
pub(crate) async fn list(State(state): State<AppState>, Caller(caller): Caller) -> Result<Json<Page<String>>, Problem> {
    let mut projects = state.store.projects().await?;
    projects.retain(|it| caller.check_project(it.as_str()).is_ok());
    Ok(Json(Page::whole(projects.into_iter().map(String::from).collect())))
}
