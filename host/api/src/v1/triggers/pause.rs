//! `POST /api/v1/projects/{project}/triggers/{function}/{trigger}/pause`: has a trigger rest.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::trigger::Trigger;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Stops a trigger on every host until it is resumed. What is in flight is settled first; on this host it is when this
/// answers, on others about a second later.
#[utoipa::path(post, path = "/api/v1/projects/{project}/triggers/{function}/{trigger}/pause", tag = "triggers",
    operation_id = "pause_trigger",
    params(("project" = String, Path), ("function" = String, Path), ("trigger" = String, Path)),
    responses((status = 200, body = Trigger), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn pause(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, function, trigger)): InPath<(Name, Name, String)>,
) -> Result<Json<Trigger>, Problem> {
    let id = super::id(project, function, trigger);
    state.sources.pause(&id, &who).await?;
    Ok(Json(super::one(&state, &id)?))
}
