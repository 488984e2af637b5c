//! `DELETE /api/v1/projects/{project}/model-streams/{name}`: has a stream read no more.

use axum::extract::State;
use host_core::{Name, ports::ModelStreams as _};
use http::StatusCode;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Removes a model stream. Models that it brought stay, in force where they are.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/model-streams/{name}", tag = "models",
    operation_id = "remove_model_stream", params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
) -> Result<StatusCode, Problem> {
    state.store.remove(&project, &name, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
