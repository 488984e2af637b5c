//! `GET /api/v1/projects/{project}/triggers`: the triggers of a project.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::{Page, trigger::Trigger};

use crate::{AppState, extract::InPath, problem::Problem};

/// Lists the triggers that the host that answers runs, in order of function and name. Routes are no part of it.
#[utoipa::path(get, path = "/api/v1/projects/{project}/triggers", tag = "triggers", operation_id = "list_triggers",
    params(("project" = String, Path)), responses((status = 200, body = Page<Trigger>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
) -> Result<Json<Page<Trigger>>, Problem> {
    Ok(Json(Page::whole(state.sources.list(&project).into_iter().map(Trigger::from).collect())))
}
