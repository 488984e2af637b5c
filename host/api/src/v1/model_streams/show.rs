//! `GET /api/v1/projects/{project}/model-streams/{name}`: what a stream reads.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::model_stream::ModelStream;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows a model stream. How it is doing is told of its trigger, `models/<name>`.
#[utoipa::path(get, path = "/api/v1/projects/{project}/model-streams/{name}", tag = "models",
    operation_id = "show_model_stream", params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = ModelStream), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, name)): InPath<(Name, Name)>,
) -> Result<Json<ModelStream>, Problem> {
    Ok(Json(super::stream(&state, &project, &name).await?.into()))
}
