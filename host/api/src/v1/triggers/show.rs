//! `GET /api/v1/projects/{project}/triggers/{function}/{trigger}`: how a trigger is doing.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::trigger::Trigger;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows how a trigger is doing on the host that answers.
#[utoipa::path(get, path = "/api/v1/projects/{project}/triggers/{function}/{trigger}", tag = "triggers",
    operation_id = "show_trigger",
    params(("project" = String, Path), ("function" = String, Path), ("trigger" = String, Path)),
    responses((status = 200, body = Trigger), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, function, trigger)): InPath<(Name, Name, String)>,
) -> Result<Json<Trigger>, Problem> {
    Ok(Json(super::one(&state, &super::id(project, function, trigger))?))
}
