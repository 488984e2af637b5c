//! `POST /api/v1/projects/{project}/triggers/{function}/{trigger}/seek`: has a trigger read elsewhere.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::trigger::{MoveTrigger, Trigger};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Moves a paused trigger to another place of its stream, where it goes on once it is resumed.
#[utoipa::path(post, path = "/api/v1/projects/{project}/triggers/{function}/{trigger}/seek", tag = "triggers",
    operation_id = "seek_trigger",
    params(("project" = String, Path), ("function" = String, Path), ("trigger" = String, Path)),
    request_body = MoveTrigger,
    responses((status = 200, body = Trigger), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem), (status = 422, body = host_wire::Problem)))]
pub(crate) async fn seek(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, function, trigger)): InPath<(Name, Name, String)>,
    InBody(body): InBody<MoveTrigger>,
) -> Result<Json<Trigger>, Problem> {
    let id = super::id(project, function, trigger);
    state.sources.seek(&id, body.to.into(), &who).await?;
    Ok(Json(super::one(&state, &id)?))
}
