//! `POST /api/v1/projects/{project}/dead-letters/{id}/replay`: tries an event that was given up once more.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::dead_letter::DeadLetter;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Hands an event that was given up to the present revision of its function. The outputs go where the trigger sends
/// them. The letter stays, and tells when it was replayed; a second replay sends its outputs a second time.
#[utoipa::path(post, path = "/api/v1/projects/{project}/dead-letters/{id}/replay", tag = "dead-letters",
    operation_id = "replay_dead_letter", params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = DeadLetter), (status = 404, body = host_wire::Problem),
        (status = 502, body = host_wire::Problem)))]
pub(crate) async fn replay(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, id)): InPath<(Name, String)>,
) -> Result<Json<DeadLetter>, Problem> {
    let letter = super::one(&state, &project, &id).await?;
    state.sources.replay(&letter, &who).await?;
    Ok(Json(super::told(&state, &project, &id).await?))
}
