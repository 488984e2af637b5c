//! `GET /api/v1/projects/{project}/dead-letters/{id}`: one event that was given up.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::dead_letter::DeadLetter;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows an event that was given up, as it came.
#[utoipa::path(get, path = "/api/v1/projects/{project}/dead-letters/{id}", tag = "dead-letters",
    operation_id = "show_dead_letter", params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = DeadLetter), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, id)): InPath<(Name, String)>,
) -> Result<Json<DeadLetter>, Problem> {
    Ok(Json(super::told(&state, &project, &id).await?))
}
