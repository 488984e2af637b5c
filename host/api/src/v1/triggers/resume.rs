//! `POST /api/v1/projects/{project}/triggers/{function}/{trigger}/resume`: lets a trigger go on.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::trigger::Trigger;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Lets a paused trigger go on, on every host, where it had stopped or where it was moved to.
#[utoipa::path(post, path = "/api/v1/projects/{project}/triggers/{function}/{trigger}/resume", tag = "triggers",
    operation_id = "resume_trigger",
    params(("project" = String, Path), ("function" = String, Path), ("trigger" = String, Path)),
    responses((status = 200, body = Trigger), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn resume(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, function, trigger)): InPath<(Name, Name, String)>,
) -> Result<Json<Trigger>, Problem> {
    let id = super::id(project, function, trigger);
    state.sources.resume(&id, &who).await?;
    Ok(Json(super::one(&state, &id)?))
}
