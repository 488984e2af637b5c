//! `GET /api/v1/projects/{project}/calls/{id}`: one call on record.

use axum::{Json, extract::State};
use host_core::{CallId, Name};
use host_wire::call::Call;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows a call.
#[utoipa::path(get, path = "/api/v1/projects/{project}/calls/{id}", tag = "calls", operation_id = "show_call",
    params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Call), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, id)): InPath<(Name, CallId)>,
) -> Result<Json<Call>, Problem> {
    state.store.recorder().flush().await;
    Ok(Json(state.store.call(&project, id).await?.into()))
}
